/*
 * group_notice: the notifications of groups, which admins and the people concerned find in their
 * lists; among them the requests and invitations that wait for an answer. Sequence numbers grow
 * across all groups, so a list has gaps.
 */
#ifndef SB_MODEL_GROUP_NOTICE_H
#define SB_MODEL_GROUP_NOTICE_H

#include "backend/sandbox/turn/request.h"

/* Numbers in the database. An invitation is in no list: only the invited bot gets it, as an event.
 */
enum sb_notice_kind {
    SB_NOTICE_JOIN,  /* a person asks to join */
    SB_NOTICE_ADMIN, /* an admin was appointed or dismissed */
    SB_NOTICE_KICK,
    SB_NOTICE_QUIT,
    SB_NOTICE_INVITED, /* a member wants a person to join */
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
    uint64_t initiator;    /* the person who asks or invites */
    uint64_t target;       /* the person concerned: of SB_NOTICE_JOIN the initiator */
    uint64_t operator_id;  /* the person who acted or answered; 0: not answered yet, or none */
    uint64_t state;        /* enum sb_notice_state; of requests and invitations */
    uint64_t source_group; /* of an invitation: the group that both are in; 0: they are friends */
    bool is_set;           /* of SB_NOTICE_ADMIN */
    bool is_filtered;
    struct mk_slice comment; /* of SB_NOTICE_JOIN */
};

/* The number that sb_notice_write will give to the next one. Returns 0 or -errno. */
int sb_notice_next(struct sb_db *db, uint64_t *seq);

/*
 * Writes the notification, with the time of now, into the lists of the owner and the admins (an
 * invitation into none), and sets `seq`. Inside the transaction. Returns 0 or -errno.
 */
int sb_notice_write(struct sb_db *db, struct sb_notice *notice);

/* Adds it to the list of one more person. Returns 0 or -errno. */
int sb_notice_for(struct sb_db *db, const struct sb_notice *notice, uint64_t uin);

/* Adds the pending requests of the group to the lists of a new admin. Returns 0 or -errno. */
int sb_notice_hand_over(struct sb_db *db, uint64_t group, uint64_t admin);

/* Reads one; its comment is copied into `doc`. Returns 1, 0 when there is none, or -errno. */
int sb_notice_find(struct sb_db *db, yyjson_mut_doc *doc, uint64_t seq, struct sb_notice *notice);

/*
 * Finds the newest pending request by which `target` would join the group, or invitation of
 * `target`. Sets its seq, kind and is_filtered. Returns 1, 0 when there is none, or -errno.
 */
int sb_notice_find_pending(struct sb_db *db, uint64_t group, uint64_t target, bool is_invitation,
                           struct sb_notice *notice);

/* Answers it, inside the transaction. Returns 0 or -errno. */
int sb_notice_answer(struct sb_db *db, const struct sb_notice *notice, enum sb_notice_state state,
                     uint64_t operator_id, struct mk_slice reason);

/* Pending requests and invitations about `target`, by `initiator` (0: by any person), lapse. */
int sb_notice_lapse(struct sb_db *db, uint64_t group, uint64_t target, uint64_t initiator);

/* All pending ones of the group lapse. */
int sb_notice_lapse_all(struct sb_db *db, uint64_t group);

#endif
