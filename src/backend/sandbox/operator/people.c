/*
 * people: people, groups and friendships, which an operator makes and deletes without an event.
 * The requests describe them as a world does (world/world.h).
 */
#include "backend/sandbox/model/friendship.h"
#include "backend/sandbox/model/group.h"
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/text.h"

#include "backend/sandbox/operator/operator.h"
#include "backend/sandbox/turn/turn.h"
#include "backend/sandbox/world/world.h"

#include <errno.h>

/* --- making --- */

/* The number in the field `name`, or else a free one, which is put there. 0, SB_REFUSED or -errno.
 */
static int choose_number(struct sb_request *request, const char *name, const char *sql)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *given = yyjson_mut_obj_get(request->params, name);
    if (given && !yyjson_mut_is_null(given))
        return sb_result(request, name, yyjson_mut_val_mut_copy(doc, given));
    uint64_t number;
    int rc = sb_db_number(&request->sandbox->db, sql, &number);
    if (rc < 0)
        return rc;
    if (number > UINT32_MAX)
        return sb_refuse_field(request, NULL, name, "it must be given: no number is left",
                               "必须给出：没有剩余的号码");
    if (!yyjson_mut_obj_put(request->params, yyjson_mut_str(doc, name),
                            yyjson_mut_uint(doc, number)))
        return -ENOMEM;
    return sb_result(request, name, yyjson_mut_uint(doc, number));
}

static int create_person(struct sb_request *request)
{
    int rc = choose_number(request, "user_id",
                           "SELECT coalesce(max(uin), 10003000) + 1"
                           " FROM person");
    return rc ? rc : sb_world_add(request, &sb_person_list, request->params);
}

static int create_group(struct sb_request *request)
{
    int rc = choose_number(request, "group_id",
                           "SELECT coalesce(max(group_id), 700000000) + 1"
                           " FROM qq_group");
    return rc ? rc : sb_world_add(request, &sb_group_list, request->params);
}

static int create_friendship(struct sb_request *request)
{
    return sb_world_add(request, &sb_friendship_list, request->params);
}

/* --- unmaking --- */

/* Each statement has one parameter. Returns 0 or -errno. */
static int run_all(struct sb_request *request, const char *const *statements, size_t count,
                   uint64_t number)
{
    int rc = sb_turn_write(request);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = SB_DB_EXEC(&request->sandbox->db, statements[i], number);
    return rc;
}

/* Refuses a person who is a bot that is served, or the owner of a group. */
static int check_dispensable(struct sb_request *request, uint64_t uin)
{
    size_t count;
    uint64_t groups;
    const uint64_t *bots = milky_host_bots(request->sandbox->host, &count);
    for (size_t i = 0; i < count; i++)
        if (bots[i] == uin)
            return sb_refuse(request, SB_NO_PERMISSION, "%llu is a bot that is served here",
                             "不能删除 %llu：它是正在运行的 Bot", (unsigned long long)uin);
    char sql[96];
    sqlite3_snprintf(sizeof(sql), sql,
                     "SELECT coalesce(max(group_id), 0) FROM member"
                     " WHERE uin = %llu AND role = 2",
                     (unsigned long long)uin);
    int rc = sb_db_number(&request->sandbox->db, sql, &groups);
    if (rc == 0 && groups > 0)
        return sb_refuse(request, SB_NO_PERMISSION, "delete the group %llu first: %llu owns it",
                         "请先删除群 %llu：%llu 是其群主", (unsigned long long)groups,
                         (unsigned long long)uin);
    return rc;
}

/* Their messages go with them: each number in a world is that of a person. */
static int delete_person(struct sb_request *request)
{
    static const char *const statements[] = {
        "DELETE FROM message WHERE sender = ?",
        ("DELETE FROM message WHERE id >> 32 IN"
         " (SELECT id FROM conversation WHERE scene <> 1 AND (low = ?1 OR high = ?1))"),
        "DELETE FROM conversation WHERE scene <> 1 AND (low = ?1 OR high = ?1)",
        "DELETE FROM friendship WHERE owner = ?1 OR friend = ?1",
        "DELETE FROM friend_category WHERE owner = ?",
        "DELETE FROM custom_face WHERE owner = ?",
        "DELETE FROM member WHERE uin = ?",
        "DELETE FROM pin WHERE scene <> 1 AND peer = ?",
        "DELETE FROM person WHERE uin = ?",
    };
    uint64_t uin = milky_uint(request->params, "user_id");
    int rc = sb_person_require(request, uin);
    if (rc == 0)
        rc = check_dispensable(request, uin);
    return rc ? rc : run_all(request, statements, sizeof(statements) / sizeof(statements[0]), uin);
}

static int delete_group(struct sb_request *request)
{
    static const char *const statements[] = {
        ("DELETE FROM message WHERE id >> 32 IN"
         " (SELECT id FROM conversation WHERE scene = 1 AND low = ?)"),
        "DELETE FROM conversation WHERE scene = 1 AND low = ?",
        "DELETE FROM member WHERE group_id = ?",
        "DELETE FROM qq_group WHERE group_id = ?",
    };
    uint64_t group = milky_uint(request->params, "group_id"), count = 0;
    char sql[80];
    sqlite3_snprintf(sizeof(sql), sql, "SELECT count(*) FROM qq_group WHERE group_id = %llu",
                     (unsigned long long)group);
    int rc = sb_db_number(&request->sandbox->db, sql, &count);
    if (rc == 0 && count == 0)
        return sb_refuse(request, SB_NO_GROUP, "there is no group %llu", "没有群 %llu",
                         (unsigned long long)group);
    return rc ? rc
              : run_all(request, statements, sizeof(statements) / sizeof(statements[0]), group);
}

static int delete_friendship(struct sb_request *request)
{
    uint64_t user = milky_uint(request->params, "user_id");
    uint64_t friend = milky_uint(request->params, "friend_id");
    int rc = sb_friendship_require(request, user, friend);
    if (rc == 0)
        rc = sb_turn_write(request);
    if (rc == 0)
        rc = sb_friendship_end(&request->sandbox->db, user, friend);
    return rc;
}

const struct sb_api sb_operator_people[] = {
    { "create_person", create_person },
    { "create_group", create_group },
    { "create_friendship", create_friendship },
    { "delete_person", delete_person },
    { "delete_group", delete_group },
    { "delete_friendship", delete_friendship },
    { NULL, NULL },
};
