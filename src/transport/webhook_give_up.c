/*
 * webhook_give_up: what follows a post that was not accepted: the next try, a dead letter, or a
 * pause of the URL (webhook_attempts decides which), and the commands of an operator to skip an
 * event and to end a pause.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "transport/webhook_private.h"

#include <errno.h>
#include <stdio.h>

enum {
    MAX_RETRY_AFTER = 60 * 60, /* the longest Retry-After, in seconds */
    KEPT_RESPONSE = 1024,      /* bytes of a response that are kept with the dead letter */
};

static const char module[] = MK_WEBHOOK_MODULE;

/* --- trying again --- */

static void try_again(struct mk_webhook *webhook, const struct mk_failure *failure,
                      enum mk_webhook_fault fault, uint64_t retry_after)
{
    if (webhook->stopping) {
        mk_health_fail(&webhook->health, failure, 0);
        mk_log_warn(module, "%s: %s; milky is stopping, so it is not tried again now",
                    "%s：%s；正在停止，不再重试", webhook->name, mk_failure_text(failure));
        mk_webhook_abort(&webhook->transport);
        return;
    }
    uint64_t wait = mk_backoff_next(&webhook->backoff);
    if (retry_after > MAX_RETRY_AFTER)
        retry_after = MAX_RETRY_AFTER;
    if (wait < retry_after * 1000)
        wait = retry_after * 1000;
    wait = mk_webhook_attempts_wait(&webhook->attempts, &webhook->bounds, fault, wait);
    mk_log_warn(module, "%s: %s; next try in %llu.%llu s", "%s：%s；%llu.%llu 秒后重试",
                webhook->name, mk_failure_text(failure), (unsigned long long)wait / 1000,
                (unsigned long long)wait % 1000 / 100);
    mk_health_fail(&webhook->health, failure, wait);
    mk_timer_start(webhook->timer, wait);
}

/* --- giving up --- */

/* The answer of a dead letter: its status and body, or the reason why there is none. */
struct answer {
    unsigned status;
    struct mk_slice text;
};

/* Returns 0 or a negative errno, logged. */
static int add_dead_letter(struct mk_webhook *webhook, const struct answer *answer)
{
    struct mk_hub *hub = webhook->hub;
    struct mk_slice text = answer->text;
    if (text.len > KEPT_RESPONSE)
        text.len = KEPT_RESPONSE;
    text.len = mk_utf8_valid_prefix(text);
    struct mk_dead_letter letter = {
        .self_id = hub->self_id,
        .number = webhook->number,
        .time = mk_clock_real_ms() / 1000,
        .status = answer->status,
        .sink = mk_slice_str(webhook->target.url),
        .response = text,
    };
    int rc = mk_journal_add_dead_letter(hub->journal, &letter);
    webhook->set_aside += rc == 0;
    return rc;
}

/* Without a journal there are no dead letters: the event is dropped. */
static int put_away(struct mk_webhook *webhook, const struct answer *answer)
{
    if (webhook->hub->journal)
        return add_dead_letter(webhook, answer);
    webhook->dropped++;
    return 0;
}

static const char *fate(const struct mk_webhook *webhook)
{
    return webhook->hub->journal
               ? mk_tr("is set aside", "已搁置")
               : mk_tr("is dropped, because there is no journal", "已丢弃，因为没有事件日志");
}

/* A receiver that fails with every event must not cost them all: see webhook_attempts.h. */
static void warn_of_all_failing(const struct mk_webhook *webhook)
{
    const struct mk_webhook_bounds bounds =
        mk_webhook_attempts_bounds(&webhook->attempts, &webhook->bounds);
    if (bounds.seconds != webhook->bounds.seconds || bounds.tries != webhook->bounds.tries)
        mk_log_warn(module,
                    "%s: %llu events in a row were given up, so it may fail with all of them: the "
                    "next one is tried for up to %llu s",
                    "%s：已连续放弃 %llu 个事件，对方可能对所有事件都出错：下一个事件最多重试 %llu "
                    "秒",
                    webhook->name, (unsigned long long)webhook->attempts.given_up,
                    (unsigned long long)bounds.seconds);
}

static void give_up(struct mk_webhook *webhook, const struct mk_failure *failure,
                    const struct answer *answer)
{
    struct mk_failure given;
    unsigned long long posts = webhook->attempts.tries + webhook->attempts.refusals;
    if (put_away(webhook, answer) < 0) {
        mk_failure_set(&given, failure->kind, "%s; the event cannot be set aside",
                       "%s；无法搁置此事件", mk_failure_text(failure));
        try_again(webhook, &given, MK_WEBHOOK_URL, 0);
        return;
    }
    mk_log_warn(module, "%s: %s; event %llu %s after %llu tries",
                "%s：%s；事件 %llu %s（已尝试 %llu 次）", webhook->name, mk_failure_text(failure),
                (unsigned long long)webhook->number, fate(webhook), posts);
    warn_of_all_failing(webhook);
    mk_health_fail(&webhook->health, failure, 0);
    mk_webhook_finish_event(webhook);
}

/* --- pausing --- */

static const char *remedy(enum mk_webhook_fault fault)
{
    return fault == MK_WEBHOOK_GONE
               ? mk_tr("take it out of the configuration, or go on",
                       "请从配置中删除它，或继续投递：")
               : mk_tr("no event is the cause, its receiver refuses the credentials or this "
                       "machine: check its access_token and secret, and go on",
                       "原因不在事件，而是对方拒绝凭据或本机：请检查其 access_token 与 secret，"
                       "然后继续投递：");
}

static void pause_url(struct mk_webhook *webhook, const struct mk_failure *failure,
                      enum mk_webhook_fault fault)
{
    webhook->paused = true;
    mk_health_fail(&webhook->health, failure, 0);
    mk_log_error(module,
                 "%s: %s several times, so it is paused and its events wait: %s with `milky "
                 "deliveries resume` or a reload",
                 "%s：%s（多次），已暂停，事件等待：%s使用 `milky deliveries resume` "
                 "或重新加载配置",
                 webhook->name, mk_failure_text(failure), remedy(fault));
    if (webhook->stopping)
        mk_webhook_abort(&webhook->transport);
}

bool mk_webhook_resume(struct mk_transport *transport)
{
    struct mk_webhook *webhook = mk_webhook_of(transport);
    if (!webhook->paused || webhook->stopping)
        return false;
    webhook->paused = false;
    mk_backoff_reset(&webhook->backoff);
    mk_timer_start(webhook->timer, 0);
    mk_log_info(module, "%s: goes on after a pause", "%s：暂停结束，继续投递", webhook->name);
    return true;
}

/* --- the result of a post --- */

static void judge(struct mk_webhook *webhook, const struct mk_failure *failure,
                  enum mk_webhook_fault fault, const struct mk_web_response *response)
{
    const struct answer answer = {
        .status = response->failure ? 0 : response->status,
        .text = response->failure ? mk_slice_str(mk_failure_text(failure)) : response->body,
    };
    switch (mk_webhook_attempts_judge(&webhook->attempts, &webhook->bounds, fault,
                                      mk_clock_mono_ms())) {
    case MK_WEBHOOK_GIVE_UP:
        give_up(webhook, failure, &answer);
        return;
    case MK_WEBHOOK_PAUSE:
        pause_url(webhook, failure, fault);
        return;
    default:
        try_again(webhook, failure, fault, response->retry_after);
    }
}

void mk_webhook_fail(struct mk_webhook *webhook, const struct mk_web_response *response)
{
    struct mk_failure failure;
    enum mk_webhook_fault fault = mk_webhook_fault(response->failure, response->status);
    /* To wait above all, without a journal, means to lose nothing. */
    if (webhook->bounds.waits && !webhook->hub->journal) {
        if (fault == MK_WEBHOOK_REFUSAL)
            fault = MK_WEBHOOK_EVENT;
        else if (fault == MK_WEBHOOK_FORBIDDEN)
            fault = MK_WEBHOOK_UNAUTHORIZED;
    }
    if (response->failure)
        failure = *response->failure;
    else
        mk_failure_status(&failure, response->status);
    judge(webhook, &failure, fault, response);
}

void mk_webhook_fail_errno(struct mk_webhook *webhook, int error)
{
    struct mk_failure failure;
    const struct mk_web_response none = { .failure = mk_failure_errno(&failure, error) };
    mk_webhook_fail(webhook, &none);
}

/* --- skipping --- */

/* The calls of an answer are executed: the event is delivered. */
static bool is_delivered(const struct mk_webhook *webhook)
{
    return webhook->calls.doc != NULL;
}

bool mk_webhook_trial(struct mk_transport *transport, struct mk_transport_trial *trial)
{
    struct mk_webhook *webhook = mk_webhook_of(transport);
    *trial = (struct mk_transport_trial){
        .sink = webhook->target.url,
        .name = webhook->name,
        .is_failing = webhook->health.failing && webhook->event_since > 0,
        .is_paused = webhook->paused,
    };
    if (webhook->stopping || is_delivered(webhook))
        return false;
    bool is_tried = webhook->request || webhook->paused || mk_timer_active(webhook->timer);
    trial->has_event = is_tried && mk_webhook_find_event(webhook);
    trial->number = trial->has_event ? webhook->number : 0;
    return true;
}

int mk_webhook_skip(struct mk_transport *transport)
{
    struct mk_webhook *webhook = mk_webhook_of(transport);
    struct mk_transport_trial trial;
    char text[KEPT_RESPONSE];
    if (!mk_webhook_trial(transport, &trial) || !trial.has_event)
        return -ENOENT;
    const char *why = trial.is_failing ? mk_failure_text(&webhook->health.failure) : "";
    int len = snprintf(text, sizeof(text), "%s%s%s", mk_tr("skipped", "已跳过"),
                       *why ? mk_tr(": ", "：") : "", why);
    const struct answer answer = { .text = mk_slice_of(text, (size_t)len) };
    int rc = put_away(webhook, &answer);
    if (rc < 0)
        return rc;
    mk_log_info(module, "%s: event %llu was skipped and %s", "%s：事件 %llu 已跳过，%s",
                webhook->name, (unsigned long long)webhook->number, fate(webhook));
    webhook->request = mk_web_request_cancel(webhook->request);
    mk_timer_stop(webhook->timer);
    mk_webhook_finish_event(webhook);
    return 0;
}
