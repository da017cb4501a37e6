/* control: see the header. */
#include "backend/sandbox/operator/operator.h"

#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/text.h"
#include "backend/sandbox/world/world.h"

#include <errno.h>

/*
 * Short forms of APIs: for one about a person (`to`), and one about a group (`group`). Their fields
 * have short names too; all others are the API's own.
 */
static const struct short_form {
    const char *name;
    const char *to;
    const char *group;
} short_forms[] = {
    { "say", "send_private_message", "send_group_message" },
    { "recall", "recall_private_message", "recall_group_message" },
    { "nudge", "send_friend_nudge", "send_group_nudge" },
    { "react", NULL, "send_group_message_reaction" },
    { "leave", NULL, "quit_group" },
    { "kick", NULL, "kick_group_member" },
    { "mute", NULL, "set_group_member_mute" },
    { "upload", "upload_private_file", "upload_group_file" },
};

static const struct {
    const char *given;
    const char *name;
} fields[] = {
    { "to", "user_id" },      { "group", "group_id" }, { "user", "user_id" },
    { "uri", "file_uri" },    { "name", "file_name" }, { "folder", "parent_folder_id" },
    { "seq", "message_seq" },
};

/* --- as a call of an API --- */

static const char *field_name(bool is_short, const char *given)
{
    for (size_t i = 0; is_short && i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strcmp(fields[i].given, given) == 0)
            return fields[i].name;
    return given;
}

/* The params of the API, unchecked: those given, under their names there, but for `as`. */
static int translate(struct sb_request *request, bool is_short, yyjson_mut_val **made)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *params = yyjson_mut_obj(doc), *key, *message;
    yyjson_mut_obj_iter it;
    yyjson_mut_obj_iter_init(request->params, &it);
    while ((key = yyjson_mut_obj_iter_next(&it))) {
        const char *given = yyjson_mut_get_str(key);
        if (strcmp(given, "as") == 0)
            continue;
        /* What a short form is given stands there once more, so it is copied. */
        yyjson_mut_val *value = yyjson_mut_val_mut_copy(doc, yyjson_mut_obj_iter_get_val(key));
        if (!yyjson_mut_obj_add_val(doc, params, field_name(is_short, given), value))
            return -ENOMEM;
    }
    yyjson_mut_val *text = is_short ? yyjson_mut_obj_remove_key(params, "text") : NULL;
    if (text && (message = yyjson_mut_obj_add_arr(doc, params, "message"))) {
        yyjson_mut_val *segment = yyjson_mut_arr_add_obj(doc, message);
        yyjson_mut_obj_add_str(doc, segment, "type", "text");
        yyjson_mut_obj_add_val(doc, yyjson_mut_obj_add_obj(doc, segment, "data"), "text", text);
    }
    *made = params;
    return params && (!text || message) ? 0 : -ENOMEM;
}

static int refuse_problem(struct sb_request *request, const char *problem)
{
    return sb_refuse(request, MILKY_MALFORMED, "参数不正确 (%s)", problem);
}

static int check(struct sb_request *request, const char *api, yyjson_mut_val *given,
                 yyjson_mut_val **checked)
{
    char problem[SB_REQUEST_MESSAGE - 64];
    int rc = milky_check_params(api, given, request->doc, checked, problem, sizeof(problem));
    return rc == -EINVAL ? refuse_problem(request, problem) : rc;
}

/* The person that the API is called by. */
static int read_actor(struct sb_request *request, uint64_t *actor)
{
    static const struct sb_rule rules[] = { { "as", SB_RULE_UIN, true }, { NULL } };
    yyjson_mut_val *only = yyjson_mut_obj(request->doc);
    yyjson_mut_val *as = yyjson_mut_obj_get(request->params, "as");
    struct sb_value value;
    if (!only || (as && !yyjson_mut_obj_add_val(request->doc, only, "as",
                                                yyjson_mut_val_mut_copy(request->doc, as))))
        return -ENOMEM;
    int rc = sb_rules_read(request, NULL, rules, only, &value);
    if (rc == 0)
        rc = sb_person_require(request, value.number);
    *actor = value.number;
    return rc;
}

/* `api` is called by a person. */
static int become(struct sb_request *request, const char *api, bool is_short,
                  const struct sb_api **found)
{
    int number = milky_action_number(api);
    uint64_t actor;
    yyjson_mut_val *given;
    int rc = read_actor(request, &actor);
    if (rc == 0)
        rc = translate(request, is_short, &given);
    if (rc == 0)
        rc = check(request, api, given, &given);
    if (rc != 0)
        return rc;
    if (number < 0 || !request->sandbox->apis[number])
        return sb_refuse(request, MILKY_NOT_SUPPORTED,
                         "沙盒暂不支持 %s (the sandbox does not do %s yet)", api, api);
    request->self_id = actor;
    request->params = given;
    *found = request->sandbox->apis[number];
    return 0;
}

/* Which API a short form stands for. */
static int become_short(struct sb_request *request, const struct short_form *form,
                        const struct sb_api **found)
{
    bool to = yyjson_mut_obj_get(request->params, "to") != NULL;
    bool group = yyjson_mut_obj_get(request->params, "group") != NULL;
    bool both = form->to && form->group;
    if (both && to == group)
        return sb_refuse(request, MILKY_MALFORMED,
                         "需要 to 或 group 之一 (one of to and group must be given)");
    if (strcmp(form->name, "say") == 0 && !yyjson_mut_obj_get(request->params, "text") ==
                                              !yyjson_mut_obj_get(request->params, "message"))
        return sb_refuse(request, MILKY_MALFORMED,
                         "需要 text 或 message 之一 (one of text and message must be given)");
    to = form->to && !group;
    int rc = become(request, to ? form->to : form->group, true, found);
    if (rc == 0 && to) /* that there is nobody is the better reason than that they are no friends */
        rc = sb_person_require(request, milky_uint(request->params, "user_id"));
    return rc;
}

int sb_control_message(struct sb_request *request, const struct sb_value *text,
                       const struct sb_value *message, yyjson_mut_val **outgoing)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *params = yyjson_mut_obj(doc);
    if (text->given == message->given)
        return sb_refuse(request, MILKY_MALFORMED,
                         "需要 text 或 message 之一 (one of text and message must be given)");
    /* Any API that sends will do: what is checked is the message. */
    bool ok = yyjson_mut_obj_add_uint(doc, params, "user_id", 10001);
    if (text->given) {
        yyjson_mut_val *segment = yyjson_mut_obj(doc);
        ok = ok && yyjson_mut_obj_add_str(doc, segment, "type", "text") &&
             sb_put_text(doc, yyjson_mut_obj_add_obj(doc, segment, "data"), "text", text->text) &&
             yyjson_mut_arr_append(yyjson_mut_obj_add_arr(doc, params, "message"), segment);
    } else {
        ok = ok && yyjson_mut_obj_add_val(doc, params, "message",
                                          yyjson_mut_val_mut_copy(doc, message->json));
    }
    yyjson_mut_val *checked;
    int rc = ok ? check(request, "send_private_message", params, &checked) : -ENOMEM;
    if (rc == 0)
        *outgoing = yyjson_mut_obj_get(checked, "message");
    return rc;
}

/* --- finding --- */

static const struct sb_api *operation(const char *name)
{
    static const struct sb_api *const lists[] = {
        sb_control_act_apis,
        sb_control_people_apis,
        sb_control_bot_apis,
        sb_world_apis,
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        for (const struct sb_api *api = lists[i]; api->name; api++)
            if (strcmp(api->name, name) == 0)
                return api;
    return NULL;
}

int sb_control_find(struct sb_request *request, const struct sb_api **api)
{
    const char *action = request->action;
    /* A message through a temporary session is no API of bots. */
    bool is_temp = strcmp(action, "say") == 0 && yyjson_mut_obj_get(request->params, "through");
    *api = operation(is_temp ? "say_temp" : action);
    if (*api)
        return (*api)->prepare ? (*api)->prepare(request) : 0;
    for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++)
        if (strcmp(short_forms[i].name, action) == 0)
            return become_short(request, &short_forms[i], api);
    if (milky_action_number(action) >= 0)
        return become(request, action, false, api);
    return sb_refuse(request, MILKY_UNKNOWN,
                     "没有这个操作：%s (the sandbox has no such operation: %s)", action, action);
}
