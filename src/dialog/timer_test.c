#include "dialog/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char text[1024];
static struct sip_msg msg;

static const struct sip_msg *parse(const char *start, const char *more)
{
    int n = snprintf(text, sizeof(text),
                     "%s\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                     "From: <sip:a@h>;tag=f\r\nTo: <sip:b@h>;tag=t\r\nCall-ID: c\r\n"
                     "CSeq: 7 INVITE\r\n%sContent-Length: 0\r\n\r\n",
                     start, more);
    assert_int_equal(sip_msg_parse(slice_from(text, (size_t)n), &msg), SIP_PARSE_OK);
    return &msg;
}

#define NO_REQUEST UINT32_MAX

/* RFC 4028 s.9, table 2, and the bounds. */
static void as_server(void **state)
{
    (void)state;
    static const struct {
        uint32_t min, def;
        const char *hdrs;
        uint32_t interval; /* NO_REQUEST: 422 */
        bool we_refresh;
    } rows[] = {
        {90, 1800, "", 1800, true},
        {90, 1800, "Supported: timer\r\n", 1800, false},
        {90, 1800, "Supported: 100rel, timer\r\nSession-Expires: 600\r\n", 600, false},
        {90, 1800, "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n", 600, true},
        {90, 1800, "Supported: timer\r\nx: 600;refresher=uac\r\n", 600, false},
        {90, 1800, "Require: timer\r\nSession-Expires: 600;refresher=uac\r\n", 600, false},
        {90, 1800, "Session-Expires: 600;refresher=uac\r\n", 600, true}, /* it cannot */
        {90, 1800, "Supported: timer\r\nSession-Expires: 7200\r\n", 1800, false},
        {90, 1800, "Supported: timer\r\nSession-Expires: 7200\r\nMin-SE: 3600\r\n", 3600, false},
        {90, 1800, "Supported: timer\r\nSession-Expires: 90\r\n", 90, false},
        {90, 1800, "Supported: timer\r\nSession-Expires: 89\r\n", NO_REQUEST, false},
        {120, 1800, "Supported: timer\r\nSession-Expires: 119\r\n", NO_REQUEST, false},
        {10, 1800, "Supported: timer\r\nSession-Expires: 60\r\n", NO_REQUEST, false},
        {120, 1800, "Session-Expires: 60\r\n", 120, true}, /* who would not know a 422 */
        {90, 0, "", 0, false},
        {90, 0, "Supported: timer\r\n", 0, false},
        {90, 0, "Supported: timer\r\nSession-Expires: 7200\r\n", 7200, false},
        {90, 1800, "Supported: timer\r\nMin-SE: 2400\r\n", 2400, false},
        {90, 1800, "Supported: timer\r\nSession-Expires: soon\r\n", 1800, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dialog_timer_config cfg = {rows[i].min, rows[i].def};
        struct dialog_timer t;
        int r = dialog_timer_from_request(&cfg, parse("INVITE sip:b@h SIP/2.0", rows[i].hdrs), &t);
        if (rows[i].interval == NO_REQUEST) {
            assert_int_equal(r, DIALOG_TIMER_TOO_SMALL);
            continue;
        }
        assert_int_equal(r, DIALOG_TIMER_OK);
        assert_int_equal(t.interval_s, rows[i].interval);
        assert_int_equal(t.we_refresh, rows[i].we_refresh);
    }
}

static void as_client(void **state)
{
    (void)state;
    static const struct {
        const char *hdrs;
        uint32_t interval;
        bool we_refresh;
    } rows[] = {
        {"", 0, false},
        {"Session-Expires: 600;refresher=uac\r\nRequire: timer\r\n", 600, true},
        {"Session-Expires: 600;refresher=uas\r\n", 600, false},
        {"Session-Expires: 600\r\n", 600, true},
        {"Session-Expires: 1;refresher=uac\r\n", 90, true},
        {"Session-Expires: x\r\n", 0, false},
    };
    struct dialog_timer_config cfg = {90, 1800};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dialog_timer t = {.interval_s = 5};
        dialog_timer_from_answer(&cfg, parse("SIP/2.0 200 OK", rows[i].hdrs), &t);
        assert_int_equal(t.interval_s, rows[i].interval);
        assert_int_equal(t.we_refresh, rows[i].we_refresh);
    }
}

static void a_422_raises_what_is_asked_for(void **state)
{
    (void)state;
    struct dialog_timer_config cfg = {90, 1800};
    struct dialog_timer t = {0};
    char out[200];
    assert_true(dialog_timer_from_422(&cfg, parse("SIP/2.0 422 X", "Min-SE: 3600\r\n"), &t));
    struct buf b = buf_over(out, sizeof(out));
    dialog_timer_put_request(&b, &cfg, &t);
    assert_true(slice_eq_str(buf_slice(&b), "Session-Expires: 3600;refresher=uac\r\n"
                                            "Min-SE: 3600\r\n"));
    assert_false(dialog_timer_from_422(&cfg, parse("SIP/2.0 422 X", "Min-SE: 3600\r\n"), &t));
    assert_false(dialog_timer_from_422(&cfg, parse("SIP/2.0 422 X", ""), &t));
}

static void check_request(const struct dialog_timer_config *cfg, const struct dialog_timer *t,
                          const char *want)
{
    char out[200];
    struct buf b = buf_over(out, sizeof(out));
    dialog_timer_put_request(&b, cfg, t);
    assert_true(slice_eq_str(buf_slice(&b), want));
}

static void check_answer(const struct dialog_timer *t, const char *want)
{
    char out[200];
    struct buf b = buf_over(out, sizeof(out));
    dialog_timer_put_answer(&b, t);
    assert_true(slice_eq_str(buf_slice(&b), want));
}

static void printing(void **state)
{
    (void)state;
    struct dialog_timer_config cfg = {90, 1800}, off = {90, 0}, low = {10, 20};
    struct dialog_timer ours = {600, 90, true}, theirs = {600, 120, false}, none = {0};
    check_request(&cfg, NULL, "Session-Expires: 1800\r\nMin-SE: 90\r\n");
    check_request(&off, NULL, "");
    check_request(&off, &none, "");
    check_request(&low, NULL, "Session-Expires: 90\r\nMin-SE: 90\r\n");
    check_request(&cfg, &ours, "Session-Expires: 600;refresher=uac\r\nMin-SE: 90\r\n");
    check_request(&cfg, &theirs, "Session-Expires: 600;refresher=uas\r\nMin-SE: 120\r\n");
    check_answer(&none, "");
    check_answer(&ours, "Session-Expires: 600;refresher=uas\r\n");
    check_answer(&theirs, "Session-Expires: 600;refresher=uac\r\nRequire: timer\r\n");
}

static void times(void **state)
{
    (void)state;
    struct dialog_timer t = {1800, 90, true};
    assert_int_equal(dialog_timer_refresh_ms(&t), 900000);
    assert_int_equal(dialog_timer_end_ms(&t), 1768000);
    t.interval_s = 90;
    assert_int_equal(dialog_timer_refresh_ms(&t), 45000);
    assert_int_equal(dialog_timer_end_ms(&t), 60000);
    t.interval_s = 0;
    assert_int_equal(dialog_timer_refresh_ms(&t), 0);
    assert_int_equal(dialog_timer_end_ms(&t), 0);
    t.interval_s = UINT32_MAX;
    assert_int_equal(dialog_timer_end_ms(&t), (UINT32_MAX - 32) * 1000ull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_server),
        cmocka_unit_test(as_client),
        cmocka_unit_test(a_422_raises_what_is_asked_for),
        cmocka_unit_test(printing),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
