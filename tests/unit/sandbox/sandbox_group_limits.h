/* sandbox_group_limits: cases of test_sandbox_limits.c about groups, files and requests. */
#ifndef SANDBOX_GROUP_LIMITS_H
#define SANDBOX_GROUP_LIMITS_H

#include "sandbox_saying.h"

#include <stdio.h>
#include <stdlib.h>

static inline void admins(struct world *w, uint64_t n)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "UPDATE qq_group SET max_member_count = 500;"
             "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %llu)"
             " INSERT INTO person (uin, nickname) SELECT 10005000 + i, 'x' FROM n;"
             "INSERT INTO member (group_id, uin, join_time, role)"
             " SELECT 700000001, uin, 1, 1 FROM person WHERE uin BETWEEN 10005001 AND 10006000",
             (unsigned long long)n - 1);
    world_sql(w, sql);
    call(w, BOT, "set_group_member_admin", "{\"group_id\":700000001,\"user_id\":10003001}");
}

static inline void group_name(struct world *w, uint64_t n)
{
    char *text = repeat("", n, "名", "", "");
    call(w, BOT, "set_group_name", "{\"group_id\":700000001,\"new_group_name\":\"%s\"}", text);
    free(text);
}

static inline void card(struct world *w, uint64_t n)
{
    char *text = repeat("", n, "a", "", "");
    call(w, BOT, "set_group_member_card",
         "{\"group_id\":700000001,\"user_id\":10003001,\"card\":\"%s\"}", text);
    free(text);
}

static inline void friends(struct world *w, uint64_t n)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "DELETE FROM friendship WHERE owner = 10001000;"
             "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %llu)"
             " INSERT INTO person (uin, nickname) SELECT 20000000 + i, 'x' FROM n;"
             "INSERT INTO friendship (owner, friend)"
             " SELECT 10001000, uin FROM person WHERE uin BETWEEN 20000001 AND 20000000 + %llu",
             (unsigned long long)n, (unsigned long long)n - 1);
    world_sql(w, sql);
    control(w, "friend_request", "{\"as\":%llu,\"to\":10001000}", 20000000 + (unsigned long long)n);
    control(w, "accept", "{\"as\":10001000,\"from\":%llu}", 20000000 + (unsigned long long)n);
}

static inline void group_files(struct world *w, uint64_t n)
{
    static const char upload[] = "{\"group_id\":700000001,\"file_uri\":\"base64://aGVsbG8=\","
                                 "\"file_name\":\"x\"}";
    char sql[320];
    call(w, BOT, "upload_group_file", upload);
    snprintf(sql, sizeof(sql),
             "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %llu)"
             " INSERT INTO group_file (id, group_id, folder, name, media, size, uploader,"
             " uploaded_time) SELECT i, 700000001, 0, 'x', media, 1, 1, 1 FROM n,"
             " (SELECT media FROM group_file LIMIT 1)",
             (unsigned long long)n - 2);
    world_sql(w, sql);
    call(w, BOT, "upload_group_file", upload);
}

/* A person who is in no group asks. */
static inline void comment(struct world *w, const char *action, const char *to, uint64_t n)
{
    char *text = repeat("", n, "名", "", "");
    world_sql(w, "INSERT INTO person (uin, nickname) VALUES (10009001, 'x')");
    control(w, action, "{\"as\":10009001,%s,\"comment\":\"%s\"}", to, text);
    free(text);
}

static inline void friend_comment(struct world *w, uint64_t n)
{
    comment(w, "friend_request", "\"to\":10001000", n);
}

static inline void group_comment(struct world *w, uint64_t n)
{
    comment(w, "join", "\"group\":700000001", n);
}

#endif
