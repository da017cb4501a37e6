/* log: one call, one line, in text or as a JSON object. */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/utf8.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { LONGEST_LINE = 4096 };

/*
 * The only mutable state that all endpoints of a process share. It is atomic, so that a thread may
 * log while another one sets it up. The writer is stored last and read first.
 */
static struct {
    _Atomic(mk_log_writer *) writer;
    _Atomic(enum mk_log_level) level;
    _Atomic(enum mk_log_format) format;
    _Atomic(uint64_t) dropped;
} sink;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void mk_log_setup(enum mk_log_level level, enum mk_log_format format, mk_log_writer *writer)
{
    atomic_store_explicit(&sink.level, level, memory_order_relaxed);
    atomic_store_explicit(&sink.format, format, memory_order_relaxed);
    atomic_store_explicit(&sink.writer, writer, memory_order_release);
}

bool mk_log_enabled(enum mk_log_level level)
{
    return atomic_load_explicit(&sink.writer, memory_order_acquire) &&
           level <= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

void mk_log_count_dropped(uint64_t lines)
{
    atomic_fetch_add_explicit(&sink.dropped, lines, memory_order_relaxed);
}

uint64_t mk_log_dropped(void)
{
    return atomic_load_explicit(&sink.dropped, memory_order_relaxed);
}

/* Escapes characters that could forge or garble a line; for JSON also quotes and backslashes. */
static void append_escaped(struct mk_buf *line, struct mk_slice text, bool json)
{
    while (text.len > 0) {
        size_t plain = 0;
        while (json && plain < text.len && text.ptr[plain] != '"' && text.ptr[plain] != '\\')
            plain++;
        plain = json ? plain : text.len;
        mk_escape_append(line, mk_slice_of(text.ptr, plain));
        text = mk_slice_from(text, plain);
        if (text.len == 0)
            break;
        mk_buf_append_char(line, '\\');
        mk_buf_append_char(line, text.ptr[0]);
        text = mk_slice_from(text, 1);
    }
}

static void append_time(struct mk_buf *line)
{
    uint64_t now = mk_clock_real_ms();
    time_t seconds = (time_t)(now / 1000);
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    mk_buf_printf(line, "%s.%03uZ", text, (unsigned)(now % 1000));
}

void mk_log(enum mk_log_level level, const char *module, const char *en, const char *zh, ...)
{
    mk_log_writer *writer = atomic_load_explicit(&sink.writer, memory_order_acquire);
    if (!writer || !mk_log_enabled(level))
        return;
    char message[LONGEST_LINE / 2];
    va_list args;
    va_start(args, zh);
    int written = vsnprintf(message, sizeof(message), mk_tr(en, zh), args);
    va_end(args);
    if (written < 0)
        return;
    size_t len = (size_t)written < sizeof(message) ? (size_t)written : sizeof(message) - 1;
    struct mk_slice text = mk_slice_of(message, mk_utf8_valid_prefix(mk_slice_of(message, len)));
    bool json = atomic_load_explicit(&sink.format, memory_order_relaxed) == MK_LOG_JSON;
    struct mk_buf line;
    mk_buf_init(&line, (size_t)LONGEST_LINE * 8);
    if (json) {
        mk_buf_printf(&line, "{\"time\":\"");
        append_time(&line);
        mk_buf_printf(&line, "\",\"level\":\"%s\",\"module\":\"%s\",\"message\":\"",
                      level_names[level], module);
        append_escaped(&line, text, true);
        mk_buf_printf(&line, "\"}\n");
    } else {
        append_time(&line);
        mk_buf_printf(&line, " %-5s %s: ", level_names[level], module);
        append_escaped(&line, text, false);
        mk_buf_append_char(&line, '\n');
    }
    writer(line.data, line.len);
    mk_buf_fini(&line);
}
