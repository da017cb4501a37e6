/* group_settings: the operator reads and sets model/group_settings.h. */
#include "backend/sandbox/model/group_settings.h"

#include "backend/sandbox/model/group.h"
#include "backend/sandbox/operator/operator.h"
#include "backend/sandbox/turn/turn.h"

#include <errno.h>
#include <string.h>

/* The fields with a number. */
static const struct {
    const char *name;
    size_t at;
} numbers[] = {
    { "file_space", offsetof(struct sb_group_settings, file_space) },
    { "large_file_bytes", offsetof(struct sb_group_settings, large_file_bytes) },
    { "temporary_file_days", offsetof(struct sb_group_settings, temporary_file_days) },
    { "max_admin_count", offsetof(struct sb_group_settings, max_admin_count) },
    { "invite_asks_from", offsetof(struct sb_group_settings, invite_asks_from) },
    { "invite_approval_from", offsetof(struct sb_group_settings, invite_approval_from) },
};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static uint64_t *number_of(struct sb_group_settings *settings, size_t i)
{
    return (uint64_t *)((char *)settings + numbers[i].at);
}

/* Takes over what was given; returns whether anything was. */
static bool change(yyjson_mut_val *params, struct sb_group_settings *settings)
{
    bool any = false;
    for (size_t i = 0; i < NUMBERS; i++) {
        if (!milky_has(params, numbers[i].name))
            continue;
        *number_of(settings, i) = milky_uint(params, numbers[i].name);
        any = true;
    }
    if (milky_has(params, "forbids_temp")) {
        settings->forbids_temp = milky_bool(params, "forbids_temp");
        any = true;
    }
    if (!milky_has(params, "uploads"))
        return any;
    bool admins = strcmp(milky_string(params, "uploads", NULL), "admins") == 0;
    settings->uploads = admins ? SB_UPLOADS_ADMINS : SB_UPLOADS_MEMBERS;
    return true;
}

static int show(struct sb_request *request, struct sb_group_settings *settings)
{
    yyjson_mut_doc *doc = request->doc;
    request->result = yyjson_mut_obj(doc);
    bool ok = yyjson_mut_obj_add_str(doc, request->result, "uploads",
                                     sb_uploads_names[settings->uploads]);
    for (size_t i = 0; i < NUMBERS && ok; i++)
        ok =
            yyjson_mut_obj_add_uint(doc, request->result, numbers[i].name, *number_of(settings, i));
    ok =
        ok && yyjson_mut_obj_add_bool(doc, request->result, "forbids_temp", settings->forbids_temp);
    return ok ? 0 : -ENOMEM;
}

static int group_settings(struct sb_request *request)
{
    struct sb_db *db = &request->sandbox->db;
    struct sb_group_settings settings;
    struct sb_group group;
    int rc = sb_group_require(request, milky_uint(request->params, "group"), &group);
    if (rc == 0)
        rc = sb_group_settings_find(db, group.id, &settings);
    if (rc == 0 && change(request->params, &settings)) {
        rc = sb_turn_write(request);
        if (rc == 0)
            rc = sb_group_settings_set(db, group.id, &settings);
    }
    return rc ? rc : show(request, &settings);
}

const struct sb_api sb_operator_group_settings[] = {
    { "group_settings", group_settings },
    { NULL, NULL },
};
