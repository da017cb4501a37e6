/*
 * fuzz_uri: any bytes as the URI of a content. base64:// decodes to the encoded bytes, and accepts
 * no other text for them; file:// never reads a file outside its root, whatever the path is; the
 * file name of a URI is a valid one.
 *
 * The first byte: bits 0 and 1 choose the beginning of a path (nothing, the root, the root twice, a
 * folder beside it), bit 2 a small limit. The rest is the URI after its scheme.
 */
#include "backend/sandbox/media/private.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "protocol/file_name.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/milky-fuzz-XXXXXX";
static char *roots[1];
static char database[80];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_folder(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(int at, const char *name, const char *text)
{
    int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0,
          "cannot prepare the folder");
}

/* FOLDER/root: files and folders to read, and links that lead out of it, to FOLDER/secret. */
static void prepare(void)
{
    static char root[64];
    if (roots[0])
        return;
    check(mkdtemp(folder) != NULL, "no folder");
    atexit(remove_folder);
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(at >= 0 && mkdirat(at, "root", 0700) == 0 && mkdirat(at, "root/sub", 0700) == 0 &&
              mkdirat(at, "rooted", 0700) == 0,
          "no folders");
    write_file(at, "secret", "secret");
    write_file(at, "rooted/a", "secret");
    write_file(at, "root/world.db", "secret");
    write_file(at, "root/world.db-wal", "secret");
    write_file(at, "root/a", "open");
    write_file(at, "root/a b", "open");
    write_file(at, "root/sub/a", "open");
    check(symlinkat("../secret", at, "root/link") == 0 && symlinkat("..", at, "root/up") == 0 &&
              symlinkat("a", at, "root/fine") == 0,
          "no links");
    close(at);
    snprintf(root, sizeof(root), "%s/root", folder);
    snprintf(database, sizeof(database), "%s/world.db", root);
    roots[0] = root;
}

static int take(void *arg, const void *data, size_t len)
{
    return mk_buf_append(arg, data, len);
}

static void check_problem(bool good, const struct sb_media_problem *problem)
{
    check(good == (problem->kind == 0), "a problem or none");
    check(good || (problem->text && problem->text[0]), "no reason");
    check(good || mk_utf8_valid(mk_slice_str(problem->text)), "a reason that is no text");
}

static void check_file(const struct sb_media_rules *rules, uint8_t mode, struct mk_slice rest)
{
    static const char *const starts[] = { "", "root", "root/root", "rooted" };
    const char *start = starts[mode & 3];
    struct sb_media_reading reading = { false, false };
    struct sb_media_problem problem = { .language = mode & 4 ? MK_CHINESE : MK_ENGLISH };
    struct mk_buf uri, content;
    mk_buf_init(&uri, SIZE_MAX / 2);
    mk_buf_init(&content, SIZE_MAX / 2);
    check(mk_buf_printf(&uri, "file://%s%s%s%s", mode & 8 ? "localhost" : "",
                        start[0] ? folder : "", start[0] ? "/" : "", start) == 0 &&
              mk_buf_append_slice(&uri, rest) == 0,
          "memory");
    bool good = sb_media_read_file(rules, mk_buf_slice(&uri), &reading, take, &content, &problem);
    check_problem(good, &problem);
    free(problem.text);
    check(!good || (mk_slice_eq(mk_buf_slice(&content), MK_SLICE("open")) && rules->max_bytes >= 4),
          "something else was read");
    check(good || content.len == 0, "something was read, and yet refused");
    mk_buf_fini(&uri);
    mk_buf_fini(&content);
}

/* Decodes the base64 of `text` into `content`. */
static bool read_base64(const struct sb_media_rules *rules, struct mk_slice text,
                        struct mk_buf *content)
{
    struct sb_media_reading reading = { false, false };
    struct sb_media_problem problem = { 0 };
    struct mk_buf uri;
    mk_buf_init(&uri, SIZE_MAX / 2);
    check(mk_buf_append_slice(&uri, MK_SLICE("base64://")) == 0 &&
              mk_buf_append_slice(&uri, text) == 0,
          "memory");
    bool good = sb_media_read_base64(rules, mk_buf_slice(&uri), &reading, take, content, &problem);
    check_problem(good, &problem);
    free(problem.text);
    check(content->len <= rules->max_bytes, "more than the limit");
    mk_buf_fini(&uri);
    return good;
}

static void check_base64(const struct sb_media_rules *rules, struct mk_slice input)
{
    struct mk_buf content;
    char *text = malloc((input.len + 2) / 3 * 4 + 1);
    check(text != NULL, "memory");
    mk_buf_init(&content, SIZE_MAX / 2);
    if (read_base64(rules, input, &content)) {
        char *again = malloc((content.len + 2) / 3 * 4 + 1);
        check(again != NULL, "memory");
        int len = EVP_EncodeBlock((unsigned char *)again, (unsigned char *)content.data,
                                  (int)content.len);
        check(mk_slice_eq(mk_slice_of(again, (size_t)len), input), "another text for it");
        free(again);
    }
    mk_buf_reset(&content, 0);
    int len =
        EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)input.ptr, (int)input.len);
    bool good = read_base64(rules, mk_slice_of(text, (size_t)len), &content);
    check(good == (input.len <= rules->max_bytes), "the limit");
    check(!good || mk_slice_eq(mk_buf_slice(&content), input), "another content");
    mk_buf_fini(&content);
    free(text);
}

static void check_base64url(struct mk_slice input)
{
    char *text = malloc((input.len * 4 + 2) / 3 + 1);
    uint8_t *bytes = malloc(input.len + 1);
    check(text && bytes, "memory");
    mk_base64url_encode((const uint8_t *)input.ptr, input.len, text);
    check(mk_base64url_decode(mk_slice_str(text), bytes, input.len), "its own text is refused");
    check(mk_slice_eq(mk_slice_of((char *)bytes, input.len), input), "another content");
    size_t len = input.len * 3 / 4;
    if (mk_base64url_decode(input, bytes, len)) {
        char *again = malloc((len * 4 + 2) / 3 + 1);
        check(again != NULL, "memory");
        mk_base64url_encode(bytes, len, again);
        check(mk_slice_eq(mk_slice_str(again), input), "another text for it");
        free(again);
    }
    free(text);
    free(bytes);
}

static void check_name(struct mk_slice uri)
{
    struct mk_arena arena;
    struct mk_slice name = { 0 };
    mk_arena_init(&arena);
    check(mk_file_name_of_uri(uri, &arena, &name) == 0, "memory");
    check(name.len > 0 && name.len <= uri.len + 4 && name.ptr[name.len] == '\0', "length");
    check(mk_utf8_valid(name) && !memchr(name.ptr, '/', name.len) && strlen(name.ptr) == name.len &&
              strcmp(name.ptr, "..") != 0 && strcmp(name.ptr, ".") != 0,
          "no name of a file");
    mk_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice input = mk_slice_of((const char *)data, size);
    uint8_t mode = take_byte(&input);
    prepare();
    char *copy = copy_of(input.ptr, input.len);
    struct mk_slice rest = mk_slice_of(copy, input.len);
    struct sb_media_rules rules = {
        .max_bytes = mode & 4 ? 3 : 1024 * 1024,
        .roots = roots,
        .root_count = 1,
        .roots_text = roots[0],
        .database = database,
        .data_dir = "",
    };
    check_file(&rules, mode, rest);
    check_base64(&rules, rest);
    check_base64url(rest);
    check_name(rest);
    free(copy);
    return 0;
}
