/* webhook_attempts: see the header. */
#include "transport/webhook_attempts.h"

enum {
    MOST_REFUSALS = 3, /* of one event */
    MOST_GONE = 3,     /* in a row, of any events */
    PATIENT_FROM = 5,  /* events given up in a row before the bounds grow */
    MOST_DOUBLINGS = 5,
    LONGEST_SECONDS = 60 * 60, /* to which the time of an event grows */
};

static bool is_of_this_machine(const struct mk_failure *failure)
{
    return failure->kind == MK_FAILURE_NO_MEMORY || failure->kind == MK_FAILURE_SYSTEM;
}

enum mk_webhook_fault mk_webhook_fault(const struct mk_failure *failure, unsigned status)
{
    if (failure)
        return failure->is_sent && !is_of_this_machine(failure) ? MK_WEBHOOK_EVENT : MK_WEBHOOK_URL;
    if (status / 100 == 2)
        return MK_WEBHOOK_NO_FAULT;
    switch (status) {
    case 407: /* of a proxy */
        return MK_WEBHOOK_URL;
    case 408:
    case 425:
    case 429:
        return MK_WEBHOOK_EVENT;
    case 410:
        return MK_WEBHOOK_GONE;
    case 401:
        return MK_WEBHOOK_UNAUTHORIZED;
    case 403:
        return MK_WEBHOOK_FORBIDDEN;
    default:
        return status / 100 == 4 ? MK_WEBHOOK_REFUSAL : MK_WEBHOOK_EVENT;
    }
}

struct mk_webhook_bounds mk_webhook_attempts_bounds(const struct mk_webhook_attempts *attempts,
                                                    const struct mk_webhook_bounds *bounds)
{
    struct mk_webhook_bounds grown = *bounds;
    uint64_t doublings =
        attempts->given_up < PATIENT_FROM ? 0 : attempts->given_up - PATIENT_FROM + 1;
    if (doublings > MOST_DOUBLINGS)
        doublings = MOST_DOUBLINGS;
    grown.tries <<= doublings;
    grown.seconds <<= doublings;
    if (grown.seconds > LONGEST_SECONDS)
        grown.seconds = bounds->seconds > LONGEST_SECONDS ? bounds->seconds : LONGEST_SECONDS;
    return grown;
}

void mk_webhook_attempts_begin(struct mk_webhook_attempts *attempts, uint64_t now)
{
    if (attempts->counted_from == 0)
        attempts->counted_from = now;
}

/* Counts a failure that may be the event's own fault. */
static enum mk_webhook_verdict judge_event(struct mk_webhook_attempts *attempts,
                                           const struct mk_webhook_bounds *bounds, uint64_t now)
{
    const struct mk_webhook_bounds grown = mk_webhook_attempts_bounds(attempts, bounds);
    attempts->tries++;
    attempts->spent_ms += now - attempts->counted_from;
    attempts->counted_from = now;
    if (bounds->waits ||
        (attempts->tries < grown.tries && attempts->spent_ms < grown.seconds * 1000))
        return MK_WEBHOOK_RETRY;
    attempts->given_up++;
    return MK_WEBHOOK_GIVE_UP;
}

static enum mk_webhook_verdict judge_forbidden(struct mk_webhook_attempts *attempts)
{
    if (++attempts->refusals < MOST_REFUSALS)
        return MK_WEBHOOK_RETRY;
    if (!attempts->accepts || attempts->forbidden)
        return MK_WEBHOOK_PAUSE;
    attempts->forbidden = true;
    return MK_WEBHOOK_GIVE_UP;
}

/* An answer that is not another of its kind ends a row of them. */
static void end_rows(struct mk_webhook_attempts *attempts, enum mk_webhook_fault fault)
{
    if (fault == MK_WEBHOOK_URL)
        return;
    if (fault != MK_WEBHOOK_GONE && fault != MK_WEBHOOK_UNAUTHORIZED)
        attempts->gone = 0;
    if (fault != MK_WEBHOOK_FORBIDDEN)
        attempts->forbidden = false;
}

enum mk_webhook_verdict mk_webhook_attempts_judge(struct mk_webhook_attempts *attempts,
                                                  const struct mk_webhook_bounds *bounds,
                                                  enum mk_webhook_fault fault, uint64_t now)
{
    end_rows(attempts, fault);
    if (fault == MK_WEBHOOK_EVENT)
        return judge_event(attempts, bounds, now);
    attempts->counted_from = 0;
    switch (fault) {
    case MK_WEBHOOK_NO_FAULT:
        attempts->accepts = true;
        attempts->given_up = 0;
        return MK_WEBHOOK_ACCEPT;
    case MK_WEBHOOK_REFUSAL:
        return ++attempts->refusals < MOST_REFUSALS ? MK_WEBHOOK_RETRY : MK_WEBHOOK_GIVE_UP;
    case MK_WEBHOOK_FORBIDDEN:
        return judge_forbidden(attempts);
    case MK_WEBHOOK_GONE:
    case MK_WEBHOOK_UNAUTHORIZED:
        return ++attempts->gone < MOST_GONE ? MK_WEBHOOK_RETRY : MK_WEBHOOK_PAUSE;
    default:
        return MK_WEBHOOK_RETRY;
    }
}

uint64_t mk_webhook_attempts_wait(const struct mk_webhook_attempts *attempts,
                                  const struct mk_webhook_bounds *bounds,
                                  enum mk_webhook_fault fault, uint64_t wait)
{
    if (bounds->waits || fault == MK_WEBHOOK_URL)
        return wait;
    const struct mk_webhook_bounds grown = mk_webhook_attempts_bounds(attempts, bounds);
    uint64_t left =
        grown.seconds * 1000 > attempts->spent_ms ? grown.seconds * 1000 - attempts->spent_ms : 0;
    return wait < left ? wait : left;
}

void mk_webhook_attempts_next(struct mk_webhook_attempts *attempts)
{
    attempts->tries = 0;
    attempts->refusals = 0;
    attempts->spent_ms = 0;
    attempts->counted_from = 0;
}
