/*
 * entity: the people, groups and messages of the world as the JSON of Milky 1.2. It only reads.
 *
 * The functions that look something up return 1 and set their result (made in `doc`), 0 when there
 * is no such thing, or a negative errno.
 */
#ifndef SB_MODEL_ENTITY_H
#define SB_MODEL_ENTITY_H

#include "backend/sandbox/store/db.h"

#include <yyjson.h>

enum sb_role { SB_ROLE_MEMBER, SB_ROLE_ADMIN, SB_ROLE_OWNER };

/* Those that the viewer has pinned. Returns 0 or -errno. */
int sb_entity_pinned_groups(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                            yyjson_mut_val **array);

/* GroupEntity, as `viewer`, who must be in it, sees it. */
int sb_entity_group(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t group,
                    yyjson_mut_val **entity);
/* All groups of the viewer. Returns 0 or -errno. */
int sb_entity_groups(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                     yyjson_mut_val **array);

/* A person in a group, copied out of the database. */
struct sb_member {
    uint64_t uin;
    struct mk_slice nickname; /* texts live in the document they were read into */
    struct mk_slice card;
    struct mk_slice title;
    uint64_t sex;
    uint64_t level;
    uint64_t role; /* enum sb_role */
    uint64_t join_time;
    uint64_t last_sent_time;
    uint64_t shut_up_end_time; /* 0: never muted */
    bool is_member;            /* false for strangers and those who have left: the rest is empty */
};

/* Anybody, as seen in that group; 0 when nobody has that number. */
int sb_member_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t group, uint64_t uin,
                   struct sb_member *member);

/* The card, or the nickname where there is none. */
struct mk_slice sb_member_name(const struct sb_member *member);

/* GroupMemberEntity; NULL when memory is out. */
yyjson_mut_val *sb_entity_member(const struct sb_db *db, yyjson_mut_doc *doc, uint64_t group,
                                 const struct sb_member *member);
/* All members. Returns 0 or -errno. */
int sb_entity_members(struct sb_db *db, yyjson_mut_doc *doc, uint64_t group,
                      yyjson_mut_val **array);

extern const struct sb_query sb_group_bots_sql;

#endif
