/*
 * command: the common part of all commands of the program: options, --help, the answer to a
 * mistyped line, and the configuration.
 */
#ifndef MK_CLI_COMMAND_H
#define MK_CLI_COMMAND_H

#include "base/log.h"
#include "cli/text.h"
#include "config/config.h"

enum { MK_EXIT_OK = 0, MK_EXIT_FAILED = 1, MK_EXIT_USAGE = 2 };

enum { MK_COMMAND_MOST_OPTIONS = 12 };

struct mk_option {
    const char *name;     /* "config" for --config; NULL ends a table */
    char letter;          /* 'c' for -c too, or 0 */
    const char *argument; /* "FILE", or NULL for an option that is only on or off */
    const char *en;
    const char *zh;
};

/* The options that commands share, as first elements of their tables. */
#define MK_OPTION_CONFIG                                                                           \
    {                                                                                              \
        "config", 'c', "FILE",                                                                     \
            "the configuration; else ./" MK_CONFIG_FILE                                            \
            " where there is one; else a built-in one",                                            \
            "配置文件；默认为 ./" MK_CONFIG_FILE "，没有时使用内置配置"                  \
    }

struct mk_arguments;

struct mk_command {
    const char *name;
    const char *usage; /* what follows the name: "[-c FILE]" */
    const char *en;    /* one line that describes it */
    const char *zh;
    const struct mk_option
        *options;        /* all commands have --help and --version, which are not listed */
    const char *more_en; /* examples and exit codes, for --help; whole lines */
    const char *more_zh;
    int least;                                        /* words beside options */
    int most;                                         /* -1: any number */
    int (*run)(const struct mk_arguments *arguments); /* returns the exit code */
    /* Optional: explains the first of the words (NULL: lists all that it may be), for --help;
     * returns the exit code. */
    int (*explain)(const char *word);
};

struct mk_arguments {
    const struct mk_command *command;
    /* By index in the command's table: an option's argument, "" for one without, NULL: not given.
     */
    const char *option[MK_COMMAND_MOST_OPTIONS];
    int count; /* words beside options */
    char **words;
};

/* The name that the program was called by (argv[0]), for lines that a user can copy. */
extern const char *mk_program;

/* Parses the command line after the command's name and runs the command. Returns the exit code. */
int mk_command_run(const struct mk_command *command, int argc, char **argv);

/*
 * Prints how to use the command, or explains the first of `count` words where the command can.
 * Returns the exit code.
 */
int mk_command_help(const struct mk_command *command, int count, char **words);

/* Prints "milky NAME: ..." and how to get help, on the standard error output. Returns 2. */
int mk_command_misused(const struct mk_command *command, const char *en, const char *zh, ...)
    MK_FORMAT_PAIR(2, 3, 4);

/* Prints "milky: ..." on the standard error output. Returns 1. */
int mk_command_failed(const char *en, const char *zh, ...) MK_FORMAT_PAIR(1, 2, 3);

/*
 * Reads the configuration: `file`; where that is NULL, MK_CONFIG_FILE if it exists, else the
 * built-in one. Returns 0, or an exit code after it has printed the mistakes. It does not read the
 * certificates and keys: a command that only asks the daemon needs none of them.
 */
int mk_command_config(const char *file, struct mk_config **config);

/* The same, and reads the certificates and keys, as a server must. */
int mk_command_config_whole(const char *file, struct mk_config **config);

/*
 * Reads `file` with its certificates and keys. Returns 0, or a negative errno, with nothing
 * printed: the mistakes in its contents are in `mistakes` (mk_config_parse).
 */
int mk_command_load(const char *file, struct mk_config **config, struct mk_buf *mistakes);

/* " -c FILE" as a suggested line needs it, or "". `file` as given to mk_command_config. */
const char *mk_command_config_words(const char *file, char *text, size_t size);

/* A number of digits alone, at most `most`; false for anything else. */
bool mk_command_uint(const char *text, uint64_t most, uint64_t *number);

/* A QQ number; false for anything else. */
bool mk_command_uin(const char *text, uint64_t *uin);

/* The access token of the environment (MILKY_ACCESS_TOKEN), or NULL. */
const char *mk_command_token(void);

/*
 * Sends log lines to the standard error output, from a thread (cli/output.h). Lines that do not fit
 * are counted (mk_log_dropped), and the log says so where they are missing.
 */
void mk_command_log(unsigned level, unsigned format);

/* Waits until all lines are written, at most a second. */
void mk_command_log_flush(void);

/* The same, and turns the log off. */
void mk_command_log_end(void);

extern const struct mk_command mk_serve_command, mk_check_command, mk_init_command, mk_call_command,
    mk_watch_command, mk_say_command, mk_do_command, mk_world_command, mk_sandbox_command,
    mk_status_command, mk_deliveries_command, mk_reload_command;

/* Appends a whole file to `text`. Returns 0; -EFBIG where it does not fit; or a negative errno. */
int mk_command_read_file(const char *name, struct mk_buf *text);

#endif
