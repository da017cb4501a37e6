/* reload: POST /endpoint/reload, sent by `milky reload`; milky_endpoint_reload does it. */
#ifndef MK_ENDPOINT_RELOAD_H
#define MK_ENDPOINT_RELOAD_H

#include <milky/backend.h>

struct milky_endpoint;

/* Answers with nothing, or with why it was refused. */
void mk_reload_run(struct milky_endpoint *endpoint, struct milky_call *call);

#endif
