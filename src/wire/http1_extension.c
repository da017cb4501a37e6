/* http1_extension: see the header. */
#include "wire/http1_extension.h"

#include "wire/http1_private.h"

/* Behind a size, a name or a value; `blank` is the state behind a space. */
static uint8_t separated(char c, uint8_t blank)
{
    if (c == ' ' || c == '\t')
        return blank;
    return c == ';' ? MK_HTTP1_EXTENSION_BEFORE_NAME : MK_HTTP1_EXTENSION_BAD;
}

static uint8_t name_ended(char c)
{
    return c == '=' ? MK_HTTP1_EXTENSION_BEFORE_VALUE
                    : separated(c, MK_HTTP1_EXTENSION_BEHIND_NAME);
}

/* The first byte of a name or of a value, or a space before it. */
static uint8_t begun(char c, uint8_t state, uint8_t token)
{
    if (c == ' ' || c == '\t')
        return state;
    return mk_http1_is(c, MK_HTTP1_TOKEN) ? token : MK_HTTP1_EXTENSION_BAD;
}

static uint8_t quoted(char c)
{
    if (c == '"')
        return MK_HTTP1_EXTENSION_NONE;
    if (c == '\\')
        return MK_HTTP1_EXTENSION_ESCAPED;
    return mk_http1_is(c, MK_HTTP1_TEXT) ? MK_HTTP1_EXTENSION_QUOTED : MK_HTTP1_EXTENSION_BAD;
}

uint8_t mk_http1_extension_next(uint8_t state, char c)
{
    bool is_token = mk_http1_is(c, MK_HTTP1_TOKEN);
    switch (state) {
    case MK_HTTP1_EXTENSION_NONE:
    case MK_HTTP1_EXTENSION_BLANK:
        return separated(c, MK_HTTP1_EXTENSION_BLANK);
    case MK_HTTP1_EXTENSION_BEFORE_NAME:
        return begun(c, state, MK_HTTP1_EXTENSION_NAME);
    case MK_HTTP1_EXTENSION_NAME:
        return is_token ? state : name_ended(c);
    case MK_HTTP1_EXTENSION_BEHIND_NAME:
        return name_ended(c);
    case MK_HTTP1_EXTENSION_BEFORE_VALUE:
        return c == '"' ? MK_HTTP1_EXTENSION_QUOTED : begun(c, state, MK_HTTP1_EXTENSION_VALUE);
    case MK_HTTP1_EXTENSION_VALUE:
        return is_token ? state : separated(c, MK_HTTP1_EXTENSION_BLANK);
    case MK_HTTP1_EXTENSION_QUOTED:
        return quoted(c);
    case MK_HTTP1_EXTENSION_ESCAPED:
        return mk_http1_is(c, MK_HTTP1_TEXT) ? MK_HTTP1_EXTENSION_QUOTED : MK_HTTP1_EXTENSION_BAD;
    default:
        return MK_HTTP1_EXTENSION_BAD;
    }
}
