/*
 * mistakes: the list of mistakes in a configuration, in words, which all code that reads or checks
 * a configuration adds to. A mistake is known by its JSON path; in a file the list finds the byte
 * at that path. The words are in the language of the process.
 */
#ifndef MK_CONFIG_MISTAKES_H
#define MK_CONFIG_MISTAKES_H

#include "base/arena.h"
#include "base/json_path.h"
#include "base/language.h"

#include <stdbool.h>
#include <yyjson.h>

enum { MK_CONFIG_MAX_MISTAKES = 100 };

struct mk_mistake {
    size_t at;            /* byte in the file */
    const char *path;     /* "bots[0].webhook[1].url"; "" for the whole configuration */
    const char *expected; /* "a QQ number from 10001 to 4294967295", or "" */
    const char *got;      /* "42", or ""; never a token or a URL */
    const char *text;     /* all of it but the path */
};

struct mk_mistakes {
    struct mk_arena *arena; /* of all texts */
    struct mk_slice text;   /* of the file */
    yyjson_doc *doc;        /* the document in the file; NULL for the structs of an embedder */
    bool out_of_memory;
    size_t most; /* mistakes that are kept; at most MK_CONFIG_MAX_MISTAKES */
    size_t count;
    struct mk_mistake list[MK_CONFIG_MAX_MISTAKES];
};

/*
 * A mistake to add. `expected` and `got` are nouns, for programs that show them apart; `text` is a
 * whole sentence. All of them are borrowed until the mistakes have been read.
 */
struct mk_mistake_found {
    const char *path;
    const yyjson_val *value; /* its value in the file; NULL: the value at `at`, or at `path` */
    const char *at;          /* the path to point at, instead of `path`; or NULL */
    const char *expected;    /* or NULL */
    const char *got;         /* or NULL */
    const char *text;        /* NULL: "expected EXPECTED, got GOT" */
};

/* A path as text. */
const char *mk_mistakes_path(struct mk_mistakes *mistakes, const struct mk_json_path *path);

/* Adds a mistake, unless there are too many already. */
void mk_mistakes_add(struct mk_mistakes *mistakes, const struct mk_mistake_found *found);

/* A mistake at this path was added: its consequences are not mistakes of their own. */
bool mk_mistakes_has(const struct mk_mistakes *mistakes, const char *path);

/* Sorts the mistakes by their position in the file. */
void mk_mistakes_sort(struct mk_mistakes *mistakes);

/*
 * Text on the arena: the first function's is the same in both languages (a path), the second's is
 * in the language of the process. They return "" when out of memory, and set `out_of_memory`.
 */
const char *mk_mistakes_text(struct mk_mistakes *mistakes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *mk_mistakes_say(struct mk_mistakes *mistakes, const char *en, const char *zh, ...)
    MK_FORMAT_PAIR(2, 3, 4);

/* `text` in quotes, escaped, and cut where it is long. */
const char *mk_mistakes_quote(struct mk_mistakes *mistakes, struct mk_slice text);

#endif
