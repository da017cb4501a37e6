/*
 * text: what the command line needs around base/language.h: the languages that the environment
 * asks for, and text in a terminal.
 */
#ifndef MK_CLI_TEXT_H
#define MK_CLI_TEXT_H

#include "base/language.h"
#include "base/slice.h"

#include <stdint.h>
#include <stdio.h>

/*
 * Sets the language of the process from LC_ALL, LC_MESSAGES and LANG: Chinese when the locale
 * begins with "zh", else English.
 */
void mk_text_setup(void);

/*
 * The language for replies to bots where the configuration names none: that of the environment, and
 * Chinese where it names none either (nothing is set, or "C" or "POSIX").
 */
enum mk_language mk_text_reply_language(void);

/* Words for a name that the daemon uses. */
struct mk_word {
    const char *name;
    const char *en;
    const char *zh;
};
/* The words for a name; NULL for an unknown name and for NULL. */
const char *mk_word_for(const struct mk_word *words, size_t count, const char *name);

/* Writes a time, seconds since 1970, as this machine's clock shows it: "2026-01-31 12:34:56". */
enum { MK_TEXT_TIME = 32 };
const char *mk_text_time(uint64_t seconds, char text[MK_TEXT_TIME]);

/*
 * Prints text of others, escaped for a terminal (base/escape.h). `lines`: it may have several
 * lines, which are kept.
 */
void mk_text_show(FILE *to, struct mk_slice text, bool lines);

#endif
