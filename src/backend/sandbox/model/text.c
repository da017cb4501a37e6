/* text: see the header. */
#include "backend/sandbox/model/text.h"

size_t sb_text_chars(struct mk_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

struct mk_slice sb_text_param(yyjson_mut_val *object, const char *name)
{
    struct mk_slice text = mk_slice_of("", 0);
    if (milky_has(object, name))
        text.ptr = milky_string(object, name, &text.len);
    return text;
}

static bool is_blank(struct mk_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != ' ' && text.ptr[i] != '\n')
            return false;
    return true;
}

/* C0, DEL, and C1, which UTF-8 writes as C2 80 to C2 9F. */
static bool has_control(struct mk_slice text, bool lines)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if ((byte < 0x20 && !(lines && byte == '\n')) || byte == 0x7f)
            return true;
        if (byte == 0xc2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xa0)
            return true;
    }
    return false;
}

int sb_text_check(struct sb_request *request, const struct sb_text_rule *rule, struct mk_slice text)
{
    if (rule->least > 0 && is_blank(text))
        return sb_refuse(request, SB_BAD_TEXT, "%s must not be empty", "%s 不能为空", rule->field);
    int rc = 0;
    if (rule->limit)
        rc = sb_limit_check(request, (enum sb_limit_id)(rule->limit - sb_limits),
                            sb_text_chars(text), NULL);
    if (rc != 0)
        return rc;
    if (sb_text_chars(text) > rule->most)
        return sb_refuse(request, SB_BAD_TEXT, "%s is too long: at most %zu characters",
                         "%s 过长：最多 %zu 个字符", rule->field, rule->most);
    if (has_control(text, rule->lines))
        return sb_refuse(request, SB_BAD_TEXT, "%s must not have control characters in it",
                         "%s 不能含有控制字符", rule->field);
    return 0;
}

void sb_text_bind(sqlite3_stmt *statement, int parameter, struct mk_slice text)
{
    sqlite3_bind_text(statement, parameter, text.ptr, (int)text.len, SQLITE_STATIC);
}

bool sb_text_keep(yyjson_mut_doc *doc, struct mk_slice *text)
{
    yyjson_mut_val *copy = yyjson_mut_strncpy(doc, text->ptr, text->len);
    if (copy)
        text->ptr = yyjson_mut_get_str(copy);
    return copy != NULL;
}

bool sb_text_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, struct mk_slice text)
{
    return yyjson_mut_obj_add_strncpy(doc, object, key, text.ptr, text.len);
}
