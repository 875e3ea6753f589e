#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

static size_t read_line(int fd, char *dst, size_t cap)
{
    ssize_t n = read(fd, dst, cap - 1);
    assert_true(n > 0);
    dst[n] = '\0';
    return (size_t)n;
}

static void a_peer_cannot_forge_a_line(void **state)
{
    (void)state;
    int fds[2];
    char line[5000];
    assert_int_equal(pipe(fds), 0);
    log_to_fd(fds[1]);
    log_setup("test", LOG_INFO, LOG_FORMAT_KV);
    log_event(LOG_INFO, "auth_failed", LOG_S("user", SLICE_LIT("x\r\n2026 info ok a=\"b\"")),
              LOG_I("n", 3));
    read_line(fds[0], line, sizeof(line));
    assert_non_null(
        strstr(line, " info test auth_failed user=\"x\\r\\n2026 info ok a=\\\"b\\\"\" n=3\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);

    log_setup("test", LOG_INFO, LOG_FORMAT_JSON);
    log_event(LOG_WARN, "e", LOG_STR("k", "v"));
    read_line(fds[0], line, sizeof(line));
    assert_non_null(
        strstr(line, "\"level\":\"warn\",\"role\":\"test\",\"event\":\"e\",\"k\":\"v\"}\n"));
    log_event(LOG_DEBUG, "not_shown", LOG_STR("k", "v"));
    log_event(LOG_ERROR, "shown", LOG_STR("k", "v"));
    read_line(fds[0], line, sizeof(line));
    assert_null(strstr(line, "not_shown"));
    log_to_fd(2);
    close(fds[0]);
    close(fds[1]);
}

static void a_long_field_is_left_out_whole(void **state)
{
    (void)state;
    static char big[8000];
    memset(big, 'a', sizeof(big));
    int fds[2];
    char line[5000];
    assert_int_equal(pipe(fds), 0);
    log_to_fd(fds[1]);
    log_setup("test", LOG_INFO, LOG_FORMAT_KV);
    log_event(LOG_INFO, "e", LOG_S("big", slice_from(big, sizeof(big))), LOG_I("n", 1));
    read_line(fds[0], line, sizeof(line));
    assert_non_null(strstr(line, "e cut=1 n=1\n"));
    /* Whatever its length: what comes behind it, as the address for fail2ban, is there. */
    for (size_t size = 0; size < sizeof(big); size += 7) {
        log_event(LOG_WARN, "auth_failed", LOG_S("user", slice_from(big, size)),
                  LOG_S("method", slice_from(big, size)), LOG_STR("transport", "udp"),
                  LOG_STR("peer", "192.0.2.7:5060"));
        read_line(fds[0], line, sizeof(line));
        assert_non_null(strstr(line, " peer=192.0.2.7:5060\n"));
    }
    log_to_fd(2);
    close(fds[0]);
    close(fds[1]);
}

static void held_lines_leave_together(void **state)
{
    (void)state;
    static char text[1 << 16];
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    log_to_fd(fds[1]);
    log_setup("test", LOG_INFO, LOG_FORMAT_KV);
    log_hold(true);
    log_event(LOG_INFO, "one", LOG_I("n", INT64_MIN));
    log_event(LOG_INFO, "two", LOG_ID("call", 0x0123456789abcdef));
    assert_int_equal(read(fds[0], text, sizeof(text)), -1);
    log_flush();
    read_line(fds[0], text, sizeof(text));
    const char *two = strstr(text, " one n=-9223372036854775808\n");
    assert_non_null(two);
    assert_non_null(strstr(two, " two call=0123456789abcdef\n"));

    log_event(LOG_INFO, "before", LOG_I("n", 1)); /* a warning takes it along */
    log_event(LOG_WARN, "warned", LOG_I("n", 2));
    read_line(fds[0], text, sizeof(text));
    assert_non_null(strstr(strstr(text, " before n=1\n"), " warned n=2\n"));

    for (int i = 0; i < 200; i++) /* more than are held */
        log_event(LOG_INFO, "many", LOG_I("n", i));
    log_hold(false);
    ssize_t n = 0;
    for (ssize_t r; (r = read(fds[0], text + n, sizeof(text) - 1 - (size_t)n)) > 0;)
        n += r;
    text[n] = '\0';
    const char *at = text;
    for (int i = 0; i < 200; i++) {
        char want[32];
        snprintf(want, sizeof(want), " many n=%d\n", i);
        at = strstr(at, want);
        assert_non_null(at);
    }
    log_to_fd(2);
    close(fds[0]);
    close(fds[1]);
}

static void a_log_that_nobody_reads_stops_nothing(void **state)
{
    (void)state;
    static char lines[1 << 20];
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    log_to_fd(fds[1]);
    log_setup("test", LOG_INFO, LOG_FORMAT_KV);
    for (int i = 0; i < 5000; i++) /* more than a pipe holds: would wait for ever */
        log_event(LOG_INFO, "flood", LOG_I("n", i));
    size_t n = read_line(fds[0], lines, sizeof(lines));
    int told = 0;
    for (const char *p = lines; (p = strstr(p, " flood n=")); p++)
        told++;
    assert_true(n > 4096 && told < 5000);
    log_event(LOG_INFO, "after", LOG_I("n", 1));
    read_line(fds[0], lines, sizeof(lines));
    char want[80];
    (void)snprintf(want, sizeof(want), " warn test log_lines_lost lines=%d\n", 5000 - told);
    assert_non_null(strstr(lines, want));
    assert_non_null(strstr(lines, " info test after n=1\n"));
    log_to_fd(2);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_cannot_forge_a_line),
        cmocka_unit_test(a_long_field_is_left_out_whole),
        cmocka_unit_test(held_lines_leave_together),
        cmocka_unit_test(a_log_that_nobody_reads_stops_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
