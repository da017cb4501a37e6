/* limits: see the header. */
#include "backend/sandbox/turn/limits.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const outcome_names[][2] = {
    [SB_LIMIT_REFUSED] = { "refused", "已拒绝" },
    [SB_LIMIT_DROPPED] = { "dropped", "已丢弃" },
    [SB_LIMIT_WARNED] = { "warning", "警告" },
};

/* --- the reason --- */

static uint64_t most_of(const struct sb_measured *measured)
{
    return measured->most ? measured->most : sb_limits[measured->id].most;
}

/* The number for the place that `text` begins with; its length into `*len`. */
static uint64_t number_at(const char *text, const struct sb_measured *measured, size_t *len)
{
    const struct {
        const char *name;
        uint64_t number;
    } places[] = {
        { "{limit}", most_of(measured) }, { "{least}", sb_limits[measured->id].least },
        { "{value}", measured->value },   { "{subject}", measured->subject },
        { "{given}", measured->given },
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        *len = strlen(places[i].name);
        if (strncmp(text, places[i].name, *len) == 0)
            return places[i].number;
    }
    *len = 0;
    return 0;
}

/* Writes the text with its numbers, cut where it does not fit. */
static void write_reason(char *out, size_t size, const char *text,
                         const struct sb_measured *measured)
{
    size_t at = 0;
    while (*text && at + 24 < size) {
        size_t len = 0;
        uint64_t number = *text == '{' ? number_at(text, measured, &len) : 0;
        if (len > 0)
            at += (size_t)snprintf(out + at, size - at, "%" PRIu64, number);
        else
            out[at++] = *text;
        text += len > 0 ? len : 1;
    }
    out[at] = '\0';
}

/* --- what is counted and logged --- */

static void keep(struct sb_request *request, const struct sb_measured *measured,
                 enum sb_limit_outcome outcome)
{
    struct sb_limit_log *log = &request->sandbox->limit_log;
    struct sb_limit_entry *entry = &log->entries[log->total++ % SB_LIMIT_LOG_ENTRIES];
    log->counts[measured->id][outcome]++;
    *entry = (struct sb_limit_entry){
        .id = measured->id,
        .outcome = outcome,
        .self_id = request->self_id,
        .time = sb_request_now(request),
        .value = measured->value,
    };
    snprintf(entry->action, sizeof(entry->action), "%s", request->action ? request->action : "");
    mk_json_path_copy(entry->path, sizeof(entry->path), measured->path);
}

static void log_excess(struct sb_request *request, const struct sb_measured *measured,
                       enum sb_limit_outcome outcome)
{
    struct sb_limit_log *log = &request->sandbox->limit_log;
    if (log->last_call == request->call && log->last_id == measured->id)
        return;
    log->last_call = request->call;
    log->last_id = measured->id;
    const struct sb_limit *limit = &sb_limits[measured->id];
    const struct sb_limit_entry *entry = &log->entries[(log->total - 1) % SB_LIMIT_LOG_ENTRIES];
    char reason[SB_REQUEST_MESSAGE];
    write_reason(reason, sizeof(reason), mk_phrase_text(&limit->says), measured);
    mk_log_warn("sandbox", "bot %" PRIu64 ", %s: %s (%s: limit %s, %s measured %" PRIu64 ")",
                "Bot %" PRIu64 "，%s：%s（%s：限制 %s，%s 实测 %" PRIu64 "）", request->self_id,
                entry->action, reason, mk_tr(outcome_names[outcome][0], outcome_names[outcome][1]),
                limit->id, entry->path, measured->value);
}

/* --- the check --- */

static enum sb_limit_outcome outcome_of(const struct sb_request *request,
                                        const struct sb_limit *limit)
{
    if (request->sandbox->is_lenient || limit->excess == SB_EXCESS_WARN)
        return SB_LIMIT_WARNED;
    return limit->excess == SB_EXCESS_DROP ? SB_LIMIT_DROPPED : SB_LIMIT_REFUSED;
}

static int refuse(struct sb_request *request, const struct sb_measured *measured)
{
    const struct sb_limit *limit = &sb_limits[measured->id];
    char reason[SB_REQUEST_MESSAGE], path[SB_LIMIT_LOG_PATH];
    write_reason(reason, sizeof(reason),
                 mk_tr_in(sb_request_language(request), limit->says.en, limit->says.zh), measured);
    mk_json_path_copy(path, sizeof(path), measured->path);
    if (*path)
        return sb_refuse(request, limit->retcode, "%s: %s", "%s：%s", path, reason);
    return sb_refuse(request, limit->retcode, "%s", "%s", reason);
}

int sb_limit_check_measured(struct sb_request *request, const struct sb_measured *measured)
{
    const struct sb_limit *limit = &sb_limits[measured->id];
    if (measured->value <= most_of(measured) && measured->value >= limit->least)
        return 0;
    enum sb_limit_outcome outcome = outcome_of(request, limit);
    keep(request, measured, outcome);
    if (outcome == SB_LIMIT_REFUSED)
        return refuse(request, measured);
    log_excess(request, measured, outcome);
    return outcome == SB_LIMIT_DROPPED ? SB_DROPPED : 0;
}

int sb_limit_check(struct sb_request *request, enum sb_limit_id id, uint64_t value,
                   const struct mk_json_path *path)
{
    const struct sb_measured measured = { .id = id, .value = value, .path = path };
    return sb_limit_check_measured(request, &measured);
}
