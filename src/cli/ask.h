/*
 * ask: a request of an operator to the daemon that runs: to the control address of a configuration.
 */
#ifndef MK_CLI_ASK_H
#define MK_CLI_ASK_H

#include "cli/client.h"

/*
 * Posts `body` to `path` ("/endpoint/status") of the daemon at `control`, as in the configuration
 * ("127.0.0.1:3010", "unix:PATH") or behind "http://", with the access token of the environment.
 * NULL: the control address of the configuration `file`, as for mk_command_config, whose token
 * comes before that of the environment. Returns 0 with a reply that is ok, or an exit code after it
 * has printed why.
 */
int mk_ask_at(const char *file, const char *control, const char *path, struct mk_slice body,
              struct mk_client_reply *reply);

/*
 * The same, but the reply may be a failure of the request, about which nothing was printed.
 */
int mk_ask_reply(const char *file, const char *control, const char *path, struct mk_slice body,
                 struct mk_client_reply *reply);

/* A request to a sandbox. */
struct mk_ask_sandbox {
    const char *file;    /* as above */
    const char *control; /* as above, or NULL */
    const char *backend; /* its name; NULL: the first sandbox of the configuration; with `control`
                            "sandbox" */
    const char *action;  /* escaped for a URL: "say" */
};
/* As mk_ask_at and mk_ask_reply. */
int mk_ask_sandbox_at(const struct mk_ask_sandbox *ask, struct mk_slice body,
                      struct mk_client_reply *reply);
int mk_ask_sandbox_reply(const struct mk_ask_sandbox *ask, struct mk_slice body,
                         struct mk_client_reply *reply);

/* The option for the name of a backend. */
#define MK_OPTION_BACKEND                                                                          \
    {                                                                                              \
        "backend", 0, "NAME", "of this sandbox; else of the first one of the configuration",       \
            "指定沙盒的名称；默认为配置中的第一个"                               \
    }

/* The option for the control address, as an element of a table. */
#define MK_OPTION_CONTROL                                                                                     \
    {                                                                                                         \
        "control", 0, "ADDRESS",                                                                              \
            "ask the daemon here instead: [http://]HOST:PORT or unix:PATH (its token: "                       \
            "MILKY_ACCESS_TOKEN)",                                                                            \
            "改为连接此控制地址：[http://]HOST:PORT 或 unix:PATH（令牌：MILKY_ACCESS_TOKEN）" \
    }

#endif
