/*
 * mistakes: what is wrong with a configuration, in words: the one sink for all that reads or checks
 * one. The place of a mistake is its JSON path; in a file the sink finds the byte to it.
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
    size_t at;            /* byte of the file */
    const char *path;     /* "bots[0].webhook[1].url"; "" for the whole */
    const char *expected; /* "a QQ number from 10001 to 4294967295", or "" */
    const char *got;      /* "42", or ""; never a token or a URL */
    const char *text;     /* all of it but the path */
};

struct mk_mistakes {
    struct mk_arena *arena; /* of all texts */
    struct mk_slice text;   /* the file, */
    yyjson_doc *doc;        /* and what was read of it; NULL for the structs of an embedder */
    bool out_of_memory;
    size_t most; /* as many are kept; at most MK_CONFIG_MAX_MISTAKES */
    size_t count;
    struct mk_mistake list[MK_CONFIG_MAX_MISTAKES];
};

/*
 * A mistake as it is found. In English it becomes "expected EXPECTED, got GOT" and REST; the
 * Chinese words bring their verbs along ("应为", "实际为"). All of them are borrowed until the
 * mistakes have been read.
 */
struct mk_mistake_found {
    const char *path;
    const yyjson_val *value; /* where it is in the file; NULL: at `at`, or at `path` */
    const char *at;          /* a path to point at in the place of `path`; NULL: none */
    const char *expected;    /* NULL: left out, as are the next two */
    const char *got;
    const char *rest; /* goes on behind them: " (a port serves one bot)" */
    const char *text; /* all of it, in the place of these; NULL: put together */
};

/* A path as text. */
const char *mk_mistakes_path(struct mk_mistakes *mistakes, const struct mk_json_path *path);

/* Keeps a mistake, where there are not too many. */
void mk_mistakes_add(struct mk_mistakes *mistakes, const struct mk_mistake_found *found);

/* Something at this path is wrong, and is kept: what follows from that is no mistake of its own. */
bool mk_mistakes_has(const struct mk_mistakes *mistakes, const char *path);

/* Sorts them by their place in the file. */
void mk_mistakes_sort(struct mk_mistakes *mistakes);

/* Text on the arena; "" when memory is out, which is noted. */
const char *mk_mistakes_text(struct mk_mistakes *mistakes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* `text` as it can be shown: in quotes, escaped, and cut where it is long. */
const char *mk_mistakes_quote(struct mk_mistakes *mistakes, struct mk_slice text);

#endif
