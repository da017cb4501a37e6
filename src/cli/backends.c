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
    unsigned type;  /* enum mk_backend_type */
    bool is_new;    /* it does not run yet */
};

/* --- the types --- */

/* On the heap: the files that no bot reads. NULL when out of memory. */
static const char **closed_files(const struct mk_backends_home *home, const struct mk_config *fresh,
                                 size_t *count)
{
    const struct mk_config *configs[] = { home->config, fresh };
    const char **files = calloc(home->config->file_count + fresh->file_count + 1, sizeof(*files));
    *count = 0;
    if (files)
        files[(*count)++] = home->journal;
    for (size_t i = 0; files && i < 2; i++)
        for (size_t k = 0; k < configs[i]->file_count; k++)
            files[(*count)++] = configs[i]->files[k];
    return files;
}

static void *make_sandbox(const struct mk_config_backend *config, const char *folder,
                          const struct mk_backends_home *home, const struct mk_config *fresh)
{
    char path[4096], old_path[4096];
    snprintf(old_path, sizeof(old_path), "%s/sandbox.db", home->data_dir);
    int len = snprintf(path, sizeof(path), "%s/sandbox.db", folder);
    if (len < 0 || (size_t)len >= sizeof(path))
        return NULL;
    size_t closed_count;
    bool has_roots = config->sandbox.media.root_count > 0;
    const char **closed = closed_files(home, fresh, &closed_count);
    const struct sb_sandbox_config sandbox = {
        .path = path,
        .old_path = strcmp(config->name, "sandbox") == 0 ? old_path : NULL,
        .is_lenient = config->sandbox.strictness == MK_LENIENT,
        .media = {
            .max_bytes = config->sandbox.media.max_bytes,
            .bot_bytes = fresh->endpoint.limits.media_bytes_per_bot,
            .total_bytes = fresh->endpoint.limits.media_bytes,
            .roots = has_roots ? config->sandbox.media.roots : &home->data_dir,
            .root_count = has_roots ? config->sandbox.media.root_count : 1,
            .closed = closed,
            .closed_count = closed_count,
            .data_dir = home->data_dir,
            .allow_private_addresses = config->sandbox.media.allow_private_addresses,
            .timeout_ms = (uint32_t)config->sandbox.media.download_seconds * 1000,
            .temporary = getenv("TMPDIR"),
        },
    };
    void *made = closed ? sb_sandbox_new(&sandbox) : NULL;
    free(closed);
    return made;
}

static int close_of_sandbox(void *self, const char *path)
{
    return sb_sandbox_close_file(self, path);
}

/* `make` returns the state, or NULL when out of memory. `folder` exists. */
static const struct {
    const struct milky_backend *table;
    void *(*make)(const struct mk_config_backend *config, const char *folder,
                  const struct mk_backends_home *home, const struct mk_config *fresh);
    int (*close_file)(void *self, const char *path); /* returns 0 or -ENOMEM */
} types[] = {
    [MK_BACKEND_SANDBOX] = { &sb_backend, make_sandbox, close_of_sandbox },
};

/* --- making --- */

static int make_one(struct milky_config_backend *given, const struct mk_config_backend *config,
                    const struct mk_backends_home *home, const struct mk_config *fresh,
                    struct mk_buf *why)
{
    char *folder;
    if (asprintf(&folder, "%s/%s", home->data_dir, config->name) < 0)
        return -ENOMEM;
    bool is_fresh = mkdir(folder, 0700) == 0;
    int rc = !is_fresh && errno != EEXIST ? -errno : 0;
    if (is_fresh && chmod(folder, 0700) < 0) /* the umask may have taken too much */
        rc = -errno;
    if (rc < 0)
        mk_buf_printf(why, "%s: %s\n", folder, mk_error_text(-rc));
    if (rc == 0 && !(given->self = types[config->type].make(config, folder, home, fresh)))
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
                        const struct mk_backends_home *home, const struct mk_config *fresh,
                        const struct mk_config_backend *config, struct mk_buf *restart,
                        struct mk_buf *why)
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
    one->type = old ? old->type : config->type;
    if (!old)
        return make_one(given, config, home, fresh, why);
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
        rc = take_or_make(made, running, home, config, &config->backends[i], restart, why);
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

/* Adds to what each has closed: a file that was a key once may still be one elsewhere. */
int mk_backends_close_files(const struct mk_backends *backends, const struct mk_config *config)
{
    int rc = 0;
    for (size_t i = 0; i < backends->count; i++)
        for (size_t k = 0; rc == 0 && k < config->file_count; k++)
            rc =
                types[backends->list[i].type].close_file(backends->given[i].self, config->files[k]);
    return rc;
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
