/*
 * ws_deflate: Sec-WebSocket-Extensions is a list of `name; parameter; parameter=value`, where a
 * value is a token or a quoted token (RFC 6455, 9.1). A malformed element is never accepted, but
 * does not affect the others.
 */
#include "wire/ws_deflate.h"

#include "wire/deflate.h"

#include <stdio.h>

enum {
    LEAST_BITS = 8,
    MAX_BITS = 15,
    SMALL_BITS = 12,     /* of a client that lets us choose: enough for calls */
    LEAST_KEPT_BITS = 9, /* zlib compresses with 9 where it is asked for 8 */
    AMPLE_ROOM = 8 * 1024 * 1024,
};

/* The parameters of one permessage-deflate. */
struct params {
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    bool has_server_bits;
    bool has_client_bits;
    unsigned server_bits;
    unsigned client_bits; /* 0: no value, which only an offer may have */
};

/* Takes the part before the next separator that is not in quotes, trimmed; it may be empty. */
static bool next_part(struct mk_slice *rest, char separator, struct mk_slice *part)
{
    bool quoted = false;
    size_t len = 0;
    if (!rest->ptr)
        return false;
    for (; len < rest->len && (quoted || rest->ptr[len] != separator); len++) {
        if (rest->ptr[len] == '"')
            quoted = !quoted;
        else if (quoted && rest->ptr[len] == '\\' && len + 1 < rest->len)
            len++;
    }
    *part = mk_slice_trim(mk_slice_of(rest->ptr, len));
    *rest = len < rest->len ? mk_slice_of(rest->ptr + len + 1, rest->len - len - 1)
                            : (struct mk_slice){ 0 };
    return true;
}

/* The digits of a window size, in quotes or not. RFC 7692, 7.1.2: 8 to 15, no leading zeros. */
static bool read_bits(struct mk_slice value, unsigned *bits)
{
    bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
    unsigned number = 0;
    if (quoted)
        value = mk_slice_of(value.ptr + 1, value.len - 2);
    if (value.len == 0 || value.ptr[0] == '0')
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (quoted && value.ptr[i] == '\\' && ++i == value.len)
            return false;
        if (value.ptr[i] < '0' || value.ptr[i] > '9' || number > MAX_BITS)
            return false;
        number = number * 10 + (unsigned)(value.ptr[i] - '0');
    }
    *bits = number;
    return number >= LEAST_BITS && number <= MAX_BITS;
}

/* A parameter without a value; false where it has one, or is repeated. */
static bool read_flag(bool *flag, bool has_value)
{
    bool fresh = !*flag && !has_value;
    *flag = true;
    return fresh;
}

static bool read_param(struct mk_slice text, bool is_offer, struct params *params)
{
    struct mk_slice name = { 0 }, value = text;
    next_part(&value, '=', &name);
    bool has_value = value.ptr != NULL;
    value = mk_slice_trim(value);
    if (mk_slice_eq(name, MK_SLICE("server_no_context_takeover")))
        return read_flag(&params->server_no_context_takeover, has_value);
    if (mk_slice_eq(name, MK_SLICE("client_no_context_takeover")))
        return read_flag(&params->client_no_context_takeover, has_value);
    if (mk_slice_eq(name, MK_SLICE("server_max_window_bits")))
        return read_flag(&params->has_server_bits, false) && has_value &&
               read_bits(value, &params->server_bits);
    if (mk_slice_eq(name, MK_SLICE("client_max_window_bits")))
        return read_flag(&params->has_client_bits, false) &&
               (has_value ? read_bits(value, &params->client_bits) : is_offer);
    return false;
}

/* Reads an element of the list; false where it is not a valid permessage-deflate. */
static bool read_element(struct mk_slice element, bool is_offer, struct params *params)
{
    struct mk_slice rest = element, part;
    *params = (struct params){ 0 };
    if (!next_part(&rest, ';', &part) || !mk_slice_eq(part, MK_SLICE("permessage-deflate")))
        return false;
    while (next_part(&rest, ';', &part))
        if (!read_param(part, is_offer, params))
            return false;
    return true;
}

/* --- a server --- */

/*
 * The client's window, which we make smaller where room is scarce. `*asked` is what the answer says
 * of its size; 0: nothing.
 */
static unsigned peer_bits(const struct params *params, size_t room, unsigned *asked)
{
    unsigned bits = MAX_BITS;
    *asked = 0;
    if (params->client_no_context_takeover)
        return 0;
    if (params->client_bits > 0)
        bits = params->client_bits;
    if (params->has_client_bits && bits > SMALL_BITS && room < AMPLE_ROOM)
        bits = SMALL_BITS;
    if (bits < MAX_BITS)
        *asked = bits;
    return bits < LEAST_KEPT_BITS ? LEAST_KEPT_BITS : bits;
}

/*
 * The size of our window is included where the offer asks for one. The client is told to begin each
 * message anew (7.1.1.2 allows it unasked); the window of one that did not offer to is kept all the
 * same, since some ignore that.
 */
static struct mk_ws_deflate_terms answer_to(const struct params *params, size_t room,
                                            char line[MK_WS_DEFLATE_LINE])
{
    unsigned asked, bits = peer_bits(params, room, &asked);
    char ours[40] = "", theirs[40] = "";
    if (params->has_server_bits && params->server_bits < MK_DEFLATE_WINDOW_BITS)
        return (struct mk_ws_deflate_terms){ 0 };
    if (bits > 0 && (size_t)1 << bits > room)
        return (struct mk_ws_deflate_terms){ 0 };
    if (params->has_server_bits)
        snprintf(ours, sizeof(ours), "; server_max_window_bits=%d", MK_DEFLATE_WINDOW_BITS);
    if (asked > 0)
        snprintf(theirs, sizeof(theirs), "; client_max_window_bits=%u", asked);
    snprintf(line, MK_WS_DEFLATE_LINE,
             "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
             "client_no_context_takeover%s%s\r\n",
             ours, theirs);
    return (struct mk_ws_deflate_terms){ .accepted = true, .peer_bits = bits };
}

struct mk_ws_deflate_terms mk_ws_deflate_accept(const struct mk_http1_request *request, size_t room,
                                                char line[MK_WS_DEFLATE_LINE])
{
    line[0] = '\0';
    for (size_t i = 0; i < request->header_count; i++) {
        struct mk_slice rest = request->headers[i].value, element;
        struct params params;
        if (!mk_slice_eq_nocase(request->headers[i].name, MK_SLICE("Sec-WebSocket-Extensions")))
            continue;
        while (next_part(&rest, ',', &element)) {
            struct mk_ws_deflate_terms terms = { 0 };
            if (read_element(element, true, &params))
                terms = answer_to(&params, room, line);
            if (terms.accepted)
                return terms;
        }
    }
    return (struct mk_ws_deflate_terms){ 0 };
}

/* --- a client --- */

struct mk_slice mk_ws_deflate_offer(void)
{
    return MK_SLICE("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                    "client_no_context_takeover; client_max_window_bits\r\n");
}

static const struct mk_phrase not_offered = { "an extension was chosen that was not offered",
                                              "选择了未提出的扩展" };
static const struct mk_phrase bad_parameter = {
    "permessage-deflate was answered with a parameter that is not allowed",
    "permessage-deflate 的应答中有不允许的参数",
};
static const struct mk_phrase takes_over = {
    "permessage-deflate was answered without server_no_context_takeover",
    "permessage-deflate 的应答中缺少 server_no_context_takeover",
};
static const struct mk_phrase chosen_twice = { "permessage-deflate was chosen twice",
                                               "permessage-deflate 被选择了两次" };

/* Returns what is wrong with an element, or NULL. */
static const struct mk_phrase *verify_element(struct mk_slice element, bool offered,
                                              struct mk_ws_deflate_answer *answer)
{
    struct mk_slice rest = element, name;
    struct params params;
    if (!offered || !next_part(&rest, ';', &name) ||
        !mk_slice_eq(name, MK_SLICE("permessage-deflate")))
        return &not_offered;
    if (!read_element(element, false, &params))
        return &bad_parameter;
    if (!params.server_no_context_takeover)
        return &takes_over;
    if (answer->accepted)
        return &chosen_twice;
    answer->accepted = true;
    answer->client_bits = params.has_client_bits ? params.client_bits : MAX_BITS;
    return NULL;
}

bool mk_ws_deflate_verify(const struct mk_http1_response *response, bool offered,
                          struct mk_ws_deflate_answer *answer)
{
    *answer = (struct mk_ws_deflate_answer){ .client_bits = MAX_BITS };
    for (size_t i = 0; i < response->header_count; i++) {
        struct mk_slice rest = response->headers[i].value, element;
        if (!mk_slice_eq_nocase(response->headers[i].name, MK_SLICE("Sec-WebSocket-Extensions")))
            continue;
        while (next_part(&rest, ',', &element)) {
            if (element.len == 0) /* a list may have empty elements (RFC 9110, 5.6.1) */
                continue;
            answer->why = verify_element(element, offered, answer);
            answer->seen = element;
            if (answer->why)
                return false;
        }
    }
    return true;
}
