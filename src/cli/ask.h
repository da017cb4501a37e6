/*
 * ask: a request of an operator to the daemon that runs: to the control address of a configuration.
 */
#ifndef MK_CLI_ASK_H
#define MK_CLI_ASK_H

#include "cli/client.h"

/*
 * Posts `body` to `path` ("/endpoint/status") of the daemon of the configuration `file`, which is
 * as mk_command_config takes it. Returns 0 with a reply that is ok, or an exit code, said.
 */
int mk_ask(const char *file, const char *path, struct mk_slice body, struct mk_client_reply *reply);

#endif
