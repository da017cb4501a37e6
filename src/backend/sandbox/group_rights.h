/*
 * group_rights: who somebody is in a group, what they may do there, and who hears of it: what every
 * action in a group begins and ends with. It reads and refuses; it writes nothing.
 */
#ifndef MK_SANDBOX_GROUP_RIGHTS_H
#define MK_SANDBOX_GROUP_RIGHTS_H

#include "backend/sandbox/entity.h"
#include "backend/sandbox/request.h"

/* Who comes in when they ask to. */
enum mk_join_policy { MK_JOIN_APPROVED, MK_JOIN_ANYBODY, MK_JOIN_NOBODY };

struct mk_group {
    uint64_t id;
    uint64_t member_count;
    uint64_t max_member_count;
    uint64_t join_policy; /* enum mk_join_policy */
    bool whole_mute;
};

/* A group, whoever asks. Returns 1, 0 when there is none (or no more), or -errno. */
int mk_group_find(struct mk_db *db, uint64_t id, struct mk_group *group);

/* Something that takes a right, in the words of both languages: {"改群名", "rename it"}. */
struct mk_deed {
    const char *chinese;
    const char *english;
};

/* Each returns 0, MK_REFUSED or -errno. */

/* `actor` is in the group. */
int mk_require_self(struct mk_request *request, uint64_t group, uint64_t actor,
                    struct mk_member *self);

/* So is somebody else that the params name. */
int mk_require_member(struct mk_request *request, uint64_t group, uint64_t user,
                      struct mk_member *member);

/* The role of `self` is at least `least`, an admin's or the owner's. */
int mk_require_role(struct mk_request *request, uint64_t group, const struct mk_member *self,
                    enum mk_role least, const struct mk_deed *deed);

/* The owner stands above all, an admin above members; nobody above themselves. */
int mk_require_above(struct mk_request *request, uint64_t group, const struct mk_member *self,
                     const struct mk_member *other, const struct mk_deed *deed);

/* The message `seq` of the group, standing: its row. */
int mk_require_group_message(struct mk_request *request, uint64_t group, uint64_t seq,
                             uint64_t *id);

/* `self` may speak in the group at present: neither they nor all members are muted. */
int mk_require_voice(struct mk_request *request, uint64_t group, const struct mk_member *self);

/*
 * Tells every bot that is in the group now, the one that acts included, as QQ does; and the bot
 * `also`, where that is none of them (0: nobody). Returns 0 or -errno.
 */
int mk_tell_group(struct mk_request *request, uint64_t group, uint64_t also, const char *type,
                  yyjson_mut_val *data);

/* Tells those bots among the owner and the admins. Returns 0 or -errno. */
int mk_tell_managers(struct mk_request *request, uint64_t group, const char *type,
                     yyjson_mut_val *data);

#endif
