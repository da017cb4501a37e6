/* journal: damaged, missing or old files. No number is given twice; what is missing is a gap. */
#include "journal_remains.h"

/* --- the log --- */

static void numbers_of_a_damaged_log_are_not_given_again(void **state)
{
    struct world *world = *state;
    uint64_t events;
    emit_numbers(world, 1, EVENTS);
    struct remains remains = crash(world);
    struct file *log = &remains.files[LOG];
    assert_in_range(log->len, 4096, 1 << 24);
    for (size_t at = 0; at < log->len; at += log->len / 97) {
        log->bytes[at] ^= 0x10;
        put_back(world, &remains);
        open_world(world);
        assert_int_equal(world->hub.events, EVENTS);
        assert_int_equal(replay(world, 0, &events), EVENTS);
        emit_numbers(world, EVENTS + 1, EVENTS + 2);
        close_world(world);
        open_world(world); /* later, it is a gap as well */
        uint64_t again;
        assert_int_equal(replay(world, 0, &again), EVENTS + 2);
        assert_int_equal(again, events + 2);
        close_world(world);
        log->bytes[at] ^= 0x10;
    }
    /* cut anywhere, zeroed, missing */
    for (size_t len = 0; len < log->len; len += log->len / 13) {
        struct remains cut = remains;
        cut.files[LOG].len = len;
        put_back(world, &cut);
        open_world(world);
        assert_int_equal(replay(world, 0, &events), EVENTS);
        close_world(world);
    }
    memset(log->bytes, 0, log->len);
    put_back(world, &remains);
    open_world(world);
    assert_int_equal(replay(world, 0, &events), EVENTS);
    assert_int_equal(events, 0);
    close_world(world);
    forget(&remains);
    open_world(world);
}

static void an_undamaged_crash_has_no_gap(void **state)
{
    struct world *world = *state;
    uint64_t events;
    emit_numbers(world, 1, EVENTS);
    struct remains remains = crash(world);
    put_back(world, &remains);
    open_world(world);
    assert_int_equal(replay(world, 0, &events), EVENTS);
    assert_int_equal(events, EVENTS);
    /* also where the file of numbers is missing, or any byte of it is damaged */
    struct file numbers = remains.files[NUMBERS];
    for (size_t at = 0; at <= numbers.len; at++) {
        remains.files[NUMBERS] = numbers;
        if (at == numbers.len)
            remains.files[NUMBERS].bytes = NULL;
        else
            numbers.bytes[at] ^= 1;
        close_world(world);
        put_back(world, &remains);
        open_world(world);
        assert_int_equal(replay(world, 0, &events), EVENTS);
        assert_int_equal(events, EVENTS);
        if (at < numbers.len)
            numbers.bytes[at] ^= 1;
    }
    remains.files[NUMBERS] = numbers;
    forget(&remains);
}

static void what_was_not_committed_was_not_given(void **state)
{
    struct world *world = *state;
    emit_numbers(world, 1, 3);
    emit(world, "4");
    struct remains remains = crash(world);
    put_back(world, &remains);
    open_world(world);
    assert_int_equal(world->hub.events, 3); /* 4 was in no transaction that ended */
    forget(&remains);
}

/* --- the database --- */

static void a_deleted_journal_goes_on_behind_its_numbers(void **state)
{
    struct world *world = *state;
    uint64_t events;
    emit_numbers(world, 1, EVENTS);
    struct remains remains = crash(world);
    free(remains.files[DATABASE].bytes);
    free(remains.files[LOG].bytes);
    remains.files[DATABASE].bytes = remains.files[LOG].bytes = NULL;
    put_back(world, &remains);
    open_world(world);
    emit_numbers(world, EVENTS + 1, EVENTS + 1);
    assert_int_equal(replay(world, 0, &events), EVENTS + 1);
    assert_int_equal(events, 1);
    forget(&remains);
}

static void an_older_journal_goes_on_behind_its_numbers(void **state)
{
    struct world *world = *state;
    uint64_t events;
    emit_numbers(world, 1, EVENTS);
    struct remains old = crash(world);
    put_back(world, &old);
    open_world(world);
    emit_numbers(world, EVENTS + 1, 2 * EVENTS);
    struct remains now = crash(world);
    struct remains mixed = old;
    mixed.files[NUMBERS] = now.files[NUMBERS];
    put_back(world, &mixed);
    open_world(world);
    emit_numbers(world, 2 * EVENTS + 1, 2 * EVENTS + 1);
    assert_int_equal(replay(world, 0, &events), 2 * EVENTS + 1);
    assert_int_equal(events, EVENTS + 1);
    forget(&old);
    forget(&now);
}

/* Without the file of numbers, whatever refers to a number tells that it was given. */
static void all_that_refers_to_a_number_counts(void **state)
{
    struct world *world = *state;
    uint64_t start = 7;
    const struct mk_dead_letter letter = { .self_id = BOT, .number = 9, .sink = MK_SLICE("x") };
    assert_int_equal(mk_journal_start_sink(world->journal, BOT, MK_SLICE("x"), &start), 0);
    assert_int_equal(mk_journal_commit(world->journal), 0);
    close_world(world);
    open_world(world);
    assert_int_equal(world->hub.events, 7);
    assert_int_equal(mk_journal_add_dead_letter(world->journal, &letter), 0);
    assert_int_equal(mk_journal_commit(world->journal), 0);
    close_world(world);
    open_world(world);
    assert_int_equal(world->hub.events, 9);
    assert_int_equal(mk_journal_add_key(world->journal, BOT, 1, 11, MK_SLICE("x"), 0), 0);
    mk_journal_settle(world->journal, false);
    assert_int_equal(mk_journal_commit(world->journal), 0);
    close_world(world);
    open_world(world);
    assert_int_equal(world->hub.events, 11);
}

/* A page that SQLite cannot read costs its own events; or it is needed at the start, which fails.
 */
static void a_damaged_page_costs_its_own_events(void **state)
{
    enum { MANY = 400, PAGE = 4096 };
    struct world *world = *state;
    uint64_t events, holes = 0;
    emit_numbers(world, 1, MANY);
    close_world(world);
    open_world(world);
    struct remains remains = crash(world);
    struct file *database = &remains.files[DATABASE];
    for (size_t page = PAGE; page < database->len; page += PAGE) {
        char type = database->bytes[page];
        database->bytes[page] = 0x7f;
        put_back(world, &remains);
        assert_int_equal(mk_journal_open(&world->config, &world->journal), 0);
        if (mk_hub_init(&world->hub, BOT, world->journal) == 0) {
            assert_int_equal(replay(world, 0, &events), MANY);
            holes += events < MANY && events > MANY - 100;
        }
        close_world(world);
        database->bytes[page] = type;
    }
    assert_in_range(holes, 3, 100);
    put_back(world, &remains);
    open_world(world);
    forget(&remains);
}

/* All lines of a replay, and how many are events. A line that differs from `sound` has to be a gap.
 */
static uint64_t replay_against(struct world *world, const char *sound, struct mk_buf *out)
{
    static const struct mk_event_format lines = { MK_DIALECT_NEWEST, MK_ENVELOPE_BARE,
                                                  MK_FRAMING_LINE };
    uint64_t next = 1, events = 0;
    int more;
    while ((more = mk_hub_replay(&world->hub, &lines, &next, out)) > 0)
        ;
    assert_int_equal(more, 0);
    mk_buf_append_char(out, '\0');
    for (char *line = out->data; *line; line = strchr(line, '\n') + 1) {
        size_t len = (size_t)(strchr(line, '\n') + 1 - line);
        if (strtoull(line, NULL, 10) > 0)
            events++;
        if (sound && strtoull(line, NULL, 10) > 0)
            assert_non_null(memmem(sound, strlen(sound), line, len));
    }
    return events;
}

/* A bit of an event's row that SQLite does not notice costs that event, and delivers no other. */
static void a_flipped_bit_delivers_no_wrong_event(void **state)
{
    enum { FEW = 12, PAGE = 4096 };
    struct world *world = *state;
    struct mk_buf sound, out;
    mk_buf_init(&sound, 1 << 20);
    mk_buf_init(&out, 1 << 20);
    emit_numbers(world, 1, FEW);
    assert_int_equal(replay_against(world, NULL, &sound), FEW);
    close_world(world);
    open_world(world);
    struct remains remains = crash(world);
    struct file *database = &remains.files[DATABASE];
    char *row = memmem(database->bytes, database->len, "\"reason\":\"7\"", 12);
    assert_non_null(row);
    char *page = database->bytes + (row - database->bytes) / PAGE * PAGE;
    uint64_t partly = 0;
    for (size_t at = 0; at < PAGE; at++) {
        if (!page[at])
            continue;
        for (int bit = (int)(at % 2); bit < 8; bit += 2) {
            page[at] ^= (char)(1 << bit);
            put_back(world, &remains);
            assert_int_equal(mk_journal_open(&world->config, &world->journal), 0);
            mk_buf_reset(&out, 1 << 20);
            if (mk_hub_init(&world->hub, BOT, world->journal) == 0 && world->hub.events == FEW)
                partly += replay_against(world, sound.data, &out) == FEW - 1;
            close_world(world);
            page[at] ^= (char)(1 << bit);
        }
    }
    assert_in_range(partly, 12 * 60, PAGE);
    put_back(world, &remains);
    open_world(world);
    mk_buf_fini(&sound);
    mk_buf_fini(&out);
    forget(&remains);
}

/* --- what a backend has kept --- */

static int emit_again(struct world *world, uint64_t number)
{
    char reason[24];
    snprintf(reason, sizeof(reason), "%llu", (unsigned long long)number);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *data = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, data, "reason", reason);
    struct mk_event event = {
        .type = mk_event_type_find(MK_SLICE("bot_offline")),
        .self_id = BOT,
        .number = number,
        .time = 1,
        .data = data,
        .is_kept = true,
    };
    int rc = mk_hub_emit_again(&world->hub, &event);
    yyjson_mut_doc_free(doc);
    return rc;
}

static void kept_events_fill_what_is_missing(void **state)
{
    struct world *world = *state;
    uint64_t events;
    emit_numbers(world, 1, EVENTS);
    struct remains remains = crash(world);
    remains.files[LOG].bytes[remains.files[LOG].len / 2] ^= 1;
    put_back(world, &remains);
    open_world(world);
    replay(world, 0, &events);
    assert_in_range(events, 1, EVENTS - 1);
    assert_int_equal(emit_again(world, 0), -EINVAL);
    for (uint64_t number = 1; number <= EVENTS; number++)
        assert_int_equal(emit_again(world, number), number <= events ? MK_HUB_REPEATED : 0);
    assert_int_equal(emit_again(world, EVENTS + 1), 0); /* it had not been sent */
    assert_int_equal(emit_again(world, EVENTS + 4), 0); /* those between are nowhere */
    assert_int_equal(world->hub.events, EVENTS + 4);
    assert_int_equal(replay(world, 0, &events), EVENTS + 4);
    assert_int_equal(events, EVENTS + 2);
    close_world(world);
    open_world(world);
    assert_int_equal(replay(world, 0, &events), EVENTS + 4);
    assert_int_equal(events, EVENTS + 2);
    forget(&remains);
}

/* The second crash comes before the restored events are committed. */
static void two_crashes_do_not_expire_kept_events(void **state)
{
    struct world *world = *state;
    uint64_t events;
    emit_numbers(world, 1, EVENTS);
    struct remains remains = crash(world);
    remains.files[LOG].len = 0;
    put_back(world, &remains);
    open_world(world);
    assert_int_equal(mk_journal_commit(world->journal), 0);
    for (uint64_t number = 1; number <= EVENTS; number++)
        assert_int_equal(emit_again(world, number), 0);
    struct remains again = crash(world);
    put_back(world, &again);
    open_world(world);
    assert_int_equal(replay(world, 0, &events), EVENTS);
    assert_int_equal(events, 0);
    for (uint64_t number = 1; number <= EVENTS; number++)
        assert_int_equal(emit_again(world, number), 0);
    assert_int_equal(replay(world, 0, &events), EVENTS);
    assert_int_equal(events, EVENTS);
    forget(&remains);
    forget(&again);
}

/* Events that were deleted because of their number or age do not come back. */
static void kept_events_that_have_expired_stay_away(void **state)
{
    struct world *world = *state;
    world->config.max_events = 10;
    close_world(world);
    open_world(world);
    emit_numbers(world, 1, 300);
    close_world(world);
    open_world(world);
    assert_int_equal(emit_again(world, 200), MK_HUB_REPEATED);
    assert_int_equal(emit_again(world, 299), MK_HUB_REPEATED);
}

/* --- since --- */

/* A client has seen events that nothing here knows of. */
static void a_since_beyond_the_last_number_gets_a_gap(void **state)
{
    struct world *world = *state;
    static const struct mk_event_format format = { MK_DIALECT_NEWEST, MK_ENVELOPE_BARE,
                                                   MK_FRAMING_LINE };
    struct mk_reader reader = { 0 };
    emit_numbers(world, 1, 3);
    assert_int_equal(mk_reader_start(&reader, &world->hub, &format, 10, UINT64_MAX), 0);
    struct mk_slice got = mk_reader_peek(&reader);
    assert_true(got.len > 0);
    assert_non_null(memmem(got.ptr, got.len, "\"data\":{\"from\":4,\"to\":10}", 25));
    assert_int_equal(mk_reader_taken(&reader), 3);
    mk_reader_advance(&reader, got.len);
    assert_int_equal(mk_reader_peek(&reader).len, 0);
    mk_reader_stop(&reader);
    assert_int_equal(mk_reader_start(&reader, &world->hub, &format, 3, UINT64_MAX), 0);
    assert_int_equal(mk_reader_peek(&reader).len, 0);
    mk_reader_stop(&reader);
    assert_int_equal(mk_reader_start(&reader, &world->hub, &format, MK_READER_LIVE, UINT64_MAX), 0);
    assert_int_equal(mk_reader_peek(&reader).len, 0);
    mk_reader_stop(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_of_a_damaged_log_are_not_given_again),
        TEST(an_undamaged_crash_has_no_gap),
        TEST(what_was_not_committed_was_not_given),
        TEST(a_deleted_journal_goes_on_behind_its_numbers),
        TEST(an_older_journal_goes_on_behind_its_numbers),
        TEST(all_that_refers_to_a_number_counts),
        TEST(a_damaged_page_costs_its_own_events),
        TEST(a_flipped_bit_delivers_no_wrong_event),
        TEST(kept_events_fill_what_is_missing),
        TEST(two_crashes_do_not_expire_kept_events),
        TEST(kept_events_that_have_expired_stay_away),
        TEST(a_since_beyond_the_last_number_gets_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
