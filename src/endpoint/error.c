/*
 * error: fills struct milky_error for the caller of a function of milky/milky.h, as far as the
 * caller's struct goes.
 */
#include "base/error_text.h"
#include "base/utf8.h"
#include "endpoint/parts.h"
#include "transport/listen_error.h"

#include <stdarg.h>
#include <stdio.h>

/* Whether the caller's struct has this member. */
#define HAS(error, member)                                                                         \
    ((error)->size >= offsetof(struct milky_error, member) + sizeof((error)->member))

static void fill(struct milky_error *error, const char *path, const char *text)
{
    if (!error)
        return;
    if (HAS(error, path))
        mk_utf8_copy(error->path, sizeof(error->path), mk_slice_str(path));
    if (HAS(error, expected))
        error->expected[0] = '\0';
    if (HAS(error, got))
        error->got[0] = '\0';
    if (HAS(error, text))
        mk_utf8_copy(error->text, sizeof(error->text), mk_slice_str(text));
}

void mk_error_clear(struct milky_error *error)
{
    fill(error, "", "");
}

void mk_error_set(struct milky_error *error, const char *path, const char *en, const char *zh, ...)
{
    char what[sizeof(error->text)], text[sizeof(what) + sizeof(error->path) + 4];
    va_list args;
    va_start(args, zh);
    vsnprintf(what, sizeof(what), mk_tr(en, zh), args);
    va_end(args);
    snprintf(text, sizeof(text), mk_tr("%s: %s", "%s：%s"), path, what);
    fill(error, path, *path ? text : what);
}

void mk_error_complete(struct milky_error *error, const struct mk_phrase *what, int rc)
{
    if (error && HAS(error, text) && error->text[0] == '\0')
        mk_error_set(error, "", "%s: %s", "%s：%s", mk_phrase_text(what), mk_error_text(-rc));
}

void mk_error_set_transport(struct milky_error *error, size_t bot,
                            const struct mk_transport *transport, int rc)
{
    char path[128], text[MK_LISTEN_ERROR];
    struct milky_port port = { .size = sizeof(port) };
    struct mk_transport_stats stats[MK_TRANSPORT_ROWS] = { 0 };
    if (transport->port && transport->class->get_port &&
        transport->class->get_port(transport, 0, &port)) {
        snprintf(path, sizeof(path), "bots[%zu].%s[%zu].listen", bot, port.transport, port.entry);
        mk_error_set(error, path, "%s", "%s", mk_listen_error(&transport->port->address, rc, text));
        return;
    }
    transport->class->report(transport, stats);
    snprintf(path, sizeof(path), "bots[%zu].%s", bot, transport->class->name);
    if (stats[0].name)
        mk_error_set(error, path, "%s cannot start: %s", "%s 无法启动：%s", stats[0].name,
                     mk_error_text(-rc));
    else
        mk_error_set(error, path, "cannot start: %s", "无法启动：%s", mk_error_text(-rc));
}
