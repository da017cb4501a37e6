/* error: what is wrong, in words for the caller of a function of milky/milky.h. */
#include "endpoint/parts.h"

#include <stdarg.h>
#include <stdio.h>

void mk_error_set(struct milky_error *error, const char *path, const char *format, ...)
{
    if (!error)
        return;
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    snprintf(error->path, sizeof(error->path), "%s", path);
    snprintf(error->text, sizeof(error->text), "%s%s%s", path, *path ? ": " : "", what);
    error->expected[0] = error->got[0] = '\0';
}
