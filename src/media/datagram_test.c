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

static void check(const char *from, const char *to, size_t pseudo_n)
{
    uint8_t packet[DATAGRAM_HEAD + 1500];
    uint8_t *udp = packet, *payload = packet + DATAGRAM_HEAD;
    struct addr a[2];
    addresses(from, to, a);
    for (uint32_t n = 0; n <= 1472; n += n < 64 ? 1 : 97) {
        for (uint32_t i = 0; i < n; i++)
            payload[i] = (uint8_t)(i * 7 + n + 0x80);
        payload[n] = 0xff; /* behind the end: not to be counted */
        datagram_put_head(payload, n, &a[0], &a[1]);
        static const uint8_t head[] = {0x4e, 0x22, 0x10, 0xe1};
        assert_memory_equal(udp, head, sizeof(head));
        assert_int_equal(udp[4] << 8 | udp[5], n + 8);
        uint8_t pseudo[40] = {0};
        if (pseudo_n == 12) {
            memcpy(pseudo, &a[0].in.sin_addr, 4);
            memcpy(pseudo + 4, &a[1].in.sin_addr, 4);
        } else {
            memcpy(pseudo, &a[0].in6.sin6_addr, 16);
            memcpy(pseudo + 16, &a[1].in6.sin6_addr, 16);
        }
        memcpy(pseudo + pseudo_n - 4, (uint8_t[]){0, 17, 0, 0}, 4);
        if (pseudo_n == 12) /* RFC 768: protocol, length; RFC 8200: length, protocol */
            memcpy(pseudo + 10, udp + 4, 2);
        else
            memcpy(pseudo + 34, (uint8_t[]){udp[4], udp[5], 0, 0, 0, 17}, 6);
        assert_int_equal(slow_sum(pseudo, pseudo_n, udp, n + 8), 0xffff);
    }
}

static void test_sums(void **state)
{
    (void)state;
    check("192.0.2.1", "198.51.100.255", 12);
    check("255.255.255.255", "255.255.255.254", 12);
    check("2001:db8::1", "2001:db8:ffff::4321", 40);
    check("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1", 40);
}

/* A sum of 0 would say "no checksum", which IPv6 forbids: it is sent as 0xffff (RFC 768). */
static void test_never_zero(void **state)
{
    (void)state;
    uint8_t packet[DATAGRAM_HEAD + 4] = {0};
    uint8_t *payload = packet + DATAGRAM_HEAD;
    struct addr a[2];
    bool met = false;
    addresses("192.0.2.1", "198.51.100.255", a);
    for (uint32_t v = 0; v <= 0xffff; v++) {
        payload[0] = (uint8_t)(v >> 8);
        payload[1] = (uint8_t)v;
        datagram_put_head(payload, 2, &a[0], &a[1]);
        assert_true(payload[-2] != 0 || payload[-1] != 0);
        met = met || (payload[-2] == 0xff && payload[-1] == 0xff);
    }
    assert_true(met);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_never_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
