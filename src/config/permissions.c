/*
 * permissions: whether data_dir can be used, and who else can read what is in it, the keys and the
 * configuration. It reads the state of files, and changes nothing.
 */
#include "config/rules.h"

#include "base/error_text.h"
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    GROUP_READ = S_IRGRP,
    OTHERS_READ = S_IROTH,
    OTHERS_ENTER = S_IXOTH,
    OTHERS_WRITE = S_IWOTH,
};

/* --- data_dir --- */

/* The errno that making something in the folder, which is there, would give; 0 for none. */
static int error_in(const char *folder)
{
    struct stat status;
    if (stat(folder, &status) < 0)
        return errno;
    return !S_ISDIR(status.st_mode) ? ENOTDIR : access(folder, W_OK | X_OK) < 0 ? errno : 0;
}

/* The errno that making the folder would give, as far as that can be known; 0 for none. */
static int error_of_new(const char *path)
{
    char *rest = strdup(path);
    struct stat status;
    if (!rest)
        return ENOMEM;
    const char *above; /* the nearest folder that is there */
    do {
        char *slash = strrchr(rest, '/');
        if (slash)
            *slash = '\0';
        above = !slash ? "." : *rest ? rest : "/";
    } while (lstat(above, &status) < 0 && errno == ENOENT && above == rest);
    int error = error_in(above);
    free(rest);
    return error;
}

/* The errno that using it as data_dir would give; 0 for none. */
static int error_of(const char *path)
{
    struct stat status;
    if (lstat(path, &status) < 0)
        return errno == ENOENT ? error_of_new(path) : errno;
    if (stat(path, &status) < 0)
        return errno;
    return !S_ISDIR(status.st_mode) ? ENOTDIR : access(path, R_OK | W_OK | X_OK) < 0 ? errno : 0;
}

void mk_config_check_data_dir(const char *data_dir, struct mk_mistakes *mistakes)
{
    int error = data_dir ? error_of(data_dir) : 0;
    if (error == 0)
        return;
    struct stat status;
    bool is_file = stat(data_dir, &status) == 0 && !S_ISDIR(status.st_mode);
    mk_mistakes_add(
        mistakes,
        &(struct mk_mistake_found){
            .path = "data_dir",
            .expected = mk_tr("a folder that can be made or written", "可创建或可写的目录"),
            .got = mk_mistakes_quote(mistakes, mk_slice_str(data_dir)),
            .text = is_file
                        ? mk_mistakes_say(mistakes,
                                          "expected a folder that can be made or written, got the "
                                          "file %s",
                                          "应为可创建或可写的目录，实际为文件 %s", data_dir)
                        : mk_mistakes_say(mistakes, "cannot make or write data_dir %s: %s",
                                          "无法创建或写入 data_dir %s：%s", data_dir,
                                          mk_error_text(error)),
        });
}

/* --- warnings --- */

static void warn(struct mk_mistakes *warnings, const char *path, const char *text)
{
    mk_mistakes_add(warnings,
                    &(struct mk_mistake_found){
                        .path = path,
                        .text = mk_mistakes_say(warnings, "warning: %s", "警告：%s", text),
                    });
}

/* Whether all users of the machine can read the file. */
static bool is_open(const char *file, unsigned *mode)
{
    struct stat status;
    if (!file || stat(file, &status) < 0)
        return false;
    *mode = status.st_mode & 07777;
    return (*mode & OTHERS_READ) != 0;
}

/*
 * Whether the group of the file can read it, and need not: where the file is another user's, the
 * group may be what lets this program read it.
 */
static bool is_open_to_group(const char *file, unsigned *mode)
{
    struct stat status;
    if (!file || stat(file, &status) < 0)
        return false;
    *mode = status.st_mode & 07777;
    return (*mode & GROUP_READ) && status.st_uid == geteuid();
}

static void warn_of_key(struct mk_mistakes *warnings, const char *path, const char *file)
{
    unsigned mode;
    if (is_open(file, &mode))
        warn(warnings, path,
             mk_mistakes_say(
                 warnings, "every user of this machine can read the key %s (mode %04o): chmod 600",
                 "本机所有用户都能读取密钥 %s（权限 %04o）：请执行 chmod 600", file, mode));
    else if (is_open_to_group(file, &mode))
        warn(warnings, path,
             mk_mistakes_say(warnings,
                             "the group of the key %s can read it (mode %04o): chmod 600, unless "
                             "milky runs as a member of that group",
                             "密钥 %s 的所属组可以读取它（权限 %04o）：除非 milky "
                             "以该组成员的身份运行，否则请执行 chmod 600",
                             file, mode));
}

/* A secret in the configuration: the first one is pointed at. */
static void warn_of_secret(struct mk_mistakes *warnings, const char *path, const char *secret,
                           const char *file)
{
    unsigned mode;
    if (!secret || warnings->count > 0)
        return;
    if (is_open(file, &mode))
        warn(warnings, path,
             mk_mistakes_say(
                 warnings,
                 "there is a secret here, and every user of this machine can read %s "
                 "(mode %04o): chmod 600",
                 "此处含有机密，而本机所有用户都能读取 %s（权限 %04o）：请执行 chmod 600", file,
                 mode));
    else if (is_open_to_group(file, &mode))
        warn(warnings, path,
             mk_mistakes_say(warnings,
                             "there is a secret here, and the group of %s can read it (mode "
                             "%04o): chmod 600, unless milky runs as a member of that group",
                             "此处含有机密，而 %s 的所属组可以读取它（权限 %04o）：除非 milky "
                             "以该组成员的身份运行，否则请执行 chmod 600",
                             file, mode));
}

static void secrets_of_servers(struct mk_mistakes *warnings, const char *file, size_t bot,
                               const char *kind, const struct milky_server *servers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        warn_of_secret(warnings, mk_rule_path(warnings, bot, kind, i, "access_token"),
                       servers[i].access_token, file);
}

static void secrets_of_remotes(struct mk_mistakes *warnings, const char *file, size_t bot,
                               const char *kind, const struct milky_remote *remotes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        warn_of_secret(warnings, mk_rule_path(warnings, bot, kind, i, "access_token"),
                       remotes[i].access_token, file);
        warn_of_secret(warnings, mk_rule_path(warnings, bot, kind, i, "secret"), remotes[i].secret,
                       file);
    }
}

static void warn_of_secrets(struct mk_mistakes *warnings, const struct mk_config *config)
{
    const struct milky_config *endpoint = &config->endpoint;
    const char *file = config->file;
    warn_of_secret(warnings, "control", endpoint->control_access_token, file);
    warn_of_secret(warnings, "operations", endpoint->operations_access_token, file);
    for (size_t i = 0; i < endpoint->bot_count; i++) {
        const struct milky_bot *bot = &endpoint->bots[i];
        secrets_of_servers(warnings, file, i, "http_server", bot->http_server,
                           bot->http_server_count);
        secrets_of_servers(warnings, file, i, "websocket_server", bot->websocket_server,
                           bot->websocket_server_count);
        secrets_of_remotes(warnings, file, i, "websocket_client", bot->websocket_client,
                           bot->websocket_client_count);
        secrets_of_remotes(warnings, file, i, "webhook", bot->webhook, bot->webhook_count);
    }
}

static void keys_of_servers(struct mk_mistakes *warnings, size_t bot, const char *kind,
                            const struct milky_server *servers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        warn_of_key(warnings, mk_rule_path(warnings, bot, kind, i, "tls.key"), servers[i].tls.key);
}

static void keys_of_remotes(struct mk_mistakes *warnings, size_t bot, const char *kind,
                            const struct milky_remote *remotes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        warn_of_key(warnings, mk_rule_path(warnings, bot, kind, i, "tls.key"), remotes[i].tls.key);
}

static void warn_of_keys(struct mk_mistakes *warnings, const struct mk_config *config)
{
    for (size_t i = 0; i < config->endpoint.bot_count; i++) {
        const struct milky_bot *bot = &config->endpoint.bots[i];
        keys_of_servers(warnings, i, "http_server", bot->http_server, bot->http_server_count);
        keys_of_servers(warnings, i, "websocket_server", bot->websocket_server,
                        bot->websocket_server_count);
        keys_of_remotes(warnings, i, "websocket_client", bot->websocket_client,
                        bot->websocket_client_count);
        keys_of_remotes(warnings, i, "webhook", bot->webhook, bot->webhook_count);
    }
}

/* Where others can enter data_dir: the first file in it that they can read. */
static void warn_of_file(struct mk_mistakes *warnings, const char *data_dir, unsigned mode,
                         const char *file)
{
    unsigned of_file;
    if (!mk_mistakes_has(warnings, "data_dir") && is_open(file, &of_file))
        warn(
            warnings, "data_dir",
            mk_mistakes_say(warnings,
                            "every user of this machine can enter %s (mode %04o) and read %s (mode "
                            "%04o): chmod 700 the folder; the next start makes the file private",
                            "本机所有用户都能进入 %s（权限 %04o）并读取 %s（权限 %04o）："
                            "请对该目录执行 chmod 700；下次启动时会收紧该文件的权限",
                            data_dir, mode, file, of_file));
}

static void warn_of_data_dir(struct mk_mistakes *warnings, const struct mk_config *config)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    const char *folder = config->data_dir;
    struct stat status;
    if (!folder || stat(folder, &status) < 0)
        return;
    unsigned mode = status.st_mode & 07777;
    if ((mode & OTHERS_WRITE) && !(mode & S_ISVTX))
        warn(warnings, "data_dir",
             mk_mistakes_say(warnings,
                             "every user of this machine can replace the files in %s (mode %04o): "
                             "chmod 700",
                             "本机所有用户都能替换 %s 中的文件（权限 %04o）：请执行 chmod 700",
                             folder, mode));
    if (!(mode & OTHERS_ENTER))
        return;
    for (size_t k = 0; k < sizeof(suffixes) / sizeof(suffixes[0]); k++) {
        warn_of_file(warnings, folder, mode,
                     mk_mistakes_text(warnings, "%s/journal.db%s", folder, suffixes[k]));
        for (size_t i = 0; i < config->backend_count; i++)
            warn_of_file(warnings, folder, mode,
                         mk_mistakes_text(warnings, "%s/%s/sandbox.db%s", folder,
                                          config->backends[i].name, suffixes[k]));
    }
}

void mk_config_warn(const struct mk_config *config, struct mk_mistakes *warnings)
{
    warn_of_secrets(warnings, config); /* first: it points at one of them only */
    warn_of_keys(warnings, config);
    warn_of_data_dir(warnings, config);
}
