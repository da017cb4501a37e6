/* secret: every byte of `given` is compared, whatever the result so far. */
#include "base/secret.h"

bool mk_secret_eq(struct mk_slice secret, struct mk_slice given)
{
    volatile unsigned char difference = secret.len != given.len;
    for (size_t i = 0; i < given.len; i++) {
        char expected = secret.len > 0 ? secret.ptr[i % secret.len] : 0;
        difference = (unsigned char)(difference | (unsigned char)(expected ^ given.ptr[i]));
    }
    return difference == 0;
}
