/*
 * log: levelled, one line each, in the language of the process (base/language.h). This file formats
 * a line and hands it to the writer that was installed (the program's writes to stderr). Control
 * characters of anything that is logged are escaped, so that no client can forge a line. Tokens
 * must never be passed to it.
 */
#ifndef MK_BASE_LOG_H
#define MK_BASE_LOG_H

#include "base/language.h"
#include "base/slice.h"

#include <stdint.h>

enum mk_log_level { MK_LOG_ERROR, MK_LOG_WARN, MK_LOG_INFO, MK_LOG_DEBUG };
enum mk_log_format { MK_LOG_TEXT, MK_LOG_JSON };

/*
 * Outputs one whole line, newline included, without waiting for its reader: the loop waits for it.
 * Called from any thread, and from several at once.
 */
typedef void mk_log_writer(const char *line, size_t len);

/*
 * Nothing is logged before this is called. A NULL writer turns the log off again. The setting
 * belongs to the process: all endpoints log to the same writer.
 */
void mk_log_setup(enum mk_log_level level, enum mk_log_format format, mk_log_writer *writer);

/*
 * Returns whether a line of this level would be written. For skipping work that only a log line
 * needs.
 */
bool mk_log_enabled(enum mk_log_level level);

/* A writer counts here the lines that it could not write. */
void mk_log_count_dropped(uint64_t lines);
uint64_t mk_log_dropped(void);

/*
 * `module` names the room or transport that logs ("webhook"). The message is written in both
 * languages, with the same conversions:
 *
 *     mk_log_warn("hub", "event %llu is left out", "事件 %llu 被略过", number);
 */
void mk_log(enum mk_log_level level, const char *module, const char *en, const char *zh, ...)
    MK_FORMAT_PAIR(3, 4, 5);

#define mk_log_error(...) mk_log(MK_LOG_ERROR, __VA_ARGS__)
#define mk_log_warn(...) mk_log(MK_LOG_WARN, __VA_ARGS__)
#define mk_log_info(...) mk_log(MK_LOG_INFO, __VA_ARGS__)
#define mk_log_debug(...)                                                                          \
    do {                                                                                           \
        if (mk_log_enabled(MK_LOG_DEBUG))                                                          \
            mk_log(MK_LOG_DEBUG, __VA_ARGS__);                                                     \
    } while (0)

#endif
