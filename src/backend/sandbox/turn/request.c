/* request: see the header. */
#include "backend/sandbox/turn/request.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum { LONGEST_PATH = 160, LONGEST_REASON = 192 };

int sb_result(struct sb_request *request, const char *key, yyjson_mut_val *value)
{
    request->result = yyjson_mut_obj(request->doc);
    return yyjson_mut_obj_add_val(request->doc, request->result, key, value) ? 0 : -ENOMEM;
}

int sb_request_event(struct sb_request *request, uint64_t self_id, const char *type, uint64_t time,
                     yyjson_mut_val *data)
{
    struct sb_outbox_event event = { self_id, type, time, data };
    if (milky_host_state(request->sandbox->host, self_id) != MILKY_STATE_ONLINE)
        return 0;
    return sb_outbox_event(&request->sandbox->outbox, &event);
}

/* --- refusals --- */

enum mk_language sb_request_language(const struct sb_request *request)
{
    return request->call ? sb_language(request->sandbox) : mk_language_get();
}

int sb_refuse(struct sb_request *request, int retcode, const char *en, const char *zh, ...)
{
    va_list args;
    va_start(args, zh);
    vsnprintf(request->message, sizeof(request->message),
              mk_tr_in(sb_request_language(request), en, zh), args);
    va_end(args);
    /* A reason that was cut must not end within a character. */
    request->message[mk_utf8_valid_prefix(mk_slice_str(request->message))] = '\0';
    request->retcode = retcode;
    return SB_REFUSED;
}

int sb_refuse_field(struct sb_request *request, const struct mk_json_path *path, const char *name,
                    const char *en, const char *zh, ...)
{
    const struct mk_json_path field = { .up = path, .name = mk_slice_str(name) };
    char text[LONGEST_PATH], reason[LONGEST_REASON];
    va_list args;
    va_start(args, zh);
    vsnprintf(reason, sizeof(reason), mk_tr_in(sb_request_language(request), en, zh), args);
    va_end(args);
    reason[mk_utf8_valid_prefix(mk_slice_str(reason))] = '\0';
    mk_json_path_copy(text, sizeof(text), name ? &field : path);
    return sb_refuse(request, MILKY_MALFORMED, "%s: %s", "%s：%s", *text ? text : "params", reason);
}

int sb_refuse_with(struct sb_request *request, int retcode, const struct mk_phrase *why)
{
    return sb_refuse(request, retcode, "%s", "%s",
                     mk_tr_in(sb_request_language(request), why->en, why->zh));
}

int sb_refuse_no_friend(struct sb_request *request, uint64_t viewer, uint64_t user)
{
    return sb_refuse(request, SB_NO_FRIEND, "%llu is not a friend of %llu", "%llu 不是 %llu 的好友",
                     (unsigned long long)user, (unsigned long long)viewer);
}

int sb_refuse_no_user(struct sb_request *request, uint64_t user)
{
    return sb_refuse(request, SB_NO_USER, "there is no user %llu", "没有用户 %llu",
                     (unsigned long long)user);
}

int sb_refuse_no_group(struct sb_request *request, uint64_t viewer, uint64_t group)
{
    return sb_refuse(request, SB_NO_GROUP, "%llu is not in a group %llu", "%llu 不在群 %llu 中",
                     (unsigned long long)viewer, (unsigned long long)group);
}

int sb_refuse_no_member(struct sb_request *request, uint64_t group, uint64_t user)
{
    return sb_refuse(request, SB_NO_MEMBER, "%llu is not a member of group %llu",
                     "%llu 不是群 %llu 的成员", (unsigned long long)user,
                     (unsigned long long)group);
}

int sb_refuse_no_message(struct sb_request *request, uint64_t seq)
{
    return sb_refuse(request, SB_NO_MESSAGE, "there is no message %llu in this conversation",
                     "会话中没有消息 %llu", (unsigned long long)seq);
}
