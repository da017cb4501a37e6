/* faults: see the header. */
#include "backend/sandbox/turn/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* A reply that is delayed. */
struct sb_delayed {
    uv_timer_t timer; /* first: it is closed and freed as this */
    struct sb_delayed *next;
    struct sb_delayed **link; /* what points to this */
    struct milky_host *host;
    struct sb_outbox_reply reply;
};

/* --- sets of bots --- */

static bool contains(const uint64_t *set, size_t count, uint64_t self_id)
{
    for (size_t i = 0; i < count; i++)
        if (set[i] == self_id)
            return true;
    return false;
}

static int add(uint64_t **set, size_t *count, uint64_t self_id)
{
    if (contains(*set, *count, self_id))
        return 0;
    uint64_t *longer = realloc(*set, (*count + 1) * sizeof(uint64_t));
    if (!longer)
        return -ENOMEM;
    longer[(*count)++] = self_id;
    *set = longer;
    return 0;
}

int sb_faults_drop(struct sb_faults *faults, uint64_t self_id)
{
    return add(&faults->dropped, &faults->dropped_count, self_id);
}

void sb_faults_turn_end(struct sb_faults *faults)
{
    for (size_t i = 0; i < faults->dropped_count; i++)
        milky_host_drop_connections(faults->host, faults->dropped[i]);
    faults->dropped_count = 0;
}

/* --- faults --- */

int sb_faults_add(struct sb_faults *faults, const struct sb_fault *fault, uint64_t *id)
{
    struct sb_fault *added = malloc(sizeof(*added));
    if (!added)
        return -ENOMEM;
    *added = *fault;
    added->next = NULL;
    added->id = *id = ++faults->last_fault;
    added->chance = fault->seed;
    struct sb_fault **end = &faults->first;
    while (*end)
        end = &(*end)->next;
    *end = added;
    return 0;
}

size_t sb_faults_clear(struct sb_faults *faults, uint64_t self_id)
{
    size_t count = 0;
    struct sb_fault **link = &faults->first;
    while (*link) {
        struct sb_fault *fault = *link;
        if (self_id != 0 && fault->bot != self_id) {
            link = &fault->next;
            continue;
        }
        *link = fault->next;
        free(fault);
        count++;
    }
    return count;
}

/* From 0 to below 1: SplitMix64's upper bits. */
static double draw(struct sb_fault *fault)
{
    uint64_t mixed = fault->chance += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((mixed ^ mixed >> 31) >> 11) * 0x1p-53;
}

static bool is_about(const struct sb_fault *fault, const char *action)
{
    if (fault->action[0])
        return strcmp(fault->action, action) == 0;
    return fault->kind == SB_FAULT_PLAIN || strcmp(action, "send_group_message") == 0 ||
           strcmp(action, "send_private_message") == 0;
}

/* Remembers the message, in place of the oldest, unless it is too early. */
static bool is_too_fast(struct sb_fault *fault, const struct sb_faulted_call *call)
{
    size_t at = 0;
    for (size_t i = 0; i < SB_FAULT_CONVERSATIONS; i++) {
        if (fault->sent[i].group == call->group && fault->sent[i].user == call->user) {
            at = i;
            break;
        }
        if (fault->sent[i].at_ms < fault->sent[at].at_ms)
            at = i;
    }
    bool is_same = fault->sent[at].group == call->group && fault->sent[at].user == call->user;
    uint64_t last = is_same ? fault->sent[at].at_ms : 0;
    if (last && call->now_ms >= last && call->now_ms - last < fault->interval_ms)
        return true;
    fault->sent[at].group = call->group;
    fault->sent[at].user = call->user;
    fault->sent[at].at_ms = call->now_ms;
    return false;
}

static bool applies(struct sb_fault *fault, const struct sb_faulted_call *call)
{
    if (fault->bot != call->self_id || !is_about(fault, call->action))
        return false;
    if (fault->kind == SB_FAULT_TOO_FAST && !is_too_fast(fault, call))
        return false;
    if (fault->times > 0 && fault->applied == fault->times)
        return false;
    if (++fault->seen % fault->every != 0 || draw(fault) >= fault->probability)
        return false;
    fault->applied++;
    return true;
}

struct sb_injected_fault sb_faults_next(struct sb_faults *faults,
                                        const struct sb_faulted_call *call)
{
    struct sb_injected_fault injected = { .message = "" };
    for (struct sb_fault *fault = faults->first; fault; fault = fault->next) {
        if (!applies(fault, call))
            continue;
        injected.delay_ms += fault->delay_ms;
        injected.is_hidden |= fault->kind == SB_FAULT_HIDDEN;
        if (fault->retcode != 0 && injected.retcode == 0) {
            injected.retcode = fault->retcode;
            injected.message = fault->message;
        }
        if (fault->drop)
            sb_faults_drop(faults, call->self_id); /* out of memory: the connection stays open */
    }
    return injected;
}

/* --- late replies --- */

static void reply_now(struct milky_host *host, const struct sb_outbox_reply *reply)
{
    if (reply->retcode == 0)
        milky_call_ok(host, reply->call, reply->data);
    else
        milky_call_fail(host, reply->call, reply->retcode, "%s", reply->message);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle); /* the timer is the first member */
}

static struct sb_outbox_reply take(struct sb_delayed *delayed)
{
    *delayed->link = delayed->next;
    if (delayed->next)
        delayed->next->link = delayed->link;
    uv_close((uv_handle_t *)&delayed->timer, on_closed);
    return delayed->reply; /* it is freed in a later turn */
}

static void end(struct sb_delayed *delayed)
{
    struct milky_host *host = delayed->host;
    struct sb_outbox_reply reply = take(delayed);
    reply_now(host, &reply);
}

static void on_time(uv_timer_t *timer)
{
    end((struct sb_delayed *)(void *)timer);
}

void sb_faults_reply_later(void *arg, const struct sb_outbox_reply *reply)
{
    struct sb_faults *faults = arg;
    struct uv_loop_s *loop = milky_host_loop(faults->host);
    struct sb_delayed *delayed = loop ? malloc(sizeof(*delayed)) : NULL;
    if (!delayed || uv_timer_init(loop, &delayed->timer) < 0) {
        free(delayed);
        reply_now(faults->host, reply);
        return;
    }
    delayed->host = faults->host;
    delayed->reply = *reply;
    delayed->link = &faults->delayed;
    delayed->next = faults->delayed;
    if (delayed->next)
        delayed->next->link = &delayed->next;
    faults->delayed = delayed;
    uv_timer_start(&delayed->timer, on_time, reply->delay_ms, 0);
}

bool sb_faults_cancel(struct sb_faults *faults, uint64_t call)
{
    for (struct sb_delayed *delayed = faults->delayed; delayed; delayed = delayed->next)
        if (delayed->reply.call == call) {
            take(delayed);
            return true;
        }
    return false;
}

void sb_faults_fini(struct sb_faults *faults)
{
    sb_faults_clear(faults, 0);
    free(faults->dropped);
}
