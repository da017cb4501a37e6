/*
 * curl: libcurl, loaded at its first use. libcurl and the thirty libraries that it needs would
 * double the time and the memory of a start, and only webhooks and the commands that talk to a
 * running endpoint use them.
 */
#ifndef MK_NET_CURL_H
#define MK_NET_CURL_H

#include <curl/curl.h>

#define MK_CURL_FUNCTIONS(F)                                                                       \
    F(global_init)                                                                                 \
    F(version_info)                                                                                \
    F(easy_init)                                                                                   \
    F(easy_cleanup)                                                                                \
    F(easy_reset)                                                                                  \
    F(easy_setopt)                                                                                 \
    F(easy_getinfo)                                                                                \
    F(easy_header)                                                                                 \
    F(easy_perform)                                                                                \
    F(easy_strerror)                                                                               \
    F(multi_init)                                                                                  \
    F(multi_cleanup)                                                                               \
    F(multi_setopt)                                                                                \
    F(multi_assign)                                                                                \
    F(multi_add_handle)                                                                            \
    F(multi_remove_handle)                                                                         \
    F(multi_info_read)                                                                             \
    F(multi_socket_action)                                                                         \
    F(multi_perform)                                                                               \
    F(multi_poll)                                                                                  \
    F(multi_wakeup)                                                                                \
    F(getdate)                                                                                     \
    F(free)                                                                                        \
    F(url)                                                                                         \
    F(url_cleanup)                                                                                 \
    F(url_set)                                                                                     \
    F(url_get)                                                                                     \
    F(slist_append)                                                                                \
    F(slist_free_all)

/* Each function under its own name and type, without "curl_". */
struct mk_curl {
#define MK_CURL_MEMBER(name) __typeof__(&curl_##name) name;
    MK_CURL_FUNCTIONS(MK_CURL_MEMBER)
#undef MK_CURL_MEMBER
};

/*
 * Returns the same table each time, or NULL where libcurl cannot be loaded and initialised; then
 * `error` is a message that is valid until the thread's next call. libcurl stays loaded until the
 * process ends. Any thread may call this: libcurl (7.84 and later) locks its own initialisation
 * against that of others in the process.
 */
const struct mk_curl *mk_curl_load(const char **error);

#endif
