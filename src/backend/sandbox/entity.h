/*
 * entity: the people, groups and messages of the world as the JSON of Milky 1.2. It only reads.
 *
 * The functions that look something up return 1 and set their result (made in `doc`), 0 when there
 * is no such thing, or a negative errno.
 */
#ifndef MK_SANDBOX_ENTITY_H
#define MK_SANDBOX_ENTITY_H

#include "backend/sandbox/db.h"

#include <yyjson.h>

enum mk_role { MK_ROLE_MEMBER, MK_ROLE_ADMIN, MK_ROLE_OWNER };

/* "male", "female", "unknown", by the number in the database. */
const char *mk_sex_name(uint64_t sex);

/* Moves a borrowed text into `doc`; false when memory is out. */
bool mk_text_keep(yyjson_mut_doc *doc, struct mk_slice *text);

/* Adds a text field, copied into `doc`; false when memory is out. */
bool mk_put_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                 struct mk_slice text);

/* FriendEntity: `friend` as `viewer` has filed them. */
int mk_entity_friend(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t friend,
                     yyjson_mut_val **entity);
int mk_entity_friends(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                      yyjson_mut_val **array);

/* Those that the viewer has pinned. */
int mk_entity_pinned_friends(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                             yyjson_mut_val **array);
int mk_entity_pinned_groups(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                            yyjson_mut_val **array);

/* GroupEntity, as `viewer`, who must be in it, sees it. */
int mk_entity_group(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t group,
                    yyjson_mut_val **entity);
int mk_entity_groups(struct mk_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                     yyjson_mut_val **array);

/* A person in a group, copied out of the database. */
struct mk_member {
    uint64_t uin;
    struct mk_slice nickname; /* texts live in the document they were read into */
    struct mk_slice card;
    struct mk_slice title;
    uint64_t sex;
    uint64_t level;
    uint64_t role; /* enum mk_role */
    uint64_t join_time;
    uint64_t last_sent_time;
    uint64_t shut_up_end_time; /* 0: never muted */
    bool is_member;            /* false for strangers and those who have left: the rest is empty */
};

/* Anybody, as seen in that group; 0 when nobody has that number. */
int mk_member_find(struct mk_db *db, yyjson_mut_doc *doc, uint64_t group, uint64_t uin,
                   struct mk_member *member);

/* The card, or the nickname where there is none. */
struct mk_slice mk_member_name(const struct mk_member *member);

/* GroupMemberEntity; NULL when memory is out. */
yyjson_mut_val *mk_entity_member(const struct mk_db *db, yyjson_mut_doc *doc, uint64_t group,
                                 const struct mk_member *member);
int mk_entity_members(struct mk_db *db, yyjson_mut_doc *doc, uint64_t group,
                      yyjson_mut_val **array);

/* The nickname of a person, copied into `doc`. `is_bot` may be NULL. */
int mk_person_find(struct mk_db *db, yyjson_mut_doc *doc, uint64_t uin, struct mk_slice *nickname,
                   bool *is_bot);

#endif
