#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "phone/dtmf.h"

static void one_digit(void **state)
{
    struct dtmf_sender s;
    struct dtmf_packet p = {0};
    unsigned ends = 0, packets = 0, firsts = 0, frames = 0;

    (void)state;
    assert_int_equal(dtmf_sender_init(&s, "#"), 0);
    while (dtmf_is_busy(&s)) {
        frames++;
        if (!dtmf_next(&s, 160, &p))
            continue;
        packets++;
        firsts += p.first;
        ends += (p.payload[1] & 0x80) != 0;
        assert_int_equal(p.payload[0], 11); /* RFC 4733 table 3 */
        assert_int_equal(p.payload[1] & 0x3f, DTMF_VOLUME);
        assert_int_equal(dtmf_digit(slice_from(p.payload, sizeof(p.payload))), '#');
    }
    assert_int_equal(firsts, 1);
    assert_int_equal(ends, DTMF_END_REPEATS);
    assert_int_equal(packets, DTMF_EVENT_FRAMES + DTMF_END_REPEATS - 1);
    assert_int_equal(frames, packets + DTMF_PAUSE_FRAMES);
    assert_int_equal(p.payload[2] << 8 | p.payload[3], DTMF_EVENT_FRAMES * 160);
    assert_false(dtmf_next(&s, 160, &p));
}

static void limits(void **state)
{
    char digits[DTMF_DIGITS_MAX + 2];
    struct dtmf_sender s;

    (void)state;
    memset(digits, 'd', sizeof(digits));
    digits[DTMF_DIGITS_MAX + 1] = '\0';
    assert_int_equal(dtmf_sender_init(&s, digits), -EMSGSIZE);
    digits[DTMF_DIGITS_MAX] = '\0';
    assert_int_equal(dtmf_sender_init(&s, digits), 0);
    assert_int_equal(s.digits[0], 'D');
    assert_int_equal(dtmf_sender_init(&s, "12e"), -EINVAL);
    assert_int_equal(dtmf_sender_init(&s, ""), 0);
    assert_false(dtmf_is_busy(&s));
}

static void strange_payloads(void **state)
{
    (void)state;
    assert_int_equal(dtmf_digit(slice_from("\x05\x0a\x00", 3)), '\0');     /* too short */
    assert_int_equal(dtmf_digit(slice_from("\x10\x0a\x00\xa0", 4)), '\0'); /* flash */
    assert_int_equal(dtmf_digit(slice_from("\x0f\x0a\x00\xa0", 4)), 'D');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_digit),
        cmocka_unit_test(limits),
        cmocka_unit_test(strange_payloads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
