/* world_groups: groups in a world, with what they have; and files: see world.h. */
#include "backend/sandbox/api/file.h"
#include "backend/sandbox/world/fields.h"

static const char *const roles[] = { "member", "admin", "owner", NULL };
static const char *const policies[] = { "approval", "anybody", "nobody", NULL };
static const char *const states[] = { "pending", "accepted", "rejected", "ignored", NULL };
static const char *const notices[] = { "join_request",         "admin_change", "kick", "quit",
                                       "invited_join_request", "invitation",   NULL };

/* clang-format off */
static const struct sb_world_list members = {
    .name = "members",
    .select = "SELECT 0, uin, role, card, title, level, join_time, last_sent_time,"
              " shut_up_end_time, remark FROM member WHERE group_id = ?1 ORDER BY uin",
    .insert = "INSERT INTO member (group_id, uin, role, card, title, level, join_time,"
              " last_sent_time, shut_up_end_time, remark, is_bot)"
              " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, is_bot FROM person WHERE uin = ?2",
    .columns = (const struct sb_column[]){
        PERSON("user_id"),
        { "role", SB_COLUMN_CHOICE, .choices = roles },
        TEXT("card"),
        TEXT("title"),
        { "level", SB_COLUMN_NUMBER, .otherwise = 1 },
        TIME("join_time"),
        { "last_sent_time", SB_COLUMN_NUMBER },
        { "shut_up_end_time", SB_COLUMN_NUMBER, .nullable = true },
        TEXT("remark"),
        END,
    },
};

static const struct sb_world_list blocked = {
    .name = "blocked",
    .select = "SELECT 0, uin FROM group_block WHERE group_id = ?1 ORDER BY uin",
    .insert = "INSERT INTO group_block (group_id, uin) VALUES (?1, ?2)",
    .columns = (const struct sb_column[]){ PERSON("user_id"), END },
};

static const struct sb_world_list announcements = {
    .name = "announcements",
    .select = "SELECT 0, id, uin, time, content, image FROM group_announcement"
              " WHERE group_id = ?1 ORDER BY id",
    .insert = "INSERT INTO group_announcement (group_id, id, uin, time, content, image)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    .columns = (const struct sb_column[]){
        { "announcement_id", SB_COLUMN_NUMBER, .nullable = true },
        SOMEBODY("user_id"),
        TIME("time"),
        { "content", SB_COLUMN_TEXT, true },
        PICTURE("image"),
        END,
    },
};
/* clang-format on */

/* --- files --- */

static int refuse_id(struct sb_request *request, const struct mk_json_path *path, const char *field)
{
    return sb_refuse_field(request, path, field, "expected / and 16 hexadecimal digits",
                           "应为 / 加 16 位十六进制数字");
}

enum { FILE_ID, FOLDER_ID };

static int check_file_id(struct sb_request *request, const struct mk_json_path *path,
                         struct sb_value *values)
{
    uint64_t id;
    bool ok = sb_file_id_read(values[FILE_ID].text, &id) && id > 0;
    return ok ? 0 : refuse_id(request, path, "file_id");
}

static int check_folder_id(struct sb_request *request, const struct mk_json_path *path,
                           struct sb_value *values)
{
    uint64_t id;
    bool ok = sb_file_id_read(values[0].text, &id) && id > 0;
    return ok ? 0 : refuse_id(request, path, "folder_id");
}

static int check_group_file(struct sb_request *request, const struct mk_json_path *path,
                            struct sb_value *values)
{
    uint64_t id;
    if (values[FOLDER_ID].given && !sb_file_id_read(values[FOLDER_ID].text, &id))
        return refuse_id(request, path, "parent_folder_id");
    return check_file_id(request, path, values);
}

/* clang-format off */
static const struct sb_world_list folders = {
    .name = "folders",
    .select = "SELECT 0, printf('/%016x', id), name, creator, created_time, last_modified_time"
              " FROM group_folder WHERE group_id = ?1 ORDER BY id",
    .insert = "INSERT INTO group_folder (group_id, id, name, creator, created_time,"
              " last_modified_time) VALUES (?1, from_hex(substr(?2, 2)), ?3, ?4, ?5, ?6)",
    .columns = (const struct sb_column[]){
        { "folder_id", SB_COLUMN_TEXT, true },
        NAME("folder_name"),
        SOMEBODY("creator_id"),
        TIME("created_time"),
        TIME("last_modified_time"),
        END,
    },
    .check = check_folder_id,
};

/* parent_folder_id: none is the root. Their size is that of the content. */
static const struct sb_world_list files = {
    .name = "files",
    .select = "SELECT 0, printf('/%016x', id), CASE folder WHEN 0 THEN NULL ELSE"
              " printf('/%016x', folder) END, name, media, uploader, uploaded_time,"
              " downloaded_times FROM group_file WHERE group_id = ?1 ORDER BY id",
    .insert = "INSERT INTO group_file (group_id, id, folder, name, media, uploader, uploaded_time,"
              " downloaded_times, size) SELECT ?1, from_hex(substr(?2, 2)),"
              " from_hex(substr(coalesce(?3, '/'), 2)), ?4, ?5, ?6, ?7, ?8, size FROM media"
              " WHERE sha256 = ?5",
    .columns = (const struct sb_column[]){
        [FILE_ID] = { "file_id", SB_COLUMN_TEXT, true },
        [FOLDER_ID] = { "parent_folder_id", SB_COLUMN_TEXT, .nullable = true },
        NAME("file_name"),
        CONTENT("resource_id"),
        SOMEBODY("uploader_id"),
        TIME("uploaded_time"),
        COUNT("downloaded_times"),
        END,
    },
    .check = check_group_file,
};

const struct sb_world_list sb_world_private_files = {
    .name = "private_files",
    .select = "SELECT 0, printf('/%016x', id), sender, receiver, name, media FROM private_file"
              " ORDER BY id",
    .insert = "INSERT INTO private_file (id, sender, receiver, name, media)"
              " VALUES (from_hex(substr(?2, 2)), ?3, ?4, ?5, ?6)",
    .columns = (const struct sb_column[]){
        [FILE_ID] = { "file_id", SB_COLUMN_TEXT, true },
        PERSON("sender_id"),
        PERSON("receiver_id"),
        NAME("file_name"),
        CONTENT("resource_id"),
        END,
    },
    .check = check_file_id,
};
/* clang-format on */

/* --- groups --- */

enum { GROUP_DISSOLVED = 9, GROUP_MEMBERS = 11 };

/* A group has an owner, but for one that is dissolved: nobody is in that. */
static int check_group(struct sb_request *request, const struct mk_json_path *path,
                       struct sb_value *values)
{
    size_t i, count, owners = 0;
    yyjson_mut_val *member, *list = values[GROUP_MEMBERS].json;
    yyjson_mut_arr_foreach (list, i, count, member) {
        owners += yyjson_mut_equals_str(yyjson_mut_obj_get(member, "role"), "owner");
    }
    if (owners == 1 || (values[GROUP_DISSOLVED].number && yyjson_mut_arr_size(list) == 0))
        return 0;
    return sb_refuse_field(request, path, "members", "expected one owner among them, got %zu",
                           "其中应有一名群主，实际有 %zu 名", owners);
}

/* clang-format off */
const struct sb_world_list sb_world_groups = {
    .name = "groups",
    .select = "SELECT group_id, group_id, name, max_member_count, created_time, description,"
              " question, announcement, whole_mute, join_policy, dissolved, avatar"
              " FROM qq_group ORDER BY group_id",
    .insert = "INSERT INTO qq_group (group_id, name, max_member_count, created_time, description,"
              " question, announcement, whole_mute, join_policy, dissolved, avatar)"
              " VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    .columns = (const struct sb_column[]){
        SOMEBODY("group_id"),
        { "group_name", SB_COLUMN_TEXT, true },
        { "max_member_count", SB_COLUMN_NUMBER, .otherwise = 200 },
        TIME("created_time"),
        TEXT("description"),
        TEXT("question"),
        TEXT("announcement"),
        FLAG("whole_mute"),
        { "join_policy", SB_COLUMN_CHOICE, .choices = policies },
        [GROUP_DISSOLVED] = FLAG("dissolved"),
        PICTURE("avatar"),
        [GROUP_MEMBERS] = LIST("members"),
        LIST("blocked"),
        LIST("announcements"),
        LIST("folders"),
        LIST("files"),
        END,
    },
    .lists = (const struct sb_world_list *const[]){ &members, &blocked, &announcements, &folders,
                                                    &files, NULL },
    .check = check_group,
    .after = "UPDATE group_folder SET file_count = (SELECT count(*) FROM group_file f"
             " WHERE f.group_id = ?1 AND f.folder = group_folder.id) WHERE group_id = ?1",
};

static const struct sb_world_list notice_lists = {
    .name = "seen_by",
    .select = "SELECT 0, uin, is_filtered FROM group_notice_for WHERE seq = ?1"
              " ORDER BY uin, is_filtered",
    .insert = "INSERT INTO group_notice_for (seq, uin, is_filtered) VALUES (?1, ?2, ?3)",
    .columns = (const struct sb_column[]){ PERSON("user_id"), FLAG("is_filtered"), END },
};

const struct sb_world_list sb_world_notifications = {
    .name = "group_notifications",
    .select = "SELECT seq, seq, group_id, kind, time, initiator, target, operator, state, is_set,"
              " is_filtered, source_group, comment, reason FROM group_notice ORDER BY seq",
    .insert = "INSERT INTO group_notice (seq, group_id, kind, time, initiator, target, operator,"
              " state, is_set, is_filtered, source_group, comment, reason)"
              " VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    .columns = (const struct sb_column[]){
        { "notification_seq", SB_COLUMN_NUMBER, .nullable = true },
        { "group_id", SB_COLUMN_NUMBER, true, .refers = SB_REFERS_GROUP },
        { "type", SB_COLUMN_CHOICE, true, .choices = notices },
        TIME("time"),
        COUNT("initiator_id"),
        SOMEBODY("target_user_id"),
        { "operator_id", SB_COLUMN_NUMBER, .nullable = true },
        { "state", SB_COLUMN_CHOICE, .choices = states, .nullable = true },
        FLAG("is_set"),
        FLAG("is_filtered"),
        COUNT("source_group_id"),
        TEXT("comment"),
        TEXT("reason"),
        LIST("seen_by"),
        END,
    },
    .lists = (const struct sb_world_list *const[]){ &notice_lists, NULL },
};
/* clang-format on */
