/*
 * key: an entry of the schema: the type of a key's value, the member that stores it, its default,
 * and its explanation in both languages.
 */
#ifndef MK_CONFIG_KEY_H
#define MK_CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The type of a value, and of the member that stores it. */
enum mk_config_type {
    MK_CONFIG_OBJECT,  /* `keys`, in the same struct */
    MK_CONFIG_LIST,    /* of objects of `keys`: a pointer to structs that begin with their size, and
                          their number */
    MK_CONFIG_BACKEND, /* an object of `keys` and those of one of `variants`; read.c stores it */
    MK_CONFIG_TEXT,    /* const char *; never empty, nor is any text below */
    MK_CONFIG_PATH,    /* const char *, made relative to the working directory */
    MK_CONFIG_PATHS,   /* a list of these: const char *const *, and their number */
    MK_CONFIG_ORIGIN,  /* const char *, an origin as browsers send it, or "*" */
    MK_CONFIG_ORIGINS, /* a list of these, or one: const char *const *, and their number */
    MK_CONFIG_EVENT_TYPE,    /* const char *, the name of a type of events, in any dialect */
    MK_CONFIG_EVENT_TYPES,   /* a list of these, as above */
    MK_CONFIG_SCENE,         /* const char *, "friend", "group" or "temp" */
    MK_CONFIG_SCENES,        /* a list of these, as above */
    MK_CONFIG_UINS,          /* a list of QQ numbers: const uint64_t *, and their number */
    MK_CONFIG_OWN_ORIGIN,    /* const char *, an origin that we send */
    MK_CONFIG_LISTEN,        /* const char *, an address for mk_address_parse */
    MK_CONFIG_WEBSOCKET_URL, /* const char *, ws or wss */
    MK_CONFIG_HTTP_URL,      /* const char *, http or https */
    MK_CONFIG_NAME,          /* const char *, of a backend: letters, digits, '-' and '_' */
    MK_CONFIG_TOKEN,         /* const char *, fit for a header; its value is never printed */
    MK_CONFIG_PREFIX,        /* const char *, a path: "/" first, none at its end */
    MK_CONFIG_CHOICE,        /* unsigned: which of `choices` */
    MK_CONFIG_UIN,           /* uint64_t, a QQ number */
    MK_CONFIG_NUMBER,        /* uint64_t, from `least` to `most` */
    MK_CONFIG_BOOLEAN,       /* bool */
};

enum { MK_CONFIG_LEAST_UIN = 10001 };
#define MK_CONFIG_MOST_UIN UINT64_C(4294967295)

/* Stored for a `null`, in a key that may be null. */
extern const char mk_config_null[];

struct mk_config_key;

/* A kind of object, named by its key `type`. */
struct mk_config_variant {
    const char *name; /* NULL ends a table */
    const struct mk_config_key *keys;
};

struct mk_config_key {
    const char *name; /* NULL ends a table */
    enum mk_config_type type;
    bool required; /* a list: at least one element */
    bool nullable;
    bool ignored;   /* checked, but not stored */
    size_t at;      /* offset of its member in the object's struct */
    size_t count;   /* a list (of objects or texts): offset of the number of elements */
    size_t size;    /* a list: of the struct of an element */
    bool negated;   /* a boolean: the opposite is stored */
    uint64_t least; /* a number: its bounds */
    uint64_t most;
    bool shorthand; /* an object: a string is short for an object with that as its first key */
    const struct mk_config_key *keys;
    const char *const *choices; /* ended by NULL; a choice has these or `variants` */
    const struct mk_config_variant *variants;
    const char *fallback; /* the default of an absent key: a word, or NULL; */
    uint64_t usual;       /* of a number that is not required: this */
    bool implied; /* `usual` is only part of the default: the number is 0 when the key is absent */
    const char *sample; /* its value in the sample, as JSON; NULL: the default */
    bool sample_off;    /* the sample has it as a comment */
    const char *en;
    const char *zh;
};

/* The name of a choice; NULL after the last one. */
static inline const char *mk_config_choice(const struct mk_config_key *key, size_t i)
{
    return key->choices ? key->choices[i] : key->variants[i].name;
}

/* A number that a file or an embedder may leave out. */
static inline bool mk_config_key_has_usual(const struct mk_config_key *key)
{
    return key->type == MK_CONFIG_NUMBER && !key->required && !key->implied;
}

/* The key of an element of a list of texts (but MK_CONFIG_PATHS), or NULL. */
const struct mk_config_key *mk_config_key_element(const struct mk_config_key *key);

/* It is stored as a text of its own. */
bool mk_config_key_is_text(const struct mk_config_key *key);

/* A key at the top of the schema that is stored in struct milky_config, not for the program alone.
 */
bool mk_config_key_is_endpoints(const struct mk_config_key *key);

#endif
