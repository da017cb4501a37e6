/* webhook_repost: see the header. */
#include "transport/webhook_repost.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

enum { LONGEST_LINE = 128 * 1024 * 1024 };

struct mk_webhook_repost {
    struct mk_repost_caller caller;
    struct mk_webhook_repost **slot; /* the owner's pointer to it */
    const char *name;
    uint64_t number;
    struct mk_buf line; /* "NUMBER JSON\n" */
    struct mk_web_request *request;
    struct mk_webhook_calls calls;
    unsigned status;
};

static void finish(struct mk_webhook_repost *repost, const struct mk_repost_result *result)
{
    struct mk_repost_caller caller = repost->caller;
    *repost->slot = NULL;
    mk_web_request_cancel(repost->request);
    mk_webhook_calls_fini(&repost->calls);
    mk_buf_fini(&repost->line);
    free(repost);
    caller.done(caller.arg, result);
}

static void taken(struct mk_webhook_repost *repost)
{
    mk_log_info("webhook", "%s: it has received event %llu, which had been set aside",
                "%s：已接收此前搁置的事件 %llu", repost->name, (unsigned long long)repost->number);
    finish(repost, &(struct mk_repost_result){ MK_REPOST_TAKEN, repost->status, NULL });
}

static void on_calls_done(struct mk_webhook_calls *calls)
{
    taken(MK_CONTAINER_OF(calls, struct mk_webhook_repost, calls));
}

static void on_response(void *arg, const struct mk_web_response *response)
{
    struct mk_webhook_repost *repost = arg;
    repost->request = NULL;
    if (response->failure) {
        finish(repost, &(struct mk_repost_result){ MK_REPOST_FAILED, 0,
                                                   mk_failure_text(response->failure) });
        return;
    }
    repost->status = response->status;
    if (response->status / 100 != 2)
        finish(repost, &(struct mk_repost_result){ MK_REPOST_REFUSED, response->status, NULL });
    else if (response->body.len == 0 || mk_webhook_calls_run(&repost->calls, response->body) != 0)
        taken(repost);
}

/* Reads the event from the journal. Returns 0, 1 when it is gone, or a negative errno. */
static int find_event(struct mk_webhook_repost *repost, const struct mk_repost_config *config,
                      struct mk_slice *json)
{
    const struct mk_event_format format = {
        .dialect = config->dialect,
        .envelope = MK_ENVELOPE_BARE,
        .framing = MK_FRAMING_LINE,
        .filter = &mk_event_filter_all,
    };
    uint64_t next = repost->number;
    int rc = mk_hub_replay(config->hub, &format, &next, &repost->line);
    if (rc < 0)
        return rc;
    struct mk_slice line = mk_buf_slice(&repost->line);
    const char *space = line.len ? memchr(line.ptr, ' ', line.len) : NULL;
    if (rc == 0 || !space || strtoull(line.ptr, NULL, 10) != repost->number)
        return 1; /* a later event, after the line of a gap */
    *json = mk_slice_of(space + 1, (size_t)(line.ptr + line.len - space) - 2);
    return 0;
}

int mk_webhook_repost_start(const struct mk_repost_config *config, uint64_t number,
                            const struct mk_repost_caller *caller,
                            struct mk_webhook_repost **result)
{
    struct mk_webhook_repost *repost = calloc(1, sizeof(*repost));
    if (!repost)
        return -ENOMEM;
    repost->caller = *caller;
    repost->slot = result;
    repost->name = config->name;
    repost->number = number;
    repost->calls = (struct mk_webhook_calls){
        .loop = config->loop,
        .dispatch = config->dispatch,
        .dialect = config->dialect,
        .name = config->name,
        .done = on_calls_done,
    };
    mk_webhook_calls_init(&repost->calls);
    mk_buf_init(&repost->line, LONGEST_LINE);
    struct mk_webhook_event event = { .number = number };
    int rc = find_event(repost, config, &event.json);
    if (rc == 0) {
        repost->request = mk_webhook_post(config->target, &event, on_response, repost);
        rc = repost->request ? 0 : -ENOMEM;
    }
    if (rc != 0) {
        mk_webhook_calls_fini(&repost->calls);
        mk_buf_fini(&repost->line);
        free(repost);
        return rc;
    }
    *result = repost;
    return 0;
}

void mk_webhook_repost_cancel(struct mk_webhook_repost *repost, const char *why)
{
    if (repost)
        finish(repost, &(struct mk_repost_result){ MK_REPOST_FAILED, 0, why });
}
