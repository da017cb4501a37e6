/* curl: see the header. */
#include "net/curl.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The name of its interface, which has been the same since 2006. */
static const char library_name[] = "libcurl.so.4";

/* `function` points to a pointer to a function: ISO C knows no other way from dlsym to one. */
static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

const struct mk_curl *mk_curl_load(const char **error)
{
    static struct mk_curl curl;
    static bool loaded;
    if (loaded)
        return &curl;
    void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    loaded = library != NULL;
#define FIND(name) loaded = loaded && find(library, "curl_" #name, &curl.name);
    MK_CURL_FUNCTIONS(FIND)
#undef FIND
    if (loaded)
        return &curl;
    *error = dlerror();
    return NULL;
}
