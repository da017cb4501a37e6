/* world_messages: checks messages in the JSON of a world against the tables of the protocol. */
#ifndef SB_MODEL_WORLD_MESSAGES_H
#define SB_MODEL_WORLD_MESSAGES_H

#include "backend/sandbox/model/world_list.h"

/*
 * Checks an array of IncomingForwardedMessage, whose media may be without their URLs. `path` is
 * that of the element, whose fields begin after `prefix` in the array: "messages[0]." for its
 * segments. Returns 0, SB_REFUSED or -errno.
 */
int sb_world_messages_check(struct sb_request *request, const struct mk_json_path *path,
                            yyjson_mut_val *messages, const char *prefix);

#endif
