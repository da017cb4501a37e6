/* world_messages: see the header. */
#include "backend/sandbox/model/world_messages.h"

#include <errno.h>

/* The path in a problem, "messages[0].segments[1].data", goes on from that of the element. */
static int refuse_segments(struct sb_request *request, const struct mk_json_path *path,
                           const char *problem, const char *prefix)
{
    size_t len = strlen(prefix);
    return sb_refuse_field(request, path, NULL, "%s", "%s",
                           strncmp(problem, prefix, len) == 0 ? problem + len : problem);
}

/* Messages are stored without the URLs that those who read them get. */
static bool fill_urls(yyjson_mut_doc *doc, yyjson_mut_val *value)
{
    static const char *const kinds[] = { "image", "record", "video" };
    size_t i, count;
    yyjson_mut_val *key, *inner;
    bool ok = true;
    yyjson_mut_val *type = yyjson_mut_obj_get(value, "type");
    yyjson_mut_val *data = yyjson_mut_obj_get(value, "data");
    for (size_t k = 0; type && k < sizeof(kinds) / sizeof(kinds[0]); k++)
        if (yyjson_mut_equals_str(type, kinds[k]) && yyjson_mut_is_obj(data))
            ok = yyjson_mut_obj_put(data, yyjson_mut_str(doc, "temp_url"), yyjson_mut_str(doc, ""));
    if (yyjson_mut_obj_get(value, "sender_name") && !yyjson_mut_obj_get(value, "avatar_url"))
        ok = yyjson_mut_obj_add_str(doc, value, "avatar_url", "");
    if (yyjson_mut_is_obj(value)) {
        yyjson_mut_obj_foreach (value, i, count, key, inner) {
            (void)key;
            ok = ok && fill_urls(doc, inner);
        }
    } else if (yyjson_mut_is_arr(value)) {
        yyjson_mut_arr_foreach (value, i, count, inner) {
            ok = ok && fill_urls(doc, inner);
        }
    }
    return ok;
}

/*
 * Memory of the request's document is freed with the document only, so the values made here have
 * one of their own.
 */
int sb_world_messages_check(struct sb_request *request, const struct mk_json_path *path,
                            yyjson_mut_val *messages, const char *prefix)
{
    char problem[192];
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *result = yyjson_mut_obj(doc);
    yyjson_mut_val *copy = yyjson_mut_val_mut_copy(doc, messages), *checked;
    int rc = -ENOMEM;
    if (copy && fill_urls(doc, copy) && yyjson_mut_obj_add_val(doc, result, "messages", copy))
        rc = milky_check_result("get_forwarded_messages", result, doc, &checked, problem,
                                sizeof(problem));
    yyjson_mut_doc_free(doc);
    return rc == -EINVAL ? refuse_segments(request, path, problem, prefix) : rc;
}
