/* json_schema: writes the JSON Schema of a configuration, for editors, from the table. */
#include "config/config.h"
#include "config/schema.h"
#include "protocol/schema.h"
#include "protocol/tables.h"

enum { MAX_KEYS = 32 };

static void indent(FILE *out, unsigned depth)
{
    fprintf(out, "\n%*s", (int)depth * 2, "");
}

static const char *pattern(enum mk_config_type type)
{
    switch (type) {
    case MK_CONFIG_ORIGIN:
        return "^([*]|https?://[^/?#@*A-Z ]+)$";
    case MK_CONFIG_OWN_ORIGIN:
        return "^https?://[^/?#@*A-Z ]+$";
    case MK_CONFIG_LISTEN:
        return "^(unix:.+|.+:[0-9]{1,5})$";
    case MK_CONFIG_WEBSOCKET_URL:
        return "^[wW][sS][sS]?://.";
    case MK_CONFIG_HTTP_URL:
        return "^[hH][tT][tT][pP][sS]?://.";
    case MK_CONFIG_NAME:
        return "^[A-Za-z0-9_-]{1,64}$";
    case MK_CONFIG_PREFIX:
        return "^/([^?#%/]|/[^?#%/])+$";
    case MK_CONFIG_TOKEN:
        return "^[^\\\\u0000-\\\\u0020\\\\u007f]([^\\\\u0000-\\\\u001f\\\\u007f]*"
               "[^\\\\u0000-\\\\u0020\\\\u007f])?$";
    default:
        return NULL;
    }
}

static void write_choices(FILE *out, const struct mk_config_key *key)
{
    fprintf(out, ", \"enum\": [");
    for (size_t i = 0; mk_config_choice(key, i); i++)
        fprintf(out, "%s\"%s\"", i ? ", " : "", mk_config_choice(key, i));
    fputc(']', out);
}

static bool is_number(const struct mk_config_key *key)
{
    return key->type == MK_CONFIG_UIN || key->type == MK_CONFIG_NUMBER;
}

static void write_type(FILE *out, const struct mk_config_key *key)
{
    const char *type = "string";
    if (key->type == MK_CONFIG_BOOLEAN)
        type = "boolean";
    else if (is_number(key))
        type = "integer";
    fprintf(out, key->nullable ? "\"type\": [\"%s\", \"null\"]" : "\"type\": \"%s\"", type);
    if (is_number(key))
        fprintf(out, ", \"minimum\": %llu, \"maximum\": %llu", (unsigned long long)key->least,
                (unsigned long long)key->most);
    else if (key->type == MK_CONFIG_CHOICE)
        write_choices(out, key);
    else if (pattern(key->type))
        fprintf(out, ", \"pattern\": \"%s\"", pattern(key->type));
    else if (key->type != MK_CONFIG_BOOLEAN)
        fprintf(out, ", \"minLength\": 1");
    const char *quote = key->type == MK_CONFIG_BOOLEAN ? "" : "\"";
    if (mk_config_key_has_usual(key))
        fprintf(out, ", \"default\": %llu", (unsigned long long)key->usual);
    else if (key->fallback)
        fprintf(out, ", \"default\": %s%s%s", quote, key->fallback, quote);
}

static void write_key(FILE *out, const struct mk_config_key *key, unsigned depth);
static void write_object(FILE *out, const struct mk_config_key *key, unsigned depth);

/* An object that may also be written as a string. */
static void write_either(FILE *out, const struct mk_config_key *key, unsigned depth)
{
    fprintf(out, "\"anyOf\": [");
    indent(out, depth + 1);
    fprintf(out, "{ ");
    write_type(out, &key->keys[0]);
    fprintf(out, " },");
    if (key->nullable) {
        indent(out, depth + 1);
        fprintf(out, "{ \"type\": \"null\" },");
    }
    indent(out, depth + 1);
    fputc('{', out);
    indent(out, depth + 2);
    write_object(out, key, depth + 2);
    indent(out, depth + 1);
    fputc('}', out);
    indent(out, depth);
    fputc(']', out);
}

static void write_object(FILE *out, const struct mk_config_key *key, unsigned depth)
{
    fprintf(out, "\"type\": \"object\", \"additionalProperties\": false,");
    bool any = false;
    for (const struct mk_config_key *k = key->keys; k->name; k++) {
        if (!k->required)
            continue;
        if (!any)
            indent(out, depth);
        fprintf(out, "%s\"%s\"", any ? ", " : "\"required\": [", k->name);
        any = true;
    }
    if (any)
        fprintf(out, "],");
    indent(out, depth);
    fprintf(out, "\"properties\": {");
    for (const struct mk_config_key *k = key->keys; k->name; k++) {
        fputs(k == key->keys ? "" : ",", out);
        indent(out, depth + 1);
        fprintf(out, "\"%s\": {", k->name);
        write_key(out, k, depth + 2);
        fputc('}', out);
    }
    indent(out, depth);
    fputc('}', out);
}

/* An object of a variant: the common keys, then its own. Only the first variant may leave out its
 * type. */
static void write_variant(FILE *out, const struct mk_config_key *key,
                          const struct mk_config_variant *variant, unsigned depth)
{
    struct mk_config_key keys[MAX_KEYS];
    const char *const name[] = { variant->name, NULL };
    size_t count = 0;
    for (const struct mk_config_key *k = key->keys; k->name && count + 1 < MAX_KEYS; k++) {
        keys[count] = *k;
        if (k->variants) {
            keys[count].choices = name;
            keys[count].required = variant != key->variants;
            keys[count].fallback = variant == key->variants ? k->fallback : NULL;
        }
        count++;
    }
    for (const struct mk_config_key *k = variant->keys; k->name && count + 1 < MAX_KEYS; k++)
        keys[count++] = *k;
    keys[count] = (struct mk_config_key){ .name = NULL };
    const struct mk_config_key one = { .keys = keys };
    write_object(out, &one, depth);
}

static void write_variants(FILE *out, const struct mk_config_key *key, unsigned depth)
{
    if (!key->variants[1].name) {
        write_variant(out, key, key->variants, depth);
        return;
    }
    fprintf(out, "\"oneOf\": [");
    for (const struct mk_config_variant *variant = key->variants; variant->name; variant++) {
        fputs(variant == key->variants ? "" : ",", out);
        indent(out, depth + 1);
        fputc('{', out);
        indent(out, depth + 2);
        write_variant(out, key, variant, depth + 2);
        indent(out, depth + 1);
        fputc('}', out);
    }
    indent(out, depth);
    fputc(']', out);
}

static void write_origins(FILE *out)
{
    static const struct mk_config_key one = { .type = MK_CONFIG_ORIGIN };
    fprintf(out, "\"anyOf\": [{");
    write_type(out, &one);
    fprintf(out, "}, {\"type\": \"array\", \"minItems\": 1, \"items\": {");
    write_type(out, &one);
    fprintf(out, "}}]");
}

static void write_name(FILE *out, struct mk_slice name, bool *any)
{
    fprintf(out, "%s\"%.*s\"", *any ? ", " : "", (int)name.len, name.ptr);
    *any = true;
}

/* The names of 1.x, then those that only the draft has. */
static void write_event_types(FILE *out)
{
    bool any = false;
    fprintf(out, "\"type\": \"array\", \"minItems\": 1, \"items\": {\"enum\": [");
    for (size_t i = 0; i < mk_event_type_count; i++)
        write_name(out, mk_event_types[i].name, &any);
    for (size_t i = 0; i < mk_event_type_count; i++) {
        struct mk_slice name = mk_event_type_draft_name(&mk_event_types[i]);
        if (!mk_event_type_find(name))
            write_name(out, name, &any);
    }
    fprintf(out, "]}");
}

static void write_scenes(FILE *out)
{
    bool any = false;
    fprintf(out, "\"type\": \"array\", \"minItems\": 1, \"items\": {\"enum\": [");
    for (int scene = MK_SCENE_NONE + 1; scene < MK_SCENE_COUNT; scene++)
        write_name(out, mk_scenes[scene].scene, &any);
    fprintf(out, "]}");
}

/* The texts of the table need no escaping in JSON. */
static void write_key(FILE *out, const struct mk_config_key *key, unsigned depth)
{
    fprintf(out, "\"description\": \"%s / %s\",", key->en, key->zh);
    indent(out, depth);
    if (key->shorthand) {
        write_either(out, key, depth);
    } else if (key->type == MK_CONFIG_BACKEND) {
        write_variants(out, key, depth);
    } else if (key->type == MK_CONFIG_OBJECT) {
        write_object(out, key, depth);
    } else if (key->type == MK_CONFIG_LIST) {
        fprintf(out, "\"type\": \"array\", \"minItems\": %d, \"items\": {", key->required);
        indent(out, depth + 1);
        write_object(out, key, depth + 1);
        indent(out, depth);
        fputc('}', out);
    } else if (key->type == MK_CONFIG_PATHS) {
        fprintf(out, "\"type\": \"array\", \"minItems\": 1, \"items\": {"
                     "\"type\": \"string\", \"minLength\": 1}");
    } else if (key->type == MK_CONFIG_ORIGINS) {
        write_origins(out);
    } else if (key->type == MK_CONFIG_EVENT_TYPES) {
        write_event_types(out);
    } else if (key->type == MK_CONFIG_SCENES) {
        write_scenes(out);
    } else if (key->type == MK_CONFIG_UINS) {
        fprintf(out,
                "\"type\": \"array\", \"minItems\": 1, \"items\": {"
                "\"type\": \"integer\", \"minimum\": %llu, \"maximum\": %llu}",
                (unsigned long long)key->least, (unsigned long long)key->most);
    } else {
        write_type(out, key);
    }
}

void mk_config_write_schema_of(FILE *out, const struct mk_config_key *schema)
{
    fprintf(out, "{\n  \"$schema\": \"http://json-schema.org/draft-07/schema#\",\n"
                 "  \"title\": \"milky\", \"allowComments\": true, "
                 "\"allowTrailingCommas\": true,\n  ");
    write_key(out, schema, 1);
    fputs("\n}\n", out);
}

void mk_config_write_schema(FILE *out)
{
    mk_config_write_schema_of(out, &mk_config_schema);
}
