/* config_check: see the header. */
#include "endpoint/config_check.h"

#include <stdlib.h>
#include <string.h>

/* --- URLs, by which the journal knows who has got how far --- */

struct known_url {
    const char *url;
    size_t index;
};

static int by_url(const void *a, const void *b)
{
    const struct known_url *x = a, *y = b;
    int order = strcmp(x->url, y->url);
    return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

size_t *mk_config_check_urls(const struct milky_remote *remotes, size_t count, bool replaying)
{
    size_t *first = calloc(count + 1, sizeof(*first));
    struct known_url *known = calloc(count + 1, sizeof(*known));
    size_t known_count = 0;
    for (size_t i = 0; first && known && i < count; i++) {
        first[i] = i;
        if (remotes[i].url && (remotes[i].replay || !replaying))
            known[known_count++] = (struct known_url){ remotes[i].url, i };
    }
    if (known_count > 0)
        qsort(known, known_count, sizeof(*known), by_url);
    for (size_t i = 1; i < known_count; i++)
        if (strcmp(known[i].url, known[i - 1].url) == 0)
            first[known[i].index] = first[known[i - 1].index];
    if (!known) {
        free(first);
        return NULL;
    }
    free(known);
    return first;
}
