/*
 * world_fields: how fields are written in the lists of world_lists.c, world_groups.c and
 * world_messages.c, and the lists that they give each other.
 */
#ifndef MK_SANDBOX_WORLD_FIELDS_H
#define MK_SANDBOX_WORLD_FIELDS_H

#include "backend/sandbox/world.h"

/* clang-format off */
#define PERSON(field) { field, MK_RULE_UIN, true, .refers = MK_REFERS_PERSON }
#define SOMEBODY(field) { field, MK_RULE_UIN, true } /* who may be gone */
#define TIME(field) { field, MK_RULE_NUMBER, .most = INT64_MAX, .otherwise = MK_RULE_NOW }
#define TEXT(field) { field, MK_RULE_TEXT }
#define COUNT(field) { field, MK_RULE_NUMBER }
#define FLAG(field) { field, MK_RULE_BOOL }
#define PICTURE(field) { field, MK_RULE_TEXT, .nullable = true, .refers = MK_REFERS_MEDIA }
#define CONTENT(field) { field, MK_RULE_TEXT, true, .refers = MK_REFERS_MEDIA }
#define NAME(field) { field, MK_RULE_TEXT, true, .least = 1 }
#define LIST(field) { field, MK_RULE_LIST }
#define END { NULL }
/* clang-format on */

extern const char *const mk_world_scenes[];

extern const struct mk_world_list mk_world_notifications, mk_world_private_files,
    mk_world_conversations, mk_world_forwards;

#endif
