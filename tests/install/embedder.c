/* The least that links libmilky: built by tests/e2e/install.test.mjs against an installation. */
#include <milky/milky.h>
#include <milky/version.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    if (strcmp(milky_version(), MILKY_VERSION) != 0) {
        fprintf(stderr, "compiled with %s, linked with %s\n", MILKY_VERSION, milky_version());
        return 1;
    }
    if (milky_action_number("get_login_info") < 0) {
        fprintf(stderr, "no actions\n");
        return 1;
    }
    printf("%s\n", milky_version());
    return 0;
}
