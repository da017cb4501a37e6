/*
 * group_rights: who somebody is in a group, what they may do there, and who hears of it: what every
 * action in a group begins and ends with. It reads and refuses; it writes nothing.
 */
#ifndef SB_MODEL_GROUP_RIGHTS_H
#define SB_MODEL_GROUP_RIGHTS_H

#include "backend/sandbox/model/entity.h"
#include "backend/sandbox/turn/request.h"
#include "base/language.h"

/* Who comes in when they ask to. */
enum sb_join_policy { SB_JOIN_APPROVED, SB_JOIN_ANYBODY, SB_JOIN_NOBODY };

struct sb_group {
    uint64_t id;
    uint64_t member_count;
    uint64_t max_member_count;
    uint64_t join_policy; /* enum sb_join_policy */
    bool whole_mute;
};

/* A group, whoever asks. Returns 1, 0 when there is none (or no more), or -errno. */
int sb_group_find(struct sb_db *db, uint64_t id, struct sb_group *group);

/*
 * Each returns 0, SB_REFUSED or -errno. `action` is what takes the right, a verb with its object:
 * {"change its name", "修改群名称"}.
 */

/* `actor` is in the group. */
int sb_require_self(struct sb_request *request, uint64_t group, uint64_t actor,
                    struct sb_member *self);

/* So is another user that the params name. */
int sb_require_member(struct sb_request *request, uint64_t group, uint64_t user,
                      struct sb_member *member);

/* The role of `self` is at least `least`, an admin's or the owner's. */
int sb_require_role(struct sb_request *request, uint64_t group, const struct sb_member *self,
                    enum sb_role least, const struct mk_phrase *action);

/* The owner is above all, an admin is above members, and no member is above themselves. */
int sb_require_above(struct sb_request *request, uint64_t group, const struct sb_member *self,
                     const struct sb_member *other, const struct mk_phrase *action);

/* The message `seq` of the group, standing: its row. */
int sb_require_group_message(struct sb_request *request, uint64_t group, uint64_t seq,
                             uint64_t *id);

/* `self` may speak in the group at present: neither they nor all members are muted. */
int sb_require_voice(struct sb_request *request, uint64_t group, const struct sb_member *self);

/*
 * Tells every bot that is in the group now, the one that acts included, as QQ does; and the bot
 * `also`, where that is none of them (0: nobody). Returns 0 or -errno.
 */
int sb_tell_group(struct sb_request *request, uint64_t group, uint64_t also, const char *type,
                  yyjson_mut_val *data);

/* Tells those bots among the owner and the admins. Returns 0 or -errno. */
int sb_tell_managers(struct sb_request *request, uint64_t group, const char *type,
                     yyjson_mut_val *data);

#endif
