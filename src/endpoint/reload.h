/* reload: POST /endpoint/reload, sent by `milky reload`. */
#ifndef MK_ENDPOINT_RELOAD_H
#define MK_ENDPOINT_RELOAD_H

struct milky_endpoint;
struct mk_call;

/* Answers with success, or with the reason why it was refused. */
void mk_reload_run(struct milky_endpoint *endpoint, struct mk_call *call);

#endif
