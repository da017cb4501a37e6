/*
 * The least that links libmilky and a yyjson of its own: values that one of them has made are read,
 * written and freed by the other. Built by tests/e2e/install.test.mjs against what was installed.
 */
#include <milky/json.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char given[] = "{\"group_id\":700000001,\"ignored\":[1,2,3]}";

/* As text, what libmilky has made of the params. */
static char *checked_params(void)
{
    yyjson_doc *read = yyjson_read(given, sizeof(given) - 1, 0);
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(read, NULL);
    yyjson_mut_val *checked;
    char problem[256] = "";
    char *text = NULL;
    int rc = milky_check_params("get_group_info", yyjson_mut_doc_get_root(doc), doc, &checked,
                                problem, sizeof(problem));
    if (rc == 0 && milky_uint(checked, "group_id") == 700000001)
        text = yyjson_mut_val_write(checked, 0, NULL);
    else
        fprintf(stderr, "%d: %s\n", rc, problem);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(read);
    return text;
}

int main(void)
{
    char *text = checked_params();
    int rc = text && strcmp(text, "{\"group_id\":700000001,\"no_cache\":false}") == 0 ? 0 : 1;
    printf("%s\n", text ? text : "nothing");
    free(text);
    return rc;
}
