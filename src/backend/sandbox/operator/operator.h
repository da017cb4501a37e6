/*
 * operator: requests of operators (docs/SANDBOX.md): they act as any person, and change the world
 * itself. spec/sandbox.json describes them; the endpoint has checked a request against it before it
 * arrives here (milky/backend.h), and what is short for an API arrives as that API.
 *
 * This finds the handler of a request. The handlers are in actions.c (persons), people.c (people
 * and groups), bots.c (bots and their faults), clock.c,
 * limits.c (the limits of QQ) and world/world.c (whole worlds).
 */
#ifndef SB_OPERATOR_OPERATOR_H
#define SB_OPERATOR_OPERATOR_H

#include "backend/sandbox/turn/request.h"

/*
 * Finds what handles the request, by its action and `number`, that of the API or SIZE_MAX. Refuses
 * one of a person who does not exist. Returns 0, SB_REFUSED or -errno.
 */
int sb_operator_find(struct sb_request *request, size_t number, const struct sb_api **api);

/* The handlers, by file; each list ends with a NULL name. */
extern const struct sb_api sb_operator_actions[];
extern const struct sb_api sb_operator_people[];
extern const struct sb_api sb_operator_bots[];
extern const struct sb_api sb_operator_clock[];
extern const struct sb_api sb_operator_group_settings[];
extern const struct sb_api sb_operator_limits[];

#endif
