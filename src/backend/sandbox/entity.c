/* entity: see the header. Each reader takes the columns in the order of statements.c. */
#include "backend/sandbox/entity.h"

#include "backend/sandbox/world_clock.h"

#include <errno.h>

const char *mk_sex_name(uint64_t sex)
{
    return sex == 1 ? "male" : sex == 2 ? "female" : "unknown";
}

bool mk_text_keep(yyjson_mut_doc *doc, struct mk_slice *text)
{
    yyjson_mut_val *copy = yyjson_mut_strncpy(doc, text->ptr, text->len);
    if (copy)
        text->ptr = yyjson_mut_get_str(copy);
    return copy != NULL;
}

bool mk_put_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, struct mk_slice text)
{
    return yyjson_mut_obj_add_strncpy(doc, object, key, text.ptr, text.len);
}

/* Ends a lookup of one row: turns "found, but memory was out while reading it" into an error. */
static int found(sqlite3_stmt *statement, bool read)
{
    sqlite3_reset(statement);
    return read ? 1 : -ENOMEM;
}

typedef yyjson_mut_val *row_reader(yyjson_mut_doc *doc, sqlite3_stmt *row);

static int read_one(struct mk_db *db, sqlite3_stmt *statement, yyjson_mut_doc *doc,
                    row_reader *read, yyjson_mut_val **entity)
{
    int rc = mk_db_step(db, statement);
    if (rc <= 0)
        return rc;
    yyjson_mut_val *value = read(doc, statement);
    if (value)
        *entity = value;
    return found(statement, value != NULL);
}

static int read_all(struct mk_db *db, sqlite3_stmt *statement, yyjson_mut_doc *doc,
                    row_reader *read, yyjson_mut_val **array)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    int rc = mk_db_step(db, statement);
    for (; rc > 0; rc = mk_db_step(db, statement)) {
        if (!yyjson_mut_arr_append(list, read(doc, statement)))
            return found(statement, false);
    }
    if (rc < 0 || !list)
        return rc < 0 ? rc : -ENOMEM;
    *array = list;
    return 1;
}

/* --- friends --- */

static yyjson_mut_val *friend_of_row(yyjson_mut_doc *doc, sqlite3_stmt *row)
{
    yyjson_mut_val *entity = yyjson_mut_obj(doc);
    yyjson_mut_val *category = yyjson_mut_obj(doc);
    bool ok = entity && category &&
              yyjson_mut_obj_add_uint(doc, entity, "user_id", mk_db_uint(row, 0)) &&
              mk_put_text(doc, entity, "nickname", mk_db_text(row, 1)) &&
              yyjson_mut_obj_add_str(doc, entity, "sex", mk_sex_name(mk_db_uint(row, 2))) &&
              mk_put_text(doc, entity, "qid", mk_db_text(row, 3)) &&
              mk_put_text(doc, entity, "remark", mk_db_text(row, 4)) &&
              yyjson_mut_obj_add_uint(doc, category, "category_id", mk_db_uint(row, 5)) &&
              mk_put_text(doc, category, "category_name", mk_db_text(row, 6)) &&
              yyjson_mut_obj_add_val(doc, entity, "category", category);
    return ok ? entity : NULL;
}

int mk_entity_friend(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t friend,
                     yyjson_mut_val **entity)
{
    return read_one(db, MK_DB_USE(db, MK_SQL_FRIEND, viewer, friend), doc, friend_of_row, entity);
}

int mk_entity_friends(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                      yyjson_mut_val **array)
{
    return read_all(db, MK_DB_USE(db, MK_SQL_FRIENDS, viewer), doc, friend_of_row, array);
}

int mk_entity_pinned_friends(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                             yyjson_mut_val **array)
{
    return read_all(db, MK_DB_USE(db, MK_SQL_PINNED_FRIENDS, viewer), doc, friend_of_row, array);
}

/* --- groups --- */

static yyjson_mut_val *group_of_row(yyjson_mut_doc *doc, sqlite3_stmt *row)
{
    yyjson_mut_val *entity = yyjson_mut_obj(doc);
    bool ok = entity && yyjson_mut_obj_add_uint(doc, entity, "group_id", mk_db_uint(row, 0)) &&
              mk_put_text(doc, entity, "group_name", mk_db_text(row, 1)) &&
              yyjson_mut_obj_add_uint(doc, entity, "member_count", mk_db_uint(row, 2)) &&
              yyjson_mut_obj_add_uint(doc, entity, "max_member_count", mk_db_uint(row, 3)) &&
              mk_put_text(doc, entity, "remark", mk_db_text(row, 4)) &&
              yyjson_mut_obj_add_uint(doc, entity, "created_time", mk_db_uint(row, 5)) &&
              mk_put_text(doc, entity, "description", mk_db_text(row, 6)) &&
              mk_put_text(doc, entity, "question", mk_db_text(row, 7)) &&
              mk_put_text(doc, entity, "announcement", mk_db_text(row, 8));
    return ok ? entity : NULL;
}

int mk_entity_group(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t group,
                    yyjson_mut_val **entity)
{
    return read_one(db, MK_DB_USE(db, MK_SQL_GROUP, viewer, group), doc, group_of_row, entity);
}

int mk_entity_groups(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer, yyjson_mut_val **array)
{
    return read_all(db, MK_DB_USE(db, MK_SQL_GROUPS, viewer), doc, group_of_row, array);
}

int mk_entity_pinned_groups(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                            yyjson_mut_val **array)
{
    return read_all(db, MK_DB_USE(db, MK_SQL_PINNED_GROUPS, viewer), doc, group_of_row, array);
}

/* --- members --- */

/* The texts of `member` stay borrowed from the row. */
static void member_of_row(sqlite3_stmt *row, struct mk_member *member)
{
    *member = (struct mk_member){
        .uin = mk_db_uint(row, 0),
        .nickname = mk_db_text(row, 1),
        .sex = mk_db_uint(row, 2),
        .card = mk_db_text(row, 3),
        .title = mk_db_text(row, 4),
        .level = mk_db_uint(row, 5),
        .role = mk_db_uint(row, 6),
        .join_time = mk_db_uint(row, 7),
        .last_sent_time = mk_db_uint(row, 8),
        .shut_up_end_time = mk_db_uint(row, 9),
        .is_member = mk_db_uint(row, 10) != 0,
    };
}

int mk_member_find(struct mk_db *db, yyjson_mut_doc *doc, uint64_t group, uint64_t uin,
                   struct mk_member *member)
{
    sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_MEMBER, group, uin);
    int rc = mk_db_step(db, row);
    if (rc <= 0)
        return rc;
    member_of_row(row, member);
    return found(row, mk_text_keep(doc, &member->nickname) && mk_text_keep(doc, &member->card) &&
                          mk_text_keep(doc, &member->title));
}

struct mk_slice mk_member_name(const struct mk_member *member)
{
    return member->card.len > 0 ? member->card : member->nickname;
}

yyjson_mut_val *mk_entity_member(const struct mk_db *db, yyjson_mut_doc *doc, uint64_t group,
                                 const struct mk_member *member)
{
    static const char *const roles[] = { "member", "admin", "owner" };
    yyjson_mut_val *entity = yyjson_mut_obj(doc);
    bool ok = entity && yyjson_mut_obj_add_uint(doc, entity, "user_id", member->uin) &&
              mk_put_text(doc, entity, "nickname", member->nickname) &&
              yyjson_mut_obj_add_str(doc, entity, "sex", mk_sex_name(member->sex)) &&
              yyjson_mut_obj_add_uint(doc, entity, "group_id", group) &&
              mk_put_text(doc, entity, "card", member->card) &&
              mk_put_text(doc, entity, "title", member->title) &&
              yyjson_mut_obj_add_uint(doc, entity, "level", member->level) &&
              yyjson_mut_obj_add_str(doc, entity, "role",
                                     roles[member->role <= MK_ROLE_OWNER ? member->role : 0]) &&
              yyjson_mut_obj_add_uint(doc, entity, "join_time", member->join_time) &&
              yyjson_mut_obj_add_uint(doc, entity, "last_sent_time", member->last_sent_time);
    if (ok && member->shut_up_end_time > mk_world_now(db))
        ok = yyjson_mut_obj_add_uint(doc, entity, "shut_up_end_time", member->shut_up_end_time);
    return ok ? entity : NULL;
}

int mk_entity_members(struct mk_db *db, yyjson_mut_doc *doc, uint64_t group, yyjson_mut_val **array)
{
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_MEMBERS, group);
    int rc = mk_db_step(db, row);
    for (; rc > 0; rc = mk_db_step(db, row)) {
        struct mk_member member;
        member_of_row(row, &member);
        if (!yyjson_mut_arr_append(list, mk_entity_member(db, doc, group, &member)))
            return found(row, false);
    }
    if (rc < 0 || !list)
        return rc < 0 ? rc : -ENOMEM;
    *array = list;
    return 1;
}

/* --- people --- */

int mk_person_find(struct mk_db *db, yyjson_mut_doc *doc, uint64_t uin, struct mk_slice *nickname,
                   bool *is_bot)
{
    sqlite3_stmt *row = MK_DB_USE(db, MK_SQL_PERSON, uin);
    int rc = mk_db_step(db, row);
    if (rc <= 0)
        return rc;
    *nickname = mk_db_text(row, 0);
    if (is_bot)
        *is_bot = mk_db_uint(row, 1) != 0;
    return found(row, mk_text_keep(doc, nickname));
}
