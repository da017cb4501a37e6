/* features: see the header. A new feature is one file, and a line in each of the two lists here. */
#include "backend/sandbox/api/features.h"

#include "backend/sandbox/store/schema.h"

#include <stddef.h>

extern const struct sb_feature sb_feature_system;
extern const struct sb_feature sb_feature_profile;
extern const struct sb_feature sb_feature_friend;
extern const struct sb_feature sb_feature_conversation;
extern const struct sb_feature sb_feature_send;
extern const struct sb_feature sb_feature_message;
extern const struct sb_feature sb_feature_forward;
extern const struct sb_feature sb_feature_picture;
extern const struct sb_feature sb_feature_private_file;
extern const struct sb_feature sb_feature_group;
extern const struct sb_feature sb_feature_member;
extern const struct sb_feature sb_feature_group_info;
extern const struct sb_feature sb_feature_group_member;
extern const struct sb_feature sb_feature_group_mute;
extern const struct sb_feature sb_feature_group_join;
extern const struct sb_feature sb_feature_group_leave;
extern const struct sb_feature sb_feature_group_block;
extern const struct sb_feature sb_feature_group_notice;
extern const struct sb_feature sb_feature_group_announcement;
extern const struct sb_feature sb_feature_group_folder;
extern const struct sb_feature sb_feature_group_file;
extern const struct sb_feature sb_feature_group_essence;
extern const struct sb_feature sb_feature_group_reaction;
extern const struct sb_feature sb_feature_group_nudge;

const struct sb_feature *const sb_features[] = {
    &sb_schema_first,          &sb_schema_media,
    &sb_schema_social,         &sb_feature_system,
    &sb_feature_profile,       &sb_feature_friend,
    &sb_feature_conversation,  &sb_feature_send,
    &sb_feature_message,       &sb_feature_forward,
    &sb_feature_picture,       &sb_feature_private_file,
    &sb_feature_group,         &sb_feature_member,
    &sb_feature_group_info,    &sb_feature_group_member,
    &sb_feature_group_mute,    &sb_feature_group_join,
    &sb_feature_group_leave,   &sb_feature_group_block,
    &sb_feature_group_notice,  &sb_feature_group_announcement,
    &sb_feature_group_folder,  &sb_feature_group_file,
    &sb_feature_group_essence, &sb_feature_group_reaction,
    &sb_feature_group_nudge,   NULL,
};
