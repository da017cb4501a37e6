/* failure: libuv's texts of errors are lower case and the same everywhere; strerror's are not. */
#include "net/failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

void mk_failure_errno(char text[MK_FAILURE_TEXT], int error)
{
    snprintf(text, MK_FAILURE_TEXT, "%s", uv_strerror(error));
}

void mk_failure_timeout(char text[MK_FAILURE_TEXT], uint64_t ms)
{
    if (ms % 1000 == 0)
        snprintf(text, MK_FAILURE_TEXT, "timed out after %" PRIu64 " s", ms / 1000);
    else
        snprintf(text, MK_FAILURE_TEXT, "timed out after %" PRIu64 " ms", ms);
}
