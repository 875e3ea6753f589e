#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rtp/demux.h"
#include "rtp/packet.h"

static uint8_t pkt[2048];

static enum rtp_verdict parse(size_t n, struct rtp_hdr *h)
{
    uint8_t *exact = malloc(n ? n : 1); /* a sanitizer sees a byte read too far */

    assert_non_null(exact);
    memcpy(exact, pkt, n);
    enum rtp_verdict v = rtp_hdr_parse(exact, n, h);

    free(exact);
    return v;
}

static void header_lengths(void **state)
{
    struct rtp_hdr h;

    (void)state;
    for (uint32_t csrcs = 0; csrcs < 16; csrcs++) {
        for (uint32_t words = 0; words < 20; words++) {
            uint32_t plain = 12 + 4 * csrcs, extended = plain + 4 + 4 * words;

            memset(pkt, 0, sizeof(pkt));
            pkt[0] = (uint8_t)(0x80 | csrcs);
            wire_put16(pkt + plain + 2, (uint16_t)words);
            assert_int_equal(parse(plain, &h), RTP_OK);
            assert_int_equal(h.hdr_len, plain);
            assert_int_equal(parse(plain - 1, &h), RTP_TOO_SHORT);
            pkt[0] |= 0x10;
            assert_int_equal(parse(extended, &h), RTP_OK);
            assert_int_equal(h.hdr_len, extended);
            for (uint32_t n = 0; n < extended; n++)
                assert_int_equal(parse(n, &h), RTP_TOO_SHORT);
        }
    }
    wire_put16(pkt + 12 + 60 + 2, 65535);
    assert_int_equal(parse(sizeof(pkt), &h), RTP_TOO_SHORT);
}

static void header_fields_both_ways(void **state)
{
    struct rtp_hdr in = {.ssrc = 0xdeadbeef,
                         .timestamp = 0x01020304,
                         .seq = 65000,
                         .pt = 101,
                         .marker = true},
                   out;

    (void)state;
    rtp_hdr_put(pkt, &in);
    assert_int_equal(rtp_hdr_parse(pkt, 12, &out), RTP_OK);
    assert_int_equal(out.ssrc, in.ssrc);
    assert_int_equal(out.timestamp, in.timestamp);
    assert_int_equal(out.seq, in.seq);
    assert_int_equal(out.pt, in.pt);
    assert_true(out.marker);
    assert_false(out.padded);
    for (uint8_t version = 0; version < 4; version++) {
        pkt[0] = (uint8_t)(version << 6);
        assert_int_equal(rtp_hdr_parse(pkt, 12, &out), version == 2 ? RTP_OK : RTP_NOT_RTP);
    }
}

static void padding(void **state)
{
    struct rtp_hdr h;
    struct slice payload;

    (void)state;
    memset(pkt, 0, sizeof(pkt));
    pkt[0] = 0xa0;
    assert_int_equal(rtp_hdr_parse(pkt, 12, &h), RTP_OK);
    for (uint32_t count = 0; count < 256; count++) {
        pkt[12 + 20 - 1] = (uint8_t)count;
        bool ok = count > 0 && count <= 20;

        assert_int_equal(rtp_payload(pkt, 32, &h, &payload), ok ? RTP_OK : RTP_BAD_PADDING);
        if (ok)
            assert_int_equal(payload.n, 20 - count);
    }
    assert_int_equal(rtp_payload(pkt, 12, &h, &payload), RTP_BAD_PADDING);
    assert_int_equal(rtp_payload(pkt, 11, &h, &payload), RTP_TOO_SHORT);
    h.padded = false;
    assert_int_equal(rtp_payload(pkt, 12, &h, &payload), RTP_OK);
    assert_int_equal(payload.n, 0);
}

/* RFC 7983 section 7 with the cookies there; without them nothing is STUN or ZRTP. */
static void demultiplexing(void **state)
{
    (void)state;
    memset(pkt, 0, sizeof(pkt));
    for (int cookie = 0; cookie < 3; cookie++) {
        wire_put32(pkt + 4, cookie == 1 ? RTP_STUN_COOKIE : cookie == 2 ? RTP_ZRTP_COOKIE : 0);
        for (unsigned b = 0; b < 256; b++) {
            enum rtp_kind want = RTP_KIND_UNKNOWN;

            if (b <= 3 && cookie == 1)
                want = RTP_KIND_STUN;
            else if (b >= 16 && b <= 19 && cookie == 2)
                want = RTP_KIND_ZRTP;
            else if (b >= 20 && b <= 63)
                want = RTP_KIND_DTLS;
            else if (b >= 64 && b <= 79)
                want = RTP_KIND_TURN;
            else if (b >= 128 && b <= 191)
                want = RTP_KIND_RTP;
            pkt[0] = (uint8_t)b;
            assert_int_equal(rtp_demux(pkt, 40), want);
            for (size_t n = 0; n < 8; n++)
                assert_int_equal(rtp_demux(pkt, n), RTP_KIND_UNKNOWN);
        }
    }
    pkt[0] = 0x80;
    for (unsigned pt = 0; pt < 256; pt++) {
        bool rtcp = pt >= 192 && pt <= 223;

        pkt[1] = (uint8_t)pt;
        assert_int_equal(rtp_demux(pkt, 12), rtcp ? RTP_KIND_RTCP : RTP_KIND_RTP);
        assert_int_equal(rtp_demux(pkt, 8), rtcp ? RTP_KIND_RTCP : RTP_KIND_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_lengths),
        cmocka_unit_test(header_fields_both_ways),
        cmocka_unit_test(padding),
        cmocka_unit_test(demultiplexing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
