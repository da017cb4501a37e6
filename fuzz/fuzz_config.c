/*
 * fuzz_config: no text makes the reader of configurations fail in any other way than by saying so,
 * and what is refused is told with a line of its own.
 */
#include "cli/config.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mk_config *config = NULL;
    struct mk_buf mistakes;
    mk_buf_init(&mistakes, SIZE_MAX);
    int rc = mk_config_parse(mk_slice_of((const char *)data, size), "dir/milky.jsonc", &config,
                             &mistakes);
    if (rc == 0 && (mistakes.len > 0 || config->endpoint.bot_count == 0 || !config->data_dir))
        abort();
    if (rc == -EINVAL && (config || mistakes.len == 0 || mistakes.data[mistakes.len - 1] != '\n'))
        abort();
    mk_config_free(config);
    mk_buf_fini(&mistakes);
    return 0;
}
