#include "media/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "media/datagram.h"

static const uint8_t our_mac[FRAME_MAC] = {2, 0, 0, 0, 0, 1};
static const uint8_t peer_mac[FRAME_MAC] = {2, 0, 0, 0, 0, 2};

struct made {
    struct addr from, to;
    uint8_t p[FRAME_ETH + FRAME_IP6 + DATAGRAM_HEAD + 1300];
    size_t head, n; /* before UDP; all of it */
};

static void make(struct made *m, const char *from, const char *to, uint32_t payload)
{
    assert_int_equal(addr_parse(slice_from_str(from), 4000, &m->from), 0);
    assert_int_equal(addr_parse(slice_from_str(to), 20002, &m->to), 0);
    m->head = frame_head(&m->to);
    m->n = m->head + DATAGRAM_HEAD + payload;
    memset(m->p + m->head + DATAGRAM_HEAD, 0x80, payload);
    datagram_put_head(m->p + m->head + DATAGRAM_HEAD, payload, &m->from, &m->to);
    frame_put_head(m->p, our_mac, peer_mac, &m->from, &m->to, DATAGRAM_HEAD + payload, 0x1234);
}

static void sum_again(struct made *m)
{
    uint8_t *ip = m->p + FRAME_ETH;
    uint32_t sum = 0;
    ip[10] = ip[11] = 0;
    for (size_t i = 0; i < FRAME_IP4; i += 2)
        sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    ip[10] = (uint8_t)(~sum >> 8);
    ip[11] = (uint8_t)~sum;
}

/* As in RFC 791 and 8200, by the letter. */
static void test_heads(void **state)
{
    (void)state;
    static const uint8_t ip4[] = {2, 0, 0,    0,    0, 1,   2,    0,    0, 0, 0,  2,
                                  8, 0, 0x45, 0xb8, 0, 200, 0x12, 0x34, 0, 0, 64, 17};
    static const uint8_t ip6[] = {0x86, 0xdd, 0x6b, 0x80, 0, 0, 0, 180, 17, 64};
    struct made m;
    make(&m, "192.0.2.1", "192.0.2.2", 172);
    assert_int_equal(m.head, 34);
    assert_memory_equal(m.p, ip4, sizeof(ip4));
    assert_memory_equal(m.p + 26, ((uint8_t[]){192, 0, 2, 1, 192, 0, 2, 2}), 8);
    uint8_t sum[2] = {m.p[24], m.p[25]};
    sum_again(&m);
    assert_memory_equal(m.p + 24, sum, 2);
    make(&m, "2001:db8::1", "2001:db8::2", 172);
    assert_int_equal(m.head, 54);
    assert_memory_equal(m.p + 12, ip6, sizeof(ip6));
    assert_int_equal(m.p[22 + 15], 1);
    assert_int_equal(m.p[38 + 15], 2);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const ends[][2] = {{"192.0.2.1", "192.0.2.2"},
                                          {"2001:db8::1", "2001:db8::2"}};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        for (uint32_t n = 1; n < 1280; n += n < 40 ? 1 : 113) {
            struct made m;
            struct frame f;
            make(&m, ends[i][0], ends[i][1], n);
            assert_true(frame_parse(m.p, m.n, &f));
            assert_true(addr_eq(&f.from, &m.from) && addr_eq(&f.to, &m.to));
            assert_memory_equal(f.mac, peer_mac, FRAME_MAC);
            assert_ptr_equal(f.payload, m.p + m.head + DATAGRAM_HEAD);
            assert_int_equal(f.n, n);
            /* Ethernet fills up short frames; no shorter one is whole. */
            assert_true(frame_parse(m.p, m.n + 10, &f));
            assert_int_equal(f.n, n);
            for (size_t cut = 0; cut < m.n; cut++)
                assert_false(frame_parse(m.p, cut, &f));
        }
    }
}

static bool parses_with(const char *from, const char *to, size_t at, uint8_t byte, bool sum)
{
    struct made m;
    struct frame f;
    make(&m, from, to, 20);
    m.p[at] = byte;
    if (sum)
        sum_again(&m);
    return frame_parse(m.p, m.n, &f);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t byte;
        bool good;
    } changes4[] = {
        {0, 2, true},      {6, 3, false},     {12, 0x81, false}, {13, 6, false},
        {14, 0x46, false}, {14, 0x55, false}, {17, 48, true},    {17, 49, false},
        {17, 20, false},   {16, 1, false},    {20, 0x40, true},  {20, 0x20, false},
        {20, 0x80, false}, {21, 1, false},    {22, 1, true},     {23, 6, false},
        {26, 127, false},  {26, 224, false},  {26, 255, false},  {26, 0, false},
        {29, 2, false}, /* from itself */
        {39, 28, true},    {39, 9, true},     {39, 8, false},    {39, 29, false},
        {38, 1, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes4); i++) {
        bool good = parses_with("192.0.2.1", "192.0.2.2", changes4[i].at, changes4[i].byte, true);
        if (good != changes4[i].good)
            fail_msg("byte %zu = %#x: %d", changes4[i].at, changes4[i].byte, good);
    }
    assert_false(parses_with("192.0.2.1", "192.0.2.2", 24, 0, false)); /* the header's sum */
    static const struct {
        size_t at;
        uint8_t byte;
        bool good;
    } changes6[] = {
        {14, 0x50, false}, {14, 0x60, true}, {19, 28, true},  {19, 29, false},
        {19, 7, false},    {20, 0, false},   {20, 44, false}, {20, 60, false},
        {22, 0xff, false}, {37, 2, false},   {59, 29, false}, {59, 8, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(changes6); i++) {
        bool good =
            parses_with("2001:db8::1", "2001:db8::2", changes6[i].at, changes6[i].byte, false);
        if (good != changes6[i].good)
            fail_msg("IPv6: byte %zu = %#x: %d", changes6[i].at, changes6[i].byte, good);
    }
    assert_false(parses_with("::1", "2001:db8::2", 0, 2, false));
    assert_false(parses_with("::ffff:192.0.2.1", "2001:db8::2", 0, 2, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
