/* sandbox: the state of a sandbox, which all its folders share. */
#ifndef SB_TURN_SANDBOX_H
#define SB_TURN_SANDBOX_H

#include "backend/sandbox/media/config.h"
#include "backend/sandbox/store/db.h"
#include "backend/sandbox/turn/faults.h"
#include "backend/sandbox/turn/limit_log.h"
#include "backend/sandbox/turn/outbox.h"
#include "backend/sandbox/turn/unsent.h"
#include "base/buf.h"
#include "base/language.h"
#include "base/table.h"

#include <milky/json.h>

/*
 * The answer to the last get_login_info: bots ask it again and again. It is valid until the next
 * write to the database: `changes` is the sqlite3_total_changes64 of then. Without a nickname there
 * is none.
 */
struct sb_login {
    uint64_t self_id;
    int64_t changes;
    struct mk_buf nickname;
};

struct sb_media_store;
struct sb_api;

struct sb_sandbox {
    struct milky_host *host;
    char *path;
    char *old_path; /* "": there is none */
    struct sb_db db;
    struct sb_outbox outbox;
    struct sb_unsent unsent;
    struct sb_login login;
    struct sb_media_store *media; /* media/media.h */
    struct mk_table media_calls;  /* calls whose media are being fetched: call_media.h */
    struct sb_media_config media_config;
    struct sb_faults faults;
    struct sb_limit_log limit_log;
    bool is_lenient;            /* nothing is refused or dropped by a limit: it is warned of */
    const struct sb_api **apis; /* by action number; NULL for an action that is not supported */
    char *world;                /* the file that a reset loads, or NULL */
    uint64_t seed;
    bool is_seeded;
};

/* The language of replies. */
static inline enum mk_language sb_language(const struct sb_sandbox *sandbox)
{
    return (enum mk_language)milky_host_language(sandbox->host);
}

#endif
