/* parse: makes a configuration, or a list of mistakes, out of a text (see config.h). */
#include "config/config.h"

#include "base/json.h"
#include "base/json_error.h"
#include "base/jsonc.h"
#include "base/list.h"
#include "config/reader.h"
#include "config/rules.h"
#include "config/schema.h"
#include "net/address.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* One block of memory: the configuration, and the arena of everything it points to. */
struct owner {
    struct mk_config config;
    struct mk_arena arena;
};

/* --- paths in data_dir --- */

/* The control socket is in data_dir unless the file says otherwise. */
static void complete_control(struct mk_mistakes *mistakes, struct mk_config *config)
{
    const char **control = &config->endpoint.control;
    if (*control == mk_config_null) {
        *control = NULL;
        return;
    }
    struct mk_address address;
    if (yyjson_obj_get(yyjson_doc_get_root(mistakes->doc), "control") || !config->data_dir)
        return;
    *control = mk_arena_printf(mistakes->arena, "unix:%s/control.sock", config->data_dir);
    mistakes->out_of_memory |= !*control;
    const char *why = *control ? mk_address_parse(mk_slice_str(*control), &address) : NULL;
    if (why)
        mk_mistakes_add(mistakes,
                        &(struct mk_mistake_found){
                            .path = "data_dir",
                            .text = mk_mistakes_say(
                                mistakes, "no control socket can be there: %s (set `control`)",
                                "无法在其中创建控制套接字：%s（请设置 `control`）", why),
                        });
}

static void collect_files(struct mk_config_reader *reader, struct mk_config *config)
{
    const char **files =
        mk_arena_alloc(reader->mistakes.arena, (reader->named_count + 1) * sizeof(*files));
    reader->mistakes.out_of_memory |= !files;
    for (const struct mk_config_named *named = reader->named; files && named; named = named->next)
        files[config->file_count++] = named->path;
    if (files && config->file)
        files[config->file_count++] = config->file;
    config->files = files;
}

static void complete(struct mk_config_reader *reader, struct mk_config *config)
{
    struct mk_mistakes *mistakes = &reader->mistakes;
    mk_config_collect_backends(reader, config);
    complete_control(mistakes, config);
    collect_files(reader, config);
    if (config->endpoint.operations == mk_config_null)
        config->endpoint.operations = NULL;
    if (!config->data_dir)
        return;
    config->endpoint.journal.path =
        mk_arena_printf(mistakes->arena, "%s/journal.db", config->data_dir);
    config->endpoint.cache = mk_arena_printf(mistakes->arena, "%s/cache", config->data_dir);
    mistakes->out_of_memory |= !config->endpoint.journal.path || !config->endpoint.cache;
}

/* --- a text --- */

static void read_document(struct mk_config_reader *reader, struct mk_config *config)
{
    struct mk_mistakes *mistakes = &reader->mistakes;
    yyjson_alc alc = mk_json_alc(mistakes->arena);
    yyjson_read_err error;
    mistakes->doc = mistakes->text.len ? mk_jsonc_read(mistakes->text, &alc, &error) : NULL;
    if (mistakes->doc) {
        mk_config_read(reader, &mk_config_schema, config);
        complete(reader, config);
        mk_config_check_rules(&config->endpoint, mistakes);
        return;
    }
    bool empty = mistakes->text.len == 0 || error.code == YYJSON_READ_ERROR_EMPTY_CONTENT;
    if (!empty && error.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION) {
        mistakes->out_of_memory = true;
        return;
    }
    struct mk_mistake_found found = { .path = "" };
    found.text = empty ? mk_tr("the file is empty", "文件为空")
                       : mk_mistakes_say(mistakes, "this is not JSON: %s", "JSON 语法错误：%s",
                                         mk_json_error_text(mk_language_get(), &error));
    mk_mistakes_add(mistakes, &found);
    mistakes->list[0].at = empty ? 0 : error.pos;
}

static void read_text(struct mk_config_reader *reader, bool with_files, struct mk_config *config)
{
    struct mk_mistakes *mistakes = &reader->mistakes;
    if (mistakes->text.len <= MK_CONFIG_MAX_FILE)
        read_document(reader, config);
    else
        mk_mistakes_add(mistakes, &(struct mk_mistake_found){
                                      .path = "",
                                      .text = mk_mistakes_say(mistakes, "larger than %d bytes",
                                                              "超过 %d 字节", MK_CONFIG_MAX_FILE),
                                  });
    if (with_files && mistakes->count == 0 && !mistakes->out_of_memory)
        mk_config_check_files(&config->endpoint, mistakes);
    if (with_files)
        mk_config_check_data_dir(config->data_dir, mistakes);
}

/* Writes one line for each mistake. Returns 0, or the error of the buf. */
static int write_lines(struct mk_mistakes *mistakes, const char *name, struct mk_buf *out)
{
    int rc = 0;
    mk_mistakes_sort(mistakes);
    for (size_t i = 0; i < mistakes->count && rc == 0; i++) {
        const struct mk_mistake *mistake = &mistakes->list[i];
        size_t line, column;
        mk_jsonc_position(mistakes->text, mistake->at, &line, &column);
        rc = mk_buf_printf(out, "%s:%zu:%zu: %s%s%s\n",
                           name ? name : mk_tr("(built in)", "（内置配置）"), line, column,
                           mistake->path, *mistake->path ? ": " : "", mistake->text);
    }
    return rc;
}

/* Returns -EINVAL, or the error of the buf. */
static int write_mistakes(struct mk_mistakes *mistakes, const char *name, struct mk_buf *out)
{
    int rc = write_lines(mistakes, name, out);
    return rc < 0 ? rc : -EINVAL;
}

/* Lines for what is no mistake, kept with the configuration. */
static int note_warnings(const struct mk_config_reader *reader, struct mk_config *config)
{
    struct mk_mistakes *warnings = calloc(1, sizeof(*warnings));
    struct mk_buf lines;
    if (!warnings)
        return -ENOMEM;
    mk_buf_init(&lines, SIZE_MAX);
    warnings->arena = reader->mistakes.arena;
    warnings->text = reader->mistakes.text;
    warnings->doc = reader->mistakes.doc;
    warnings->most = MK_CONFIG_MAX_MISTAKES;
    mk_config_warn(config, warnings);
    int rc = warnings->out_of_memory ? -ENOMEM : write_lines(warnings, config->file, &lines);
    config->warnings = rc == 0 ? mk_arena_dup(warnings->arena, mk_buf_slice(&lines)) : NULL;
    mk_buf_fini(&lines);
    free(warnings);
    return config->warnings ? 0 : -ENOMEM;
}

static int parse(struct mk_slice text, const struct mk_config_origin *origin, bool with_files,
                 struct mk_config **config, struct mk_buf *out)
{
    struct owner *owner = calloc(1, sizeof(*owner));
    struct mk_config_reader *reader = calloc(1, sizeof(*reader));
    const char *name = origin->name;
    int rc = -ENOMEM;
    if (!owner || !reader)
        goto out;
    mk_arena_init(&owner->arena);
    if (mk_slice_starts_with(text,
                             MK_SLICE("\xef\xbb\xbf"))) /* the byte order mark of some editors */
        text = mk_slice_from(text, 3);
    const char *slash = name ? strrchr(name, '/') : NULL;
    owner->config.warnings = "";
    owner->config.endpoint.size = sizeof(owner->config.endpoint);
    reader->mistakes.text = text;
    reader->mistakes.arena = &owner->arena;
    owner->config.endpoint.language = origin->language;
    reader->mistakes.most = MK_CONFIG_MAX_MISTAKES;
    reader->folder = slash ? mk_slice_of(name, (size_t)(slash - name) + 1) : MK_SLICE("");
    if (name && !(owner->config.file = mk_arena_dup(&owner->arena, mk_slice_str(name))))
        goto out;
    read_text(reader, with_files, &owner->config);
    rc = reader->mistakes.out_of_memory ? -ENOMEM
         : reader->mistakes.count       ? write_mistakes(&reader->mistakes, name, out)
                                        : 0;
    if (rc == 0 && with_files)
        rc = note_warnings(reader, &owner->config);
out:
    free(reader);
    if (rc == 0)
        *config = &owner->config;
    else if (owner)
        mk_config_free(&owner->config);
    return rc;
}

int mk_config_parse(struct mk_slice text, const struct mk_config_origin *origin,
                    struct mk_config **config, struct mk_buf *mistakes)
{
    return parse(text, origin, false, config, mistakes);
}

int mk_config_load(struct mk_slice text, const struct mk_config_origin *origin,
                   struct mk_config **config, struct mk_buf *mistakes)
{
    return parse(text, origin, true, config, mistakes);
}

int mk_config_builtin(enum milky_language language, struct mk_config **config)
{
    static const char text[] = "{ \"bots\": [ { \"self_id\": 10001000,"
                               " \"http_server\": [ { \"listen\": \"127.0.0.1:3000\" } ],"
                               " \"websocket_server\": [ { \"listen\": \"127.0.0.1:3000\" } ] },"
                               " { \"self_id\": 10002000 } ] }";
    struct mk_buf mistakes;
    mk_buf_init(&mistakes, 4096);
    const struct mk_config_origin origin = { NULL, language };
    int rc = mk_config_parse(mk_slice_str(text), &origin, config, &mistakes);
    assert(rc == 0 || rc == -ENOMEM);
    mk_buf_fini(&mistakes);
    return rc;
}

struct mk_config *mk_config_free(struct mk_config *config)
{
    if (config) {
        struct owner *owner = MK_CONTAINER_OF(config, struct owner, config);
        mk_arena_fini(&owner->arena);
        free(owner);
    }
    return NULL;
}
