/*
 * group_notice: the notifications of groups: what admins and those concerned find in their lists,
 * and the requests and invitations that wait for an answer. Sequence numbers grow through all
 * groups; each list holds some of them.
 */
#ifndef SB_MODEL_GROUP_NOTICE_H
#define SB_MODEL_GROUP_NOTICE_H

#include "backend/sandbox/turn/request.h"

/* Numbers in the database. An invitation is in no list: only whom it invites hears of it. */
enum sb_notice_kind {
    SB_NOTICE_JOIN,  /* somebody asks to come in */
    SB_NOTICE_ADMIN, /* an admin was appointed or dismissed */
    SB_NOTICE_KICK,
    SB_NOTICE_QUIT,
    SB_NOTICE_INVITED, /* a member wants to bring somebody in */
    SB_NOTICE_INVITATION,
};

enum sb_notice_state {
    SB_NOTICE_PENDING,
    SB_NOTICE_ACCEPTED,
    SB_NOTICE_REJECTED,
    SB_NOTICE_IGNORED, /* it lapsed */
};

struct sb_notice {
    uint64_t seq;
    uint64_t group;
    uint64_t kind;         /* enum sb_notice_kind */
    uint64_t initiator;    /* who asks or invites */
    uint64_t target;       /* whom it is about: of SB_NOTICE_JOIN the initiator */
    uint64_t operator_id;  /* who did it, or answered; 0: nobody (yet) */
    uint64_t state;        /* enum sb_notice_state; of requests and invitations */
    uint64_t source_group; /* of an invitation: where they know each other from; 0: friends */
    bool is_set;           /* of SB_NOTICE_ADMIN */
    bool is_filtered;
    struct mk_slice comment; /* of SB_NOTICE_JOIN */
};

/* The number that sb_notice_write will give to the next one. Returns 0 or -errno. */
int sb_notice_next(struct sb_db *db, uint64_t *seq);

/*
 * Writes it, as happened now, into the lists of the owner and the admins (none: an invitation) and
 * sets `seq`. Inside the transaction. Returns 0 or -errno.
 */
int sb_notice_write(struct sb_db *db, struct sb_notice *notice);

/* Puts it into the list of one more person. */
int sb_notice_for(struct sb_db *db, const struct sb_notice *notice, uint64_t uin);

/* Reads one; its comment is kept in `doc`. Returns 1, 0 when there is none, or -errno. */
int sb_notice_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t seq, struct sb_notice *notice);

/* Answers it, inside the transaction. */
int sb_notice_answer(struct sb_db *db, const struct sb_notice *notice, enum sb_notice_state state,
                     uint64_t operator_id, struct mk_slice reason);

/* What still waits for an answer about `target`, of `initiator` (0: of anybody), lapses. */
int sb_notice_lapse(struct sb_db *db, uint64_t group, uint64_t target, uint64_t initiator);

/* All that waits in the group lapses. */
int sb_notice_lapse_all(struct sb_db *db, uint64_t group);

/*
 * {notifications, next_notification_seq} of `viewer`: at most `limit` from `start` (or the newest)
 * downwards. Sets the result. Returns 0 or -errno.
 */
int sb_notice_list(struct sb_request *request, uint64_t viewer, bool is_filtered,
                   const uint64_t *start, uint64_t limit);

#endif
