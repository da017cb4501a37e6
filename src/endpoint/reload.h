/* reload: POST /endpoint/reload, sent by `milky reload`; milky_endpoint_reload does it. */
#ifndef MK_ENDPOINT_RELOAD_H
#define MK_ENDPOINT_RELOAD_H

struct milky_endpoint;
struct mk_call;

/* Answers with nothing, or with why it was refused. */
void mk_reload_run(struct milky_endpoint *endpoint, struct mk_call *call);

#endif
