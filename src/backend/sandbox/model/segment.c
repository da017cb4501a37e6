/* segment: see the header. */
#include "backend/sandbox/model/segment.h"

#include "backend/sandbox/model/member.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/segment_url.h"
#include "backend/sandbox/model/text.h"

#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* One kind of segment: reads `data`, puts the fields of the incoming one into `to`. */
typedef int segment_writer(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to);

static struct mk_slice text_field(yyjson_mut_val *data, const char *name)
{
    size_t len;
    const char *text = milky_string(data, name, &len);
    return mk_slice_of(text, len);
}

static bool put_text(struct sb_compose *compose, yyjson_mut_val *to, const char *key,
                     struct mk_slice text)
{
    return sb_text_put(compose->request->doc, to, key, text);
}

static int text_segment(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    struct mk_slice text = text_field(data, "text");
    int rc = sb_admit_text(compose, text);
    if (rc != 0)
        return rc;
    if (text.len > 0)
        compose->has_content = true;
    return put_text(compose, to, "text", text) ? 0 : -ENOMEM;
}

/* The name that a mention shows. QQ sends any mention: it is empty where there is none. */
static int mentioned_name(struct sb_compose *compose, uint64_t user, struct mk_slice *name)
{
    struct sb_request *request = compose->request;
    struct sb_db *db = &request->sandbox->db;
    struct sb_member member;
    bool in_group = compose->conversation->scene == SB_SCENE_GROUP && compose->depth == 0;
    if (!in_group)
        return sb_person_find(db, request->doc, user, name, NULL);
    int rc = sb_member_find(db, request->doc, compose->conversation->with, user, &member);
    if (rc > 0)
        *name = sb_member_name(&member);
    return rc;
}

static int mention_segment(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    uint64_t user = milky_uint(data, "user_id");
    struct mk_slice name = { 0 };
    int rc = mentioned_name(compose, user, &name);
    if (rc < 0)
        return rc;
    sb_admit_mention(compose);
    compose->has_content = true;
    char number[24];
    if (name.len == 0)
        name = mk_slice_of(number, (size_t)snprintf(number, sizeof(number), "%" PRIu64, user));
    bool ok = yyjson_mut_obj_add_uint(compose->request->doc, to, "user_id", user) &&
              put_text(compose, to, "name", name);
    return ok ? 0 : -ENOMEM;
}

static int mention_all_segment(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    (void)data;
    (void)to;
    compose->has_content = true;
    if (compose->depth > 0) /* there it mentions no one */
        return 0;
    if (compose->conversation->scene != SB_SCENE_GROUP) /* of a lenient sandbox */
        return 0;
    if (compose->role == SB_ROLE_MEMBER)
        return sb_refuse(compose->request, SB_NO_PERMISSION,
                         "only the owner or an admin of group %llu can send mention_all",
                         "只有群 %llu 的群主或管理员可以 @全体成员",
                         (unsigned long long)compose->conversation->with);
    compose->mentions_all = true;
    return 0;
}

static int face_segment(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    int rc = sb_limit_check(compose->request, SB_LIMIT_FACE_UNKNOWN_ID,
                            !sb_face_is_known(text_field(data, "face_id")), compose->path);
    if (rc != 0)
        return rc;
    compose->has_content = true;
    bool is_large = milky_has(data, "is_large") && milky_bool(data, "is_large");
    bool ok = put_text(compose, to, "face_id", text_field(data, "face_id")) &&
              yyjson_mut_obj_add_bool(compose->request->doc, to, "is_large", is_large);
    return ok ? 0 : -ENOMEM;
}

/* A quoted message loses its own replies: else every reply would carry the whole chain. */
static void drop_replies(yyjson_mut_val *segments)
{
    yyjson_mut_arr_iter it;
    yyjson_mut_arr_iter_init(segments, &it);
    yyjson_mut_val *segment;
    while ((segment = yyjson_mut_arr_iter_next(&it)))
        if (yyjson_mut_equals_str(yyjson_mut_obj_get(segment, "type"), "reply"))
            yyjson_mut_arr_iter_remove(&it);
}

/* A short reply may quote a long message: checked before the message grows. */
static int count_quoted(struct sb_compose *compose, const struct sb_message *quoted)
{
    bool in_forward = compose->depth > 0;
    int most = in_forward ? SB_FORWARD_MAX_BYTES : SB_MESSAGE_MAX_BYTES;
    size_t *sum = in_forward ? &compose->quoted_in_forwards : &compose->quoted;
    *sum += quoted->stored_len;
    if (*sum > (size_t)most)
        return sb_refuse(
            compose->request, SB_BAD_MESSAGE,
            "the messages that the replies quote are too long: at most %d bytes together",
            "回复引用的消息过长：合计最多 %d 字节", most);
    return 0;
}

static int reply_segment(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    struct sb_request *request = compose->request;
    struct sb_db *db = &request->sandbox->db;
    const struct sb_conversation *conversation = compose->conversation;
    uint64_t seq = milky_uint(data, "message_seq");
    struct sb_message quoted;
    struct sb_member sender;
    int rc = sb_message_find(db, request->doc, conversation, seq, &quoted);
    if (rc < 0)
        return rc;
    if (rc == 0 || quoted.recalled) {
        const struct sb_measured unknown = {
            .id = SB_LIMIT_REPLY_TO_UNKNOWN,
            .value = 1,
            .subject = seq,
            .path = compose->path,
        };
        rc = sb_limit_check_measured(request, &unknown);
        return rc ? rc : SB_DROPPED; /* there is nothing to quote */
    }
    rc = count_quoted(compose, &quoted);
    if (rc != 0)
        return rc;
    /* In a private chat there is no such group: this finds the nickname. */
    rc = sb_member_find(db, request->doc,
                        conversation->scene == SB_SCENE_GROUP ? conversation->with : 0,
                        quoted.sender, &sender);
    if (rc <= 0)
        return rc < 0 ? rc : -EIO;
    drop_replies(quoted.segments);
    sb_admit_quote(compose);
    compose->has_content = true;
    compose->has_media |= sb_segment_has_media(quoted.segments);
    bool ok = yyjson_mut_obj_add_uint(request->doc, to, "message_seq", seq) &&
              yyjson_mut_obj_add_uint(request->doc, to, "sender_id", quoted.sender) &&
              put_text(compose, to, "sender_name", sb_member_name(&sender)) &&
              yyjson_mut_obj_add_uint(request->doc, to, "time", quoted.time) &&
              yyjson_mut_obj_add_val(request->doc, to, "segments", quoted.segments);
    return ok ? 0 : -ENOMEM;
}

/* QQ takes a light_app without its app's token (config.token), but no person sees it. */
static int check_signature(struct sb_compose *compose, yyjson_val *config)
{
    bool is_signed = yyjson_get_len(yyjson_obj_get(config, "token")) > 0;
    int rc =
        sb_limit_check(compose->request, SB_LIMIT_LIGHT_APP_UNSIGNED, !is_signed, compose->path);
    compose->is_unsigned |= rc == SB_DROPPED && compose->depth == 0;
    return rc == SB_DROPPED ? 0 : rc;
}

static int light_app_segment(struct sb_compose *compose, yyjson_mut_val *data, yyjson_mut_val *to)
{
    struct mk_slice payload = text_field(data, "json_payload");
    yyjson_doc *json = yyjson_read(payload.ptr, payload.len, YYJSON_READ_NOFLAG);
    yyjson_val *app = yyjson_obj_get(yyjson_doc_get_root(json), "app");
    int rc = 0;
    if (!json)
        rc = sb_refuse(compose->request, SB_BAD_MESSAGE,
                       "the json_payload of a light_app is not valid JSON",
                       "light_app 的 json_payload 不是合法的 JSON");
    else if (!yyjson_is_str(app))
        rc = sb_refuse(compose->request, SB_BAD_MESSAGE,
                       "the json_payload of a light_app needs a string \"app\"",
                       "light_app 的 json_payload 缺少字符串字段 \"app\"");
    else if (!put_text(compose, to, "app_name",
                       mk_slice_of(yyjson_get_str(app), yyjson_get_len(app))) ||
             !put_text(compose, to, "json_payload", payload))
        rc = -ENOMEM;
    if (rc == 0)
        rc = check_signature(compose, yyjson_obj_get(yyjson_doc_get_root(json), "config"));
    yyjson_doc_free(json);
    compose->has_content = true;
    return rc;
}

static const struct {
    const char *type;
    segment_writer *write;
} kinds[] = {
    { "text", text_segment },
    { "mention", mention_segment },
    { "mention_all", mention_all_segment },
    { "face", face_segment },
    { "reply", reply_segment },
    { "image", sb_compose_image },
    { "record", sb_compose_record },
    { "video", sb_compose_video },
    { "forward", sb_compose_forward },
    { "light_app", light_app_segment },
};

/* Adds it to `incoming`, or leaves it out where it is dropped. */
static int compose_segment(struct sb_compose *compose, yyjson_mut_val *segment,
                           yyjson_mut_val *incoming)
{
    yyjson_mut_doc *doc = compose->request->doc;
    const char *type = yyjson_mut_get_str(yyjson_mut_obj_get(segment, "type"));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].type, type) != 0)
            continue;
        yyjson_mut_val *made = yyjson_mut_arr_add_obj(doc, incoming);
        yyjson_mut_val *to = NULL;
        if (yyjson_mut_obj_add_str(doc, made, "type", kinds[i].type))
            to = yyjson_mut_obj_add_obj(doc, made, "data");
        int rc = to ? sb_admit_segment(compose, segment) : -ENOMEM;
        if (rc == 0)
            rc = kinds[i].write(compose, yyjson_mut_obj_get(segment, "data"), to);
        if (rc != SB_DROPPED)
            return rc;
        yyjson_mut_arr_remove_last(incoming);
        compose->has_dropped = true;
        return 0;
    }
    return sb_refuse(compose->request, MILKY_NOT_SUPPORTED,
                     "the sandbox cannot send the segment %s", "沙盒不支持发送消息段 %s", type);
}

static int refuse_empty(struct sb_compose *compose)
{
    const struct sb_limit_log *log = &compose->request->sandbox->limit_log;
    if (!compose->has_dropped || log->last_call != compose->request->call)
        return sb_refuse(compose->request, SB_BAD_MESSAGE, "the message is empty", "消息内容为空");
    return sb_refuse(compose->request, SB_BAD_MESSAGE,
                     "the message is empty: QQ drops what was in it (%s)",
                     "消息内容为空：其中的内容会被 QQ 丢弃（%s）", sb_limits[log->last_id].id);
}

int sb_compose_message(struct sb_compose *compose, yyjson_mut_val *outgoing,
                       yyjson_mut_val **incoming)
{
    yyjson_mut_val *made = yyjson_mut_arr(compose->request->doc);
    if (!made)
        return -ENOMEM;
    const struct mk_json_path *list = compose->path;
    sb_admit_begin(compose, outgoing);
    compose->has_content = false;
    size_t i, count;
    yyjson_mut_val *segment;
    yyjson_mut_arr_foreach (outgoing, i, count, segment) {
        const struct mk_json_path path = { .up = list, .index = i };
        compose->path = &path;
        int rc = compose_segment(compose, segment, made);
        compose->path = list;
        if (rc != 0)
            return rc;
    }
    if (!compose->has_content)
        return refuse_empty(compose);
    *incoming = made;
    return sb_admit_end(compose);
}

/* --- previews --- */

static void preview_segment(struct mk_buf *out, yyjson_mut_val *segment)
{
    static const struct {
        const char *type;
        const char *display;
    } fixed[] = {
        { "mention_all", "@全体成员" }, { "face", "[表情]" },      { "reply", "" },
        { "forward", "[聊天记录]" },    { "light_app", "[卡片]" }, { "record", "[语音]" },
        { "video", "[视频]" },
    };
    const char *type = yyjson_mut_get_str(yyjson_mut_obj_get(segment, "type"));
    yyjson_mut_val *data = yyjson_mut_obj_get(segment, "data");
    struct mk_slice text = { 0 };
    if (strcmp(type, "text") == 0)
        text = text_field(data, "text");
    if (strcmp(type, "image") == 0)
        text = text_field(data, "summary");
    if (strcmp(type, "mention") == 0) {
        mk_buf_append_char(out, '@');
        text = text_field(data, "name");
    }
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (strcmp(type, fixed[i].type) == 0)
            text = mk_slice_str(fixed[i].display);
    size_t room = out->max - out->len;
    if (text.len > room)
        text.len = mk_utf8_valid_prefix(mk_slice_of(text.ptr, room));
    mk_buf_append_slice(out, text);
}

void sb_segments_preview(struct mk_buf *out, yyjson_mut_val *incoming)
{
    size_t i, count;
    yyjson_mut_val *segment;
    yyjson_mut_arr_foreach (incoming, i, count, segment) {
        preview_segment(out, segment);
    }
}
