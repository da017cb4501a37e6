/* backends: see the header. */
#include "cli/backends.h"

#include "backend/sandbox/sandbox.h"
#include "base/error_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct mk_backend_made {
    char *name;
    char *settings; /* mk_config_backend_text */
    bool is_new;    /* it does not run yet */
};

/* --- the types --- */

/* The default roots. A daemon's working directory is often "/", which would give access to the
 * whole machine. */
static size_t default_roots(const char *roots[2], const struct mk_backends_home *home)
{
    char *here = realpath(".", NULL);
    bool is_all = here && strcmp(here, "/") == 0;
    free(here);
    roots[0] = home->data_dir;
    roots[1] = ".";
    return is_all ? 1 : 2;
}

static void *make_sandbox(const struct mk_config_backend *config, const char *folder,
                          const struct mk_backends_home *home)
{
    char path[4096], old_path[4096];
    const char *roots[2];
    const char *closed[] = { home->journal, old_path, home->config };
    bool has_roots = config->sandbox.media.root_count > 0;
    size_t root_count = default_roots(roots, home);
    snprintf(old_path, sizeof(old_path), "%s/sandbox.db", home->data_dir);
    int len = snprintf(path, sizeof(path), "%s/sandbox.db", folder);
    if (len < 0 || (size_t)len >= sizeof(path))
        return NULL;
    const struct sb_sandbox_config sandbox = {
        .path = path,
        .old_path = strcmp(config->name, "sandbox") == 0 ? old_path : NULL,
        .media = {
            .max_bytes = config->sandbox.media.max_bytes,
            .roots = has_roots ? config->sandbox.media.roots : roots,
            .root_count = has_roots ? config->sandbox.media.root_count : root_count,
            .closed = closed,
            .closed_count = home->config ? 3 : 2,
            .closed_below = home->data_dir,
            .allow_private_addresses = config->sandbox.media.allow_private_addresses,
            .timeout_ms = (uint32_t)config->sandbox.media.download_seconds * 1000,
            .temporary = getenv("TMPDIR"),
        },
    };
    return sb_sandbox_new(&sandbox);
}

/* `make` returns the state, or NULL when out of memory. `folder` exists. */
static const struct {
    const struct milky_backend *table;
    void *(*make)(const struct mk_config_backend *config, const char *folder,
                  const struct mk_backends_home *home);
} types[] = {
    [MK_BACKEND_SANDBOX] = { &sb_backend, make_sandbox },
};

/* --- making --- */

static int make_one(struct milky_config_backend *given, const struct mk_config_backend *config,
                    const struct mk_backends_home *home, struct mk_buf *why)
{
    char *folder;
    if (asprintf(&folder, "%s/%s", home->data_dir, config->name) < 0)
        return -ENOMEM;
    int rc = mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
    if (rc < 0)
        mk_buf_printf(why, "%s: %s\n", folder, mk_error_text(-rc));
    if (rc == 0 && !(given->self = types[config->type].make(config, folder, home)))
        rc = -ENOMEM;
    free(folder);
    return rc;
}

/* The running backend of that name, whose table and state it stores in `given`; or NULL. */
static const struct mk_backend_made *find(const struct mk_backends *running,
                                          struct milky_config_backend *given)
{
    for (size_t i = 0; i < running->count; i++)
        if (strcmp(running->list[i].name, given->name) == 0) {
            given->table = running->given[i].table;
            given->self = running->given[i].self;
            return &running->list[i];
        }
    return NULL;
}

static int take_or_make(struct mk_backends *made, const struct mk_backends *running,
                        const struct mk_backends_home *home, const struct mk_config_backend *config,
                        struct mk_buf *restart, struct mk_buf *why)
{
    struct mk_backend_made *one = &made->list[made->count];
    struct milky_config_backend *given = &made->given[made->count];
    one->name = mk_slice_dup(mk_slice_str(config->name));
    one->settings = mk_config_backend_text(config);
    *given = (struct milky_config_backend){
        .size = sizeof(*given),
        .name = one->name,
        .table = types[config->type].table,
    };
    made->count++;
    if (!one->name || !one->settings)
        return -ENOMEM;
    const struct mk_backend_made *old = find(running, given);
    one->is_new = !old;
    if (!old)
        return make_one(given, config, home, why);
    if (strcmp(old->settings, one->settings) == 0)
        return 0;
    /* It keeps its settings; a later reload compares with these. */
    free(one->settings);
    one->settings = mk_slice_dup(mk_slice_str(old->settings));
    return restart ? mk_buf_printf(restart, "backend %s\n", one->name) : 0;
}

static void free_new(struct mk_backends *backends)
{
    for (size_t i = 0; backends->given && i < backends->count; i++)
        if (backends->list[i].is_new && backends->given[i].self)
            backends->given[i].table->free(backends->given[i].self);
}

int mk_backends_make(struct mk_backends *made, const struct mk_backends *running,
                     const struct mk_backends_home *home, struct mk_config *config,
                     struct mk_buf *restart, struct mk_buf *why)
{
    *made = (struct mk_backends){
        .list = calloc(config->backend_count + 1, sizeof(*made->list)),
        .given = calloc(config->backend_count + 1, sizeof(*made->given)),
    };
    int rc = made->list && made->given ? 0 : -ENOMEM;
    for (size_t i = 0; i < config->backend_count && rc == 0; i++)
        rc = take_or_make(made, running, home, &config->backends[i], restart, why);
    if (rc < 0) {
        if (why->len == 0)
            mk_buf_printf(why, "%s\n", mk_error_text(-rc));
        free_new(made);
        mk_backends_forget(made);
        return rc;
    }
    config->endpoint.backends = made->given;
    config->endpoint.backend_count = made->count;
    return 0;
}

void mk_backends_forget(struct mk_backends *backends)
{
    for (size_t i = 0; i < backends->count; i++) {
        free(backends->list[i].name);
        free(backends->list[i].settings);
    }
    free(backends->list);
    free(backends->given);
    *backends = (struct mk_backends){ 0 };
}
