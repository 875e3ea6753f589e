/* Datagrams over loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/testkit.h"

#include "base/log.h"
#include "transport/limits.h"

static int client(struct addr *ret)
{
    *ret = kit_loopback();
    return kit_bind(SOCK_DGRAM, ret);
}

static void say(int fd, const struct addr *to, const char *s, size_t n)
{
    assert_int_equal(sendto(fd, s, n, 0, &to->sa, addr_len(to)), (ssize_t)n);
}

static size_t hear(struct kit *k, int fd, char *dst, size_t cap)
{
    ssize_t n = -1;

    KIT_PUMP(k, (n = recv(fd, dst, cap, MSG_DONTWAIT)) >= 0);
    return (size_t)n;
}

static void test_request_and_answer(void **state)
{
    struct kit *k = kit_new(NULL);
    struct addr me;
    char got[2000];
    int fd = client(&me);

    (void)state;
    k->answer = true;
    say(fd, &k->addr[TRANSPORT_UDP], KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1);
    KIT_PUMP(k, k->msgs == 1);
    assert_int_equal(k->last_n, sizeof(KIT_OPTIONS) - 1);
    assert_true(addr_eq(&k->flow.remote, &me));
    assert_true(addr_eq(&k->flow.local, &k->addr[TRANSPORT_UDP]));
    assert_int_equal(k->flow.kind, TRANSPORT_UDP);
    assert_true(transport_is_alive(k->t, &k->flow));
    assert_int_equal(hear(k, fd, got, sizeof(got)), sizeof(KIT_ANSWER) - 1);
    assert_memory_equal(got, KIT_ANSWER, sizeof(KIT_ANSWER) - 1);
    assert_int_equal(k->traced, 2);
    close(fd);
    kit_free(k);
}

static void test_burst_past_every_batch(void **state)
{
    enum { COUNT = TRANSPORT_UDP_BATCH * TRANSPORT_UDP_ROUNDS + TRANSPORT_UDP_QUEUE + 5 };
    struct kit *k = kit_new(NULL);
    struct addr me;
    char got[2000];
    int fd = client(&me);

    (void)state;
    k->answer = true;
    for (int i = 0; i < COUNT; i++)
        say(fd, &k->addr[TRANSPORT_UDP], KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1);
    KIT_PUMP(k, k->msgs == COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(hear(k, fd, got, sizeof(got)), sizeof(KIT_ANSWER) - 1);
    close(fd);
    kit_free(k);
}

static void test_noise_is_dropped(void **state)
{
    struct kit *k = kit_new(NULL);
    struct addr me;
    char got[64];
    int fd = client(&me);

    (void)state;
    say(fd, &k->addr[TRANSPORT_UDP], "\r\n\r\n", 4);
    say(fd, &k->addr[TRANSPORT_UDP], "", 0);
    say(fd, &k->addr[TRANSPORT_UDP], "\0\0\0\0", 4);
    say(fd, &k->addr[TRANSPORT_UDP], "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    say(fd, &k->addr[TRANSPORT_UDP], KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1);
    KIT_PUMP(k, k->msgs == 1);
    assert_int_equal(k->bad, 0);
    assert_true(recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0);
    close(fd);
    kit_free(k);
}

static void test_size_limit(void **state)
{
    static char big[TRANSPORT_UDP_MAX + 1], got[TRANSPORT_UDP_MAX + 1];
    struct kit *k = kit_new(NULL);
    struct addr me;
    struct transport_flow f;
    int fd = client(&me);

    (void)state;
    assert_int_equal(transport_connect(k->t, TRANSPORT_UDP, &me, SLICE_NONE, &f), 0);
    assert_int_equal(transport_send(k->t, &f, slice_from(big, sizeof(big))), -EMSGSIZE);
    assert_int_equal(transport_send(k->t, &f, slice_from(big, TRANSPORT_UDP_MAX)), 0);
    assert_int_equal(hear(k, fd, got, sizeof(got)), TRANSPORT_UDP_MAX);
    close(fd);
    kit_free(k);
}

static void make_wildcard(struct transport_config *cfg)
{
    static struct transport_listener l;

    for (size_t i = 0; i < cfg->listener_count; i++)
        close(cfg->listeners[i].fd);
    l = (struct transport_listener){.kind = TRANSPORT_UDP, .bound.in6 = {.sin6_family = AF_INET6}};
    l.fd = kit_bind(SOCK_DGRAM, &l.bound);
    cfg->listeners = &l;
    cfg->listener_count = 1;
}

/* A dual-stack wildcard socket answers from the address that was asked, and shows IPv4 as IPv4. */
static void test_wildcard_answers_from_the_address_asked(void **state)
{
    struct kit *k = kit_new(make_wildcard);
    struct addr me, to = kit_loopback(), from;
    socklen_t n = sizeof(from);
    char got[2000], text[ADDR_STR_MAX];
    int fd = client(&me);

    (void)state;
    k->answer = true;
    to.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1); /* 127.0.0.2 */
    addr_set_port(&to, addr_port(&k->cfg.listeners[0].bound));
    say(fd, &to, KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1);
    KIT_PUMP(k, k->msgs == 1);
    assert_string_equal(addr_str(&k->flow.local, text), addr_str(&to, (char[ADDR_STR_MAX]){0}));
    assert_true(addr_eq(&k->flow.remote, &me));
    kit_turn(k);
    assert_true(recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, &from.sa, &n) > 0);
    assert_true(addr_eq(&from, &to));
    close(fd);
    kit_free(k);
}

static void test_via_and_contact(void **state)
{
    struct kit *k = kit_new(NULL);
    struct addr me;
    struct transport_flow f;
    char text[300], want[300];
    struct buf b = buf_over(text, sizeof(text));
    int fd = client(&me);

    (void)state;
    assert_int_equal(transport_connect(k->t, TRANSPORT_UDP, &me, SLICE_NONE, &f), 0);
    transport_put_via(&b, k->t, &f, SLICE_LIT("z9hG4bKx"));
    buf_put_char(&b, '\0');
    (void)snprintf(want, sizeof(want), "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKx;rport\r\n",
                   addr_port(&k->addr[TRANSPORT_UDP]));
    assert_string_equal(text, want);
    b = buf_over(text, sizeof(text));
    transport_put_contact_uri(&b, k->t, &f, SLICE_LIT("bob"));
    buf_put_char(&b, '\0');
    (void)snprintf(want, sizeof(want), "sip:bob@127.0.0.1:%u", addr_port(&k->addr[TRANSPORT_UDP]));
    assert_string_equal(text, want);
    close(fd);
    kit_free(k);
}

static void test_kind_names(void **state)
{
    enum transport_kind k;

    (void)state;
    for (int i = 0; i < TRANSPORT_KIND_COUNT; i++) {
        assert_int_equal(
            transport_kind_parse(slice_from_str(transport_via_name((enum transport_kind)i)), &k),
            0);
        assert_int_equal(k, i);
    }
    assert_int_equal(transport_kind_parse(SLICE_LIT("sctp"), &k), -EINVAL);
    assert_false(transport_kind_is_reliable(TRANSPORT_UDP));
    assert_true(transport_kind_is_secure(TRANSPORT_TLS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_answer),
        cmocka_unit_test(test_burst_past_every_batch),
        cmocka_unit_test(test_noise_is_dropped),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_wildcard_answers_from_the_address_asked),
        cmocka_unit_test(test_via_and_contact),
        cmocka_unit_test(test_kind_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
