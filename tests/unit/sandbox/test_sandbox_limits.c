/*
 * The limits of QQ: of each that the table checks, the last value that is allowed and the first one
 * that is refused, dropped or warned of; all of them in a lenient sandbox. A limit without a case
 * fails.
 */
#include "sandbox_contents.h"
#include "sandbox_group_limits.h"

#include "backend/sandbox/turn/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `alone`, with a text beside it where it is broken. */
static void beside(struct world *w, const char *alone, bool is_broken)
{
    char segments[640];
    snprintf(segments, sizeof(segments), "%s%s", is_broken ? TEXT("beside") "," : "", alone);
    say(w, segments);
}

/* --- the cases: each makes the measured value `n`; of a rule, 1 breaks it --- */

static void text_chars(struct world *w, uint64_t n)
{
    say_repeated(w, "{\"type\":\"text\",\"data\":{\"text\":\"", n, "a", "", "\"}}");
}

static void text_bytes(struct world *w, uint64_t n)
{
    uint64_t others = n % 3 ? (n - 4) / 3 : n / 3; /* 15001 is 4999 of three and one of four */
    say_repeated(w,
                 n % 3 ? TEXT("😀") ",{\"type\":\"text\",\"data\":{\"text\":\""
                       : "{\"type\":\"text\",\"data\":{\"text\":\"",
                 others, "牛", "", "\"}}");
}

static void weight(struct world *w, uint64_t n)
{
    say_repeated(w, "{\"type\":\"text\",\"data\":{\"text\":\"", 5000, "牛", "",
                 n > 15000 ? "\"}},{\"type\":\"mention\",\"data\":{\"user_id\":10003001}}"
                           : "\"}}");
}

static void images(struct world *w, uint64_t n)
{
    say_repeated(w, "", n, "{\"type\":\"image\",\"data\":{\"uri\":\"base64://" PNG "\"}}", ",", "");
}

static void two_quotes(struct world *w, uint64_t n)
{
    say(w, TEXT("first"));
    say_repeated(w, "", n, REPLY("1"), ",", "," TEXT("re"));
}

static void record_alone(struct world *w, uint64_t n)
{
    beside(w, record(w), n);
}

static void video_alone(struct world *w, uint64_t n)
{
    beside(w, video(w), n);
}

static void forward_alone(struct world *w, uint64_t n)
{
    beside(w, FORWARD(ONE(TEXT("x"))), n);
}

static void light_app_alone(struct world *w, uint64_t n)
{
    beside(w, APP(SIGNED), n);
}

static void reply_with_standalone(struct world *w, uint64_t n)
{
    char segments[640];
    say(w, TEXT("first"));
    snprintf(segments, sizeof(segments), "%s%s", n ? REPLY("1") "," : "", record(w));
    say(w, segments);
}

static void mention_in_private(struct world *w, uint64_t n)
{
    whisper(w, n ? TEXT("x") ",{\"type\":\"mention\",\"data\":{\"user_id\":10002000}}" : TEXT("x"));
}

static void mention_all_in_private(struct world *w, uint64_t n)
{
    whisper(w, n ? TEXT("x") ",{\"type\":\"mention_all\",\"data\":{}}" : TEXT("x"));
}

static void mention_all_per_account(struct world *w, uint64_t n)
{
    mention_all(w, BOT, n);
}

static void mention_all_per_group(struct world *w, uint64_t n)
{
    world_sql(w, "UPDATE member SET role=1 WHERE uin IN (10002000, 10003001)");
    mention_all(w, BOT, 10);
    mention_all(w, BOT2, 10);
    mention_all(w, MING, n - 20);
}

static void reply_to_unknown(struct world *w, uint64_t n)
{
    say(w, TEXT("first"));
    say(w, n ? REPLY("7") "," TEXT("x") : REPLY("1") "," TEXT("x"));
}

static void face_unknown(struct world *w, uint64_t n)
{
    say(w, n ? TEXT("x") ",{\"type\":\"face\",\"data\":{\"face_id\":\"1000\"}}"
             : TEXT("x") ",{\"type\":\"face\",\"data\":{\"face_id\":\"999\"}}");
}

static void light_app_unsigned(struct world *w, uint64_t n)
{
    say(w, n ? APP("") : APP(SIGNED));
}

static void forward_nodes(struct world *w, uint64_t n)
{
    say_repeated(w, "{\"type\":\"forward\",\"data\":{\"messages\":[", n, ONE(TEXT("x")), ",",
                 "]}}");
}

static void forward_depth(struct world *w, uint64_t n)
{
    const char *three = FORWARD(ONE(FORWARD(ONE(FORWARD(ONE(TEXT("x")))))));
    char segments[1024];
    snprintf(segments, sizeof(segments), FORWARD(ONE("%s")), three);
    say(w, n > 3 ? segments : three);
}

/* A bundle of 191 texts, the last of which has `more` characters. */
static void send_bundle(struct world *w, size_t more)
{
    char *texts = repeat("", 1795, "牛", "", "");
    char *last = repeat("", more, "a", "", "");
    char *one = NULL, *end = NULL;
    assert_true(asprintf(&one, ONE(TEXT("%s")) ",", texts) > 0);
    assert_true(asprintf(&end, ONE(TEXT("%s")) "]}}", last) > 0);
    say_repeated(w, "{\"type\":\"forward\",\"data\":{\"messages\":[", 190, one, "", end);
    free(texts);
    free(last);
    free(one);
    free(end);
}

static void forward_bytes(struct world *w, uint64_t n)
{
    sqlite3_stmt *row;
    send_bundle(w, 1);
    assert_int_equal(sqlite3_prepare_v2(world_db(w)->handle,
                                        "SELECT length(CAST(messages AS BLOB)) - 1 FROM forward",
                                        -1, &row, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    uint64_t base = (uint64_t)sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    assert_in_range(n - base, 1, 5000);
    send_bundle(w, n - base);
}

static void forward_preview(struct world *w, uint64_t n)
{
    say_repeated(w,
                 "{\"type\":\"forward\",\"data\":{\"messages\":[" ONE(TEXT("x")) "],\"preview\":[",
                 n, "\"line\"", ",", "]}}");
}

static void forward_inner(struct world *w, uint64_t n)
{
    char id[32] = "";
    fake_host_forget(&w->host);
    say(w, FORWARD(ONE(FORWARD(ONE(TEXT("x"))))));
    snprintf(id, sizeof(id), "%s", event_str(w, 0, "/segments/0/data/forward_id"));
    call(w, BOT2, "get_forwarded_messages", "{\"forward_id\":\"%s\"}", id);
    assert_int_equal(w->reply.retcode, 0);
    if (n == 0)
        return;
    snprintf(id, sizeof(id), "%s", str(w, "/messages/0/segments/0/data/forward_id"));
    call(w, BOT2, "get_forwarded_messages", "{\"forward_id\":\"%s\"}", id);
}

static void reaction_kinds(struct world *w, uint64_t n)
{
    char number[16];
    say(w, TEXT("x"));
    for (uint64_t i = 0; i < n; i++) {
        snprintf(number, sizeof(number), "%d", (int)i);
        react(w, number, "face");
        react(w, number, "face"); /* again: no other kind */
    }
}

static void reaction_form(struct world *w, uint64_t n)
{
    say(w, TEXT("x"));
    react(w, n ? "abc" : "128077", "emoji");
}

/* A stranger, who has spoken to the bot through the group, is answered. */
static void temp_session(struct world *w, uint64_t n)
{
    make_stranger(w);
    control(w, "set_join_policy", "{\"as\":10001000,\"group\":700000001,\"policy\":\"anybody\"}");
    control(w, "join", "{\"as\":10009000,\"group\":700000001}");
    control(w, "say", "{\"as\":10009000,\"to\":10001000,\"through\":700000001,\"text\":\"x\"}");
    control(w, "group_settings", "{\"group\":700000001,\"forbids_temp\":%s}", n ? "true" : "false");
    call(w, BOT, "send_private_message", "{\"user_id\":10009000,\"message\":[%s]}", TEXT("x"));
}

static void stickers(struct world *w, uint64_t n)
{
    char sql[320];
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n < %llu)"
             "INSERT INTO media SELECT 's' || n, 0, '', 'image/png', 1, 1, 0, 0 FROM i",
             (unsigned long long)n - 1);
    world_sql(w, sql);
    world_sql(w, "INSERT INTO custom_face SELECT 10001000, sha256, 0 FROM media"
                 " WHERE sha256 LIKE 's%'");
    say(w, "{\"type\":\"image\",\"data\":{\"uri\":\"base64://" PNG "\",\"sub_type\":\"sticker\"}}");
}

static void like(struct world *w, uint64_t user, uint64_t count)
{
    call(w, BOT, "send_profile_like", "{\"user_id\":%llu,\"count\":%llu}", (unsigned long long)user,
         (unsigned long long)count);
}

static void like_friend(struct world *w, uint64_t n)
{
    like(w, MING, n);
}

static void like_stranger(struct world *w, uint64_t n)
{
    make_stranger(w);
    like(w, STRANGER, 20);
    like(w, STRANGER, 20);
    like(w, STRANGER, n - 40);
}

static void like_per_call(struct world *w, uint64_t n)
{
    make_stranger(w);
    like(w, STRANGER, n);
}

static void recall_group(struct world *w, uint64_t n)
{
    control(w, "clock", "{\"stop\":true}");
    call(w, BOT2, "send_group_message", "{\"group_id\":700000001,\"message\":[%s]}", TEXT("x"));
    wait_seconds(w, n);
    call(w, BOT2, "recall_group_message", "{\"group_id\":700000001,\"message_seq\":1}");
}

static void recall_private(struct world *w, uint64_t n)
{
    control(w, "clock", "{\"stop\":true}");
    whisper(w, TEXT("x"));
    wait_seconds(w, n);
    call(w, BOT, "recall_private_message", "{\"user_id\":10002000,\"message_seq\":1}");
}

static void set(struct world *w, const char *action, const char *field, const char *more,
                uint64_t n)
{
    char *text = repeat("", n, "名", "", "");
    call(w, BOT, action, "{%s\"%s\":\"%s\"}", more, field, text);
    free(text);
}

static void nickname(struct world *w, uint64_t n)
{
    set(w, "set_nickname", "new_nickname", "", n);
}

static void bio(struct world *w, uint64_t n)
{
    set(w, "set_bio", "new_bio", "", n);
}

static void announcement(struct world *w, uint64_t n)
{
    set(w, "send_group_announcement", "content", "\"group_id\":700000001,", n);
}

static void cookies(struct world *w, uint64_t n)
{
    call(w, BOT, "get_cookies", "{\"domain\":\"%s\"}", n ? "pay.qq.com" : "qun.qq.com");
}

static void history(struct world *w, uint64_t n)
{
    call(w, BOT, "get_history_messages",
         "{\"message_scene\":\"group\",\"peer_id\":700000001,\"limit\":%llu}",
         (unsigned long long)n);
}

typedef void measure(struct world *w, uint64_t n);

static measure *const cases[SB_LIMIT_COUNT] = {
    [SB_LIMIT_MESSAGE_TEXT_CHARS] = text_chars,
    [SB_LIMIT_MESSAGE_TEXT_BYTES] = text_bytes,
    [SB_LIMIT_MESSAGE_WEIGHT] = weight,
    [SB_LIMIT_MESSAGE_IMAGES_COUNT] = images,
    [SB_LIMIT_MESSAGE_TWO_QUOTES] = two_quotes,
    [SB_LIMIT_TEMP_FORBIDDEN_BY_GROUP] = temp_session,
    [SB_LIMIT_CUSTOM_FACE_COUNT] = stickers,
    [SB_LIMIT_RECORD_ALONE] = record_alone,
    [SB_LIMIT_VIDEO_ALONE] = video_alone,
    [SB_LIMIT_FORWARD_ALONE] = forward_alone,
    [SB_LIMIT_LIGHT_APP_ALONE] = light_app_alone,
    [SB_LIMIT_REPLY_WITH_STANDALONE] = reply_with_standalone,
    [SB_LIMIT_MENTION_IN_PRIVATE] = mention_in_private,
    [SB_LIMIT_MENTION_ALL_IN_PRIVATE] = mention_all_in_private,
    [SB_LIMIT_MENTION_ALL_PER_ACCOUNT_DAY] = mention_all_per_account,
    [SB_LIMIT_MENTION_ALL_PER_GROUP_DAY] = mention_all_per_group,
    [SB_LIMIT_REPLY_TO_UNKNOWN] = reply_to_unknown,
    [SB_LIMIT_FACE_UNKNOWN_ID] = face_unknown,
    [SB_LIMIT_LIGHT_APP_UNSIGNED] = light_app_unsigned,
    [SB_LIMIT_IMAGE_BYTES] = image_bytes,
    [SB_LIMIT_RECORD_BYTES] = record_bytes,
    [SB_LIMIT_RECORD_SECONDS] = record_seconds,
    [SB_LIMIT_VIDEO_BYTES] = video_bytes,
    [SB_LIMIT_VIDEO_THUMB_BYTES] = video_thumb,
    [SB_LIMIT_AVATAR_IMAGE] = avatar,
    [SB_LIMIT_FORWARD_NODES] = forward_nodes,
    [SB_LIMIT_FORWARD_DEPTH] = forward_depth,
    [SB_LIMIT_FORWARD_BYTES] = forward_bytes,
    [SB_LIMIT_FORWARD_PREVIEW_LINES] = forward_preview,
    [SB_LIMIT_FORWARD_INNER_FETCH] = forward_inner,
    [SB_LIMIT_REACTION_KINDS] = reaction_kinds,
    [SB_LIMIT_REACTION_FORM] = reaction_form,
    [SB_LIMIT_LIKE_FRIEND_DAY] = like_friend,
    [SB_LIMIT_LIKE_STRANGER_DAY] = like_stranger,
    [SB_LIMIT_LIKE_PER_CALL] = like_per_call,
    [SB_LIMIT_RECALL_OWN_GROUP] = recall_group,
    [SB_LIMIT_RECALL_OWN_PRIVATE] = recall_private,
    [SB_LIMIT_ADMIN_COUNT] = admins,
    [SB_LIMIT_GROUP_NAME_CHARS] = group_name,
    [SB_LIMIT_MEMBER_CARD_BYTES] = card,
    [SB_LIMIT_FRIENDS_MAX] = friends,
    [SB_LIMIT_GROUP_FILE_COUNT] = group_files,
    [SB_LIMIT_REQUEST_FRIEND_COMMENT] = friend_comment,
    [SB_LIMIT_REQUEST_GROUP_COMMENT] = group_comment,
    [SB_LIMIT_NICKNAME_CHARS] = nickname,
    [SB_LIMIT_BIO_CHARS] = bio,
    [SB_LIMIT_ANNOUNCEMENT_CHARS] = announcement,
    [SB_LIMIT_ANNOUNCEMENT_IMAGE_BYTES] = announcement_image,
    [SB_LIMIT_COOKIES_DOMAIN] = cookies,
    [SB_LIMIT_HISTORY_PAGE] = history,
};

/* --- all of them --- */

static const uint64_t *counts(struct world *w, size_t id)
{
    return ((struct sb_sandbox *)w->backend.self)->limit_log.counts[id];
}

static uint64_t sum(const uint64_t *counts)
{
    return counts[SB_LIMIT_REFUSED] + counts[SB_LIMIT_DROPPED] + counts[SB_LIMIT_WARNED];
}

/* Runs one case in a world of its own. */
static void run(size_t id, uint64_t n, bool is_lenient, void (*look)(struct world *w, size_t id))
{
    void *state = NULL;
    assert_int_equal(world_setup_file(&state), 0);
    struct world *w = state;
    world_stop(w);
    w->media.max_bytes = 200 * 1024 * 1024;
    assert_int_equal(world_start(w), 0);
    if (is_lenient)
        world_make_lenient(w);
    logged[0] = '\0';
    cases[id](w, n);
    look(w, id);
    assert_int_equal(world_teardown(&state), 0);
}

static void allowed(struct world *w, size_t id)
{
    if (w->reply.retcode != 0 || sum(counts(w, id)) != 0)
        fail_msg("%s: within it: %d %s", sb_limits[id].id, w->reply.retcode, w->reply.message);
}

static void assert_logged(size_t id)
{
    if (!strstr(logged, sb_limits[id].id))
        fail_msg("%s is not in the log: %s", sb_limits[id].id, logged);
}

static void exceeded(struct world *w, size_t id)
{
    static const enum sb_limit_outcome outcomes[] = {
        [SB_EXCESS_REFUSE] = SB_LIMIT_REFUSED,
        [SB_EXCESS_DROP] = SB_LIMIT_DROPPED,
        [SB_EXCESS_WARN] = SB_LIMIT_WARNED,
    };
    const struct sb_limit *limit = &sb_limits[id];
    bool is_refused = limit->excess == SB_EXCESS_REFUSE;
    if (w->reply.retcode != (is_refused ? limit->retcode : 0))
        fail_msg("%s: beyond it: %d %s", limit->id, w->reply.retcode, w->reply.message);
    if (counts(w, id)[outcomes[limit->excess]] != 1 || sum(counts(w, id)) != 1)
        fail_msg("%s is not counted once", limit->id);
    if (!is_refused)
        assert_logged(id);
}

static void warned(struct world *w, size_t id)
{
    if (w->reply.retcode != 0 || counts(w, id)[SB_LIMIT_WARNED] != 1 || sum(counts(w, id)) != 1)
        fail_msg("%s: in a lenient sandbox: %d %s", sb_limits[id].id, w->reply.retcode,
                 w->reply.message);
    assert_logged(id);
}

static void every_limit(void **state)
{
    (void)state;
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, keep_log);
    for (size_t id = 0; id < SB_LIMIT_COUNT; id++) {
        const struct sb_limit *limit = &sb_limits[id];
        if ((limit->excess == SB_EXCESS_NONE) != (cases[id] == NULL))
            fail_msg("%s has no case here, or is not checked", limit->id);
        if (!cases[id])
            continue;
        run(id, limit->most, false, allowed);
        run(id, limit->most + 1, false, exceeded);
        run(id, limit->most + 1, true, warned);
        if (limit->least > 0 && limit->least < limit->most)
            run(id, limit->least, false, allowed);
    }
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_limit) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
