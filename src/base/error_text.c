/* error_text: see the header. */
#include "base/error_text.h"

#include <string.h>

const char *mk_error_text(int error)
{
#ifdef __GLIBC__
    const char *text = strerrordesc_np(error); /* strerror would write unknown ones into a buffer */
    return text ? text : "Unknown error";
#else
    return strerror(error); /* musl's are constant */
#endif
}
