/* command: see the header. */
#include "cli/command.h"

#include "base/error_text.h"
#include "base/suggestion.h"
#include "cli/output.h"
#include "config/schema.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Beyond the indices of a command's own options. */
enum { HELP = MK_COMMAND_MOST_OPTIONS, VERSION, OPTION_BASE = 256 };

const char *mk_program = "milky";

static void print_help(const struct mk_command *command)
{
    printf("%s: %s %s %s\n\n%s\n", mk_tr("Usage", "用法"), mk_program, command->name,
           command->usage, mk_tr(command->en, command->zh));
    printf("\n%s:\n", mk_tr("Options", "选项"));
    for (const struct mk_option *o = command->options; o->name; o++) {
        char left[64];
        char letter[8] = "    ";
        if (o->letter)
            snprintf(letter, sizeof(letter), "-%c, ", o->letter);
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->argument ? " " : "",
                 o->argument ? o->argument : "");
        printf("  %-28s %s\n", left, mk_tr(o->en, o->zh));
    }
    printf("  %-28s %s\n", "-h, --help", mk_tr("print this", "显示此帮助"));
    printf("  %-28s %s\n", "    --version", mk_tr("print the version", "显示版本"));
    const char *more = mk_tr(command->more_en, command->more_zh);
    if (more)
        printf("\n%s", more);
}

int mk_command_help(const struct mk_command *command, int count, char **words)
{
    if (count > 0 && command->explain)
        return command->explain(words[0]);
    print_help(command);
    if (!command->explain)
        return MK_EXIT_OK;
    putchar('\n');
    return command->explain(NULL);
}

int mk_command_misused(const struct mk_command *command, const char *en, const char *zh, ...)
{
    fprintf(stderr, "milky %s: ", command->name);
    va_list args;
    va_start(args, zh);
    vfprintf(stderr, mk_tr(en, zh), args);
    va_end(args);
    fprintf(stderr, mk_tr("\nSee: %s %s --help\n", "\n参见：%s %s --help\n"), mk_program,
            command->name);
    return MK_EXIT_USAGE;
}

int mk_command_failed(const char *en, const char *zh, ...)
{
    char *text;
    va_list args;
    va_start(args, zh);
    int len = vasprintf(&text, mk_tr(en, zh), args);
    va_end(args);
    mk_command_log_flush(); /* what led to it comes first */
    fputs("milky: ", stderr);
    if (len >= 0) {
        mk_text_show(stderr, mk_slice_of(text, (size_t)len), true);
        free(text);
    }
    fputc('\n', stderr);
    return MK_EXIT_FAILED;
}

/* getopt_long did not know the last word, or misses its argument. */
static int refuse(const struct mk_command *command, int why, const char *word)
{
    if (why == ':')
        return mk_command_misused(command, "%s needs an argument", "选项 %s 需要参数", word);
    struct mk_slice name = mk_slice_str(word);
    while (name.len > 0 && *name.ptr == '-')
        name = mk_slice_from(name, 1);
    const char *equals = name.len ? memchr(name.ptr, '=', name.len) : NULL;
    if (equals)
        name.len = (size_t)(equals - name.ptr);
    struct mk_suggestion near = { 0 };
    for (const struct mk_option *o = command->options; o->name; o++)
        mk_suggestion_offer(&near, name, o->name);
    mk_suggestion_offer(&near, name, "help");
    mk_suggestion_offer(&near, name, "version");
    if (near.best)
        return mk_command_misused(command, "no option %s; did you mean --%s?",
                                  "没有选项 %s；是否想用 --%s？", word, near.best);
    return mk_command_misused(command, "no option %s", "没有选项 %s", word);
}

/* The table as getopt_long takes it. */
static void make_tables(const struct mk_command *command, struct option *longs, char *letters)
{
    size_t count = 0;
    *letters++ = ':'; /* distinguishes a missing argument from an unknown option */
    for (const struct mk_option *o = command->options; o->name; o++, count++) {
        longs[count] = (struct option){ .name = o->name,
                                        .has_arg = o->argument ? required_argument : no_argument,
                                        .val = OPTION_BASE + (int)count };
        if (o->letter) {
            *letters++ = o->letter;
            if (o->argument)
                *letters++ = ':';
        }
    }
    longs[count++] = (struct option){ .name = "help", .val = OPTION_BASE + HELP };
    longs[count] = (struct option){ .name = "version", .val = OPTION_BASE + VERSION };
    *letters++ = 'h';
    *letters = '\0';
}

/* The index of an option in the table, HELP, VERSION, or -1. */
static int place_of(const struct mk_command *command, int value)
{
    if (value >= OPTION_BASE)
        return value - OPTION_BASE;
    if (value == 'h')
        return HELP;
    for (int i = 0; command->options[i].name; i++)
        if (command->options[i].letter && command->options[i].letter == value)
            return i;
    return -1;
}

static int check_words(const struct mk_arguments *arguments)
{
    const struct mk_command *command = arguments->command;
    if (arguments->count < command->least)
        return mk_command_misused(command, "something is missing: %s %s", "缺少参数：%s %s",
                                  command->name, command->usage);
    if (command->most >= 0 && arguments->count > command->most)
        return mk_command_misused(command, "one word too many: %s", "多余的参数：%s",
                                  arguments->words[command->most]);
    return MK_EXIT_OK;
}

int mk_command_run(const struct mk_command *command, int argc, char **argv)
{
    struct option longs[MK_COMMAND_MOST_OPTIONS + 3] = { { .name = NULL } };
    char letters[2 * MK_COMMAND_MOST_OPTIONS + 3];
    make_tables(command, longs, letters);
    struct mk_arguments arguments = { .command = command };
    bool help = false;
    opterr = 0;
    for (;;) {
        int word = optind; /* the index of the option, unless it is inside of -abc */
        int value = getopt_long(argc, argv, letters, longs, NULL);
        if (value == -1)
            break;
        int index = place_of(command, value);
        if (index == HELP && !command->explain)
            return mk_command_help(command, 0, NULL);
        if (index == HELP) { /* the word that it is about is known at the end */
            help = true;
            continue;
        }
        if (index == VERSION) {
            printf("milky %s\n", milky_version());
            return MK_EXIT_OK;
        }
        if (index < 0)
            return refuse(command, value, argv[word < optind ? optind - 1 : word]);
        arguments.option[index] = optarg ? optarg : "";
    }
    arguments.count = argc - optind;
    arguments.words = argv + optind;
    if (help)
        return mk_command_help(command, arguments.count, arguments.words);
    int rc = check_words(&arguments);
    if (rc)
        return rc;
    int code = command->run(&arguments);
    mk_command_log_end();
    return code;
}

int mk_command_read_file(const char *name, struct mk_buf *text)
{
    FILE *file = fopen(name, "rbe");
    if (!file)
        return -errno;
    int rc = 0;
    while (rc == 0 && !feof(file)) {
        char piece[4096];
        errno = 0;
        size_t len = fread(piece, 1, sizeof(piece), file);
        rc = ferror(file) ? (errno ? -errno : -EIO) : mk_buf_append(text, piece, len);
    }
    fclose(file);
    return rc == -ENOBUFS ? -EFBIG : rc;
}

static int no_file(const char *name, int rc)
{
    if (rc == -ENOENT)
        return mk_command_failed("%s: no such file (write one with `%s init %s`)",
                                 "%s：文件不存在（可用 `%s init %s` 生成）", name, mk_program,
                                 name);
    return mk_command_failed("%s: %s", "%s：%s", name, mk_error_text(-rc));
}

/* mk_config_parse or mk_config_load. */
typedef int parse_text(struct mk_slice text, const struct mk_config_origin *origin,
                       struct mk_config **config, struct mk_buf *mistakes);

static int load(const char *file, parse_text *parse, struct mk_config **config,
                struct mk_buf *mistakes)
{
    const struct mk_config_origin origin = { file, (enum milky_language)mk_text_reply_language() };
    struct mk_buf text;
    mk_buf_init(&text, MK_CONFIG_MAX_FILE + 4096);
    int rc = mk_command_read_file(file, &text);
    if (rc == 0)
        rc = parse(mk_buf_slice(&text), &origin, config, mistakes);
    mk_buf_fini(&text);
    return rc;
}

int mk_command_load(const char *file, struct mk_config **config, struct mk_buf *mistakes)
{
    return load(file, mk_config_load, config, mistakes);
}

static int read_config(const char *file, parse_text *parse, struct mk_config **config)
{
    if (!file && access(MK_CONFIG_FILE, F_OK) == 0)
        file = MK_CONFIG_FILE;
    if (!file) {
        if (mk_config_builtin((enum milky_language)mk_text_reply_language(), config) == 0)
            return MK_EXIT_OK;
        return mk_command_failed("%s", "%s", mk_error_text(ENOMEM));
    }
    struct mk_buf mistakes;
    mk_buf_init(&mistakes, SIZE_MAX);
    int rc = load(file, parse, config, &mistakes);
    int code = MK_EXIT_OK;
    if (rc < 0 && mistakes.len > 0) {
        fwrite(mistakes.data, 1, mistakes.len, stderr);
        code = MK_EXIT_FAILED;
    } else if (rc < 0) {
        code = no_file(file, rc);
    }
    mk_buf_fini(&mistakes);
    return code;
}

int mk_command_config(const char *file, struct mk_config **config)
{
    return read_config(file, mk_config_parse, config);
}

int mk_command_config_whole(const char *file, struct mk_config **config)
{
    return read_config(file, mk_config_load, config);
}

const char *mk_command_config_words(const char *file, char *text, size_t size)
{
    snprintf(text, size, "%s%s", file ? " -c " : "", file ? file : "");
    return text;
}

bool mk_command_uint(const char *text, uint64_t most, uint64_t *number)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || value > most)
        return false;
    *number = value;
    return true;
}

bool mk_command_uin(const char *text, uint64_t *uin)
{
    uint64_t number;
    if (!mk_command_uint(text, MK_CONFIG_MOST_UIN, &number) || number < MK_CONFIG_LEAST_UIN)
        return false;
    *uin = number;
    return true;
}

const char *mk_command_token(void)
{
    const char *token = getenv("MILKY_ACCESS_TOKEN");
    return token && *token ? token : NULL;
}

/* --- the log --- */

enum {
    LOG_ROOM = 256 * 1024,
    LOG_FLUSH_MS = 1000, /* what a reader that has stalled may cost at the end */
};

static struct mk_output *log_output; /* NULL: it is not started, or there is no thread for it */

static void write_line(const char *line, size_t len)
{
    if (log_output) {
        mk_output_write(log_output, line, len);
        return;
    }
    /* There is no way to report a log that cannot be written. */
    ssize_t ignored = write(STDERR_FILENO, line, len);
    (void)ignored;
}

static void report_missing(uint64_t lines)
{
    mk_log_warn("log", "%llu lines are missing here: the log was not read, or could not be written",
                "此处缺少 %llu 行：日志没有被读取，或无法写入", (unsigned long long)lines);
}

void mk_command_log(unsigned level, unsigned format)
{
    log_output = mk_output_start(&(struct mk_output_options){ .fd = STDERR_FILENO,
                                                              .room = LOG_ROOM,
                                                              .dropped = mk_log_count_dropped,
                                                              .resumed = report_missing });
    mk_log_setup((enum mk_log_level)level, (enum mk_log_format)format, write_line);
}

void mk_command_log_flush(void)
{
    if (log_output)
        mk_output_flush(log_output, LOG_FLUSH_MS);
}

void mk_command_log_end(void)
{
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, NULL);
    mk_output_stop(log_output, LOG_FLUSH_MS);
    log_output = NULL;
}
