/*
 * curl: libcurl, loaded when somebody first needs it. It and the thirty libraries behind it would
 * be half of what a start takes, in time and in memory, and only webhooks and the commands that
 * talk to a running endpoint need them.
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
    F(getdate)                                                                                     \
    F(slist_append)                                                                                \
    F(slist_free_all)

/* Each function under its own name and type, without "curl_". */
struct mk_curl {
#define MK_CURL_MEMBER(name) __typeof__(&curl_##name) name;
    MK_CURL_FUNCTIONS(MK_CURL_MEMBER)
#undef MK_CURL_MEMBER
};

/*
 * Returns the same each time, or NULL where libcurl cannot be loaded and initialised; then `error`
 * says why, for a person to read, until the thread's next call. It stays so until the process ends.
 * Any thread may call this: libcurl (7.84 and later) locks its own initialisation against that of
 * others in the process.
 */
const struct mk_curl *mk_curl_load(const char **error);

#endif
