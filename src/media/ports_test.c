#include "media/ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <unistd.h>

static struct addr loopback(void)
{
    struct addr a;
    assert_int_equal(addr_parse(SLICE_LIT("127.0.0.1"), 0, &a), 0);
    return a;
}

/* A place in the range where `n` pairs are free now: picked by the kernel. */
static uint16_t free_range(unsigned n)
{
    struct media_sockets s[8];
    assert_true(n <= ARRAY_LEN(s));
    struct addr a = loopback();
    for (int tries = 0; tries < 200; tries++) {
        struct addr probe = a;
        socklen_t len = sizeof(probe);
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        assert_true(fd >= 0 && bind(fd, &probe.sa, addr_len(&probe)) == 0);
        assert_int_equal(getsockname(fd, &probe.sa, &len), 0);
        close(fd);
        unsigned port = (addr_port(&probe) + 1u) & ~1u;
        if (port + 2 * n > 65535)
            continue;
        struct media_ports p;
        assert_int_equal(media_ports_init(&p, (uint16_t)port, (uint16_t)(port + 2 * n - 1)), 0);
        unsigned got = 0;
        while (got < n && media_ports_take(&p, &a, &s[got]) == 0)
            got++;
        for (unsigned i = 0; i < got; i++) {
            close(s[i].rtp);
            close(s[i].rtcp);
        }
        media_ports_fini(&p);
        if (got == n)
            return (uint16_t)port;
    }
    fail();
    return 0;
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        uint16_t min, max, first, pairs;
    } rows[] = {
        {20000, 29999, 20000, 5000}, {20001, 29999, 20002, 4999}, {20000, 29998, 20000, 4999},
        {20000, 20001, 20000, 1},    {65534, 65535, 65534, 1},    {20000, 20000, 0, 0},
        {20001, 20002, 0, 0},        {65535, 65535, 0, 0},        {0, 100, 0, 0},
        {30000, 20000, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_ports p = {0};
        int r = media_ports_init(&p, rows[i].min, rows[i].max);
        assert_int_equal(r, rows[i].pairs ? 0 : -EINVAL);
        if (r == 0) {
            assert_int_equal(p.first, rows[i].first);
            assert_int_equal(p.pairs, rows[i].pairs);
        }
        media_ports_fini(&p);
    }
}

static void test_takes_all_then_no_more(void **state)
{
    (void)state;
    struct addr a = loopback();
    uint16_t port = free_range(4);
    struct media_ports p;
    struct media_sockets s[4], more;
    assert_int_equal(media_ports_init(&p, port, (uint16_t)(port + 7)), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(media_ports_take(&p, &a, &s[i]), 0);
        assert_int_equal(s[i].port % 2, 0);
    }
    assert_int_equal(p.used, 4);
    assert_int_equal(media_ports_take(&p, &a, &more), -EADDRINUSE);

    close(s[2].rtp);
    close(s[2].rtcp);
    media_ports_release(&p, s[2].port);
    media_ports_release(&p, s[2].port); /* twice is once */
    assert_int_equal(p.used, 3);
    assert_int_equal(media_ports_take(&p, &a, &more), 0);
    assert_int_equal(more.port, s[2].port);
    for (int i = 0; i < 4; i++) {
        close(i == 2 ? more.rtp : s[i].rtp);
        close(i == 2 ? more.rtcp : s[i].rtcp);
    }
    media_ports_fini(&p);
}

/* Whole pairs, each in one share and all of them in some. */
static void test_shares(void **state)
{
    (void)state;
    static const struct {
        uint16_t min, max;
        uint32_t workers, pairs; /* of each but the last */
    } rows[] = {
        {20000, 29999, 1, 5000}, {20000, 29999, 2, 2500}, {20001, 29999, 3, 1666},
        {20000, 29998, 16, 312}, {65000, 65535, 2, 134},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct media_ports all = {0}, p = {0};
        uint16_t min, max;
        unsigned next, sum = 0;
        assert_int_equal(media_ports_init(&all, rows[i].min, rows[i].max), 0);
        next = all.first;
        for (uint32_t w = 0; w < rows[i].workers; w++) {
            media_ports_share(rows[i].min, rows[i].max, w, rows[i].workers, &min, &max);
            assert_int_equal(media_ports_init(&p, min, max), 0);
            assert_int_equal(p.first, next);
            assert_true(p.pairs == rows[i].pairs || w + 1 == rows[i].workers);
            next += 2u * p.pairs;
            sum += p.pairs;
            assert_true(w + 1 < rows[i].workers ? max + 1u == next : max == rows[i].max);
            media_ports_fini(&p);
        }
        assert_int_equal(sum, all.pairs);
        media_ports_fini(&all);
    }
    struct media_ports none = {0};
    uint16_t min, max;
    media_ports_share(20000, 20003, 1, 3, &min, &max); /* less than a pair for each */
    assert_int_equal(media_ports_init(&none, min, max), -EINVAL);
}

static void test_skips_a_foreign_port(void **state)
{
    (void)state;
    struct addr a = loopback(), b = a;
    uint16_t port = free_range(2);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    addr_set_port(&b, (uint16_t)(port + 1)); /* the first pair's RTCP */
    assert_true(fd >= 0 && bind(fd, &b.sa, addr_len(&b)) == 0);
    struct media_ports p;
    struct media_sockets s;
    assert_int_equal(media_ports_init(&p, port, (uint16_t)(port + 3)), 0);
    assert_int_equal(media_ports_take(&p, &a, &s), 0);
    assert_int_equal(s.port, port + 2);
    struct media_sockets more;
    assert_int_equal(media_ports_take(&p, &a, &more), -EADDRINUSE);
    close(fd);
    assert_int_equal(media_ports_take_at(&p, &a, port, &more), 0);
    close(more.rtp);
    close(more.rtcp);
    close(s.rtp);
    close(s.rtcp);
    media_ports_fini(&p);
}

static void test_ipv6_and_wrong_addresses(void **state)
{
    (void)state;
    struct addr a;
    struct media_ports p;
    struct media_sockets s;
    uint16_t port = free_range(4);
    assert_int_equal(media_ports_init(&p, port, (uint16_t)(port + 7)), 0);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.77"), 0, &a), 0);
    assert_int_equal(media_ports_take(&p, &a, &s), -EADDRNOTAVAIL);
    assert_int_equal(p.used, 0);
    assert_int_equal(addr_parse(SLICE_LIT("::1"), 0, &a), 0);
    int r = media_ports_take(&p, &a, &s);
    if (r == 0) { /* a machine without IPv6 says -EADDRNOTAVAIL */
        close(s.rtp);
        close(s.rtcp);
    } else {
        assert_true(r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT);
    }
    media_ports_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_takes_all_then_no_more),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_skips_a_foreign_port),
        cmocka_unit_test(test_ipv6_and_wrong_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
