/*
 * group_join: how people join a group. These actions have no API, or one for some of those who
 * do them only: people act through operator/actions.c, bots through the APIs in group_join.c.
 *
 * All return 0, SB_REFUSED or -errno. Texts are borrowed until the reply.
 */
#ifndef SB_API_GROUP_JOIN_H
#define SB_API_GROUP_JOIN_H

#include "backend/sandbox/turn/request.h"

/*
 * A person asks to join. The owner and the admins get a notification, the bots among them also
 * group_join_request; a filtered request (from a suspicious account) is in a list of its own. An
 * earlier request of the same person lapses. Where the policy lets anybody join, the person is a
 * member at once. The result is {"state": "pending", "notification_seq"} or {"state": "joined"}.
 */
int sb_group_join_ask(struct sb_request *request, uint64_t actor, uint64_t group,
                      struct mk_slice comment, bool is_filtered);

/*
 * A member invites a friend, or (source_group, else 0) a person who is with them in that group. A
 * bot is asked first: group_invitation; a person accepts at once. Then the person joins if an admin
 * or the owner invited them or if the policy lets anybody join; otherwise the owner and the admins
 * get a notification, their bots also group_invited_join_request. The result is
 * {"state": "invited", "invitation_seq"}, {"state": "pending", "notification_seq"} or
 * {"state": "joined"}.
 */
int sb_group_join_invite(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                         uint64_t source_group);

/* A request to join, as the APIs name it. */
struct sb_group_request {
    uint64_t group;
    uint64_t seq;
    bool is_invited; /* a member invited the person; false: the person asked */
    bool is_filtered;
};

/* An admin or the owner answers. `reason`: of a rejection. Event group_member_increase. */
int sb_group_join_answer(struct sb_request *request, uint64_t actor,
                         const struct sb_group_request *asked, bool accept, struct mk_slice reason);

/* The invited person answers. The result is that of an invitation, or {"state": "rejected"}. */
int sb_group_join_answer_invitation(struct sb_request *request, uint64_t actor, uint64_t group,
                                    uint64_t seq, bool accept);

/* An admin or the owner sets how requests to join are treated: enum sb_join_policy. */
int sb_group_join_set_policy(struct sb_request *request, uint64_t actor, uint64_t group,
                             uint64_t policy);

#endif
