/* clock: the operator reads and moves the clock of the world (store/clock.h). */
#include "backend/sandbox/store/clock.h"
#include "backend/sandbox/operator/operator.h"
#include "backend/sandbox/turn/turn.h"
#include "base/clock.h"

#include <errno.h>

static int show_clock(struct sb_request *request)
{
    const struct sb_clock *clock = &request->sandbox->db.clock;
    yyjson_mut_doc *doc = request->doc;
    request->result = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_uint(doc, request->result, "time", sb_request_now(request)) &&
              yyjson_mut_obj_add_sint(doc, request->result, "offset", clock->offset) &&
              yyjson_mut_obj_add_bool(doc, request->result, "is_stopped", clock->stopped_at != 0);
    return ok ? 0 : -ENOMEM;
}

/* The clock as it will be. Returns 0 or SB_REFUSED. */
static int move_clock(struct sb_request *request, bool is_reset, struct sb_clock *clock)
{
    yyjson_mut_val *params = request->params;
    uint64_t now = sb_request_now(request);
    uint64_t machine = mk_clock_real_ms() / 1000;
    uint64_t target = milky_has(params, "set") ? milky_uint(params, "set") : now;
    if (milky_has(params, "advance"))
        target =
            (uint64_t)((int64_t)now + yyjson_mut_get_sint(yyjson_mut_obj_get(params, "advance")));
    if (is_reset)
        target = machine;
    if (target == 0 || target > SB_WORLD_LATEST)
        return sb_refuse_field(request, NULL, NULL, "the clock runs from 1 to %llu",
                               "时钟的范围是 1 到 %llu", (unsigned long long)SB_WORLD_LATEST);
    bool is_stopped =
        milky_has(params, "stop") ? milky_bool(params, "stop") : clock->stopped_at != 0;
    clock->offset = (int64_t)target - (int64_t)machine;
    clock->stopped_at = is_stopped && !is_reset ? target : 0;
    return 0;
}

static int clock_operation(struct sb_request *request)
{
    yyjson_mut_val *params = request->params;
    bool is_reset = milky_bool(params, "reset"), stops = milky_has(params, "stop");
    int moves = milky_has(params, "set") + milky_has(params, "advance") + is_reset;
    if (moves > 1 || (is_reset && stops))
        return sb_refuse_field(
            request, NULL, NULL,
            "one of set, advance and reset must be given; stop goes with the first two",
            "需要 set、advance、reset 之一；stop 与前两者同用");
    struct sb_clock clock = request->sandbox->db.clock;
    if (moves == 0 && !stops)
        return show_clock(request);
    int rc = move_clock(request, is_reset, &clock);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_clock_set(&request->sandbox->db, &clock);
    return rc ? rc : show_clock(request);
}

const struct sb_api sb_operator_clock[] = { { "clock", clock_operation }, { NULL } };
