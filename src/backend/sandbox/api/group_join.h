/*
 * group_join: actions by which people join a group, for operator/actions.c. The APIs in
 * group_join.c let bots do some of them only.
 *
 * The caller of the request acts. All return 0, SB_REFUSED or -errno. Texts are borrowed until the
 * reply.
 */
#ifndef SB_API_GROUP_JOIN_H
#define SB_API_GROUP_JOIN_H

#include "backend/sandbox/turn/request.h"

/*
 * A person asks to join. The owner and the admins get a notification, the bots among them also
 * group_join_request; a filtered request (from a suspicious account) is in a list of its own. An
 * earlier request of the same person lapses. With the policy SB_JOIN_ANYBODY the person is
 * a member at once. The result is {"state": "pending", "notification_seq"} or {"state": "joined"}.
 */
int sb_group_join_ask(struct sb_request *request, uint64_t group, struct mk_slice comment,
                      bool is_filtered);

/*
 * A member invites a friend, or (source_group, else 0) a person who is with them in that group. A
 * bot is asked first: group_invitation; a person accepts at once. Then the person joins if an admin
 * or the owner invited them or with the policy SB_JOIN_ANYBODY; otherwise the owner and the admins
 * get a notification, their bots also group_invited_join_request. The result is
 * {"state": "invited", "invitation_seq"}, {"state": "pending", "notification_seq"} or
 * {"state": "joined"}.
 */
int sb_group_join_invite(struct sb_request *request, uint64_t group, uint64_t user,
                         uint64_t source_group);

/*
 * Answers the newest pending request by which `user` would join, as an admin or the owner; `user`
 * 0: the newest invitation of the caller. `reason`: of the rejection of a request. The result of an
 * accepted invitation is that of sb_group_join_invite, of a rejected one {"state": "rejected"}.
 */
int sb_group_join_answer(struct sb_request *request, uint64_t group, uint64_t user, bool accept,
                         struct mk_slice reason);

/* An admin or the owner sets how requests to join are treated: enum sb_join_policy. */
int sb_group_join_set_policy(struct sb_request *request, uint64_t group, uint64_t policy);

#endif
