/* failure: libuv's texts of errors are lower case and the same everywhere; strerror's are not. */
#include "net/failure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <uv.h>

struct mk_failure *mk_failure_set(struct mk_failure *failure, enum mk_failure_kind kind,
                                  const char *format, ...)
{
    va_list arguments;
    failure->kind = kind;
    failure->error = 0;
    failure->status = 0;
    va_start(arguments, format);
    vsnprintf(failure->text, sizeof(failure->text), format, arguments);
    va_end(arguments);
    return failure;
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
    case ETIMEDOUT:
        return MK_FAILURE_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
        return MK_FAILURE_CLOSED;
    case EPROTO:
        return MK_FAILURE_TLS; /* nothing else in this room ends with it */
    case ENOMEM:
        return MK_FAILURE_NO_MEMORY;
    default:
        return MK_FAILURE_SYSTEM;
    }
}

struct mk_failure *mk_failure_errno(struct mk_failure *failure, int error)
{
    mk_failure_set(failure, kind_of(error), "%s", "");
    uv_strerror_r(error, failure->text, sizeof(failure->text));
    failure->error = error;
    return failure;
}

struct mk_failure *mk_failure_timeout(struct mk_failure *failure, uint64_t ms)
{
    if (ms % 1000 == 0)
        mk_failure_set(failure, MK_FAILURE_TIMEOUT, "timed out after %" PRIu64 " s", ms / 1000);
    else
        mk_failure_set(failure, MK_FAILURE_TIMEOUT, "timed out after %" PRIu64 " ms", ms);
    failure->error = -ETIMEDOUT;
    return failure;
}

struct mk_failure *mk_failure_status(struct mk_failure *failure, unsigned status, const char *more)
{
    mk_failure_set(failure, MK_FAILURE_STATUS, "it answered %u%s", status, more);
    failure->status = status;
    return failure;
}
