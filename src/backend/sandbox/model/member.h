/*
 * member: the members of groups: who is in which group in which role, and the GroupMemberEntity.
 * group_rights.h says what a role allows.
 */
#ifndef SB_MODEL_MEMBER_H
#define SB_MODEL_MEMBER_H

#include "backend/sandbox/turn/request.h"

enum sb_role { SB_ROLE_MEMBER, SB_ROLE_ADMIN, SB_ROLE_OWNER };

/* "member", "admin", "owner", by the number in the database. */
const char *sb_role_name(uint64_t role);

/* A person in relation to a group, copied out of the database. */
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

/* Any person, in the group or not. Returns 1, 0 when no person has that number, or -errno. */
int sb_member_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t group, uint64_t uin,
                   struct sb_member *member);

/* Require a member. Return 0, SB_REFUSED or -errno. */
int sb_member_require(struct sb_request *request, uint64_t group, uint64_t user,
                      struct sb_member *member);

/* The same for the person that acts: the refusal says that they are not in such a group. */
int sb_member_require_self(struct sb_request *request, uint64_t group, uint64_t actor,
                           struct sb_member *self);

/* The card, or the nickname where there is none. */
struct mk_slice sb_member_name(const struct sb_member *member);

/* GroupMemberEntity. Returns NULL when out of memory. */
yyjson_mut_val *sb_member_json(const struct sb_db *db, yyjson_mut_doc *doc, uint64_t group,
                               const struct sb_member *member);

/* All members. Returns 0 or -errno. */
int sb_members_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t group, yyjson_mut_val **array);

#endif
