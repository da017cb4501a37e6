/*
 * text: the words of the command line in the user's language, English or Chinese. Not for the log,
 * which is English.
 */
#ifndef MK_CLI_TEXT_H
#define MK_CLI_TEXT_H

#include "base/language.h"
#include "base/slice.h"

#include <stdint.h>
#include <stdio.h>

/* English until this is called; it reads LC_ALL, LC_MESSAGES and LANG. */
void mk_text_setup(void);

/* Chinese when `locale` begins with "zh", else English; NULL and "" are English. */
void mk_text_set(const char *locale);
enum mk_language mk_text_language(void);

/* One of the two, as the language is. Both must take the same arguments in the same order. */
const char *mk_tr(const char *en, const char *zh) __attribute__((format_arg(1), format_arg(2)));

/* What the daemon calls by a name, in words for a person. */
struct mk_word {
    const char *name;
    const char *en;
    const char *zh;
};
/* The words for a name, or NULL where it is none of these, or NULL. */
const char *mk_word_for(const struct mk_word *words, size_t count, const char *name);

/* Writes a time, seconds since 1970, as this machine's clock shows it: "2026-01-31 12:34:56". */
enum { MK_TEXT_TIME = 32 };
const char *mk_text_time(uint64_t seconds, char text[MK_TEXT_TIME]);

/*
 * Prints text of others, with what could garble a terminal escaped (base/escape.h). `lines`: it may
 * have several, which stay.
 */
void mk_text_show(FILE *to, struct mk_slice text, bool lines);

#endif
