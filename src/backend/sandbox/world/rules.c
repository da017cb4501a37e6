/* rules: see the header. */
#include "backend/sandbox/world/rules.h"

#include "base/json.h"
#include "base/utf8.h"

#include <stdio.h>

enum { LONGEST_PATH = 160, LONGEST_WORDS = 192 };

/* --- refusing --- */

int sb_rules_refuse(struct sb_request *request, const struct mk_json_path *at, const char *name,
                    const char *format, ...)
{
    const struct mk_json_path field = { .up = at, .name = mk_slice_str(name) };
    char path[LONGEST_PATH], words[LONGEST_WORDS];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    words[mk_utf8_valid_prefix(mk_slice_str(words))] = '\0';
    mk_json_path_copy(path, sizeof(path), name ? &field : at);
    return sb_refuse(request, MILKY_MALFORMED, "%s 不正确 (%s: %s)", *path ? path : "参数",
                     *path ? path : "params", words);
}

/* yyjson lays both kinds of value out alike (its own readers rely on it), so one reader will do. */
static const yyjson_val *fixed(const yyjson_mut_val *value)
{
    return (const yyjson_val *)(const void *)value;
}

static int refuse_type(struct sb_request *request, const struct mk_json_path *at, const char *name,
                       const char *expected, const yyjson_mut_val *got)
{
    return sb_rules_refuse(request, at, name, "expected %s, got %s", expected,
                           mk_json_type_name(fixed(got)));
}

/* --- reading one field --- */

static int read_number(struct sb_request *request, const struct mk_json_path *at,
                       const struct sb_rule *rule, struct sb_value *value)
{
    bool negative;
    uint64_t magnitude, least = rule->least, most = rule->most ? rule->most : UINT32_MAX;
    if (rule->kind == SB_RULE_UIN) {
        least = 10001;
        most = UINT32_MAX;
    }
    if (!mk_json_integer(fixed(value->json), &negative, &magnitude))
        return refuse_type(request, at, rule->name, "an integer", value->json);
    bool is_offset = rule->kind == SB_RULE_OFFSET;
    if ((negative && !is_offset) || magnitude < least || magnitude > most)
        return sb_rules_refuse(
            request, at, rule->name, "expected an integer from %s%llu to %llu, got %s%llu",
            is_offset ? "-" : "", (unsigned long long)(is_offset ? most : least),
            (unsigned long long)most, negative ? "-" : "", (unsigned long long)magnitude);
    value->number = negative ? 0 - magnitude : magnitude;
    return 0;
}

static int read_text(struct sb_request *request, const struct mk_json_path *at,
                     const struct sb_rule *rule, struct sb_value *value)
{
    size_t most = rule->most ? (size_t)rule->most : UINT16_MAX;
    if (!yyjson_mut_is_str(value->json))
        return refuse_type(request, at, rule->name, "a string", value->json);
    value->text = mk_slice_of(yyjson_mut_get_str(value->json), yyjson_mut_get_len(value->json));
    if (value->text.len < rule->least)
        return sb_rules_refuse(request, at, rule->name, "expected some text, got an empty one");
    if (value->text.len > most)
        return sb_rules_refuse(request, at, rule->name,
                               "expected at most %zu bytes of text, got %zu", most,
                               value->text.len);
    return 0;
}

static int read_choice(struct sb_request *request, const struct mk_json_path *at,
                       const struct sb_rule *rule, struct sb_value *value)
{
    char list[LONGEST_WORDS / 2];
    size_t used = 0;
    for (uint64_t i = 0; rule->choices[i]; i++) {
        if (yyjson_mut_equals_str(value->json, rule->choices[i])) {
            value->number = i;
            return 0;
        }
        int len =
            snprintf(list + used, sizeof(list) - used, "%s\"%s\"", i ? ", " : "", rule->choices[i]);
        if (len > 0 && used + (size_t)len < sizeof(list))
            used += (size_t)len;
    }
    if (!yyjson_mut_is_str(value->json))
        return refuse_type(request, at, rule->name, "a string", value->json);
    return sb_rules_refuse(request, at, rule->name, "expected one of %s, got another string", list);
}

static int read_one(struct sb_request *request, const struct mk_json_path *at,
                    const struct sb_rule *rule, struct sb_value *value)
{
    switch (rule->kind) {
    case SB_RULE_UIN:
    case SB_RULE_NUMBER:
    case SB_RULE_OFFSET:
        return read_number(request, at, rule, value);
    case SB_RULE_TEXT:
        return read_text(request, at, rule, value);
    case SB_RULE_CHOICE:
        return read_choice(request, at, rule, value);
    case SB_RULE_BOOL:
        value->number = yyjson_mut_is_true(value->json);
        return yyjson_mut_is_bool(value->json)
                   ? 0
                   : refuse_type(request, at, rule->name, "a boolean", value->json);
    case SB_RULE_OBJECT:
        return yyjson_mut_is_obj(value->json)
                   ? 0
                   : refuse_type(request, at, rule->name, "an object", value->json);
    case SB_RULE_LIST:
        return yyjson_mut_is_arr(value->json)
                   ? 0
                   : refuse_type(request, at, rule->name, "an array", value->json);
    case SB_RULE_ANY:
        break;
    }
    return 0;
}

/* --- reading an object --- */

static int refuse_unknown(struct sb_request *request, const struct mk_json_path *at,
                          const struct sb_rule *rules, yyjson_mut_val *key)
{
    char list[LONGEST_WORDS];
    size_t used = 0;
    list[0] = '\0';
    for (const struct sb_rule *rule = rules; rule->name; rule++) {
        int len = snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", rule->name);
        if (len < 0 || used + (size_t)len >= sizeof(list))
            break;
        used += (size_t)len;
    }
    list[used] = '\0';
    char name[64];
    struct mk_slice text = mk_slice_of(yyjson_mut_get_str(key), yyjson_mut_get_len(key));
    if (text.len >= sizeof(name))
        text.len = mk_utf8_valid_prefix(mk_slice_of(text.ptr, sizeof(name) - 1));
    snprintf(name, sizeof(name), "%.*s", (int)text.len, text.ptr);
    return sb_rules_refuse(request, at, name, "unknown field (here are: %s)", list);
}

/* Which rule a field is for; `from` is where to begin, for fields that come in order. */
static const struct sb_rule *rule_of(const struct sb_rule *rules, const struct sb_rule *from,
                                     yyjson_mut_val *key)
{
    for (const struct sb_rule *rule = from; rule->name; rule++)
        if (yyjson_mut_equals_str(key, rule->name))
            return rule;
    for (const struct sb_rule *rule = rules; rule != from; rule++)
        if (yyjson_mut_equals_str(key, rule->name))
            return rule;
    return NULL;
}

static int take_fields(struct sb_request *request, const struct mk_json_path *at,
                       const struct sb_rule *rules, yyjson_mut_val *given, struct sb_value *values)
{
    const struct sb_rule *from = rules;
    size_t i, count;
    yyjson_mut_val *key, *value;
    yyjson_mut_obj_foreach (given, i, count, key, value) {
        const struct sb_rule *rule = rule_of(rules, from, key);
        if (!rule)
            return refuse_unknown(request, at, rules, key);
        values[rule - rules].json = value;
        from = rule + 1;
    }
    return 0;
}

int sb_rules_read(struct sb_request *request, const struct mk_json_path *at,
                  const struct sb_rule *rules, yyjson_mut_val *given, struct sb_value *values)
{
    if (!yyjson_mut_is_obj(given))
        return refuse_type(request, at, NULL, "an object", given);
    for (size_t i = 0; rules[i].name; i++)
        values[i] = (struct sb_value){ .number = rules[i].otherwise, .text = { "", 0 } };
    int rc = take_fields(request, at, rules, given, values);
    for (size_t i = 0; rules[i].name && rc == 0; i++) {
        values[i].given = values[i].json && !yyjson_mut_is_null(values[i].json);
        if (values[i].given)
            rc = read_one(request, at, &rules[i], &values[i]);
        else if (rules[i].required)
            rc = sb_rules_refuse(request, at, rules[i].name, "it is missing");
    }
    return rc;
}
