/*
 * group_act: what members do in a group, each the one way for bots (through their APIs) and people
 * (through the operator's). `actor` is who does it; nothing here reads the params of the request.
 *
 * All return 0, SB_REFUSED or -errno, and refuse an actor who is not in the group. To ask for what
 * is so already succeeds and nobody is told. Texts are borrowed until the reply. Events go to every
 * bot of the group, the acting one included.
 */
#ifndef SB_API_GROUP_ACT_H
#define SB_API_GROUP_ACT_H

#include "backend/sandbox/turn/request.h"

/* --- the group and its members (group_admin.c) --- */

/* An admin or the owner. 1 to 60 characters. group_name_change, also for the same name. */
int sb_group_rename(struct sb_request *request, uint64_t actor, uint64_t group,
                    struct mk_slice name);

/* One's own; an admin or the owner those of whom they stand above. At most 60 characters; "" takes
 * it away. */
int sb_group_set_card(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                      struct mk_slice card);

/* The owner, also to themselves. At most 18 bytes (6 汉字), as in QQ; "" takes it away. */
int sb_group_set_title(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                       struct mk_slice title);

/* The owner. group_admin_change, and a notification. */
int sb_group_set_admin(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                       bool is_set);

/* An admin or the owner, members whom they stand above. Seconds, at most 30 days; 0 ends it.
 * group_mute. */
int sb_group_mute(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                  uint64_t duration);

/* An admin or the owner. group_whole_mute. */
int sb_group_mute_all(struct sb_request *request, uint64_t actor, uint64_t group, bool is_mute);

/* --- leaving (group_leave.c) --- */

/*
 * An admin or the owner, members whom they stand above. With `for_good` they cannot ask to join any
 * more, nor be invited by a mere member; the invitation of an admin lifts that.
 * group_member_decrease, also to the one who is kicked, and a notification.
 */
int sb_group_kick(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                  bool for_good);

/*
 * group_member_decrease, also to the one who leaves, and a notification. The owner dissolves the
 * group, as in QQ: each bot is told that it has left itself, with the owner as the operator.
 */
int sb_group_quit(struct sb_request *request, uint64_t actor, uint64_t group);

/* --- the board (group_board.c) --- */

/*
 * An admin or the owner. 1 to 600 characters. `image_uri`: a value of the params (media.h), or
 * NULL. The content is the group's `announcement` until a newer one comes or it is deleted.
 */
int sb_group_announce(struct sb_request *request, uint64_t actor, uint64_t group,
                      struct mk_slice content, yyjson_mut_val *image_uri);

/* An admin or the owner. */
int sb_group_unannounce(struct sb_request *request, uint64_t actor, uint64_t group,
                        struct mk_slice announcement_id);

/* --- messages (group_essence.c, group_react.c) --- */

/* An admin or the owner. group_essence_message_change. A recalled message is none any more. */
int sb_group_set_essence(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t seq,
                         bool is_set);

/* `reaction`: the number of a face, or (is_emoji) the code of an emoji, at most 32 bytes.
 * group_message_reaction. */
int sb_group_react(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t seq,
                   struct mk_slice reaction, bool is_emoji, bool is_add);

/* group_nudge. */
int sb_group_nudge(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user);

/* --- joining (group_join.c) --- */

/*
 * Somebody outside asks to come in. Admins and the owner get a notification, the bots among them a
 * group_join_request; a filtered one (from a suspicious account) stands in a list of its own. A
 * request that the same person made before lapses. Where anybody may join they are in at once.
 * The result is {"state": "pending", "notification_seq"} or {"state": "joined"}.
 */
int sb_group_ask(struct sb_request *request, uint64_t actor, uint64_t group,
                 struct mk_slice comment, bool is_filtered);

/*
 * A member brings in a friend, or (source_group, else 0) somebody who is with them in that group.
 * A bot is asked first: group_invitation; people do not mind. Then who was invited by an admin, by
 * the owner or into a group where anybody may join is in; else those are asked for their approval
 * with a notification and group_invited_join_request.
 * The result is {"state": "invited", "invitation_seq"}, {"state": "pending", "notification_seq"} or
 * {"state": "joined"}.
 */
int sb_group_invite(struct sb_request *request, uint64_t actor, uint64_t group, uint64_t user,
                    uint64_t source_group);

/* A request as somebody who answers it knows it. */
struct sb_group_request {
    uint64_t group;
    uint64_t seq;
    bool is_invited; /* somebody was invited; else they asked themselves */
    bool is_filtered;
};

/* An admin or the owner. `reason`: of a refusal. group_member_increase. */
int sb_group_answer(struct sb_request *request, uint64_t actor,
                    const struct sb_group_request *asked, bool accept, struct mk_slice reason);

/* Who was invited answers. The result is that of sb_group_invite, or {"state": "rejected"}. */
int sb_group_answer_invitation(struct sb_request *request, uint64_t actor, uint64_t group,
                               uint64_t seq, bool accept);

/* Who comes in when they ask to: enum sb_join_policy (group_rights.h). An admin or the owner. */
int sb_group_set_policy(struct sb_request *request, uint64_t actor, uint64_t group,
                        uint64_t policy);

#endif
