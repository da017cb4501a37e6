/* failure: see the header. libuv's texts of errors are lower case and the same everywhere. */
#include "net/failure.h"

#include "base/error_text.h"
#include "base/escape.h"
#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

const char *mk_failure_text(const struct mk_failure *failure)
{
    return mk_language_get() == MK_CHINESE ? failure->zh : failure->en;
}

/* Text of others may be anything; it must not end within a character. */
static void cut(char *text)
{
    text[mk_utf8_valid_prefix(mk_slice_str(text))] = '\0';
}

struct mk_failure *mk_failure_set(struct mk_failure *failure, enum mk_failure_kind kind,
                                  const char *en, const char *zh, ...)
{
    va_list arguments, again;
    failure->kind = kind;
    failure->error = 0;
    failure->status = 0;
    failure->is_sent = false;
    va_start(arguments, zh);
    va_copy(again, arguments);
    vsnprintf(failure->en, sizeof(failure->en), en, arguments);
    vsnprintf(failure->zh, sizeof(failure->zh), zh, again);
    va_end(again);
    va_end(arguments);
    cut(failure->en);
    cut(failure->zh);
    return failure;
}

struct mk_failure *mk_failure_say(struct mk_failure *failure, enum mk_failure_kind kind,
                                  const struct mk_phrase *words)
{
    mk_failure_set(failure, kind, "%s", "%s", "");
    snprintf(failure->en, sizeof(failure->en), "%s", words->en);
    snprintf(failure->zh, sizeof(failure->zh), "%s", words->zh);
    return failure;
}

static void append(char text[MK_FAILURE_TEXT], const char *more)
{
    size_t len = strlen(text);
    mk_utf8_copy(text + len, MK_FAILURE_TEXT - len, mk_slice_str(more));
}

struct mk_failure *mk_failure_add(struct mk_failure *failure, const struct mk_phrase *words)
{
    append(failure->en, words->en);
    append(failure->zh, words->zh);
    return failure;
}

/* Text that is not UTF-8, with bytes as in \xff. */
static int write_bytes(struct mk_buf *out, struct mk_slice text)
{
    int rc = mk_buf_append_char(out, '"');
    for (size_t i = 0; i < text.len && rc == 0; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
        rc = is_plain ? mk_buf_append_char(out, (char)c) : mk_buf_printf(out, "\\x%02x", c);
    }
    return rc == 0 ? mk_buf_append_char(out, '"') : rc;
}

/*
 * Copies text without the queries of URLs in it: servers repeat the request that they do not like,
 * and a token may be in its query.
 */
static int copy_without_queries(struct mk_buf *out, struct mk_slice text)
{
    int rc = 0;
    for (size_t i = 0; i < text.len && rc == 0;) {
        rc = mk_buf_append_char(out, text.ptr[i]);
        if (text.ptr[i++] != '?')
            continue;
        size_t begin = i;
        while (i < text.len && (unsigned char)text.ptr[i] > ' ' && !strchr("\"'<>", text.ptr[i]))
            i++;
        if (rc == 0 && i > begin)
            rc = mk_buf_append_slice(out, MK_SLICE("***"));
    }
    return rc;
}

static int write_quoted(struct mk_buf *out, struct mk_slice text, size_t most)
{
    struct mk_slice part = mk_slice_of(text.ptr, text.len < most ? text.len : most);
    if (mk_utf8_valid(text))
        return mk_escape_quote(out, text, most);
    int rc = write_bytes(out, part);
    return rc == 0 && part.len < text.len ? mk_buf_append_slice(out, MK_SLICE("...")) : rc;
}

struct mk_failure *mk_failure_quote(struct mk_failure *failure, struct mk_slice text, size_t most)
{
    struct mk_buf plain, quoted;
    mk_buf_init(&plain, SIZE_MAX);
    mk_buf_init(&quoted, SIZE_MAX);
    int rc = copy_without_queries(&plain, text);
    if (rc == 0)
        rc = write_quoted(&quoted, mk_buf_slice(&plain), most);
    if (rc == 0)
        rc = mk_buf_append_char(&quoted, '\0');
    if (rc == 0)
        mk_failure_add(failure, MK_PHRASE(quoted.data, quoted.data));
    mk_buf_fini(&plain);
    mk_buf_fini(&quoted);
    return failure;
}

static void hide_in(char text[MK_FAILURE_TEXT], const char *secret)
{
    static const char mask[] = "***";
    char *at = text;
    size_t len = strlen(secret);
    while ((at = strstr(at, secret))) {
        char rest[MK_FAILURE_TEXT];
        mk_utf8_copy(rest, sizeof(rest), mk_slice_str(at + len));
        size_t room = MK_FAILURE_TEXT - (size_t)(at - text);
        int written = snprintf(at, room, "%s%s", mask, rest);
        if (written < 0 || room <= sizeof(mask))
            break;
        at += sizeof(mask) - 1;
    }
    cut(text);
}

void mk_failure_hide(struct mk_failure *failure, const char *secret)
{
    enum { SHORTEST = 4 }; /* a shorter one is part of usual words */
    if (!secret || strlen(secret) < SHORTEST)
        return;
    hide_in(failure->en, secret);
    hide_in(failure->zh, secret);
}

bool mk_failure_is_certificate(const struct mk_failure *failure)
{
    return failure->kind >= MK_FAILURE_CERTIFICATE && failure->kind <= MK_FAILURE_CERTIFICATE_HOST;
}

static enum mk_failure_kind kind_of(int error)
{
    switch (-error) {
    case ECONNREFUSED:
        return MK_FAILURE_REFUSED;
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
        return MK_FAILURE_UNREACHABLE;
    case EACCES:
    case EPERM:
        return MK_FAILURE_FORBIDDEN;
    case ETIMEDOUT: /* the other host does not acknowledge anything */
        return MK_FAILURE_CONNECT_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
        return MK_FAILURE_CLOSED;
    case EPROTO:
        return MK_FAILURE_TLS; /* no other failure of src/net has this errno */
    case ENOMEM:
        return MK_FAILURE_NO_MEMORY;
    default:
        return MK_FAILURE_SYSTEM;
    }
}

/* Of libuv's own errors, and of errnos that have no Chinese text, the English one has to do. */
struct mk_failure *mk_failure_errno(struct mk_failure *failure, int error)
{
    char english[MK_FAILURE_TEXT];
    const char *chinese = mk_error_text_in(MK_CHINESE, -error);
    uv_strerror_r(error, english, sizeof(english));
    if (strcmp(chinese, mk_error_text_in(MK_ENGLISH, -error)) == 0)
        chinese = english;
    mk_failure_say(failure, kind_of(error), MK_PHRASE(english, chinese));
    failure->error = error;
    return failure;
}

struct mk_failure *mk_failure_timeout(struct mk_failure *failure, uint64_t ms)
{
    if (ms % 1000 == 0)
        mk_failure_set(failure, MK_FAILURE_TIMEOUT, "timed out after %" PRIu64 " s",
                       "%" PRIu64 " 秒后超时", ms / 1000);
    else
        mk_failure_set(failure, MK_FAILURE_TIMEOUT, "timed out after %" PRIu64 " ms",
                       "%" PRIu64 " 毫秒后超时", ms);
    failure->error = -ETIMEDOUT;
    return failure;
}

struct mk_failure *mk_failure_status(struct mk_failure *failure, unsigned status)
{
    mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u", "对方应答 %u", status);
    failure->status = status;
    failure->is_sent = true;
    return failure;
}
