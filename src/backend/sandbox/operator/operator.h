/*
 * control: what an operator can do in the world from outside the protocol (docs/SANDBOX.md): be any
 * person, and be the world itself. It finds the operation; the operations are in control_act.c
 * (persons), control_people.c (who there is), control_bot.c (clock, bots and their faults) and
 * world.c (whole worlds).
 */
#ifndef SB_OPERATOR_OPERATOR_H
#define SB_OPERATOR_OPERATOR_H

#include "backend/sandbox/world/rules.h"

/*
 * What the request asks for, by its action. The operation of a person that some API of Milky does
 * becomes a call of that API by them: then the params are those of the API and self_id is the
 * person. Returns 0, SB_REFUSED or -errno.
 */
int sb_control_find(struct sb_request *request, const struct sb_api **api);

/* The OutgoingSegment array that `text` or `message` stands for. Returns 0, SB_REFUSED or -errno.
 */
int sb_control_message(struct sb_request *request, const struct sb_value *text,
                       const struct sb_value *message, yyjson_mut_val **outgoing);

/* The operations, by file; each list ends with a NULL name. */
extern const struct sb_api sb_control_act_apis[];
extern const struct sb_api sb_control_people_apis[];
extern const struct sb_api sb_control_bot_apis[];

#endif
