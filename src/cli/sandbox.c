/*
 * sandbox: `milky sandbox`: a sandbox for a test run: without a configuration, keeping nothing,
 * with a world from a file, and one line on the standard output with all addresses, for a script.
 */
#include "backend/sandbox/sandbox.h"

#include "base/error_text.h"
#include "base/json.h"
#include "base/json_error.h"
#include "base/jsonc.h"
#include "cli/command.h"
#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORLD, BOT, PORT, SEED, TOKEN, CONTROL, CONTROL_TOKEN, DIALECT, ROOT, DUMP, LEVEL };
enum { MAX_BOTS = 64, LISTEN_SIZE = 32, PORT_BY_DEFAULT = 3000, MAX_WORLD = 1024 * 1024 * 1024 };

static const struct mk_option options[] = {
    { "world", 'w', "FILE", "start with this world; default: the built-in world",
      "以此世界文件开始；默认为内置的世界" },
    { "bot", 'b', "UIN[,UIN...]", "serve these bots; default: the bots of the world",
      "运行这些 Bot；默认为世界中的 Bot" },
    { "port", 'p', "PORT", "of the first bot, the others follow; 0: any free ports; default: 3000",
      "第一个 Bot 的端口，其余依次递增；0 为任意空闲端口；默认为 3000" },
    { "seed", 's', "N", "make the same ids in every run", "使每次运行的 ID 相同" },
    { "access-token", 't', "TOKEN", "the token that bots must present", "Bot 必须出示的凭据" },
    { "control", 0, "ADDRESS", "the address for `milky do --control`; default: a free port",
      "`milky do --control` 使用的地址；默认为任意空闲端口" },
    { "control-token", 0, "TOKEN", "the token that must be presented there", "控制地址要求的凭据" },
    { "dialect", 'd', "DIALECT", "of the bots: draft (default), 1.2 or 1.3",
      "Bot 的方言：draft（默认）、1.2 或 1.3" },
    { "root", 0, "FOLDER", "file:// URIs reach files below this folder; default: none",
      "file:// 可读取此目录中的文件；默认不可读取任何文件" },
    { "dump", 0, "FILE", "write the world there at the end; `-` for the standard output",
      "结束时将世界写入此文件；`-` 为标准输出" },
    { "log-level", 0, "LEVEL", "error, warn (by default), info or debug",
      "日志级别：error、warn（默认）、info 或 debug" },
    { NULL },
};

struct run {
    const struct mk_arguments *arguments;
    struct milky_bot bots[MAX_BOTS];
    struct milky_server servers[MAX_BOTS];
    char listens[MAX_BOTS][LISTEN_SIZE];
    size_t count;
    struct milky_config config;
    struct milky_config_backend backend;
};

/* --- the bots --- */

static int add_bot(struct run *run, uint64_t uin)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->bots[i].self_id == uin)
            return MK_EXIT_OK;
    if (run->count == MAX_BOTS)
        return mk_command_failed("at most %d bots", "最多 %d 个 Bot", MAX_BOTS);
    run->bots[run->count++] = (struct milky_bot){ sizeof(struct milky_bot), .self_id = uin };
    return MK_EXIT_OK;
}

static int read_bots(struct run *run, const char *list)
{
    struct mk_slice rest = mk_slice_str(list), part;
    int code = MK_EXIT_OK;
    while (code == 0 && mk_slice_next(&rest, ',', &part)) {
        char text[16];
        uint64_t uin;
        snprintf(text, sizeof(text), "%.*s", (int)(part.len < 15 ? part.len : 15), part.ptr);
        if (!mk_command_uin(text, &uin))
            return mk_command_misused(run->arguments->command, "--bot takes QQ numbers, not %s",
                                      "--bot 应为 QQ 号，不是 %s", list);
        code = add_bot(run, uin);
    }
    if (code == 0 && run->count == 0)
        code = mk_command_misused(run->arguments->command,
                                  "--bot is empty: it needs QQ numbers, such as 10001000",
                                  "--bot 为空：应为 QQ 号，如 10001000");
    return code;
}

static int read_world(const char *file, yyjson_doc **doc)
{
    struct mk_buf text;
    yyjson_read_err error = { .code = YYJSON_READ_ERROR_EMPTY_CONTENT };
    size_t line, column;
    mk_buf_init(&text, MAX_WORLD);
    int rc = mk_command_read_file(file, &text);
    if (rc < 0)
        rc = mk_command_failed("%s: %s", "%s：%s", file, mk_error_text(-rc));
    *doc = rc == 0 && text.len > 0 ? mk_jsonc_read(mk_buf_slice(&text), NULL, &error) : NULL;
    if (rc == 0 && !*doc) {
        mk_jsonc_position(mk_buf_slice(&text), error.pos, &line, &column);
        rc = mk_command_failed("%s:%zu:%zu: not JSON: %s", "%s:%zu:%zu：不是 JSON：%s", file, line,
                               column, mk_json_error_text(mk_language_get(), &error));
    }
    mk_buf_fini(&text);
    return rc;
}

/* Finds the bots among the people of the world. The sandbox reports other mistakes in it. */
static int find_bots(struct run *run, const char *file)
{
    yyjson_doc *doc;
    int code = read_world(file, &doc);
    if (code)
        return code;
    size_t i, count;
    yyjson_val *person, *root = yyjson_doc_get_root(doc);
    yyjson_val *world = yyjson_obj_get(root, "world"); /* as `milky do dump` prints it */
    yyjson_arr_foreach (yyjson_obj_get(world ? world : root, "people"), i, count, person) {
        yyjson_val *uin = yyjson_obj_get(person, "user_id");
        uint64_t number;
        bool negative;
        if (yyjson_get_bool(yyjson_obj_get(person, "is_bot")) && code == 0 &&
            mk_json_integer(uin, &negative, &number) && !negative)
            code = add_bot(run, number);
    }
    yyjson_doc_free(doc);
    if (code == 0 && run->count == 0)
        code = mk_command_failed(
            "%s: none of its people is a bot (\"is_bot\": true): name one with --bot",
            "%s：其中没有 Bot（\"is_bot\": true）：请用 --bot 指定", file);
    return code;
}

static int choose_bots(struct run *run)
{
    const char *world = run->arguments->option[WORLD];
    const char *list = run->arguments->option[BOT];
    if (list)
        return read_bots(run, list);
    return world ? find_bots(run, world) : read_bots(run, "10001000,10002000");
}

/* --- addresses --- */

/* Checks that bots can send the token. It is not printed. */
static int check_token(const struct run *run, unsigned which, const char *name)
{
    const char *token = run->arguments->option[which];
    size_t at;
    if (!token)
        return MK_EXIT_OK;
    if (*token == '\0')
        return mk_command_misused(run->arguments->command,
                                  "--%s is empty: leave it out where none is wanted",
                                  "--%s 为空：不需要时请省略", name);
    if (mk_config_token_fits(mk_slice_str(token), &at))
        return MK_EXIT_OK;
    if (token[at] == ' ')
        return mk_command_misused(run->arguments->command,
                                  "--%s has a space at byte %zu, which no header can carry",
                                  "--%s 的第 %zu 个字节为空格，请求头无法携带", name, at + 1);
    return mk_command_misused(run->arguments->command,
                              "--%s has a control character at byte %zu, which no header can carry",
                              "--%s 的第 %zu 个字节为控制字符，请求头无法携带", name, at + 1);
}

static int place_servers(struct run *run)
{
    static const char *const dialects[] = { "draft", "1.2", "1.3", NULL };
    const char *const *option = run->arguments->option;
    uint64_t port = PORT_BY_DEFAULT;
    int dialect = option[DIALECT] ? mk_serve_choose(option[DIALECT], dialects) : 0;
    int code = check_token(run, TOKEN, "access-token");
    if (code == 0)
        code = check_token(run, CONTROL_TOKEN, "control-token");
    if (code)
        return code;
    if (option[PORT] && !mk_command_uint(option[PORT], UINT16_MAX, &port))
        return mk_command_misused(run->arguments->command,
                                  "--port is a number from 0 to 65535, not %s",
                                  "--port 应为 0 到 65535 的数字，不是 %s", option[PORT]);
    if (dialect < 0)
        return mk_command_misused(run->arguments->command, "--dialect draft|1.2|1.3",
                                  "--dialect draft|1.2|1.3");
    for (size_t i = 0; i < run->count; i++) {
        snprintf(run->listens[i], LISTEN_SIZE, "127.0.0.1:%llu",
                 (unsigned long long)(port ? port + i : 0));
        run->servers[i] = (struct milky_server){
            .size = sizeof(run->servers[i]),
            .listen = run->listens[i],
            .access_token = option[TOKEN],
            .dialect = (enum milky_dialect)dialect,
        };
        run->bots[i].http_server = run->bots[i].websocket_server = &run->servers[i];
        run->bots[i].http_server_count = run->bots[i].websocket_server_count = 1;
    }
    run->config = (struct milky_config){
        .size = sizeof(run->config),
        .bots = run->bots,
        .bot_count = run->count,
        .control = option[CONTROL] ? option[CONTROL] : "127.0.0.1:0",
        .control_access_token = option[CONTROL_TOKEN],
    };
    return MK_EXIT_OK;
}

/* --- running --- */

static void print_address(FILE *out, const char *address)
{
    fprintf(out, "%s%s", strncmp(address, "unix:", 5) == 0 ? "" : "http://", address);
}

/* ready BASE bots=UIN=BASE,UIN=BASE control=BASE */
static void announce(void *arg, const struct milky_endpoint *endpoint, FILE *out)
{
    (void)arg;
    struct milky_port port = { .size = sizeof(port) };
    const char *before = " bots=";
    fprintf(out, "ready ");
    for (size_t i = 0; milky_endpoint_port(endpoint, i, &port); i++)
        if (strcmp(port.transport, "http_server") == 0) {
            print_address(out, port.address);
            break;
        }
    for (size_t i = 0; milky_endpoint_port(endpoint, i, &port); i++) {
        if (strcmp(port.transport, "http_server") != 0)
            continue;
        fprintf(out, "%s%llu=", before, (unsigned long long)port.self_id);
        print_address(out, port.address);
        before = ",";
    }
    for (size_t i = 0; milky_endpoint_port(endpoint, i, &port); i++)
        if (strcmp(port.transport, "control") == 0) {
            fprintf(out, " control=");
            print_address(out, port.address);
        }
    fprintf(out, "\n");
}

/* Checks, before the run, that the world can be written. A new file stays until the end. */
static int try_dump(const struct run *run)
{
    const char *name = run->arguments->option[DUMP];
    struct stat is;
    if (!name || strcmp(name, "-") == 0)
        return MK_EXIT_OK;
    bool there = lstat(name, &is) == 0;
    if (there && stat(name, &is) == 0 && !S_ISREG(is.st_mode) && !S_ISDIR(is.st_mode))
        return MK_EXIT_OK; /* a reader of a pipe would take this for its only writer */
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return mk_command_failed("%s: %s", "%s：%s", name, mk_error_text(errno));
    close(fd);
    if (!there)
        unlink(name);
    return MK_EXIT_OK;
}

static int write_world(void *arg)
{
    const struct run *run = arg;
    const char *name = run->arguments->option[DUMP];
    if (!name)
        return MK_EXIT_OK;
    struct mk_buf text;
    mk_buf_init(&text, SIZE_MAX);
    int rc = sb_sandbox_dump(run->backend.self, &text);
    FILE *file = rc < 0 ? NULL : strcmp(name, "-") == 0 ? stdout : fopen(name, "we");
    if (rc == 0 && !file)
        rc = -errno;
    if (rc == 0 && (fwrite(text.data, 1, text.len, file) != text.len || fputc('\n', file) == EOF))
        rc = -errno;
    if (file && (file == stdout ? fflush(file) : fclose(file)) != 0 && rc == 0)
        rc = -errno;
    mk_buf_fini(&text);
    return rc < 0 ? mk_command_failed("%s: %s", "%s：%s", name, mk_error_text(-rc)) : MK_EXIT_OK;
}

static int serve(struct run *run)
{
    const char *const *option = run->arguments->option;
    uint64_t seed = 0;
    if (option[SEED] && !mk_command_uint(option[SEED], UINT64_MAX, &seed))
        return mk_command_misused(run->arguments->command, "--seed is a number, not %s",
                                  "--seed 应为数字，不是 %s", option[SEED]);
    const struct sb_sandbox_config config = {
        .path = ":memory:",
        .media = {
            .roots = &option[ROOT],
            .root_count = option[ROOT] ? 1 : 0,
            .closed = &option[WORLD],
            .closed_count = option[WORLD] ? 1 : 0,
            .temporary = getenv("TMPDIR"),
        },
        .world = option[WORLD],
        .seed = option[SEED] ? &seed : NULL,
    };
    run->backend = (struct milky_config_backend){
        .size = sizeof(run->backend),
        .name = "sandbox",
        .table = &sb_backend,
        .self = sb_sandbox_new(&config),
    };
    run->config.backends = &run->backend;
    run->config.backend_count = 1;
    const struct mk_serving serving = {
        .config = &run->config,
        .ready = announce,
        .stopped = write_world,
        .arg = run,
    };
    if (!run->backend.self)
        return mk_command_failed("%s", "%s", mk_error_text(ENOMEM));
    return mk_serve(&serving);
}

static int run_sandbox(const struct mk_arguments *arguments)
{
    const char *word = arguments->option[LEVEL] ? arguments->option[LEVEL] : "warn";
    int level = mk_serve_choose(word, mk_serve_levels);
    if (level < 0)
        return mk_command_misused(arguments->command, "--log-level error|warn|info|debug",
                                  "--log-level error|warn|info|debug");
    mk_command_log((unsigned)level, MK_LOG_TEXT);
    struct run *run = calloc(1, sizeof(*run));
    if (!run)
        return mk_command_failed("%s", "%s", mk_error_text(ENOMEM));
    run->arguments = arguments;
    int code = choose_bots(run);
    if (code == 0)
        code = place_servers(run);
    if (code == 0)
        code = try_dump(run);
    if (code == 0)
        code = serve(run);
    free(run);
    return code;
}

const struct mk_command mk_sandbox_command = {
    .name = "sandbox",
    .usage = "[--world FILE] [--port PORT]",
    .en = "run a sandbox for tests: it starts with your world and keeps nothing",
    .zh = "运行以指定世界开始、不保存数据的沙盒：用于测试",
    .options = options,
    .more_en =
        "Each bot has its http_server and websocket_server on one port of 127.0.0.1. When all of\n"
        "them serve, one line on the standard output says where, for scripts:\n"
        "  ready http://127.0.0.1:3000 bots=10001000=http://127.0.0.1:3000 "
        "control=http://127.0.0.1:41234\n"
        "A world is what `milky do dump` prints (docs/SANDBOX.md); `milky do reset` goes back to\n"
        "it. SIGTERM ends it.\n",
    .more_zh = "每个 Bot 的 http_server 与 websocket_server 共用 127.0.0.1 "
               "的一个端口。全部就绪后，在标准\n"
               "输出打印一行供脚本使用：\n"
               "  ready http://127.0.0.1:3000 bots=10001000=http://127.0.0.1:3000 "
               "control=http://127.0.0.1:41234\n"
               "世界文件即 `milky do dump` 的输出（见 docs/SANDBOX.zh-CN.md）；`milky do reset` "
               "回到该世界。\n"
               "SIGTERM 结束运行。\n",
    .run = run_sandbox,
};
