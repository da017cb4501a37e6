/*
 * world_fields: how fields are written in the lists of world_lists.c, world_groups.c and
 * world_messages.c, and the lists that they give each other.
 */
#ifndef SB_WORLD_FIELDS_H
#define SB_WORLD_FIELDS_H

#include "backend/sandbox/world/world.h"

/* clang-format off */
#define PERSON(field) { field, SB_RULE_UIN, true, .refers = SB_REFERS_PERSON }
#define SOMEBODY(field) { field, SB_RULE_UIN, true } /* who may be gone */
#define TIME(field) { field, SB_RULE_NUMBER, .most = INT64_MAX, .otherwise = SB_RULE_NOW }
#define TEXT(field) { field, SB_RULE_TEXT }
#define COUNT(field) { field, SB_RULE_NUMBER }
#define FLAG(field) { field, SB_RULE_BOOL }
#define PICTURE(field) { field, SB_RULE_TEXT, .nullable = true, .refers = SB_REFERS_MEDIA }
#define CONTENT(field) { field, SB_RULE_TEXT, true, .refers = SB_REFERS_MEDIA }
#define NAME(field) { field, SB_RULE_TEXT, true, .least = 1 }
#define LIST(field) { field, SB_RULE_LIST }
#define END { NULL }
/* clang-format on */

extern const char *const sb_world_scenes[];

extern const struct sb_world_list sb_world_notifications, sb_world_private_files,
    sb_world_conversations, sb_world_forwards;

#endif
