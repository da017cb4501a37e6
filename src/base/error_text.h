/* error_text: describes an errno in words, for a log line or an answer. */
#ifndef MK_BASE_ERROR_TEXT_H
#define MK_BASE_ERROR_TEXT_H

#include "base/language.h"

/*
 * `error` is an errno, positive. The text is constant: any thread may keep it for any time. The
 * first returns it in the language of the process.
 */
const char *mk_error_text(int error);
const char *mk_error_text_in(enum mk_language language, int error);

#endif
