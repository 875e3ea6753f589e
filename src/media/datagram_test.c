#include "media/datagram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* By the letter of RFC 1071: 16-bit words in network order, one by one. */
static uint16_t slow_sum(const uint8_t *pseudo, size_t pseudo_n, const uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < pseudo_n; i += 2)
        sum += (uint32_t)(pseudo[i] << 8 | pseudo[i + 1]);
    for (size_t i = 0; i < n; i += 2)
        sum += (uint32_t)(p[i] << 8 | (i + 1 < n ? p[i + 1] : 0));
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void addresses(const char *from, const char *to, struct addr ret[2])
{
    assert_int_equal(addr_parse(slice_from_str(from), 20002, &ret[0]), 0);
    assert_int_equal(addr_parse(slice_from_str(to), 4321, &ret[1]), 0);
}

static void test_ipv4(void **state)
{
    (void)state;
    uint8_t packet[DATAGRAM_HEAD_MAX + 1500];
    struct addr a[2];
    addresses("192.0.2.1", "198.51.100.255", a);
    for (uint32_t n = 0; n <= 1472; n += n < 64 ? 1 : 97) {
        uint8_t *payload = packet + DATAGRAM_HEAD_MAX, *ip = payload - DATAGRAM_HEAD_4;
        for (uint32_t i = 0; i < n; i++)
            payload[i] = (uint8_t)(i * 7 + n);
        payload[n] = 0xff; /* behind the end: not to be counted */
        assert_int_equal(datagram_put_head(payload, n, &a[0], &a[1], 0x1234), DATAGRAM_HEAD_4);
        static const uint8_t head[] = {0x45, 0xb8, 0,   0, 0x12, 0x34, 0,    0,  64, 17,
                                       0,    0,    192, 0, 2,    1,    198,  51, 100, 255,
                                       0x4e, 0x22, 0x10, 0xe1};
        assert_memory_equal(ip, head, sizeof(head));
        assert_int_equal(ip[24] << 8 | ip[25], n + 8);
        uint8_t pseudo[12];
        memcpy(pseudo, ip + 12, 8);
        memcpy(pseudo + 8, (uint8_t[]){0, 17, ip[24], ip[25]}, 4);
        assert_int_equal(slow_sum(pseudo, sizeof(pseudo), ip + 20, n + 8), 0xffff);
    }
}

static void test_ipv6(void **state)
{
    (void)state;
    uint8_t packet[DATAGRAM_HEAD_MAX + 1500];
    struct addr a[2];
    addresses("2001:db8::1", "2001:db8:ffff::4321", a);
    for (uint32_t n = 0; n <= 1452; n += n < 64 ? 1 : 97) {
        uint8_t *payload = packet + DATAGRAM_HEAD_MAX, *ip = payload - DATAGRAM_HEAD_6;
        memset(payload, (int)(n + 0x80), n + 1);
        assert_int_equal(datagram_put_head(payload, n, &a[0], &a[1], 1), DATAGRAM_HEAD_6);
        static const uint8_t head[] = {0x6b, 0x80, 0, 0};
        assert_memory_equal(ip, head, sizeof(head));
        assert_int_equal(ip[4] << 8 | ip[5], n + 8);
        assert_int_equal(ip[6], 17);
        assert_int_equal(ip[7], 64);
        assert_memory_equal(ip + 8, &a[0].in6.sin6_addr, 16);
        assert_memory_equal(ip + 24, &a[1].in6.sin6_addr, 16);
        uint8_t pseudo[40];
        memcpy(pseudo, ip + 8, 32);
        memcpy(pseudo + 32, (uint8_t[]){0, 0, ip[4], ip[5], 0, 0, 0, 17}, 8);
        assert_int_equal(slow_sum(pseudo, sizeof(pseudo), ip + 40, n + 8), 0xffff);
    }
}

/* A sum of 0 would say "no checksum", which IPv6 forbids: it is sent as 0xffff (RFC 768). */
static void test_never_zero(void **state)
{
    (void)state;
    uint8_t packet[DATAGRAM_HEAD_MAX + 4] = {0};
    uint8_t *payload = packet + DATAGRAM_HEAD_MAX;
    struct addr a[2];
    bool met = false;
    addresses("192.0.2.1", "198.51.100.255", a);
    for (uint32_t v = 0; v <= 0xffff; v++) {
        payload[0] = (uint8_t)(v >> 8);
        payload[1] = (uint8_t)v;
        (void)datagram_put_head(payload, 2, &a[0], &a[1], 1);
        assert_true(payload[-2] != 0 || payload[-1] != 0);
        met = met || (payload[-2] == 0xff && payload[-1] == 0xff);
    }
    assert_true(met);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_never_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
