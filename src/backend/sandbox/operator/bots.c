/*
 * control_bot: what an operator does to bots, and to time: the clock, logins, faults. See bots.h
 * and
 * world_clock.h.
 */
#include "backend/sandbox/model/text.h"

#include "backend/sandbox/operator/operator.h"
#include "backend/sandbox/turn/faults.h"
#include "backend/sandbox/turn/turn.h"
#include "base/clock.h"

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
    return sb_refuse(request, SB_NO_USER, "没有运行这个 Bot (no bot %llu is served here)",
                     (unsigned long long)self_id);
}

/* --- clock --- */

static int tell_clock(struct sb_request *request)
{
    const struct sb_clock *clock = &request->sandbox->db.clock;
    yyjson_mut_doc *doc = request->doc;
    request->result = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, request->result, "time", sb_request_now(request)) &&
              yyjson_mut_obj_add_sint(doc, request->result, "offset", clock->offset) &&
              yyjson_mut_obj_add_bool(doc, request->result, "is_stopped", clock->stopped_at != 0);
    return ok ? 0 : -ENOMEM;
}

enum { SET, ADVANCE, STOP, RESET };

/* The clock as it will be. Returns 0 or SB_REFUSED. */
static int move_clock(struct sb_request *request, const struct sb_value *v, struct sb_clock *clock)
{
    uint64_t now = sb_request_now(request);
    uint64_t machine = mk_clock_real_ms() / 1000;
    uint64_t target = v[SET].given ? v[SET].number : now;
    if (v[ADVANCE].given)
        target = (uint64_t)((int64_t)now + (int64_t)v[ADVANCE].number);
    if (v[RESET].given)
        target = machine;
    if (target == 0 || target > SB_WORLD_LATEST)
        return sb_rules_refuse(request, NULL, NULL, "the clock goes from 1 to %llu",
                               (unsigned long long)SB_WORLD_LATEST);
    bool stands = v[STOP].given ? v[STOP].number != 0 : clock->stopped_at != 0;
    clock->offset = (int64_t)target - (int64_t)machine;
    clock->stopped_at = stands && !v[RESET].given ? target : 0;
    return 0;
}

static int clock_operation(struct sb_request *request)
{
    static const struct sb_rule rules[] = {
        [SET] = { "set", SB_RULE_NUMBER, .least = 1, .most = SB_WORLD_LATEST },
        [ADVANCE] = { "advance", SB_RULE_OFFSET, .most = SB_WORLD_LATEST },
        [STOP] = { "stop", SB_RULE_BOOL },
        [RESET] = { "reset", SB_RULE_BOOL },
        { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    int rc = sb_rules_read(request, NULL, rules, request->params, v);
    if (rc != 0)
        return rc;
    if (v[RESET].given && v[RESET].number == 0)
        v[RESET].given = false;
    if (v[SET].given + v[ADVANCE].given + v[RESET].given > 1 || (v[RESET].given && v[STOP].given))
        return sb_rules_refuse(request, NULL, NULL,
                               "one of set, advance and reset; stop goes with the first two");
    struct sb_clock clock = request->sandbox->db.clock;
    if (!v[SET].given && !v[ADVANCE].given && !v[STOP].given && !v[RESET].given)
        return tell_clock(request);
    rc = move_clock(request, v, &clock);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_world_clock_set(&request->sandbox->db, &clock);
    return rc ? rc : tell_clock(request);
}

/* --- logins --- */

static bool is_online(const struct sb_sandbox *sandbox, uint64_t self_id)
{
    return milky_host_state(sandbox->host, self_id) == MILKY_STATE_ONLINE;
}

static int offline(struct sb_request *request)
{
    static const struct sb_rule rules[] = {
        { "bot", SB_RULE_UIN, true },
        { "reason", SB_RULE_TEXT },
        { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    int rc = sb_rules_read(request, NULL, rules, request->params, v);
    if (rc == 0)
        rc = check_bot(request, v[0].number);
    if (rc != 0 || !is_online(request->sandbox, v[0].number))
        return rc;
    struct mk_slice reason = v[1].given ? v[1].text : mk_slice_str("账号已下线");
    yyjson_mut_val *data = yyjson_mut_obj(request->doc);
    if (!sb_put_text(request->doc, data, "reason", reason))
        return -ENOMEM;
    request->presence = (struct sb_presence){
        .self_id = v[0].number,
        .state = MILKY_STATE_OFFLINE,
        .reason = milky_string(data, "reason", NULL),
    };
    const struct sb_outbox_event event = {
        v[0].number, "bot_offline", sb_request_now(request), data, .is_hosts = true,
    };
    return sb_outbox_event(&request->sandbox->outbox, &event);
}

static int read_bot(struct sb_request *request, uint64_t *self_id)
{
    static const struct sb_rule rules[] = { { "bot", SB_RULE_UIN, true }, { NULL } };
    struct sb_value v[SB_RULES_MAX];
    int rc = sb_rules_read(request, NULL, rules, request->params, v);
    *self_id = v[0].number;
    return rc ? rc : check_bot(request, *self_id);
}

static int online(struct sb_request *request)
{
    uint64_t self_id;
    int rc = read_bot(request, &self_id);
    if (rc == 0)
        request->presence = (struct sb_presence){ self_id, MILKY_STATE_ONLINE, NULL };
    return rc;
}

static int drop_connections(struct sb_request *request)
{
    uint64_t self_id;
    int rc = read_bot(request, &self_id);
    return rc ? rc : sb_faults_drop(&request->sandbox->faults, self_id);
}

/* --- faults --- */

enum { BOT, ACTION, EVERY, PROBABILITY, SEED, TIMES, LATENCY, RETCODE, MESSAGE, DROP };

/* A number from 0 to 1. Raw ones are as they were written. */
static int read_probability(struct sb_request *request, const struct sb_value *value, double *out)
{
    *out = 1;
    if (!value->given)
        return 0;
    if (yyjson_mut_is_num(value->json))
        *out = yyjson_mut_get_num(value->json);
    else if (yyjson_mut_is_raw(value->json))
        *out = strtod(yyjson_mut_get_raw(value->json), NULL);
    else
        *out = -1;
    if (*out >= 0 && *out <= 1)
        return 0;
    return sb_rules_refuse(request, NULL, "probability", "expected a number from 0 to 1");
}

static int make_fault(struct sb_request *request, const struct sb_value *v, struct sb_fault *fault)
{
    *fault = (struct sb_fault){
        .bot = v[BOT].number,
        .every = v[EVERY].number,
        .seed = v[SEED].number,
        .times = v[TIMES].number,
        .delay_ms = (uint32_t)v[LATENCY].number,
        .retcode = (int)(int64_t)v[RETCODE].number,
        .drop = v[DROP].number != 0,
    };
    struct mk_slice message = v[MESSAGE].given ? v[MESSAGE].text : mk_slice_str("injected fault");
    snprintf(fault->message, sizeof(fault->message), "%.*s", (int)message.len, message.ptr);
    snprintf(fault->action, sizeof(fault->action), "%.*s", (int)v[ACTION].text.len,
             v[ACTION].text.ptr);
    if (v[ACTION].given && milky_action_number(fault->action) < 0)
        return sb_rules_refuse(request, NULL, "action", "there is no such API in Milky 1.2");
    if (fault->retcode == 0 && fault->delay_ms == 0 && !fault->drop)
        return sb_rules_refuse(request, NULL, NULL,
                               "one of latency, retcode (not 0) and drop says what goes wrong");
    return read_probability(request, &v[PROBABILITY], &fault->probability);
}

static int add_fault(struct sb_request *request)
{
    static const struct sb_rule rules[] = {
        [BOT] = { "bot", SB_RULE_UIN, true },
        [ACTION] = { "action", SB_RULE_TEXT, .least = 1, .most = 63 },
        [EVERY] = { "every", SB_RULE_NUMBER, .least = 1, .otherwise = 1 },
        [PROBABILITY] = { "probability", SB_RULE_ANY },
        [SEED] = { "seed", SB_RULE_NUMBER, .most = INT64_MAX },
        [TIMES] = { "times", SB_RULE_NUMBER },
        [LATENCY] = { "latency", SB_RULE_NUMBER, .most = 10 * 60 * 1000 },
        [RETCODE] = { "retcode", SB_RULE_OFFSET, .most = INT32_MAX },
        [MESSAGE] = { "message", SB_RULE_TEXT, .most = 255 },
        [DROP] = { "drop", SB_RULE_BOOL },
        { NULL },
    };
    struct sb_value v[SB_RULES_MAX];
    struct sb_fault fault;
    uint64_t id = 0;
    int rc = sb_rules_read(request, NULL, rules, request->params, v);
    if (rc == 0)
        rc = check_bot(request, v[BOT].number);
    if (rc == 0)
        rc = make_fault(request, v, &fault);
    if (rc == 0)
        rc = sb_faults_add(&request->sandbox->faults, &fault, &id);
    return rc ? rc : sb_result(request, "fault_id", yyjson_mut_uint(request->doc, id));
}

static int clear_faults(struct sb_request *request)
{
    static const struct sb_rule rules[] = { { "bot", SB_RULE_UIN }, { NULL } };
    struct sb_value v[SB_RULES_MAX];
    int rc = sb_rules_read(request, NULL, rules, request->params, v);
    if (rc == 0 && v[0].given)
        rc = check_bot(request, v[0].number);
    if (rc != 0)
        return rc;
    size_t count = sb_faults_clear(&request->sandbox->faults, v[0].number);
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
              yyjson_mut_obj_add_uint(doc, json, "struck", fault->struck);
    if (ok && fault->action[0])
        ok = yyjson_mut_obj_add_strcpy(doc, json, "action", fault->action);
    if (ok && fault->retcode)
        ok = yyjson_mut_obj_add_strcpy(doc, json, "message", fault->message);
    return ok;
}

static int bots(struct sb_request *request)
{
    static const struct sb_rule none[] = { { NULL } };
    struct sb_value v[1];
    const struct sb_faults *state = &request->sandbox->faults;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    size_t count;
    const uint64_t *numbers = milky_host_bots(request->sandbox->host, &count);
    int rc = sb_rules_read(request, NULL, none, request->params, v);
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
    return rc ? rc : ok ? sb_result(request, "bots", list) : -ENOMEM;
}

const struct sb_api sb_control_bot_apis[] = {
    { "clock", clock_operation },
    { "offline", offline },
    { "online", online },
    { "drop_connections", drop_connections },
    { "fault", add_fault },
    { "clear_faults", clear_faults },
    { "bots", bots },
    { NULL, NULL },
};
