/*
 * language: the two languages in which milky speaks to people, English and Chinese. A text is
 * written twice where it is used, as a whole sentence in each language; the compiler checks that
 * both take the same arguments, and scripts/check-languages that no half is missing.
 *
 * The log and the program speak one language, which belongs to the process: the program takes it
 * from its environment, an embedder sets it (milky_language_set), and it is English until then.
 * Text for others than the user of this process, such as the sandbox's replies to bots, gets its
 * language from its caller.
 */
#ifndef MK_BASE_LANGUAGE_H
#define MK_BASE_LANGUAGE_H

enum mk_language { MK_ENGLISH, MK_CHINESE };

/* A constant text. */
struct mk_phrase {
    const char *en;
    const char *zh;
};

/* A pointer to one, for an argument. */
#define MK_PHRASE(en, zh) (&(const struct mk_phrase){ (en), (zh) })

/* For functions that take one format in both languages, and the arguments of both. */
#define MK_FORMAT_PAIR(en, zh, first)                                                              \
    __attribute__((format(printf, en, first), format(printf, zh, first)))

/* The language of the process. To be set before there are endpoints. */
void mk_language_set(enum mk_language language);
enum mk_language mk_language_get(void);

/* One of the two, in the language of the process. */
const char *mk_tr(const char *en, const char *zh) __attribute__((format_arg(1), format_arg(2)));

/* One of the two, in a language that the caller knows. */
static inline const char *mk_tr_in(enum mk_language language, const char *en, const char *zh)
    __attribute__((format_arg(2), format_arg(3)));
static inline const char *mk_tr_in(enum mk_language language, const char *en, const char *zh)
{
    return language == MK_CHINESE ? zh : en;
}

/* The phrase in the language of the process; NULL for NULL. */
const char *mk_phrase_text(const struct mk_phrase *phrase);

#endif
