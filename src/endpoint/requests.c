/* requests: see the header. */
#include "endpoint/requests.h"

#include "endpoint/deliveries.h"
#include "endpoint/reload.h"
#include "endpoint/status.h"

#include <string.h>

/* Answers with milky_call_ok or milky_call_fail, now or later. */
struct request {
    const char *name;
    void (*run)(struct milky_endpoint *endpoint, struct milky_call *call);
};

static const struct request table[] = {
    { "deliveries", mk_deliveries_run },
    { "reload", mk_reload_run },
    { "status", mk_status_run },
};

static void on_control(struct milky_backend *backend, struct milky_call *call)
{
    struct mk_requests *requests = MK_CONTAINER_OF(backend, struct mk_requests, backend);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(table[i].name, milky_call_action(call)) == 0) {
            table[i].run(requests->endpoint, call);
            return;
        }
    milky_call_fail(call, MILKY_UNKNOWN, "the endpoint knows no request \"%.64s\"",
                    milky_call_action(call));
}

void mk_requests_init(struct mk_requests *requests, struct milky_endpoint *endpoint)
{
    *requests = (struct mk_requests){
        .backend = { .name = "endpoint", .control = on_control },
        .endpoint = endpoint,
    };
    mk_dispatch_init(&requests->dispatch, &requests->backend, 0);
}

void mk_requests_fini(struct mk_requests *requests)
{
    mk_dispatch_fini(&requests->dispatch);
}
