#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "sdp/pack.h"
#include "sdp/samples.h"

static char packed[8192], text[8192];

/* Bytes of the packed text. */
static size_t round_trip(struct slice s)
{
    struct buf p = buf_over(packed, sizeof(packed)), t = buf_over(text, sizeof(text));
    sdp_pack(&p, s);
    assert_false(p.overflow);
    assert_true(p.n <= 2 * s.n);
    assert_true(sdp_unpack(&t, buf_slice(&p)));
    assert_true(slice_eq(buf_slice(&t), s));
    return p.n;
}

static void samples_come_back(void **state)
{
    static const char *const samples[] = {SAMPLE_DESK_PHONE,    SAMPLE_SIPP,
                                          SAMPLE_BARESIP_DTLS,  SAMPLE_LINPHONE_SDES,
                                          SAMPLE_LINPHONE_ZRTP, SAMPLE_CHROMIUM};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct slice s = slice_from_str(samples[i]);
        assert_true(round_trip(s) < s.n);
        for (size_t n = 0; n < s.n; n++) /* also where it ends within a phrase */
            (void)round_trip(slice_from(s.p, n));
    }
}

/* As most calls have it: well under half. */
static void common_words_are_bytes(void **state)
{
    static const struct slice s =
        SLICE_LIT("v=0\r\no=- 4711 4711 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                  "m=audio 40036 RTP/SAVP 0 8 101\r\n"
                  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                  "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
                  "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
                  "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
                  "a=sendrecv\r\n");
    (void)state;
    assert_in_range(round_trip(s), 1, s.n * 2 / 5);
}

static void any_bytes_come_back(void **state)
{
    char all[512];
    (void)state;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)(i * 7);
    (void)round_trip(slice_from(all, sizeof(all)));
    assert_int_equal(round_trip(SLICE_LIT("\x80\xff\n\xfe")), 7);
    assert_int_equal(round_trip(SLICE_LIT("")), 0);
    assert_int_equal(round_trip(SLICE_LIT("xv=0\r\n")), 6); /* not where a line begins */
}

static void refuses_what_it_did_not_make(void **state)
{
    struct buf b = buf_over(text, sizeof(text)), small = buf_over(text, 4);
    (void)state;
    assert_false(sdp_unpack(&b, SLICE_LIT("a\xff")));
    assert_false(sdp_unpack(&b, SLICE_LIT("\xfe")));
    assert_false(sdp_unpack(&small, SLICE_LIT("\x80")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_come_back),
        cmocka_unit_test(common_words_are_bytes),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(refuses_what_it_did_not_make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
