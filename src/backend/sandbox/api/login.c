/* login: who the bot is. */
#include "backend/sandbox/model/person.h"
#include "backend/sandbox/model/text.h"

#include <errno.h>

/* A read in an open transaction may be rolled back, which does not count as a change. */
static void remember_login(struct sb_sandbox *sandbox, uint64_t self_id, struct mk_slice nickname)
{
    struct sb_login *login = &sandbox->login;
    mk_buf_reset(&login->nickname, login->nickname.cap);
    if (sandbox->db.in_transaction || mk_buf_append_slice(&login->nickname, nickname) < 0)
        return;
    login->self_id = self_id;
    login->changes = sqlite3_total_changes64(sandbox->db.handle);
}

/* As sb_person_find. */
static int find_nickname(struct sb_request *request, struct mk_slice *nickname)
{
    struct sb_sandbox *sandbox = request->sandbox;
    const struct sb_login *login = &sandbox->login;
    if (login->nickname.len > 0 && login->self_id == request->self_id &&
        login->changes == sqlite3_total_changes64(sandbox->db.handle)) {
        *nickname = mk_buf_slice(&login->nickname);
        return 1;
    }
    int rc = sb_person_find(&sandbox->db, request->doc, request->self_id, nickname, NULL);
    if (rc > 0)
        remember_login(sandbox, request->self_id, *nickname);
    return rc;
}

static int get_login_info(struct sb_request *request)
{
    struct mk_slice nickname;
    int rc = find_nickname(request, &nickname);
    if (rc == 0)
        return sb_refuse(request, MILKY_OFFLINE, "%llu is not logged in", "Bot %llu 未登录",
                         (unsigned long long)request->self_id);
    if (rc < 0)
        return rc;
    yyjson_mut_val *result = yyjson_mut_obj(request->doc);
    bool ok = yyjson_mut_obj_add_uint(request->doc, result, "uin", request->self_id) &&
              sb_text_put(request->doc, result, "nickname", nickname);
    request->result = result;
    return ok ? 0 : -ENOMEM;
}

static const struct sb_api apis[] = {
    { "get_login_info", get_login_info },
    { NULL, NULL },
};

const struct sb_feature sb_feature_login = { .apis = apis };
