/* check: `milky check`: checks a configuration and prints what it would serve. */
#include "cli/command.h"
#include "cli/summary.h"

#include <stdio.h>

enum { CONFIG, SCHEMA };

static const struct mk_option options[] = {
    MK_OPTION_CONFIG,
    { "schema", 0, NULL, "print the JSON Schema of configurations, for editors",
      "输出配置文件的 JSON Schema，供编辑器使用" },
    { NULL },
};

static int run(const struct mk_arguments *arguments)
{
    struct mk_config *config;
    if (arguments->option[SCHEMA]) {
        mk_config_write_schema(stdout);
    } else {
        int rc = mk_command_config_whole(arguments->option[CONFIG], &config);
        if (rc)
            return rc;
        printf("%s: ok\n", config->file ? config->file : mk_tr("(built in)", "（内置配置）"));
        fputs(config->warnings, stderr);
        mk_summary_print(stdout, config, NULL);
        mk_config_free(config);
    }
    return fflush(stdout) || ferror(stdout) ? MK_EXIT_FAILED : MK_EXIT_OK;
}

const struct mk_command mk_check_command = {
    .name = "check",
    .usage = "[-c FILE]",
    .en = "check a configuration and print what it would serve",
    .zh = "检查配置文件，并输出将要提供的服务",
    .options = options,
    .more_en =
        "Each mistake is a line FILE:LINE:COLUMN: KEY: what was expected, and the value there.\n"
        "Exit code: 0 without a mistake, 1 with one, 2 for a mistyped command.\n",
    .more_zh = "每个错误输出一行“文件:行:列: 键: 应为什么，实际为什么”。\n"
               "退出码：正确为 0，有误为 1，命令行写错为 2。\n",
    .run = run,
};
