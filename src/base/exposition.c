/* exposition: see the header. */
#include "base/exposition.h"

static void keep(struct mk_exposition *x, int rc)
{
    if (x->rc == 0)
        x->rc = rc;
}

void mk_exposition_family(struct mk_exposition *x, const char *name, const char *type,
                          const char *help)
{
    x->name = name;
    if (x->rc == 0)
        keep(x, mk_buf_printf(x->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type));
}

static void write_value(struct mk_exposition *x, const char *text)
{
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            keep(x, mk_buf_append_char(x->out, '\\'));
        if (*text == '\n')
            keep(x, mk_buf_append(x->out, "\\n", 2));
        else
            keep(x, mk_buf_append_char(x->out, *text));
    }
}

static void write_labels(struct mk_exposition *x, const char *suffix, va_list labels)
{
    char before = '{';
    keep(x, mk_buf_printf(x->out, "%s%s", x->name, suffix));
    for (const char *name; (name = va_arg(labels, const char *)); before = ',') {
        keep(x, mk_buf_printf(x->out, "%c%s=\"", before, name));
        write_value(x, va_arg(labels, const char *));
        keep(x, mk_buf_append_char(x->out, '"'));
    }
    if (before == ',')
        keep(x, mk_buf_append_char(x->out, '}'));
}

void mk_exposition_count(struct mk_exposition *x, const char *suffix, uint64_t value, ...)
{
    if (x->rc < 0)
        return;
    va_list labels;
    va_start(labels, value);
    write_labels(x, suffix, labels);
    va_end(labels);
    keep(x, mk_buf_printf(x->out, " %llu\n", (unsigned long long)value));
}

void mk_exposition_number(struct mk_exposition *x, const char *suffix, double value, ...)
{
    if (x->rc < 0)
        return;
    va_list labels;
    va_start(labels, value);
    write_labels(x, suffix, labels);
    va_end(labels);
    keep(x, mk_buf_printf(x->out, " %.15g\n", value));
}
