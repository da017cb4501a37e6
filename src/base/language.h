/*
 * language: the two languages in which milky speaks to people. A part that writes words for them
 * gets the language from its caller: the process has none.
 */
#ifndef MK_BASE_LANGUAGE_H
#define MK_BASE_LANGUAGE_H

enum mk_language { MK_ENGLISH, MK_CHINESE };

#endif
