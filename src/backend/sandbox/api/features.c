/* features: see the header. A new feature is one file, and a line in each of the two lists here. */
#include "backend/sandbox/api/features.h"

#include <stddef.h>

/* Tables that several features of api/ share. */
extern const struct sb_feature sb_feature_clock;
extern const struct sb_feature sb_feature_secret;
extern const struct sb_feature sb_feature_media;
extern const struct sb_feature sb_feature_media_uses;
extern const struct sb_feature sb_feature_unsent;
extern const struct sb_feature sb_feature_person;
extern const struct sb_feature sb_feature_friendship;
extern const struct sb_feature sb_feature_group;
extern const struct sb_feature sb_feature_group_settings;
extern const struct sb_feature sb_feature_member;
extern const struct sb_feature sb_feature_conversation;
extern const struct sb_feature sb_feature_message;
extern const struct sb_feature sb_feature_forward;
extern const struct sb_feature sb_feature_mention_all;
extern const struct sb_feature sb_feature_group_block;
extern const struct sb_feature sb_feature_group_notice;

/* The APIs of people, of messages and of groups. */
extern const struct sb_feature sb_feature_login;
extern const struct sb_feature sb_feature_profile;
extern const struct sb_feature sb_feature_profile_like;
extern const struct sb_feature sb_feature_avatar;
extern const struct sb_feature sb_feature_cookies;
extern const struct sb_feature sb_feature_friend;
extern const struct sb_feature sb_feature_friend_nudge;
extern const struct sb_feature sb_feature_friend_request;
extern const struct sb_feature sb_feature_send;
extern const struct sb_feature sb_feature_recall;
extern const struct sb_feature sb_feature_history;
extern const struct sb_feature sb_feature_forwarded_messages;
extern const struct sb_feature sb_feature_resource;
extern const struct sb_feature sb_feature_custom_face;
extern const struct sb_feature sb_feature_pin;
extern const struct sb_feature sb_feature_read_mark;
extern const struct sb_feature sb_feature_private_file;
extern const struct sb_feature sb_feature_group_info;
extern const struct sb_feature sb_feature_group_member;
extern const struct sb_feature sb_feature_group_mute;
extern const struct sb_feature sb_feature_group_join;
extern const struct sb_feature sb_feature_group_leave;
extern const struct sb_feature sb_feature_group_announcement;
extern const struct sb_feature sb_feature_group_folder;
extern const struct sb_feature sb_feature_group_file;
extern const struct sb_feature sb_feature_group_file_life;
extern const struct sb_feature sb_feature_group_essence;
extern const struct sb_feature sb_feature_group_reaction;
extern const struct sb_feature sb_feature_group_nudge;

/* clang-format off */
const struct sb_feature *const sb_features[] = {
    &sb_feature_clock,
    &sb_feature_secret,
    &sb_feature_media,
    &sb_feature_unsent,
    &sb_feature_person,
    &sb_feature_friendship,
    &sb_feature_group,
    &sb_feature_group_settings,
    &sb_feature_member,
    &sb_feature_conversation,
    &sb_feature_message,
    &sb_feature_forward,
    &sb_feature_mention_all,
    &sb_feature_group_block,
    &sb_feature_group_notice,
    &sb_feature_login,
    &sb_feature_profile,
    &sb_feature_profile_like,
    &sb_feature_avatar,
    &sb_feature_cookies,
    &sb_feature_friend,
    &sb_feature_friend_nudge,
    &sb_feature_friend_request,
    &sb_feature_send,
    &sb_feature_recall,
    &sb_feature_history,
    &sb_feature_forwarded_messages,
    &sb_feature_resource,
    &sb_feature_custom_face,
    &sb_feature_pin,
    &sb_feature_read_mark,
    &sb_feature_private_file,
    &sb_feature_group_info,
    &sb_feature_group_member,
    &sb_feature_group_mute,
    &sb_feature_group_join,
    &sb_feature_group_leave,
    &sb_feature_group_announcement,
    &sb_feature_group_folder,
    &sb_feature_group_file,
    &sb_feature_group_file_life,
    &sb_feature_group_essence,
    &sb_feature_group_reaction,
    &sb_feature_group_nudge,
    &sb_feature_media_uses,
    NULL,
};
/* clang-format on */
