/*
 * milky/json.h: calls and events as values of yyjson (https://github.com/ibireme/yyjson, 0.8 or
 * later), for backends in C. Optional: each function here has a sibling with text in
 * milky/backend.h.
 */
#ifndef MILKY_JSON_H
#define MILKY_JSON_H

#include <milky/backend.h>

#include <yyjson.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- calls --- */

/*
 * The params, as in milky_call_params_json. Borrowed until the call is answered. NULL for a call
 * that is not open.
 */
MILKY_API yyjson_mut_val *milky_call_params(const struct milky_host *host, uint64_t call);

/*
 * The document for making the result: valid until the call is answered. NULL for a call that is not
 * open. A result may be made in another document that is valid during milky_call_ok.
 */
MILKY_API yyjson_mut_doc *milky_call_doc(const struct milky_host *host, uint64_t call);

/* Answers with a result; NULL is {}. Otherwise as milky_call_ok_json. */
MILKY_API int milky_call_ok(struct milky_host *host, uint64_t call, yyjson_mut_val *data);

/*
 * Fields of params (or of any object in them), by name. If the field is absent or of another type
 * they return 0, false, or NULL with a length of 0; `len` may be NULL.
 */
MILKY_API uint64_t milky_uint(yyjson_mut_val *object, const char *name);
MILKY_API bool milky_bool(yyjson_mut_val *object, const char *name);
MILKY_API const char *milky_string(yyjson_mut_val *object, const char *name, size_t *len);

/* Returns whether the field is there and not null. */
MILKY_API bool milky_has(yyjson_mut_val *object, const char *name);

/*
 * As milky_check_params_json and its siblings, for the object `given`. If it is valid, `*checked`
 * is a copy of it in `doc` with defaults added, like the params of a call, and without unknown
 * fields.
 */
MILKY_API int milky_check_params(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                                 yyjson_mut_val **checked, char *problem, size_t size);
MILKY_API int milky_check_result(const char *action, yyjson_mut_val *given, yyjson_mut_doc *doc,
                                 yyjson_mut_val **checked, char *problem, size_t size);

MILKY_API int milky_check_operation(const struct milky_operations *operations, const char *name,
                                    yyjson_mut_val *given, yyjson_mut_doc *doc,
                                    yyjson_mut_val **checked, char *problem, size_t size);

/* --- events --- */

/* As milky_emit_json with a value, without a key. The data is encoded before this returns. */
MILKY_API int milky_emit(struct milky_host *host, uint64_t self_id, const char *type, uint64_t time,
                         yyjson_mut_val *data);

/* As milky_emit_again_json with a value. */
MILKY_API int milky_emit_again(struct milky_host *host, uint64_t self_id, uint64_t number,
                               const char *type, uint64_t time, yyjson_mut_val *data);

#ifdef __cplusplus
}
#endif
#endif
