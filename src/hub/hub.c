/* hub: one encoding per (dialect, envelope), one frame per framing of it. */
#include "hub/hub.h"

#include "wire/sse.h"
#include "wire/websocket.h"

enum { LONGEST_EVENT = 64 * 1024 * 1024, KEPT_BUFFER = 64 * 1024 };

void mk_hub_init(struct mk_hub *hub, uint64_t self_id)
{
    *hub = (struct mk_hub){ .self_id = self_id };
    mk_arena_init(&hub->arena);
    mk_buf_init(&hub->json, LONGEST_EVENT);
    mk_buf_init(&hub->frame, LONGEST_EVENT + 256);
    for (int dialect = 0; dialect < MK_DIALECTS; dialect++)
        for (int envelope = 0; envelope < MK_ENVELOPES; envelope++)
            for (int framing = 0; framing < MK_FRAMINGS; framing++)
                mk_feed_init(&hub->feeds[dialect][envelope][framing]);
}

void mk_hub_fini(struct mk_hub *hub)
{
    for (int dialect = 0; dialect < MK_DIALECTS; dialect++)
        for (int envelope = 0; envelope < MK_ENVELOPES; envelope++)
            for (int framing = 0; framing < MK_FRAMINGS; framing++)
                mk_feed_fini(&hub->feeds[dialect][envelope][framing]);
    mk_arena_fini(&hub->arena);
    mk_buf_fini(&hub->json);
    mk_buf_fini(&hub->frame);
}

int mk_hub_join(struct mk_hub *hub, struct mk_sink *sink, enum mk_dialect dialect,
                enum mk_envelope envelope, enum mk_framing framing)
{
    return mk_feed_join(&hub->feeds[dialect][envelope][framing], sink);
}

/* Frames hub->json for one feed. */
static int append_framed(struct mk_hub *hub, struct mk_feed *feed, enum mk_framing framing)
{
    struct mk_slice json = mk_buf_slice(&hub->json);
    char header[MK_WS_MAX_HEADER];
    int rc = 0;
    switch (framing) {
    case MK_FRAMING_WEBSOCKET:
        return mk_feed_append(
            feed, mk_slice_of(header, mk_ws_server_header(header, MK_WS_TEXT, json.len)), json);
    case MK_FRAMING_LINE:
        return mk_feed_append(feed, json, MK_SLICE("\n"));
    case MK_FRAMING_WEBSOCKET_MASKED:
        rc = mk_ws_write_frame(&hub->frame, MK_WS_CLIENT, MK_WS_TEXT, json);
        break;
    case MK_FRAMING_SSE:
        rc = mk_sse_write_message(&hub->frame, hub->events, MK_SLICE("milky_event"), json);
        break;
    }
    if (rc == 0)
        rc = mk_feed_append(feed, mk_buf_slice(&hub->frame), (struct mk_slice){ 0 });
    mk_buf_reset(&hub->frame, KEPT_BUFFER);
    return rc;
}

static bool anyone_listens(const struct mk_feed feeds[MK_FRAMINGS])
{
    for (int framing = 0; framing < MK_FRAMINGS; framing++)
        if (!mk_list_empty(&feeds[framing].sinks))
            return true;
    return false;
}

static int emit_encoded(struct mk_hub *hub, const struct mk_event *event, enum mk_dialect dialect,
                        enum mk_envelope envelope)
{
    struct mk_feed *feeds = hub->feeds[dialect][envelope];
    if (!anyone_listens(feeds))
        return 0;
    int rc = mk_event_write(&hub->json, event, dialect, envelope, &hub->arena);
    if (rc == 0)
        hub->encodings++;
    for (int framing = 0; framing < MK_FRAMINGS && rc == 0; framing++)
        if (!mk_list_empty(&feeds[framing].sinks))
            rc = append_framed(hub, &feeds[framing], (enum mk_framing)framing);
    mk_buf_reset(&hub->json, KEPT_BUFFER);
    mk_arena_reset(&hub->arena);
    return rc;
}

int mk_hub_emit(struct mk_hub *hub, const struct mk_event *event)
{
    int first_error = 0;
    hub->events++;
    for (int dialect = 0; dialect < MK_DIALECTS; dialect++) {
        for (int envelope = 0; envelope < MK_ENVELOPES; envelope++) {
            int rc = emit_encoded(hub, event, (enum mk_dialect)dialect, (enum mk_envelope)envelope);
            if (rc < 0 && first_error == 0)
                first_error = rc;
        }
    }
    return first_error;
}
