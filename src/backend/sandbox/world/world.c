/* world: the operations that load, dump and reset a whole world. See world.h. */
#include "backend/sandbox/world/world.h"

#include "backend/sandbox/world/seed.h"

#include "backend/sandbox/turn/call_media.h"
#include "backend/sandbox/turn/operations.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>

/* Leaves room for the rest of a reply within the limit of a connection (net/stream). */
enum { MOST_BYTES = 60 * 1024 * 1024 };

static int load(struct sb_request *request)
{
    static const struct mk_json_path path = { .name = { "world", 5 } };
    return sb_world_load(request, &path, yyjson_mut_obj_get(request->params, "world"));
}

static int dump(struct sb_request *request)
{
    struct mk_buf text;
    mk_buf_init(&text, MOST_BYTES);
    int rc = sb_world_dump(request->sandbox, &text);
    if (rc == -ENOBUFS)
        rc = sb_refuse(request, SB_TOO_MUCH,
                       "the world is larger than %d bytes as JSON: copy its database instead",
                       "世界的 JSON 超过 %d 字节：请直接复制数据库", MOST_BYTES);
    if (rc == 0)
        rc = sb_result(request, "world", yyjson_mut_rawncpy(request->doc, text.data, text.len));
    mk_buf_fini(&text);
    return rc;
}

/* Checks the world of a file as the field `world` of `load`, and replaces it by a checked copy. */
static int check_world(struct sb_request *request, yyjson_mut_val **world)
{
    static const char up[] = "world."; /* not a part of the path in the file */
    yyjson_mut_val *params = yyjson_mut_obj(request->doc), *checked;
    char problem[SB_REQUEST_MESSAGE - 64];
    if (!yyjson_mut_obj_add_val(request->doc, params, "world", *world))
        return -ENOMEM;
    int rc = milky_check_operation(&sb_operations, "load", params, request->doc, &checked, problem,
                                   sizeof(problem));
    if (rc == 0)
        *world = yyjson_mut_obj_get(checked, "world");
    if (rc != -EINVAL)
        return rc;
    size_t skipped = strncmp(problem, up, sizeof(up) - 1) == 0 ? sizeof(up) - 1 : 0;
    return sb_refuse(request, MILKY_MALFORMED, "%s", "%s", problem + skipped);
}

static int read_file(struct sb_request *request, yyjson_mut_val **world)
{
    int rc = sb_world_read_file(request, request->sandbox->world, world);
    return rc ? rc : check_world(request, world);
}

/* Reads the file that a reset loads, if there is one, into the field `world`. */
static int prepare_reset(struct sb_request *request)
{
    yyjson_mut_val *world;
    if (!request->sandbox->world)
        return 0;
    int rc = read_file(request, &world);
    if (rc != 0)
        return rc;
    request->params = yyjson_mut_obj(request->doc);
    return yyjson_mut_obj_add_val(request->doc, request->params, "world", world) ? 0 : -ENOMEM;
}

/* Without a file, makes the world of the first start. */
static int reset(struct sb_request *request)
{
    struct sb_sandbox *sandbox = request->sandbox;
    size_t count;
    if (sandbox->world)
        return sb_world_load(request, NULL, yyjson_mut_obj_get(request->params, "world"));
    const uint64_t *bots = milky_host_bots(sandbox->host, &count);
    int rc = sb_world_clear(request);
    if (rc == 0)
        rc = sb_seed(&sandbox->db, true, bots, count, sb_clock_now(&sandbox->db));
    return rc ? rc : sb_random_seed(&sandbox->db, sandbox->is_seeded ? &sandbox->seed : NULL);
}

/* Logs a refusal, because no caller gets it. */
int sb_world_start(struct sb_sandbox *sandbox)
{
    struct sb_request request = {
        .sandbox = sandbox,
        .doc = yyjson_mut_doc_new(NULL),
    };
    yyjson_mut_val *world;
    int rc = request.doc ? read_file(&request, &world) : -ENOMEM;
    if (rc == 0)
        rc = sb_call_media_fetch_now(&request, world);
    if (rc == 0)
        rc = sb_world_load(&request, NULL, world);
    sb_call_media_done(request.media);
    if (rc == SB_REFUSED) {
        mk_log_error("sandbox", "%s: %s", "%s：%s", sandbox->world, request.message);
        rc = -EINVAL;
    }
    yyjson_mut_doc_free(request.doc);
    return rc;
}

const struct sb_api sb_world_apis[] = {
    { "load", load },
    { "dump", dump },
    { "reset", reset, prepare_reset },
    { NULL, NULL },
};
