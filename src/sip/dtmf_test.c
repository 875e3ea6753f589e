#include "sip/dtmf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void parses(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
        int event, ms; /* -1: none */
    } rows[] = {
        {"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", 5, 160},
        {"Application/DTMF-Relay; x=y", "signal = *\nduration = 250", 10, 250},
        {"application/dtmf-relay", "Signal= #\r\n", 11, SIP_DTMF_MS},
        {"application/dtmf-relay", "Signal=11\r\nDuration=0\r\n", 11, SIP_DTMF_MS},
        {"application/dtmf-relay", "Signal=d\r\nDuration=99999\r\n", 15, SIP_DTMF_MS_MAX},
        {"application/dtmf-relay", "Signal=!\r\n", 16, SIP_DTMF_MS},
        {"application/dtmf", "7", 7, SIP_DTMF_MS},
        {"application/dtmf", " 7\r\n", 7, SIP_DTMF_MS},
        {"application/dtmf", "12", 12, SIP_DTMF_MS},
        {"application/dtmf", "17", -1, 0},
        {"application/dtmf", "05", -1, 0},
        {"application/dtmf", "x", -1, 0},
        {"application/dtmf", "", -1, 0},
        {"application/dtmf-relay", "Duration=160\r\n", -1, 0},
        {"application/dtmf-relay", "Signal=\r\n", -1, 0},
        {"application/dtmf-relay", "Signal=123\r\n", -1, 0},
        {"application/dtmf-relay", "", -1, 0},
        {"application/sdp", "Signal=5", -1, 0},
        {"", "5", -1, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sip_dtmf d = {.event = 99};
        bool found = sip_dtmf_parse(slice_from_str(rows[i].type), slice_from_str(rows[i].body), &d);
        if (found != (rows[i].event >= 0) ||
            (found && (d.event != rows[i].event || d.ms != rows[i].ms)))
            fail_msg("row %zu: %d, event %u, %u ms", i, found, d.event, d.ms);
        if (!found)
            assert_int_equal(d.event, 99); /* written only on success */
    }
}

static void lines_are_bounded(void **state)
{
    (void)state;
    char body[256];
    for (int before = SIP_DTMF_LINES_MAX - 1; before <= SIP_DTMF_LINES_MAX; before++) {
        struct sip_dtmf d;
        struct buf b = buf_over(body, sizeof(body));
        for (int i = 0; i < before; i++)
            BUF_PUT_LIT(&b, "x=y\r\n");
        BUF_PUT_LIT(&b, "Signal=5\r\n");
        assert_int_equal(sip_dtmf_parse(SLICE_LIT("application/dtmf-relay"), buf_slice(&b), &d),
                         before < SIP_DTMF_LINES_MAX);
    }
}

static void prints_what_it_parses(void **state)
{
    (void)state;
    for (uint8_t event = 0; event <= 16; event++) {
        char text[64];
        struct buf b = buf_over(text, sizeof(text));
        struct sip_dtmf d = {.event = event, .ms = 120}, again = {.event = 99};
        sip_dtmf_put(&b, &d);
        assert_true(sip_dtmf_parse(SLICE_LIT(SIP_DTMF_TYPE), buf_slice(&b), &again));
        assert_int_equal(again.event, event);
        assert_int_equal(again.ms, 120);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(prints_what_it_parses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
