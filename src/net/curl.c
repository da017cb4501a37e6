/* curl: see the header. */
#include "net/curl.h"

#include "base/language.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The name of its ABI, unchanged since 2006. */
static const char library_name[] = "libcurl.so.4";

/*
 * `function` points to a function pointer: ISO C has no other way to convert the result of dlsym.
 */
static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

static bool load(struct mk_curl *curl)
{
    void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
    bool is_complete = library != NULL;
#define FIND(name) is_complete = is_complete && find(library, "curl_" #name, &curl->name);
    MK_CURL_FUNCTIONS(FIND)
#undef FIND
    return is_complete;
}

const struct mk_curl *mk_curl_load(const char **error)
{
    /* Written once, under the lock, and constant from then on. */
    static struct mk_curl curl;
    static _Atomic(const struct mk_curl *) loaded;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const struct mk_curl *result = atomic_load_explicit(&loaded, memory_order_acquire);
    if (result)
        return result;
    pthread_mutex_lock(&lock);
    result = atomic_load_explicit(&loaded, memory_order_relaxed);
    if (!result && !load(&curl))
        *error = dlerror(); /* this thread's */
    else if (!result && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        *error = mk_tr("it cannot be initialised", "无法初始化");
    else
        result = &curl;
    atomic_store_explicit(&loaded, result, memory_order_release);
    pthread_mutex_unlock(&lock);
    return result;
}
