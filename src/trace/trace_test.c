#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "trace/trace.h"

static struct addr peer;
static int fds[2];

static size_t drain(char *dst, size_t cap)
{
    ssize_t n = read(fds[0], dst, cap - 1);
    dst[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static int setup(void **state)
{
    (void)state;
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    log_to_fd(fds[1]);
    log_setup("test", LOG_INFO, LOG_FORMAT_KV);
    return addr_parse(SLICE_LIT("192.0.2.1"), 5060, &peer);
}

static const char msg[] =
    "INVITE sip:1001@x SIP/2.0\r\n"
    "Authorization: Digest username=\"1000\", response=\"0123abcd\", nc=1\r\n\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^20\r\n"
    "a=key-mgmt:mikey AQAFgM\r\n";

static void secrets_are_masked(void **state)
{
    (void)state;
    struct loop *l;
    struct trace *t;
    static char out[8192];
    assert_int_equal(loop_new_virtual(0, &l), 0);
    assert_int_equal(trace_new(l, &t), 0);
    trace_message(t, false, slice_from_str(msg), &peer, "tls");
    assert_int_equal(drain(out, sizeof(out)), 0);
    assert_int_equal(trace_on(t, SLICE_LIT("all"), 60), 0);
    trace_message(t, false, slice_from_str(msg), &peer, "tls");
    drain(out, sizeof(out));
    assert_non_null(strstr(out, "INVITE sip:1001@x"));
    assert_non_null(strstr(out, "inline:***|2^20"));
    assert_null(strstr(out, "c2VjcmV0"));
    assert_null(strstr(out, "0123abcd"));
    assert_null(strstr(out, "AQAFgM"));
    loop_advance(l, 60001);
    assert_false(trace_is_on(t));
    trace_free(t);
    loop_free(l);
}

static void only_the_user_asked_for(void **state)
{
    (void)state;
    struct loop *l;
    struct trace *t;
    static char out[8192];
    assert_int_equal(loop_new_virtual(0, &l), 0);
    assert_int_equal(trace_new(l, &t), 0);
    assert_int_equal(trace_on(t, SLICE_LIT("1002@example.org"), TRACE_FOREVER), 0);
    trace_message(t, true, slice_from_str(msg), &peer, "tls");
    assert_int_equal(drain(out, sizeof(out)), 0);
    assert_int_equal(trace_on(t, SLICE_LIT("1001"), TRACE_FOREVER), 0);
    trace_message(t, true, slice_from_str(msg), &peer, "tls");
    assert_true(drain(out, sizeof(out)) > 0);
    assert_int_equal(trace_on(t, SLICE_LIT(""), 1), -EINVAL);
    for (int i = 2; i < TRACE_USERS_MAX; i++)
        assert_int_equal(trace_on(t, SLICE_LIT("x"), TRACE_FOREVER), 0);
    assert_int_equal(trace_on(t, SLICE_LIT("x"), TRACE_FOREVER), -ENOSPC);
    trace_off(t);
    trace_message(t, true, slice_from_str(msg), &peer, "tls");
    assert_int_equal(drain(out, sizeof(out)), 0);
    trace_free(t);
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(secrets_are_masked, setup),
        cmocka_unit_test_setup(only_the_user_asked_for, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
