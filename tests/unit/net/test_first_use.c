/*
 * first_use: the objects of the process (libcurl's functions, OpenSSL's method of our BIO, the
 * log's sink) are made once, even if threads use them first at the same time. scripts/tsan runs it
 * with ThreadSanitizer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error_text.h"
#include "base/log.h"
#include "net/curl.h"
#include "net/tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { THREADS = 8 };

struct first {
    pthread_barrier_t *barrier;
    const struct mk_curl *curl;
    int method; /* its number at OpenSSL; 0: there is none */
};

static atomic_uint lines;

/* Whole lines, whichever thread logs them. */
static void count_line(const char *line, size_t len)
{
    if (len > 0 && memchr(line, '\n', len) == line + len - 1)
        atomic_fetch_add(&lines, 1);
}

/* A thread. */
static void *use_first(void *arg)
{
    struct first *first = arg;
    const char *why = "";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    pthread_barrier_wait(first->barrier);
    struct mk_tls *tls = mk_tls_new(ssl);
    first->curl = mk_curl_load(&why);
    mk_log_info("test", "%s", "%s", mk_error_text(ENOENT));
    first->method = tls ? BIO_method_type(SSL_get_rbio(tls->ssl)) : 0;
    mk_tls_free(tls);
    SSL_CTX_free(context);
    return NULL;
}

static void test_made_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    struct first firsts[THREADS];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, THREADS);
    mk_log_setup(MK_LOG_INFO, MK_LOG_JSON, count_line);
    for (int i = 0; i < THREADS; i++) {
        firsts[i] = (struct first){ .barrier = &barrier };
        assert_int_equal(pthread_create(&threads[i], NULL, use_first, &firsts[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    mk_log_setup(MK_LOG_ERROR, MK_LOG_TEXT, NULL);
    pthread_barrier_destroy(&barrier);
    assert_int_equal(lines, THREADS);
    assert_non_null(firsts[0].curl);
    assert_int_not_equal(firsts[0].method, 0);
    for (int i = 1; i < THREADS; i++) {
        assert_ptr_equal(firsts[i].curl, firsts[0].curl);
        assert_int_equal(firsts[i].method, firsts[0].method);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_made_once) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
