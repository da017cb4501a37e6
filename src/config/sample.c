/* sample: writes the configuration of `milky init`, from the table. */
#include "config/config.h"
#include "config/schema.h"

struct sample {
    FILE *out;
    const char *token;
    unsigned depth;
    bool off;                              /* the output is commented out, */
    unsigned off_depth;                    /* from this depth on */
    const struct mk_config_key *explained; /* a table that has its comments already */
};

static void begin_line(const struct sample *sample)
{
    unsigned outer = sample->off ? sample->off_depth : sample->depth;
    fprintf(sample->out, "%*s%s%*s", (int)outer * 2, "", sample->off ? "// " : "",
            (int)(sample->depth - outer) * 2, "");
}

static void write_members(struct sample *sample, const struct mk_config_key *keys,
                          const struct mk_config_key *more);

static void write_value(struct sample *sample, const struct mk_config_key *key)
{
    FILE *out = sample->out;
    if (key->sample) {
        fputs(key->sample, out);
    } else if (key->type == MK_CONFIG_OBJECT || key->type == MK_CONFIG_BACKEND) {
        fputs("{\n", out);
        sample->depth++;
        write_members(sample, key->keys, key->variants ? key->variants[0].keys : NULL);
        sample->depth--;
        begin_line(sample);
        fputs("}", out);
    } else if (key->type == MK_CONFIG_LIST) {
        fputs("[\n", out);
        sample->depth++;
        begin_line(sample);
        const struct mk_config_key element = { .type = MK_CONFIG_OBJECT, .keys = key->keys };
        write_value(sample, &element);
        fputs("\n", out);
        sample->depth--;
        begin_line(sample);
        fputs("]", out);
    } else if (key->type == MK_CONFIG_TOKEN) {
        fprintf(out, "\"%s\"", sample->token);
    } else if (key->type == MK_CONFIG_NUMBER) {
        fprintf(out, "%llu", (unsigned long long)key->usual);
    } else {
        const char *quote = key->type == MK_CONFIG_BOOLEAN ? "" : "\"";
        fprintf(out, "%s%s%s", quote, key->fallback, quote);
    }
}

static void explain(const struct sample *sample, const struct mk_config_key *key)
{
    begin_line(sample);
    fprintf(sample->out, "// %s\n", key->en);
    begin_line(sample);
    fprintf(sample->out, "// %s\n", key->zh);
}

static void write_member(struct sample *sample, const struct mk_config_key *key, bool is_explained,
                         bool is_last)
{
    bool outer = sample->off;
    if (!is_explained)
        explain(sample, key);
    if (key->sample_off && !outer) {
        sample->off = true;
        sample->off_depth = sample->depth;
    }
    begin_line(sample);
    fprintf(sample->out, "\"%s\": ", key->name);
    write_value(sample, key);
    fputs(is_last ? "\n" : ",\n", sample->out);
    sample->off = outer;
}

/* The members of an object, then those of its variant (or NULL). */
static void write_members(struct sample *sample, const struct mk_config_key *keys,
                          const struct mk_config_key *more)
{
    bool again = sample->explained == keys;
    for (const struct mk_config_key *key = keys; key && key->name; key++) {
        if (key != keys && sample->depth <= 3)
            fputs("\n", sample->out);
        write_member(sample, key, again, !key[1].name && !more);
    }
    for (const struct mk_config_key *key = more; key && key->name; key++) {
        if (sample->depth <= 3)
            fputs("\n", sample->out);
        write_member(sample, key, again, !key[1].name);
    }
    sample->explained = keys;
}

void mk_config_write_sample(FILE *out, const char *token)
{
    fputs("// The configuration of milky. Comments and trailing commas are allowed;\n"
          "// what is commented out is optional. `milky check` says what is wrong with it.\n"
          "// milky 的配置。可以写注释与多余的逗号；被注释掉的键可以不写。\n"
          "// 用 `milky check` 检查是否有误。\n",
          out);
    struct sample sample = { .out = out, .token = token };
    write_value(&sample, &mk_config_schema);
    fputs("\n", out);
}
