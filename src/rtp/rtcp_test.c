#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtp/rtcp.h"

static char mem[2048];

static struct slice compound(void)
{
    struct buf b = buf_over(mem, sizeof(mem));
    struct rtcp_sender s = {.ntp = 0x0102030405060708, .rtp = 160, .packets = 3, .bytes = 480};
    struct rtcp_block blocks[2] = {{.ssrc = 7, .fraction = 12, .lost = -5, .max = 65540},
                                   {.ssrc = 8, .lost = 0x1000000, .jitter = 9, .dlsr = 65536}};

    rtcp_put_sr(&b, 0x11223344, &s, blocks, 2);
    rtcp_put_rr(&b, 0x11223344, NULL, 0);
    rtcp_put_sdes(&b, 0x11223344, SLICE_LIT("a@example.org"));
    rtcp_put_bye(&b, 0x11223344);
    assert_false(b.overflow);
    return buf_slice(&b);
}

static void printed_and_read(void **state)
{
    struct slice rest = compound();
    struct rtcp_packet p;
    struct rtcp_sender s;
    struct rtcp_block block;

    (void)state;
    assert_int_equal(rtcp_check(rest, false), RTCP_OK);
    assert_int_equal(rtcp_ssrc((const uint8_t *)rest.p), 0x11223344);

    assert_true(rtcp_next(&rest, &p));
    assert_int_equal(p.type, RTCP_SR);
    assert_true(rtcp_sender(&p, &s));
    assert_true(s.ntp == 0x0102030405060708);
    assert_int_equal(s.bytes, 480);
    assert_true(rtcp_block(&p, 0, &block));
    assert_int_equal(block.ssrc, 7);
    assert_int_equal(block.lost, -5);
    assert_int_equal(block.fraction, 12);
    assert_int_equal(block.max, 65540);
    assert_true(rtcp_block(&p, 1, &block));
    assert_int_equal(block.lost, 0x7fffff);
    assert_int_equal(block.dlsr, 65536);
    assert_false(rtcp_block(&p, 2, &block));

    assert_true(rtcp_next(&rest, &p));
    assert_int_equal(p.type, RTCP_RR);
    assert_false(rtcp_sender(&p, &s));
    assert_false(rtcp_block(&p, 0, &block));
    assert_true(rtcp_next(&rest, &p));
    assert_int_equal(p.type, RTCP_SDES);
    assert_memory_equal(p.body.p + 4, "\1\15a@example.org\0", 16);
    assert_true(rtcp_next(&rest, &p));
    assert_int_equal(p.type, RTCP_BYE);
    assert_int_equal(p.count, 1);
    assert_false(rtcp_next(&rest, &p));
}

/* Any CNAME length keeps the packet whole and ends the chunk with a null octet. */
static void cname_lengths(void **state)
{
    char name[300];

    (void)state;
    memset(name, 'x', sizeof(name));
    for (size_t n = 0; n <= sizeof(name); n++) {
        struct buf b = buf_over(mem, sizeof(mem));
        struct rtcp_packet p;
        size_t kept = n < RTCP_CNAME_MAX ? n : RTCP_CNAME_MAX;

        rtcp_put_sdes(&b, 1, slice_from(name, n));
        struct slice rest = buf_slice(&b);

        assert_int_equal(rtcp_check(rest, true), RTCP_OK);
        assert_int_equal(rtcp_check(rest, false), RTCP_BAD_FIRST);
        assert_true(rtcp_next(&rest, &p));
        assert_int_equal((uint8_t)p.body.p[5], kept);
        assert_int_equal(p.body.p[6 + kept], 0);
        assert_int_equal(rest.n, 0);
    }
}

static void cut_short(void **state)
{
    struct slice all = compound();
    size_t ends[] = {28 + 48, 28 + 48 + 8, 28 + 48 + 8 + 24, 28 + 48 + 8 + 24 + 8};

    (void)state;
    for (size_t n = 0; n < all.n; n++) {
        bool whole = n == ends[0] || n == ends[1] || n == ends[2];

        assert_int_equal(rtcp_check(slice_take(all, n), false), n < 8   ? RTCP_TOO_SHORT
                                                                : whole ? RTCP_OK
                                                                        : RTCP_BAD_LENGTH);
    }
    assert_int_equal(all.n, ends[3]);
}

static void refused(void **state)
{
    struct slice all = compound();

    (void)state;
    mem[0] = 0x42;
    assert_int_equal(rtcp_check(all, false), RTCP_NOT_RTCP);
    all = compound();
    mem[77] = (char)191;
    assert_int_equal(rtcp_check(all, false), RTCP_NOT_RTCP);
    all = compound();
    mem[0] |= 0x20; /* padding on the first of several */
    assert_int_equal(rtcp_check(all, false), RTCP_BAD_PADDING);
}

static void padding_of_the_last(void **state)
{
    (void)state;
    for (int count = 0; count < 256; count++) {
        struct buf b = buf_over(mem, sizeof(mem));
        struct rtcp_packet p;

        rtcp_put_rr(&b, 1, NULL, 0);
        buf_put(&b, "\0\0\0\0\0\0\0", 8);
        mem[0] |= 0x20;
        mem[3] = 3;
        mem[15] = (char)count;
        struct slice rest = buf_slice(&b);
        bool ok = count == 4 || count == 8 || count == 12;

        assert_int_equal(rtcp_check(rest, false), ok ? RTCP_OK : RTCP_BAD_PADDING);
        assert_true(rtcp_next(&rest, &p));
        assert_int_equal(p.body.n, ok ? 12 - count : 12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_and_read),    cmocka_unit_test(cname_lengths),
        cmocka_unit_test(cut_short),           cmocka_unit_test(refused),
        cmocka_unit_test(padding_of_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
