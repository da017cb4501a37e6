/*
 * group: groups, their GroupEntity as a member sees it, and the events that the bots of a group
 * get. api/group_info.c and the other api/group_*.c files change them.
 */
#ifndef SB_MODEL_GROUP_H
#define SB_MODEL_GROUP_H

#include "backend/sandbox/model/world_list.h"

/* How the group treats requests to join it. */
enum sb_join_policy { SB_JOIN_APPROVED, SB_JOIN_ANYBODY, SB_JOIN_NOBODY };
extern const char *const sb_join_policy_names[]; /* ended by NULL */

struct sb_group {
    uint64_t id;
    uint64_t member_count;
    uint64_t max_member_count;
    uint64_t join_policy; /* enum sb_join_policy */
    bool whole_mute;
};

/* Returns 1, 0 when the group does not exist or was dissolved, or -errno. */
int sb_group_find(struct sb_db *db, uint64_t id, struct sb_group *group);

/* Returns 0, SB_REFUSED where sb_group_find returns 0, or -errno. */
int sb_group_require(struct sb_request *request, uint64_t id, struct sb_group *group);

/* GroupEntity as `viewer` sees it. Returns 1, 0 when the viewer is not a member, or -errno. */
int sb_group_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, uint64_t group,
                  yyjson_mut_val **entity);

/* All groups of the viewer, and those that the viewer has pinned. Return 0 or -errno. */
int sb_groups_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer, yyjson_mut_val **array);
int sb_pinned_groups_json(struct sb_db *db, yyjson_mut_doc *doc, uint64_t viewer,
                          yyjson_mut_val **array);

/* The groups of a world. */
extern const struct sb_world_list sb_group_list;

/* --- events --- */

/* ?1: group. The bots in it, the smallest number first, and how each of them has named it. */
extern const struct sb_query sb_group_bots_sql;
enum { SB_GROUP_BOT_UIN, SB_GROUP_BOT_REMARK };

/*
 * Queues an event for each bot in the group, including the bot that acts, as QQ does; and for
 * `also`, a bot that is not in the group (yet, or any more), or 0. `data` NULL: out of memory.
 * Returns 0 or -errno.
 */
int sb_group_event(struct sb_request *request, uint64_t group, uint64_t also, const char *type,
                   yyjson_mut_val *data);

/* The same for the bots among the owner and the admins. */
int sb_group_event_to_admins(struct sb_request *request, uint64_t group, const char *type,
                             yyjson_mut_val *data);

#endif
