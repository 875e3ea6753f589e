#include "dialog/rel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char text[1024];
static struct sip_msg msg;

static const struct sip_msg *prack(const char *rack)
{
    int n = snprintf(text, sizeof(text),
                     "PRACK sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                     "From: <sip:a@h>;tag=f\r\nTo: <sip:b@h>;tag=t\r\nCall-ID: c\r\n"
                     "CSeq: 8 PRACK\r\n%sContent-Length: 0\r\n\r\n",
                     rack);
    assert_int_equal(sip_msg_parse(slice_from(text, (size_t)n), &msg), SIP_PARSE_OK);
    return &msg;
}

static const struct sip_msg *provisional(int status, const char *more)
{
    int n = snprintf(text, sizeof(text),
                     "SIP/2.0 %d X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                     "From: <sip:a@h>;tag=f\r\nTo: <sip:b@h>;tag=t\r\nCall-ID: c\r\n"
                     "CSeq: 7 INVITE\r\n%sContent-Length: 0\r\n\r\n",
                     status, more);
    assert_int_equal(sip_msg_parse(slice_from(text, (size_t)n), &msg), SIP_PARSE_OK);
    return &msg;
}

static int take(struct dialog_rel *r, int status, uint32_t rseq, uint32_t *ret)
{
    char h[80];
    snprintf(h, sizeof(h), "Require: 100rel\r\nRSeq: %u\r\n", rseq);
    return dialog_rel_on_provisional(r, provisional(status, h), ret);
}

static void numbers_begin_anywhere_and_count_up(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct dialog_rel r = {0};
        uint32_t first = dialog_rel_next(&r);
        assert_in_range(first, 1, 1u << 30);
        assert_int_equal(dialog_rel_next(&r), first + 1);
        assert_true(r.unacked);
    }
}

static void prack_must_name_the_response(void **state)
{
    (void)state;
    struct dialog_rel r = {.sent = 77, .unacked = true};
    static const char *const wrong[] = {"",
                                        "RAck: 76 7 INVITE\r\n",
                                        "RAck: 78 7 INVITE\r\n",
                                        "RAck: 77 8 INVITE\r\n",
                                        "RAck: 77 7 UPDATE\r\n",
                                        "RAck: 77\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_int_equal(dialog_rel_on_prack(&r, prack(wrong[i]), 7), DIALOG_REL_NO_MATCH);
    assert_true(r.unacked);
    assert_int_equal(dialog_rel_on_prack(&r, prack("RAck: 77 7 INVITE\r\n"), 7), DIALOG_REL_OK);
    assert_false(r.unacked);
    assert_int_equal(dialog_rel_on_prack(&r, prack("RAck: 77 7 INVITE\r\n"), 7),
                     DIALOG_REL_NO_MATCH);
}

static void provisionals_are_taken_in_order(void **state)
{
    (void)state;
    struct dialog_rel r = {0};
    uint32_t rseq = 0;
    assert_int_equal(take(&r, 183, 500, &rseq), DIALOG_REL_OK);
    assert_int_equal(rseq, 500);
    assert_int_equal(take(&r, 183, 500, &rseq), DIALOG_REL_REPEATED);
    assert_int_equal(take(&r, 180, 502, &rseq), DIALOG_REL_GAP);
    assert_int_equal(take(&r, 180, 501, &rseq), DIALOG_REL_OK);
    assert_int_equal(take(&r, 180, 502, &rseq), DIALOG_REL_OK);
    rseq = 0;
    assert_int_equal(take(&r, 183, 500, &rseq), DIALOG_REL_REPEATED);
    assert_int_equal(rseq, 500);
}

static void others_are_not_reliable(void **state)
{
    (void)state;
    struct dialog_rel r = {0};
    uint32_t rseq = 0;
    assert_int_equal(take(&r, 100, 5, &rseq), DIALOG_REL_NOT);
    assert_int_equal(take(&r, 200, 5, &rseq), DIALOG_REL_NOT);
    assert_int_equal(take(&r, 180, 0, &rseq), DIALOG_REL_NOT);
    assert_int_equal(dialog_rel_on_provisional(&r, provisional(180, "RSeq: 5\r\n"), &rseq),
                     DIALOG_REL_NOT);
    assert_int_equal(dialog_rel_on_provisional(&r, provisional(180, "Require: 100rel\r\n"), &rseq),
                     DIALOG_REL_NOT);
    assert_int_equal(r.received, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_begin_anywhere_and_count_up),
        cmocka_unit_test(prack_must_name_the_response),
        cmocka_unit_test(provisionals_are_taken_in_order),
        cmocka_unit_test(others_are_not_reliable),
    };
    return cmocka_run_group_tests_name("rel", tests, NULL, NULL);
}
