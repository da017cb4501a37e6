/* event: see the header. */
#include "protocol/event.h"

#include "base/json.h"
#include "base/log.h"
#include "protocol/dialect.h"
#include "protocol/result_check.h"
#include "protocol/tables.h"

#include <errno.h>

static int translate(const struct mk_event *event, const struct mk_type *to, struct mk_arena *arena,
                     yyjson_mut_val **data)
{
    const struct mk_conversation unknown = { MK_SCENE_NONE, 0 };
    yyjson_alc alc = mk_json_alc(arena);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(&alc);
    if (!doc)
        return -ENOMEM;
    return mk_dialect_translate(to, event->data, unknown, doc, arena, data);
}

static int write_bare(struct mk_buf *out, const struct mk_event *event, enum mk_dialect dialect,
                      struct mk_slice name, yyjson_mut_val *data)
{
    int rc = mk_buf_append_slice(out, MK_SLICE("{\"time\":"));
    if (rc == 0)
        rc = mk_buf_append_u64(out, event->time);
    if (rc == 0 && dialect != MK_DIALECT_DRAFT) {
        rc = mk_buf_append_slice(out, MK_SLICE(",\"self_id\":"));
        if (rc == 0)
            rc = mk_buf_append_u64(out, event->self_id);
    }
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE(",\"event_type\":\""));
    if (rc == 0)
        rc = mk_buf_append_slice(out, name);
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE("\",\"data\":"));
    if (rc == 0 && data == event->data && event->json.len > 0)
        rc = mk_buf_append_slice(out, event->json);
    else if (rc == 0)
        rc = mk_json_write(out, data);
    return rc;
}

static int write_end(struct mk_buf *out, const struct mk_event *event, bool numbered)
{
    int rc = 0;
    if (numbered)
        rc = mk_buf_append_slice(out, MK_SLICE(",\"number\":"));
    if (rc == 0 && numbered)
        rc = mk_buf_append_u64(out, event->number);
    return rc == 0 ? mk_buf_append_char(out, '}') : rc;
}

static int write_wrapped(struct mk_buf *out, const struct mk_event *event, enum mk_dialect dialect,
                         struct mk_slice name, yyjson_mut_val *data)
{
    int rc = mk_buf_append_slice(out, MK_SLICE("{\"post_type\":\"event\",\"self_id\":"));
    if (rc == 0)
        rc = mk_buf_append_u64(out, event->self_id);
    if (rc == 0)
        rc = mk_buf_append_slice(out, MK_SLICE(",\"data\":"));
    if (rc == 0)
        rc = write_bare(out, event, dialect, name, data);
    return rc == 0 ? mk_buf_append_char(out, '}') : rc;
}

int mk_event_check(const struct mk_event *event)
{
    return mk_result_check(event->type->data, event->data, false, event->type->name.ptr);
}

int mk_event_write(struct mk_buf *out, const struct mk_event *event, enum mk_dialect dialect,
                   enum mk_envelope envelope, struct mk_arena *arena)
{
    const struct mk_event_form *form = &mk_dialects[dialect].events[event->type - mk_event_types];
    yyjson_mut_val *data = event->data;
    int rc = 0;
    if (form->data != event->type->data)
        rc = translate(event, form->data, arena, &data);
    if (rc < 0)
        return rc;
    size_t before = out->len;
    bool wrapped = envelope == MK_ENVELOPE_WRAPPED || envelope == MK_ENVELOPE_WRAPPED_NUMBERED;
    bool numbered =
        envelope == MK_ENVELOPE_BARE_NUMBERED || envelope == MK_ENVELOPE_WRAPPED_NUMBERED;
    if (wrapped)
        rc = write_wrapped(out, event, dialect, form->name, data);
    else
        rc = write_bare(out, event, dialect, form->name, data);
    if (rc == 0)
        rc = write_end(out, event, numbered);
    if (rc < 0)
        out->len = before;
    return rc;
}
