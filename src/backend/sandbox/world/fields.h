/*
 * world_fields: how fields are written in the lists of world_lists.c, world_groups.c and
 * world_messages.c, and the lists that they give each other.
 */
#ifndef SB_WORLD_FIELDS_H
#define SB_WORLD_FIELDS_H

#include "backend/sandbox/world/world.h"

/* clang-format off */
#define PERSON(field) { field, SB_COLUMN_NUMBER, true, .refers = SB_REFERS_PERSON }
#define SOMEBODY(field) { field, SB_COLUMN_NUMBER, true } /* who may be gone */
#define TIME(field) { field, SB_COLUMN_NUMBER, .otherwise = SB_COLUMN_NOW }
#define TEXT(field) { field, SB_COLUMN_TEXT }
#define COUNT(field) { field, SB_COLUMN_NUMBER }
#define FLAG(field) { field, SB_COLUMN_FLAG }
#define PICTURE(field) { field, SB_COLUMN_TEXT, .nullable = true, .refers = SB_REFERS_MEDIA }
#define CONTENT(field) { field, SB_COLUMN_TEXT, true, .refers = SB_REFERS_MEDIA }
#define NAME(field) { field, SB_COLUMN_TEXT, true }
#define LIST(field) { field, SB_COLUMN_LIST }
#define END { NULL }
/* clang-format on */

extern const char *const sb_world_scenes[];

extern const struct sb_world_list sb_world_notifications, sb_world_private_files,
    sb_world_conversations, sb_world_forwards;

#endif
