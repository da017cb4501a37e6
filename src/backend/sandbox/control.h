/*
 * control: what an operator can do in the world from outside the protocol (docs/SANDBOX.md): be any
 * person, and be the world itself. It finds the operation; the operations are in control_act.c
 * (persons), control_people.c (who there is), control_bot.c (clock, bots and their faults) and
 * world.c (whole worlds).
 */
#ifndef MK_SANDBOX_CONTROL_H
#define MK_SANDBOX_CONTROL_H

#include "backend/sandbox/rules.h"

/*
 * What the request asks for, by its action. The operation of a person that some API of Milky does
 * becomes a call of that API by them: then the params are those of the API and self_id is the
 * person. Returns 0, MK_REFUSED or -errno.
 */
int mk_control_find(struct mk_request *request, const struct mk_sandbox_api **api);

/* Refuses a number that nobody has. Returns 0, MK_REFUSED or -errno. */
int mk_control_person(struct mk_request *request, uint64_t uin);

/* The OutgoingSegment array that `text` or `message` stands for. Returns 0, MK_REFUSED or -errno.
 */
int mk_control_message(struct mk_request *request, const struct mk_value *text,
                       const struct mk_value *message, yyjson_mut_val **outgoing);

/* The operations, by file; each list ends with a NULL name. */
extern const struct mk_sandbox_api mk_control_act_apis[];
extern const struct mk_sandbox_api mk_control_people_apis[];
extern const struct mk_sandbox_api mk_control_bot_apis[];
extern const struct mk_sandbox_api mk_world_apis[];

#endif
