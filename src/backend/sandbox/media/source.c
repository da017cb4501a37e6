/*
 * source: where the bytes of contents come from: files below the roots, base64. Runs on any thread
 * and touches nothing but its arguments.
 */
#include "backend/sandbox/media/private.h"
#include "base/base64.h"
#include "base/error_text.h"
#include "base/percent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PIECE = 96 * 1024 }; /* bytes at a time; a multiple of 3 */

void sb_media_problem_too_large(struct sb_media_problem *problem, uint64_t max)
{
    sb_media_problem(problem, SB_PROBLEM_TOO_LARGE,
                     "it is larger than %llu bytes (backend.media.max_bytes)",
                     "内容超过 %llu 字节（backend.media.max_bytes）", (unsigned long long)max);
}

void sb_media_problem_of_disk(struct sb_media_problem *problem, int error)
{
    if (problem->kind) /* the one who took the bytes has said why */
        return;
    sb_media_problem(problem, SB_PROBLEM_INTERNAL, "the sandbox cannot store it: %s",
                     "沙盒无法存储它：%s", mk_error_text_in(problem->language, -error));
}

/* --- base64 --- */

/* The loop that forgets a URI sees that it is being read, or that it will not be. */
static bool begin_reading(struct sb_media_reading *reading)
{
    atomic_store(&reading->reads_uri, true);
    if (!atomic_load(&reading->abandoned))
        return true;
    atomic_store(&reading->reads_uri, false);
    return false;
}

enum { RUN = PIECE / 3 * 4 }; /* characters at a time */

static struct mk_slice next_run(struct mk_slice *text)
{
    struct mk_slice run = mk_slice_of(text->ptr, text->len < RUN ? text->len : RUN);
    *text = mk_slice_from(*text, run.len);
    return run;
}

/*
 * Lines make a text longer than its content: its characters are counted where the length alone
 * would be too much.
 */
static bool is_too_large(struct mk_slice text, uint64_t max, struct sb_media_reading *reading)
{
    size_t count = 0;
    if (mk_base64_bytes(text.len) <= max)
        return false;
    while (text.len > 0 && begin_reading(reading)) {
        count += mk_base64_count(next_run(&text));
        atomic_store(&reading->reads_uri, false);
    }
    return mk_base64_bytes(count) > max;
}

static void bad_base64(struct sb_media_problem *problem, enum mk_base64_fault fault,
                       uint64_t position)
{
    if (fault == MK_BASE64_CUT)
        sb_media_problem(problem, SB_PROBLEM_URI,
                         "it is not valid base64: characters are missing at its end",
                         "它不是合法的 base64：末尾缺少字符");
    else if (fault == MK_BASE64_PADDING)
        sb_media_problem(problem, SB_PROBLEM_URI,
                         "it is not valid base64: there is a = before its end, at character %llu",
                         "它不是合法的 base64：第 %llu 个字符处的 = 不在末尾",
                         (unsigned long long)position + 1);
    else
        sb_media_problem(problem, SB_PROBLEM_URI,
                         "it is not valid base64: character %llu is none of its letters",
                         "它不是合法的 base64：第 %llu 个字符不属于 base64 字母表",
                         (unsigned long long)position + 1);
}

/* Decodes all of it. Returns what `take` returned. */
static int decode_all(struct mk_slice text, uint8_t *piece, struct sb_media_reading *reading,
                      sb_media_taker *take, void *arg, struct sb_media_problem *problem)
{
    struct mk_base64_reader reader = { 0 };
    enum mk_base64_fault fault = MK_BASE64_GOOD;
    size_t len = 0;
    int rc = 0;
    bool is_whole = text.len == 0;
    while (rc == 0 && !fault && !is_whole && begin_reading(reading)) {
        fault = mk_base64_read(&reader, next_run(&text), piece, &len);
        atomic_store(&reading->reads_uri, false);
        is_whole = text.len == 0;
        if (!fault && len > 0)
            rc = take(arg, piece, len);
    }
    if (rc == 0 && !fault && is_whole) {
        fault = mk_base64_read_end(&reader, piece, &len);
        if (len > 0)
            rc = take(arg, piece, len);
    }
    if (fault)
        bad_base64(problem, fault, reader.position);
    return rc;
}

bool sb_media_read_base64(const struct sb_media_rules *rules, struct mk_slice uri,
                          struct sb_media_reading *reading, sb_media_taker *take, void *arg,
                          struct sb_media_problem *problem)
{
    struct mk_slice text = mk_slice_from(uri, sizeof("base64://") - 1);
    if (is_too_large(text, rules->max_bytes, reading)) {
        sb_media_problem_too_large(problem, rules->max_bytes);
        return false;
    }
    uint8_t *piece = malloc(PIECE + 3); /* and what the run before has left */
    int rc = piece ? decode_all(text, piece, reading, take, arg, problem) : -ENOMEM;
    free(piece);
    if (rc < 0)
        sb_media_problem_of_disk(problem, rc);
    return rc == 0 && !problem->kind;
}

/* --- files --- */

static bool bad_path(struct sb_media_problem *problem, const struct mk_phrase *why)
{
    sb_media_problem(problem, SB_PROBLEM_URI, "%s", "%s",
                     mk_tr_in(problem->language, why->en, why->zh));
    return false;
}

static bool outside(const struct sb_media_rules *rules, struct sb_media_problem *problem)
{
    if (rules->root_count == 0)
        sb_media_problem(problem, SB_PROBLEM_URI,
                         "file:// is not open to bots: list the folders that they may read in "
                         "backend.media.roots",
                         "file:// 未对 Bot 开放：请在 backend.media.roots 中列出可读取的目录");
    else
        sb_media_problem(problem, SB_PROBLEM_URI,
                         "only files below these folders may be read (backend.media.roots): %s",
                         "只能读取这些目录中的文件（backend.media.roots）：%s", rules->roots_text);
    return false;
}

static void own_file(struct sb_media_problem *problem)
{
    sb_media_problem(
        problem, SB_PROBLEM_URI,
        "keys, databases, the configuration and the files of data_dir are not for bots: copy the "
        "content into a file of its own elsewhere",
        "不能读取密钥、数据库、配置文件与 data_dir 中的文件：请将内容复制到别处的单独文件");
}

static bool unreadable(struct sb_media_problem *problem, int error)
{
    sb_media_problem(problem, SB_PROBLEM_CONTENT, "the file cannot be read: %s", "无法读取文件：%s",
                     mk_error_text_in(problem->language, error));
    return false;
}

static void became_shorter(struct sb_media_problem *problem)
{
    sb_media_problem(problem, SB_PROBLEM_CONTENT,
                     "the file cannot be read: it became shorter meanwhile; send it again when it "
                     "is complete",
                     "无法读取文件：读取期间文件变短了；请在文件完整之后重新发送");
}

/* Decodes the path of a file URI. */
static bool decode(struct mk_slice escaped, char path[PATH_MAX], struct sb_media_problem *problem)
{
    struct mk_buf decoded;
    mk_buf_init(&decoded, PATH_MAX - 1);
    int rc = mk_percent_decode(&decoded, escaped);
    bool has_nul = decoded.len > 0 && memchr(decoded.data, '\0', decoded.len);
    if (decoded.len > 0)
        memcpy(path, decoded.data, decoded.len);
    path[decoded.len] = '\0';
    mk_buf_fini(&decoded);
    if (rc == -EINVAL)
        return bad_path(problem,
                        MK_PHRASE("a % in a file URI is followed by two hexadecimal digits",
                                  "file URI 中的 % 之后应为两位十六进制数字"));
    if (rc == -ENOBUFS)
        return bad_path(problem, MK_PHRASE("the path is too long", "路径过长"));
    if (rc < 0)
        return unreadable(problem, -rc);
    return !has_nul ||
           bad_path(problem, MK_PHRASE("a path has no NUL in it", "路径中不能有 NUL 字节"));
}

/* The path of "file:///path", "file:////path" or "file://localhost/path", percent-decoded. */
static bool decode_path(struct mk_slice uri, char path[PATH_MAX], struct sb_media_problem *problem)
{
    struct mk_slice rest = mk_slice_from(uri, sizeof("file://") - 1);
    static const struct mk_slice host = { "localhost/", sizeof("localhost/") - 1 };
    if (rest.len >= host.len && mk_slice_eq_nocase(mk_slice_of(rest.ptr, host.len), host))
        rest = mk_slice_from(rest, host.len - 1);
    if (rest.len == 0 || rest.ptr[0] != '/')
        return bad_path(problem, MK_PHRASE("a file URI is file:///PATH, with a whole path",
                                           "file URI 的形式为 file:///PATH，须为绝对路径"));
    while (rest.len > 1 && rest.ptr[1] == '/')
        rest = mk_slice_from(rest, 1);
    if (!decode(rest, path, problem))
        return false;
    size_t len = strlen(path);
    if (len >= 3 && path[2] == ':' && (len == 3 || path[3] == '/' || path[3] == '\\'))
        return bad_path(problem,
                        MK_PHRASE("there are no drives on this machine: a path is like /tmp/a.png",
                                  "本机没有盘符：路径形如 /tmp/a.png"));
    for (const char *at = path; (at = strstr(at, "/..")); at += 3)
        if (at[3] == '/' || at[3] == '\0')
            return bad_path(problem,
                            MK_PHRASE("a path may not go up with ..", "路径不能用 .. 回到上级"));
    return true;
}

/* The root that `path` lies below, or NULL. */
static const char *root_of(const struct sb_media_rules *rules, const char *path)
{
    for (size_t i = 0; i < rules->root_count; i++) {
        size_t len = strlen(rules->roots[i]);
        if (strncmp(path, rules->roots[i], len) == 0 && path[len] == '/')
            return rules->roots[i];
    }
    return NULL;
}

/*
 * Checks before the file is opened: opening a device may have an effect, and closing any descriptor
 * of a database releases the locks that this process has on it. Returns 0 or an errno.
 */
static int may_be_opened(const struct sb_media_rules *rules, int folder, const char *name)
{
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return errno;
    return !S_ISREG(status.st_mode) ? EINVAL : sb_media_is_closed(rules, &status) ? EPERM : 0;
}

/*
 * Opens a path that has no link in it, step by step from its root: a link that is put in the way
 * meanwhile is not followed. Returns a descriptor or a negative errno: -EINVAL for anything but a
 * regular file, -EPERM for one that is closed.
 */
static int open_below(const struct sb_media_rules *rules, const char *root, char *path)
{
    int at = open(*root ? root : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *name = path + strlen(root) + 1;
    while (at >= 0) {
        char *slash = strchr(name, '/');
        if (slash)
            *slash = '\0';
        int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (slash ? O_DIRECTORY : O_NONBLOCK);
        int error = slash ? 0 : may_be_opened(rules, at, name);
        int next = error ? -1 : openat(at, name, flags);
        if (!error)
            error = errno;
        close(at);
        errno = error;
        at = next;
        if (!slash)
            break;
        name = slash + 1;
    }
    return at < 0 ? -errno : at;
}

/* Below /proc there are the arguments, the environment and the memory of this process. */
static bool is_of_kernel(int fd)
{
    struct statfs system;
    return fstatfs(fd, &system) == 0 &&
           (system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC);
}

/* `*size`: of the file when it was opened. */
static int open_file(const struct sb_media_rules *rules, struct mk_slice uri, uint64_t *size,
                     struct sb_media_problem *problem)
{
    char path[PATH_MAX] = "", resolved[PATH_MAX];
    if (!decode_path(uri, path, problem))
        return -1;
    if (!realpath(path, resolved)) {
        int error = errno;
        /* Outside of the roots the answer does not depend on which files exist. */
        if (root_of(rules, path))
            unreadable(problem, error);
        else
            outside(rules, problem);
        return -1;
    }
    const char *root = root_of(rules, resolved);
    if (!root) {
        outside(rules, problem);
        return -1;
    }
    int fd =
        sb_media_is_private(rules, root, resolved) ? -EPERM : open_below(rules, root, resolved);
    struct stat status;
    if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        fd = -EINVAL;
    }
    if (fd >= 0 && (sb_media_is_closed(rules, &status) || is_of_kernel(fd))) {
        close(fd); /* it took the place of another one meanwhile */
        fd = -EPERM;
    }
    if (fd == -EINVAL)
        bad_path(problem, MK_PHRASE("it is not a regular file", "它不是普通文件"));
    else if (fd == -EPERM)
        own_file(problem);
    else if (fd < 0)
        unreadable(problem, -fd);
    else
        *size = (uint64_t)status.st_size;
    return fd;
}

bool sb_media_read_file(const struct sb_media_rules *rules, struct mk_slice uri,
                        struct sb_media_reading *reading, sb_media_taker *take, void *arg,
                        struct sb_media_problem *problem)
{
    uint64_t total = 0, size = 0;
    int fd = open_file(rules, uri, &size, problem);
    char *piece = fd >= 0 ? malloc(PIECE) : NULL;
    int error = piece ? 0 : -ENOMEM;
    while (fd >= 0 && error == 0 && !problem->kind && !atomic_load(&reading->abandoned)) {
        ssize_t got = read(fd, piece, PIECE);
        if (got == 0 && total < size)
            became_shorter(problem);
        if (got == 0)
            break;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            unreadable(problem, errno);
        else if ((total += (uint64_t)got) > rules->max_bytes)
            sb_media_problem_too_large(problem, rules->max_bytes);
        else
            error = take(arg, piece, (size_t)got);
    }
    free(piece);
    if (fd >= 0) {
        close(fd);
        if (error < 0)
            sb_media_problem_of_disk(problem, error);
    }
    return fd >= 0 && error == 0 && !problem->kind;
}
