/* requests: see the header. */
#include "endpoint/requests.h"

#include "endpoint/deliveries.h"
#include "endpoint/parts.h"
#include "endpoint/reload.h"
#include "endpoint/status.h"
#include "protocol/call.h"

#include <milky/backend.h>
#include <string.h>

/* Answers with mk_call_ok or mk_call_fail, now or later. */
struct request {
    const char *name;
    void (*run)(struct milky_endpoint *endpoint, struct mk_call *call);
};

static const struct request table[] = {
    { "deliveries", mk_deliveries_run },
    { "reload", mk_reload_run },
    { "status", mk_status_run },
};

static void on_control(struct mk_call_target *target, struct mk_call *call)
{
    struct milky_endpoint *endpoint =
        MK_CONTAINER_OF(target, struct milky_endpoint, requests.target);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].name, call->name) == 0) {
            table[i].run(endpoint, call);
            return;
        }
    mk_call_fail(call, MILKY_UNKNOWN,
                 mk_tr("the endpoint knows no request \"%.64s\"", "没有这个请求：\"%.64s\""),
                 call->name);
}

void mk_requests_init(struct milky_endpoint *endpoint)
{
    struct mk_requests *requests = &endpoint->requests;
    requests->target.control = on_control;
    mk_dispatch_init(&requests->dispatch, &requests->target, 0);
}

void mk_requests_fini(struct milky_endpoint *endpoint)
{
    mk_dispatch_fini(&endpoint->requests.dispatch);
}
