/* limits: which limits of QQ were exceeded (turn/limit_log.h), for an operator. */
#include "backend/sandbox/turn/limits.h"
#include "backend/sandbox/operator/operator.h"

#include <errno.h>

static const char *const outcomes[] = {
    [SB_LIMIT_REFUSED] = "refused",
    [SB_LIMIT_DROPPED] = "dropped",
    [SB_LIMIT_WARNED] = "warned",
};

static bool put_counts(const struct sb_limit_log *log, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
    bool ok = true;
    for (size_t i = 0; i < SB_LIMIT_COUNT && ok; i++) {
        uint64_t sum = 0;
        for (size_t k = 0; k < SB_LIMIT_OUTCOMES; k++)
            sum += log->counts[i][k];
        if (sum == 0)
            continue;
        yyjson_mut_val *row = yyjson_mut_arr_add_obj(doc, list);
        ok = yyjson_mut_obj_add_str(doc, row, "limit", sb_limits[i].id);
        for (size_t k = 0; k < SB_LIMIT_OUTCOMES && ok; k++)
            ok = yyjson_mut_obj_add_uint(doc, row, outcomes[k], log->counts[i][k]);
    }
    return ok;
}

/* The newest first. */
static bool put_entries(const struct sb_limit_log *log, yyjson_mut_doc *doc, yyjson_mut_val *list)
{
    bool ok = true;
    for (uint64_t i = 0; i < SB_LIMIT_LOG_ENTRIES && i < log->total && ok; i++) {
        const struct sb_limit_entry *entry =
            &log->entries[(log->total - 1 - i) % SB_LIMIT_LOG_ENTRIES];
        yyjson_mut_val *row = yyjson_mut_arr_add_obj(doc, list);
        ok = yyjson_mut_obj_add_uint(doc, row, "time", entry->time) &&
             yyjson_mut_obj_add_uint(doc, row, "user_id", entry->self_id) &&
             yyjson_mut_obj_add_strcpy(doc, row, "action", entry->action) &&
             yyjson_mut_obj_add_str(doc, row, "limit", sb_limits[entry->id].id) &&
             yyjson_mut_obj_add_str(doc, row, "outcome", outcomes[entry->outcome]) &&
             yyjson_mut_obj_add_uint(doc, row, "value", entry->value);
        if (ok && entry->path[0])
            ok = yyjson_mut_obj_add_strcpy(doc, row, "path", entry->path);
    }
    return ok;
}

static int limits(struct sb_request *request)
{
    const struct sb_sandbox *sandbox = request->sandbox;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_str(doc, result, "strictness",
                                     sandbox->is_lenient ? "lenient" : "strict");
    yyjson_mut_val *counts = ok ? yyjson_mut_obj_add_arr(doc, result, "limits") : NULL;
    yyjson_mut_val *last = counts ? yyjson_mut_obj_add_arr(doc, result, "last") : NULL;
    if (!last || !put_counts(&sandbox->limit_log, doc, counts) ||
        !put_entries(&sandbox->limit_log, doc, last))
        return -ENOMEM;
    request->result = result;
    return 0;
}

const struct sb_api sb_operator_limits[] = { { "limits", limits }, { NULL, NULL } };
