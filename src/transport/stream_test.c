/* TCP: framing, keep-alive, limits, reuse. Two transports of ours talk where both ends matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/testkit.h"

#include <sys/resource.h>

#include "base/log.h"
#include "transport/limits.h"

static const struct addr *tcp(const struct kit *k)
{
    return &k->addr[TRANSPORT_TCP];
}

/* A connection that has said its first message. */
static int greeted(struct kit *k)
{
    int fd = kit_dial(tcp(k));
    unsigned before = k->msgs;

    KIT_PUT(fd, KIT_OPTIONS);
    KIT_PUMP(k, k->msgs == before + 1);
    return fd;
}

static bool is_gone(int fd)
{
    char c[256];
    ssize_t n;

    while ((n = recv(fd, c, sizeof(c), MSG_DONTWAIT)) > 0)
        ;
    return n == 0 || errno != EAGAIN;
}

static void expect(struct kit *k, int fd, const char *want, size_t n)
{
    char got[4096];
    size_t have = 0;

    KIT_PUMP(k, kit_get(fd, got, sizeof(got), &have) && have >= n);
    assert_int_equal(have, n);
    assert_memory_equal(got, want, n);
}

static void test_messages_in_any_segments(void **state)
{
    static const char two[] = KIT_MSG("MESSAGE", "hello", "5") KIT_OPTIONS;
    struct kit *k = kit_new(NULL);
    int fd = kit_dial(tcp(k));

    (void)state;
    KIT_PUT(fd, two);
    KIT_PUMP(k, k->msgs == 2);
    for (size_t i = 0; i + 1 < sizeof(two); i++) {
        kit_put(fd, two + i, 1);
        assert_int_equal(loop_once(k->loop, 100), 0);
    }
    KIT_PUMP(k, k->msgs == 4);
    assert_int_equal(k->last_n, sizeof(KIT_OPTIONS) - 1);
    k->answer = true;
    KIT_PUT(fd, KIT_OPTIONS);
    expect(k, fd, KIT_ANSWER, sizeof(KIT_ANSWER) - 1);
    assert_int_equal(k->flow.kind, TRANSPORT_TCP);
    assert_true(transport_is_alive(k->t, &k->flow));
    close(fd);
    KIT_PUMP(k, k->closed == 1);
    assert_false(transport_is_alive(k->t, &k->flow));
    assert_int_equal(transport_send(k->t, &k->flow, SLICE_LIT(KIT_ANSWER)), -ENOTCONN);
    assert_int_equal(k->closed_id, k->flow.conn);
    kit_free(k);
}

static void test_keep_alive(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = greeted(k);
    char c;

    (void)state;
    KIT_PUT(fd, "\r\n\r\n");
    expect(k, fd, "\r\n", 2);
    KIT_PUT(fd, "\r\n"); /* a pong of the peer's, or half a ping */
    kit_turn(k);
    assert_true(recv(fd, &c, 1, MSG_DONTWAIT) < 0);
    KIT_PUT(fd, "\r\n");
    expect(k, fd, "\r\n", 2);
    KIT_PUT(fd, "\r\n\r\n\r\n\r\n\r\n" KIT_OPTIONS "\r\n\r\n");
    KIT_PUMP(k, k->msgs == 2);
    expect(k, fd, "\r\n\r\n\r\n", 6);
    close(fd);
    kit_free(k);
}

static void expect_end(struct kit *k, int fd, const char *word)
{
    KIT_PUMP(k, k->closed == 1);
    if (!strstr(k->reason, word))
        print_error("%s\n", k->reason);
    assert_non_null(strstr(k->reason, word));
    assert_true(is_gone(fd));
    close(fd);
    kit_free(k);
}

static void test_what_cannot_be_framed_ends(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = kit_dial(tcp(k));

    (void)state;
    KIT_PUT(fd, "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    expect_end(k, fd, "not SIP");

    k = kit_new(NULL);
    fd = kit_dial(tcp(k));
    KIT_PUT(fd, "OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n");
    expect_end(k, fd, "told apart");
}

static void test_message_size_limit(void **state)
{
    static char big[SIP_MSG_MAX + 2];
    struct kit *k = kit_new(NULL);
    int fd = kit_dial(tcp(k));

    (void)state;
    for (unsigned one_past = 0; one_past <= 1; one_past++) {
        size_t total = SIP_MSG_MAX + one_past;
        size_t body = total - (sizeof(KIT_MSG("MESSAGE", "", "00000")) - 1);
        int head = snprintf(big, sizeof(big), KIT_MSG("MESSAGE", "", "%05zu"), body);
        memset(big + head, 'x', body);
        for (size_t sent = 0; sent < total && k->closed == 0;) {
            ssize_t n = send(fd, big + sent, total - sent, MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
            assert_int_equal(loop_once(k->loop, 10), 0);
        }
        if (!one_past) {
            KIT_PUMP(k, k->msgs == 1);
            assert_int_equal(k->last_n, SIP_MSG_MAX);
        }
    }
    expect_end(k, fd, "too large");
}

static void test_queue_limit(void **state)
{
    static char big[60000];
    struct kit *k = kit_new(NULL);
    int fd = greeted(k), r = 0;

    (void)state;
    for (int i = 0; i < 1000 && r == 0; i++) {
        r = transport_send(k->t, &k->flow, slice_from(big, sizeof(big)));
        assert_int_equal(loop_once(k->loop, 0), 0);
    }
    assert_int_equal(r, -ENOBUFS);
    assert_int_equal(transport_send(k->t, &k->flow, SLICE_LIT("x")), -ENOTCONN);
    KIT_PUMP(k, k->closed == 1);
    assert_non_null(strstr(k->reason, "does not read"));
    close(fd);
    kit_free(k);
}

/* What does not fit the socket waits, and arrives whole once the peer reads. */
static void test_slow_reader(void **state)
{
    enum { COUNT = 30 };
    static char msg[50000], got[1 << 16];
    struct kit *k = kit_new(NULL);
    int fd = greeted(k), size = 16384;
    size_t sent = 0, had = 0;

    (void)state;
    /* Ours, by the duplicate: a small window of the peer's would make the kernel wait and probe. */
    assert_int_equal(setsockopt(k->held_fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    for (size_t i = 0; i < sizeof(msg); i++)
        msg[i] = (char)('a' + i % 26);
    for (int i = 0; i < COUNT; i++) {
        while (sent - had > 150000) {
            ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
            for (ssize_t j = 0; j < n; j++, had++)
                assert_int_equal(got[j], 'a' + (int)(had % sizeof(msg) % 26));
            assert_int_equal(loop_once(k->loop, 0), 0);
        }
        assert_int_equal(transport_send(k->t, &k->flow, slice_from(msg, sizeof(msg))), 0);
        sent += sizeof(msg);
    }
    while (had < sent) {
        ssize_t n = recv(fd, got, sizeof(got), MSG_DONTWAIT);
        had += n > 0 ? (size_t)n : 0;
        assert_int_equal(loop_once(k->loop, 0), 0);
    }
    assert_int_equal(k->closed, 0);
    close(fd);
    kit_free(k);
}

/* --- time -------------------------------------------------------------------------------------- */

static void test_silence_before_any_message(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = kit_dial(tcp(k));

    (void)state;
    KIT_PUMP(k, k->holds == 1);
    loop_advance(k->loop, TRANSPORT_SILENT_MS - 1);
    assert_int_equal(k->closed, 0);
    loop_advance(k->loop, 1);
    expect_end(k, fd, "no SIP message");
}

static void test_idle(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = greeted(k);

    (void)state;
    loop_advance(k->loop, TRANSPORT_IDLE_MS - 1);
    assert_int_equal(k->closed, 0);
    KIT_PUT(fd, "\r\n\r\n");
    expect(k, fd, "\r\n", 2);
    loop_advance(k->loop, TRANSPORT_IDLE_MS - 1);
    assert_int_equal(k->closed, 0);
    loop_advance(k->loop, 1);
    expect_end(k, fd, "nothing was heard");
}

static void test_unfinished_message(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = greeted(k);

    (void)state;
    KIT_PUT(fd, "OPTIONS sip:");
    kit_turn(k);
    loop_advance(k->loop, TRANSPORT_UNFINISHED_MS - 1);
    KIT_PUT(fd, "a"); /* a byte now and then is no progress */
    kit_turn(k);
    assert_int_equal(k->closed, 0);
    loop_advance(k->loop, 1);
    expect_end(k, fd, "not finished");
}

/* --- limits of connections --------------------------------------------------------------------- */

static void few_connections(struct transport_config *cfg)
{
    cfg->max_connections = 3;
}

static void few_per_source(struct transport_config *cfg)
{
    cfg->max_per_source = 3;
}

static void run_connection_limit(void (*change)(struct transport_config *cfg))
{
    struct kit *k = kit_new(change);
    int fd[4];

    for (int i = 0; i < 3; i++)
        fd[i] = greeted(k);
    fd[3] = kit_dial(tcp(k));
    KIT_PUMP(k, is_gone(fd[3]));
    close(fd[3]);
    close(fd[0]);
    unsigned before = k->closed; /* the refused one may have been counted */
    KIT_PUMP(k, k->closed == before + 1);
    fd[0] = greeted(k);
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    kit_free(k);
}

static void test_connection_limits(void **state)
{
    (void)state;
    run_connection_limit(few_connections);
    run_connection_limit(few_per_source);
}

static void test_refused_sources(void **state)
{
    struct kit *k = kit_new(NULL);

    (void)state;
    k->refuse = true;
    int fd = kit_dial(tcp(k));
    KIT_PUMP(k, is_gone(fd));
    assert_int_equal(k->holds, 0);
    close(fd);
    kit_free(k);
}

static void test_accept_without_descriptors(void **state)
{
    struct kit *k = kit_new(NULL);
    struct rlimit old, none;
    int fd = kit_dial(tcp(k)), top = dup(fd);

    (void)state;
    close(top);
    log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){(rlim_t)top, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    kit_turn(k);
    assert_int_equal(k->holds, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    kit_turn(k);
    assert_int_equal(k->holds, 0); /* it looks away for a moment */
    loop_advance(k->loop, TRANSPORT_ACCEPT_PAUSE_MS);
    KIT_PUMP(k, k->holds == 1);
    log_to_fd(STDERR_FILENO);
    close(fd);
    kit_free(k);
}

static void test_stop_accepting(void **state)
{
    struct kit *k = kit_new(NULL);

    (void)state;
    transport_set_accepting(k->t, false);
    int fd = kit_dial(tcp(k)); /* by the kernel's queue */
    kit_turn(k);
    assert_int_equal(k->holds, 0);
    transport_set_accepting(k->t, true);
    KIT_PUMP(k, k->holds == 1);
    close(fd);
    kit_free(k);
}

/* --- our own connections ----------------------------------------------------------------------- */

static void test_connect_and_use_again(void **state)
{
    struct kit *k = kit_new(NULL);
    struct addr peer = kit_loopback();
    int listener = kit_bind(SOCK_STREAM, &peer), fd = -1;
    struct transport_flow f, again;
    char via[300], want[300];
    struct buf b = buf_over(via, sizeof(via));

    (void)state;
    assert_int_equal(transport_connect(k->t, TRANSPORT_TCP, &peer, SLICE_NONE, &f), 0);
    assert_int_equal(transport_connect(k->t, TRANSPORT_TCP, &peer, SLICE_LIT("name"), &again), 0);
    assert_true(f.conn == again.conn);
    /* Sent before it stands: queued. */
    assert_int_equal(transport_send(k->t, &f, SLICE_LIT(KIT_OPTIONS)), 0);
    assert_int_equal(transport_send(k->t, &f, SLICE_LIT(KIT_OPTIONS)), 0);
    KIT_PUMP(k, (fd = accept(listener, NULL, NULL)) >= 0);
    expect(k, fd, KIT_OPTIONS KIT_OPTIONS, 2 * (sizeof(KIT_OPTIONS) - 1));
    KIT_PUT(fd, KIT_ANSWER);
    KIT_PUMP(k, k->msgs == 1);
    assert_true(k->flow.conn == f.conn);
    transport_put_via(&b, k->t, &f, SLICE_LIT("z9hG4bKx"));
    buf_put_char(&b, '\0');
    (void)snprintf(want, sizeof(want), "Via: SIP/2.0/TCP 127.0.0.1:%u;branch=z9hG4bKx;rport\r\n",
                   addr_port(tcp(k)));
    assert_string_equal(via, want);
    close(fd);
    KIT_PUMP(k, k->closed == 1);
    assert_int_equal(transport_connect(k->t, TRANSPORT_TCP, &peer, SLICE_NONE, &again), 0);
    assert_true(f.conn != again.conn);
    close(listener);
    kit_free(k);
}

static void test_connect_fails(void **state)
{
    struct kit *k = kit_new(NULL);
    struct addr peer = kit_loopback();
    struct transport_flow f;

    (void)state;
    close(kit_bind(SOCK_STREAM, &peer)); /* nobody listens there now */
    assert_int_equal(transport_connect(k->t, TRANSPORT_TCP, &peer, SLICE_NONE, &f), 0);
    assert_int_equal(transport_send(k->t, &f, SLICE_LIT(KIT_OPTIONS)), 0);
    KIT_PUMP(k, k->closed == 1);
    assert_int_equal(k->closed_id, f.conn);
    assert_int_equal(k->holds, 0);
    assert_non_null(strstr(k->reason, "refused"));
    kit_free(k);
}

static void test_close_from_a_callback(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = kit_dial(tcp(k));

    (void)state;
    k->close_on_msg = true;
    KIT_PUT(fd, KIT_OPTIONS KIT_OPTIONS);
    KIT_PUMP(k, k->closed == 1);
    assert_int_equal(k->msgs, 1);
    assert_int_equal(k->unholds, 1);
    assert_string_equal(k->reason, "the test says so");
    assert_true(is_gone(fd));
    close(fd);
    kit_free(k);
}

/* What was sent before a close in the same wake-up still leaves. */
static void test_last_words(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = greeted(k);

    (void)state;
    assert_int_equal(transport_send(k->t, &k->flow, SLICE_LIT(KIT_ANSWER)), 0);
    transport_close(k->t, k->flow.conn, "done");
    expect(k, fd, KIT_ANSWER, sizeof(KIT_ANSWER) - 1);
    KIT_PUMP(k, k->closed == 1);
    close(fd);
    kit_free(k);
}

static void on_info(void *arg, const struct transport_conn_info *i)
{
    *(struct transport_conn_info *)arg = *i;
}

static void test_show(void **state)
{
    struct kit *k = kit_new(NULL);
    int fd = greeted(k);
    struct transport_conn_info i = {0};

    (void)state;
    transport_set_user(k->t, k->flow.conn, SLICE_LIT("1000@example.org"));
    transport_each_conn(k->t, on_info, &i);
    assert_true(i.conn == k->flow.conn && i.kind == TRANSPORT_TCP && !i.outgoing);
    assert_true(slice_eq_str(i.user, "1000@example.org"));
    assert_int_equal(i.rx_msgs, 1);
    assert_false(i.security.encrypted);
    close(fd);
    kit_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_in_any_segments),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_what_cannot_be_framed_ends),
        cmocka_unit_test(test_message_size_limit),
        cmocka_unit_test(test_queue_limit),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_silence_before_any_message),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_unfinished_message),
        cmocka_unit_test(test_connection_limits),
        cmocka_unit_test(test_refused_sources),
        cmocka_unit_test(test_accept_without_descriptors),
        cmocka_unit_test(test_stop_accepting),
        cmocka_unit_test(test_connect_and_use_again),
        cmocka_unit_test(test_connect_fails),
        cmocka_unit_test(test_close_from_a_callback),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
