/* A handler for an API that the protocol's table does not have, or a second one for an API, ends
 * the start with an error. */
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

static const struct sb_api misspelled[] = {
    { "get_login_info", never },
    { "get_login_infos", never },
    { NULL, NULL },
};
static const struct sb_api twice[] = {
    { "get_group_info", never },
    { "get_group_info", never },
    { NULL, NULL },
};

/* Replaces the features of the sandbox. */
static struct sb_feature feature;
const struct sb_feature *const sb_features[] = { &feature, NULL };

static char logged[1024];

static void keep_log(const char *line, size_t len)
{
    snprintf(logged, sizeof(logged), "%.*s", (int)len, line);
}

static void check_start(const struct sb_api *apis, const char *said)
{
    struct world world = { .path = ":memory:" };
    feature.apis = apis;
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, keep_log);
    assert_int_equal(world_start(&world), -EINVAL);
    mk_log_setup(MK_LOG_WARN, MK_LOG_TEXT, NULL);
    assert_non_null(strstr(logged, said));
    fake_host_fini(&world.host);
}

static void an_unknown_api_ends_the_start(void **state)
{
    (void)state;
    check_start(misspelled, "handler for get_login_infos, which is not an API");
}

static void a_second_handler_ends_the_start(void **state)
{
    (void)state;
    check_start(twice, "two handlers for get_group_info");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_api_ends_the_start),
        cmocka_unit_test(a_second_handler_ends_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
