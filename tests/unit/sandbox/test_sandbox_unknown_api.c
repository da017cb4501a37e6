/* A handler for an API that the protocol's table does not have ends the start with an error. */
#include "sandbox_world.h"

#include "backend/sandbox/api/features.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int never(struct sb_request *request)
{
    (void)request;
    abort();
}

static const struct sb_api apis[] = {
    { "get_login_info", never },
    { "get_login_infos", never },
    { NULL, NULL },
};
static const struct sb_feature misspelled = { .apis = apis };

/* Replaces the features of the sandbox. */
const struct sb_feature *const sb_features[] = { &misspelled, NULL };

static char logged[1024];

static void keep_log(const char *line, size_t len)
{
    snprintf(logged, sizeof(logged), "%.*s", (int)len, line);
}

static void an_unknown_api_ends_the_start(void **state)
{
    struct world world = { .path = ":memory:" };
    (void)state;
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, keep_log);
    assert_int_equal(world_start(&world), -EINVAL);
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, NULL);
    assert_non_null(strstr(logged, "get_login_infos"));
    fake_host_fini(&world.host);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(an_unknown_api_ends_the_start) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
