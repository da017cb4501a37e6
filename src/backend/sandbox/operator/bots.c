/* bots: the logins of bots and their faults (turn/faults.h), as an operator sets them. */
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/operator/operator.h"
#include "backend/sandbox/turn/faults.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* One of the bots that the configuration names. Returns 0 or SB_REFUSED. */
static int check_bot(struct sb_request *request, uint64_t self_id)
{
    size_t count;
    const uint64_t *bots = milky_host_bots(request->sandbox->host, &count);
    for (size_t i = 0; i < count; i++)
        if (bots[i] == self_id)
            return 0;
    return sb_refuse(request, SB_NO_USER, "no bot %llu is served here", "此处没有运行 Bot %llu",
                     (unsigned long long)self_id);
}

/* --- logins --- */

static bool is_online(const struct sb_sandbox *sandbox, uint64_t self_id)
{
    return milky_host_state(sandbox->host, self_id) == MILKY_STATE_ONLINE;
}

static int offline(struct sb_request *request)
{
    uint64_t bot = milky_uint(request->params, "bot");
    int rc = check_bot(request, bot);
    if (rc != 0 || !is_online(request->sandbox, bot))
        return rc;
    bool has_reason = milky_has(request->params, "reason");
    struct mk_slice reason =
        has_reason ? sb_text_param(request->params, "reason")
                   : mk_slice_str(mk_tr_in(sb_request_language(request),
                                           "the account was taken offline", "账号已下线"));
    yyjson_mut_val *data = yyjson_mut_obj(request->doc);
    if (!sb_text_put(request->doc, data, "reason", reason))
        return -ENOMEM;
    request->presence = (struct sb_presence){
        .self_id = bot,
        .state = MILKY_STATE_OFFLINE,
        .reason = milky_string(data, "reason", NULL),
    };
    const struct sb_outbox_event event = {
        bot, "bot_offline", sb_request_now(request), data, .is_hosts = true,
    };
    return sb_outbox_event(&request->sandbox->outbox, &event);
}

static int online(struct sb_request *request)
{
    uint64_t bot = milky_uint(request->params, "bot");
    int rc = check_bot(request, bot);
    if (rc == 0)
        request->presence = (struct sb_presence){ bot, MILKY_STATE_ONLINE, NULL };
    return rc;
}

static int drop_connections(struct sb_request *request)
{
    uint64_t bot = milky_uint(request->params, "bot");
    int rc = check_bot(request, bot);
    return rc ? rc : sb_faults_drop(&request->sandbox->faults, bot);
}

/* --- faults --- */

static void copy_text(char *to, size_t size, struct mk_slice text)
{
    snprintf(to, size, "%.*s", (int)text.len, text.ptr);
}

/* By enum sb_fault_kind; QQ's codes. */
static const struct {
    const char *name;
    int retcode;
    struct mk_phrase message;
} kinds[] = {
    [SB_FAULT_PLAIN] = { "", 0, { NULL, NULL } },
    [SB_FAULT_HIDDEN] = { "hidden", 0, { NULL, NULL } },
    [SB_FAULT_RESTRICTED] = { "restricted", 46, { "the account is restricted", "账号被限制" } },
    [SB_FAULT_UNAVAILABLE] = { "unavailable", 32, { "QQ is unavailable", "QQ 服务不可用" } },
    [SB_FAULT_TOO_FAST] = { "too_fast", 241, { "messages follow too fast", "发送消息过快" } },
};

/* The kind, with its retcode and message where the request gives no others. */
static void take_kind(struct sb_request *request, struct sb_fault *fault)
{
    const char *given = milky_string(request->params, "kind", NULL);
    while (strcmp(kinds[fault->kind].name, given) != 0)
        fault->kind++;
    if (!kinds[fault->kind].retcode || fault->retcode)
        return;
    const struct mk_phrase *message = &kinds[fault->kind].message;
    fault->retcode = kinds[fault->kind].retcode;
    copy_text(fault->message, sizeof(fault->message),
              mk_slice_str(mk_tr_in(sb_request_language(request), message->en, message->zh)));
}

static int make_fault(struct sb_request *request, struct sb_fault *fault)
{
    yyjson_mut_val *params = request->params;
    yyjson_mut_val *probability = yyjson_mut_obj_get(params, "probability");
    *fault = (struct sb_fault){
        .bot = milky_uint(params, "bot"),
        .every = milky_uint(params, "every"),
        .probability = probability ? yyjson_mut_get_num(probability) : 1,
        .seed = milky_uint(params, "seed"),
        .times = milky_uint(params, "times"),
        .delay_ms = (uint32_t)milky_uint(params, "latency"),
        .retcode = yyjson_mut_get_int(yyjson_mut_obj_get(params, "retcode")),
        .interval_ms = (uint32_t)milky_uint(params, "interval"),
        .drop = milky_bool(params, "drop"),
    };
    copy_text(fault->message, sizeof(fault->message), sb_text_param(params, "message"));
    copy_text(fault->action, sizeof(fault->action), sb_text_param(params, "action"));
    if (fault->action[0] && milky_action_number(fault->action) < 0)
        return sb_refuse_field(request, NULL, "action", "there is no such API in Milky 1.3",
                               "Milky 1.3 没有这个 API");
    if (milky_has(params, "kind"))
        take_kind(request, fault);
    if (fault->retcode == 0 && fault->delay_ms == 0 && !fault->drop && !fault->kind)
        return sb_refuse_field(request, NULL, NULL,
                               "one of latency, retcode (not 0), drop and kind must be given",
                               "需要 latency、retcode（不为 0）、drop、kind 之一");
    return 0;
}

static int add_fault(struct sb_request *request)
{
    struct sb_fault fault;
    uint64_t id = 0;
    int rc = check_bot(request, milky_uint(request->params, "bot"));
    if (rc == 0)
        rc = make_fault(request, &fault);
    if (rc == 0)
        rc = sb_faults_add(&request->sandbox->faults, &fault, &id);
    return rc ? rc : sb_result(request, "fault_id", yyjson_mut_uint(request->doc, id));
}

static int clear_faults(struct sb_request *request)
{
    bool is_one = milky_has(request->params, "bot");
    uint64_t bot = is_one ? milky_uint(request->params, "bot") : 0;
    int rc = is_one ? check_bot(request, bot) : 0;
    if (rc != 0)
        return rc;
    size_t count = sb_faults_clear(&request->sandbox->faults, bot);
    return sb_result(request, "cleared", yyjson_mut_uint(request->doc, count));
}

/* --- what there is --- */

static bool put_fault(yyjson_mut_doc *doc, yyjson_mut_val *faults, const struct sb_fault *fault)
{
    yyjson_mut_val *json = yyjson_mut_arr_add_obj(doc, faults);
    bool ok = yyjson_mut_obj_add_uint(doc, json, "fault_id", fault->id) &&
              yyjson_mut_obj_add_uint(doc, json, "every", fault->every) &&
              yyjson_mut_obj_add_real(doc, json, "probability", fault->probability) &&
              yyjson_mut_obj_add_uint(doc, json, "seed", fault->seed) &&
              yyjson_mut_obj_add_uint(doc, json, "times", fault->times) &&
              yyjson_mut_obj_add_uint(doc, json, "latency", fault->delay_ms) &&
              yyjson_mut_obj_add_int(doc, json, "retcode", fault->retcode) &&
              yyjson_mut_obj_add_bool(doc, json, "drop", fault->drop) &&
              yyjson_mut_obj_add_uint(doc, json, "seen", fault->seen) &&
              yyjson_mut_obj_add_uint(doc, json, "struck", fault->applied);
    if (ok && fault->kind)
        ok = yyjson_mut_obj_add_str(doc, json, "kind", kinds[fault->kind].name);
    if (ok && fault->action[0])
        ok = yyjson_mut_obj_add_strcpy(doc, json, "action", fault->action);
    if (ok && fault->retcode)
        ok = yyjson_mut_obj_add_strcpy(doc, json, "message", fault->message);
    return ok;
}

static int bots(struct sb_request *request)
{
    const struct sb_faults *state = &request->sandbox->faults;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    size_t count;
    const uint64_t *numbers = milky_host_bots(request->sandbox->host, &count);
    bool ok = list != NULL;
    for (size_t i = 0; i < count && ok; i++) {
        yyjson_mut_val *bot = yyjson_mut_arr_add_obj(doc, list);
        ok =
            yyjson_mut_obj_add_uint(doc, bot, "user_id", numbers[i]) &&
            yyjson_mut_obj_add_bool(doc, bot, "is_online", is_online(request->sandbox, numbers[i]));
        yyjson_mut_val *faults = yyjson_mut_obj_add_arr(doc, bot, "faults");
        for (const struct sb_fault *fault = state->first; fault && ok; fault = fault->next)
            ok = fault->bot != numbers[i] || put_fault(doc, faults, fault);
    }
    return ok ? sb_result(request, "bots", list) : -ENOMEM;
}

const struct sb_api sb_operator_bots[] = {
    { "offline", offline },
    { "online", online },
    { "drop_connections", drop_connections },
    { "fault", add_fault },
    { "clear_faults", clear_faults },
    { "bots", bots },
    { NULL, NULL },
};
