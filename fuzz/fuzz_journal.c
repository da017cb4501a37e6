/*
 * fuzz_journal: events through a hub and its journal, in every format. A sink that listens gets the
 * same as one that connects later and reads the journal; every framing carries the same; all of it
 * is JSON. Rows of the journal that we did not write are left out, and hide no later ones.
 *
 * The first byte chooses dialect and envelope. Then lines, "F TYPE DATA": F is a byte; with bit 0
 * the event is written directly into the journal, with bit 1 a number is left out before that.
 */
#include "base/json.h"
#include "fuzz.h"
#include "hub/reader.h"
#include "sqlite_memory.h"
#include "wire/deflate.h"
#include "wire/sse_parser.h"
#include "wire/websocket.h"

enum { EACH_JOURNAL = 2000 };

static struct mk_journal *journal;
static uint64_t bot;
static struct mk_deflate codec;

struct listener {
    struct mk_reader reader;
    struct mk_event_format format;
    struct mk_buf got; /* the JSON of the frames: "JSON\n" */
};

/* --- decoding --- */

static void keep(struct mk_buf *got, struct mk_slice json)
{
    yyjson_doc *doc = mk_json_read(json, NULL, NULL);
    check(yyjson_is_obj(yyjson_doc_get_root(doc)), "an event that is no JSON");
    yyjson_doc_free(doc);
    check(mk_buf_append_slice(got, json) == 0 && mk_buf_append_char(got, '\n') == 0, "memory");
}

static void decode_frames(struct mk_buf *got, enum mk_ws_role reader, struct mk_slice frames)
{
    struct mk_ws_parser parser;
    char *copy = copy_of(frames.ptr, frames.len);
    mk_ws_parser_init(&parser, reader, SIZE_MAX);
    mk_ws_parser_set_deflate(&parser, &codec);
    size_t at = 0, used;
    while (mk_ws_parser_feed(&parser, copy + at, frames.len - at, &used) == MK_WS_MESSAGE) {
        at += used;
        check(parser.event.opcode == MK_WS_TEXT, "no text");
        keep(got, parser.event.payload);
    }
    check(at + used == frames.len, "a torn frame");
    mk_ws_parser_fini(&parser);
    free(copy);
}

static void decode_lines(struct mk_buf *got, struct mk_slice lines)
{
    while (lines.len > 0) {
        struct mk_slice line = take_until(&lines, '\n');
        struct mk_slice number = take_until(&line, ' ');
        check(number.len > 0 && number.ptr[0] >= '0' && number.ptr[0] <= '9', "no number");
        keep(got, line);
    }
}

/* An event has an id of its own, a gap has the previous one. */
static void decode_sse(struct mk_buf *got, struct mk_slice stream)
{
    struct mk_sse_parser parser;
    char last[32] = "";
    size_t consumed;
    mk_sse_parser_init(&parser, SIZE_MAX / 2);
    while (mk_sse_parser_feed(&parser, stream.ptr, stream.len, &consumed) == MK_SSE_EVENT) {
        const struct mk_sse_event *event = &parser.event;
        bool is_gap = mk_slice_eq(event->type, MK_SLICE("milky_gap"));
        check(is_gap || mk_slice_eq(event->type, MK_SLICE("milky_event")), "name");
        check(is_gap == mk_slice_eq(event->id, mk_slice_str(last)), "id");
        snprintf(last, sizeof(last), "%.*s", (int)event->id.len,
                 event->id.ptr ? event->id.ptr : "");
        keep(got, event->data);
        stream = mk_slice_from(stream, consumed);
    }
    check(consumed == stream.len && parser.line.len == 0 && parser.data.len == 0, "the end");
    mk_sse_parser_fini(&parser);
}

static void decode(struct mk_buf *got, enum mk_framing framing, struct mk_slice bytes)
{
    if (framing == MK_FRAMING_WEBSOCKET || framing == MK_FRAMING_WEBSOCKET_DEFLATE)
        decode_frames(got, MK_WS_CLIENT, bytes);
    else if (framing == MK_FRAMING_WEBSOCKET_MASKED ||
             framing == MK_FRAMING_WEBSOCKET_MASKED_DEFLATE)
        decode_frames(got, MK_WS_SERVER, bytes);
    else if (framing == MK_FRAMING_LINE)
        decode_lines(got, bytes);
    else
        decode_sse(got, bytes);
}

/* --- listening --- */

static void nothing(struct mk_sink *sink)
{
    (void)sink;
}

static void listen_all(struct mk_hub *hub, struct listener listeners[MK_FRAMINGS], uint8_t choice)
{
    for (int i = 0; i < MK_FRAMINGS; i++) {
        struct listener *listener = &listeners[i];
        *listener = (struct listener){
            .reader = { .sink = { .ready = nothing, .overrun = nothing } },
            .format = { .dialect = choice & 1 ? MK_DIALECT_NEWEST : MK_DIALECT_DRAFT,
                        .envelope = (enum mk_envelope)(choice >> 1 & 3),
                        .framing = (enum mk_framing)i },
        };
        mk_buf_init(&listener->got, SIZE_MAX / 2);
        check(mk_reader_start(&listener->reader, hub, &listener->format, MK_READER_LIVE,
                              UINT64_MAX) == 0,
              "memory");
    }
}

static void hear(struct listener *listener)
{
    for (struct mk_slice bytes; (bytes = mk_reader_peek(&listener->reader)).len > 0;) {
        decode(&listener->got, listener->format.framing, bytes);
        mk_reader_advance(&listener->reader, bytes.len);
    }
}

/* --- events --- */

static void emit(struct mk_hub *hub, struct mk_slice type, struct mk_slice data)
{
    yyjson_doc *read = yyjson_read(data.ptr, data.len, 0);
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(read, NULL);
    struct mk_event event = { .type = mk_event_type_find(type),
                              .self_id = bot,
                              .time = 1700000000 };
    event.data = yyjson_mut_doc_get_root(doc);
    if (event.type && event.data)
        mk_hub_emit(hub, &event);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(read);
}

static void store(struct mk_hub *hub, uint8_t flags, struct mk_slice type, struct mk_slice data)
{
    hub->events += flags & 2 ? 2 : 1;
    struct mk_journal_event event = { hub->events, 1700000000, type, data };
    mk_journal_append(journal, bot, &event);
}

/* Replays everything in a format; returns the JSON of all frames. */
static struct mk_buf replay(struct mk_hub *hub, const struct mk_event_format *format)
{
    struct mk_buf out, got;
    uint64_t next = 1;
    int rc = 1;
    mk_buf_init(&out, SIZE_MAX / 2);
    mk_buf_init(&got, SIZE_MAX / 2);
    while (rc > 0) {
        uint64_t before = next;
        rc = mk_hub_replay(hub, format, &next, &out);
        check(rc >= 0, "an event hides what comes behind it");
        check(rc == 0 || next > before, "it does not go on");
    }
    check(next == hub->events + 1, "it does not come to the end");
    decode(&got, format->framing, mk_buf_slice(&out));
    mk_buf_fini(&out);
    return got;
}

static void check_end(const struct mk_buf *got)
{
    static const struct mk_slice last = { "\"the end\"", 9 };
    check(got->len > 0 && memmem(got->data, got->len, last.ptr, last.len),
          "the last event is lost");
}

static void check_replays(struct mk_hub *hub, struct listener listeners[MK_FRAMINGS], bool stored)
{
    struct mk_buf first = { 0 };
    for (int i = 0; i < MK_FRAMINGS; i++) {
        hear(&listeners[i]);
        mk_reader_stop(&listeners[i].reader);
        struct mk_buf got = replay(hub, &listeners[i].format);
        check_end(&got);
        check_end(&listeners[i].got);
        check(stored || mk_slice_eq(mk_buf_slice(&got), mk_buf_slice(&listeners[i].got)),
              "the journal has something else");
        check(i == 0 || mk_slice_eq(mk_buf_slice(&got), mk_buf_slice(&first)),
              "a framing carries something else");
        mk_buf_fini(&listeners[i].got);
        if (i == 0)
            first = got;
        else
            mk_buf_fini(&got);
    }
    mk_buf_fini(&first);
}

/* Other data in the journal is read back as it was. */
static void check_texts(struct mk_slice text)
{
    uint64_t number = 0;
    struct mk_dead_letter letter = {
        .self_id = bot, .number = 1, .time = 2, .status = 404, .sink = text, .response = text
    };
    check(mk_journal_set_cursor(journal, bot, text, 7) == 0, "cursor");
    check(mk_journal_cursor(journal, bot, text, &number) == 1 && number == 7, "another cursor");
    check(mk_journal_add_dead_letter(journal, &letter) == 0, "dead letter");
    uint64_t id = 0;
    while (mk_journal_find_dead_letter(journal, id, &letter) == 1) {
        check(mk_slice_eq(letter.sink, text) && mk_slice_eq(letter.response, text), "another text");
        id = letter.id;
        check(mk_journal_remove_dead_letter(journal, id) == 1, "forget");
    }
    check(id > 0, "the dead letter is lost");
}

static void open_journal(void)
{
    static const struct mk_journal_config config = {
        .path = ":memory:", .max_events = 100000, .max_age = UINT32_MAX
    };
    if (bot % EACH_JOURNAL == 0)
        journal = mk_journal_close(journal);
    if (bot == 0) {
        sqlite_take_memory();
        mk_deflate_init(&codec, 64);
    }
    bot++;
    if (!journal)
        check(mk_journal_open(&config, &journal) == 0, "no journal");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_slice input = mk_slice_of((const char *)data, size);
    uint8_t choice = take_byte(&input);
    struct listener listeners[MK_FRAMINGS];
    struct mk_hub hub;
    bool stored = false;
    open_journal();
    mk_hub_init(&hub, bot, journal);
    hub.deflate = &codec;
    listen_all(&hub, listeners, choice);
    check_texts(input);
    while (input.len > 0) {
        struct mk_slice line = take_until(&input, '\n');
        uint8_t flags = take_byte(&line);
        take_byte(&line);
        struct mk_slice type = take_until(&line, ' ');
        stored = stored || flags & 1;
        if (flags & 1)
            store(&hub, flags, type, line);
        else
            emit(&hub, type, line);
    }
    emit(&hub, MK_SLICE("bot_offline"), MK_SLICE("{\"reason\":\"the end\"}"));
    check_replays(&hub, listeners, stored);
    check(mk_journal_commit(journal) == 0, "commit");
    mk_hub_fini(&hub);
    return 0;
}
