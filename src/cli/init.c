/* init: `milky init`: writes a configuration to start from. */
#include "base/error_text.h"
#include "base/hex.h"
#include "base/random.h"
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FORCE };
enum { TOKEN_BYTES = 16 };

static const struct mk_option options[] = {
    { "force", 'f', NULL, "overwrite an existing file", "覆盖已有的文件" },
    { NULL },
};

static void make_token(char token[2 * TOKEN_BYTES + 1])
{
    unsigned char bytes[TOKEN_BYTES];
    mk_random_bytes(bytes, sizeof(bytes));
    mk_hex_write(bytes, sizeof(bytes), token);
}

/* Only its owner may read it, because there is a token in it. Returns 0 or a negative errno. */
static int write_sample(const char *name, bool force)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC | (force ? 0 : O_EXCL), 0600);
    if (fd < 0)
        return -errno;
    /* A file of another user is not changed. A file without a length (EINVAL) needs no truncation.
     */
    bool ready = fchmod(fd, 0600) == 0 && (ftruncate(fd, 0) == 0 || errno == EINVAL);
    FILE *file = ready ? fdopen(fd, "w") : NULL;
    if (!file) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    char token[2 * TOKEN_BYTES + 1];
    make_token(token);
    errno = 0;
    mk_config_write_sample(file, token);
    bool bad = ferror(file);
    bad |= fclose(file) != 0;
    return bad ? (errno ? -errno : -EIO) : 0;
}

static int run(const struct mk_arguments *arguments)
{
    const char *name = arguments->count ? arguments->words[0] : MK_CONFIG_FILE;
    int rc = write_sample(name, arguments->option[FORCE]);
    if (rc == -EEXIST)
        return mk_command_failed("%s exists already (--force overwrites it)",
                                 "%s 已存在（--force 可覆盖）", name);
    if (rc < 0)
        return mk_command_failed("%s: %s", "%s：%s", name, mk_error_text(-rc));
    printf(mk_tr("%s was written, with a new access_token in it. Next: %s serve -c %s\n",
                 "已写入 %s，其中有新生成的 access_token。接下来：%s serve -c %s\n"),
           name, mk_program, name);
    return MK_EXIT_OK;
}

const struct mk_command mk_init_command = {
    .name = "init",
    .usage = "[FILE]",
    .en = "write a commented configuration (" MK_CONFIG_FILE ")",
    .zh = "生成带注释的配置文件（" MK_CONFIG_FILE "）",
    .options = options,
    .most = 1,
    .run = run,
};
