/* main: finds the command and runs it. */
#include "base/suggestion.h"
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

static const struct mk_command *const commands[] = {
    &mk_serve_command,   &mk_check_command,  &mk_init_command,       &mk_call_command,
    &mk_watch_command,   &mk_say_command,    &mk_do_command,         &mk_world_command,
    &mk_sandbox_command, &mk_status_command, &mk_deliveries_command, &mk_reload_command,
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *out)
{
    fprintf(out,
            mk_tr("milky %s: a Milky endpoint, the program that a QQ bot connects to\n\n"
                  "Usage: %s COMMAND [OPTION...]\n\nCommands:\n",
                  "milky %s：Milky 协议端，供 QQ Bot 连接\n\n用法：%s 命令 [选项...]\n\n命令：\n"),
            milky_version(), mk_program);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, mk_tr(commands[i]->en, commands[i]->zh));
    fprintf(out,
            mk_tr("\n`%s COMMAND --help` explains a command. Try it out, without a QQ "
                  "account, in two terminals:\n\n",
                  "\n`%s 命令 --help` 显示各命令的帮助。无需 QQ 账号，在两个终端中试用：\n\n"),
            mk_program);
    static const char *const examples[] = { "serve", "watch &",
                                            "say --as 10003001 --group 700000001 hello",
                                            "call get_friend_list" };
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        fprintf(out, "  %s %s\n", mk_program, examples[i]);
}

static const struct mk_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown(const char *word)
{
    struct mk_suggestion near = { 0 };
    for (size_t i = 0; i < COMMANDS; i++)
        mk_suggestion_offer(&near, mk_slice_str(word), commands[i]->name);
    if (near.best)
        fprintf(stderr,
                mk_tr("milky: no command %s; did you mean %s?\n",
                      "milky：没有命令 %s；是否想用 %s？\n"),
                word, near.best);
    else
        fprintf(stderr, mk_tr("milky: no command %s\n", "milky：没有命令 %s\n"), word);
    fprintf(stderr, mk_tr("See: %s --help\n", "参见：%s --help\n"), mk_program);
    return MK_EXIT_USAGE;
}

/*
 * The parent process may have closed them. Then the next file that is opened would get one of their
 * numbers, and the log would be written to it.
 */
static void open_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) < 0)
            return;
}

int main(int argc, char **argv)
{
    open_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* a closed connection is an error code, not a signal */
    mk_text_setup();
    if (argc > 0 && argv[0] && *argv[0])
        mk_program = argv[0];
    if (argc < 2) {
        print_help(stderr);
        return MK_EXIT_USAGE;
    }
    const char *word = argv[1];
    bool help = strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
    if (help && argc > 2) {
        const struct mk_command *about = find_command(argv[2]);
        if (!about)
            return unknown(argv[2]);
        return mk_command_help(about, argc - 3, argv + 3);
    }
    if (help) {
        print_help(stdout);
        return MK_EXIT_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        printf("milky %s\n", milky_version());
        return MK_EXIT_OK;
    }
    const struct mk_command *command = find_command(word);
    return command ? mk_command_run(command, argc - 1, argv + 1) : unknown(word);
}
