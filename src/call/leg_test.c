/* Walks all cells of the table of a leg's life. leg.c is compiled into the test, with doubles of
 * everything that its actions call, so that a cell shows what it does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "call/leg.c"

enum done {
    DID_INVITE = 1 << 0,
    DID_ACK = 1 << 1,
    DID_ACK_AGAIN = 1 << 2,
    DID_CANCEL = 1 << 3,
    DID_BYE = 1 << 4,
    DID_ANSWER = 1 << 5,
    DID_REJECT = 1 << 6,
    DID_RELEASE = 1 << 7,
    DID_TELL_DOWN = 1 << 8,
    DID_TELL_CALL = 1 << 9,
    DID_HOLD = 1 << 10
};

static unsigned did;

void leg_sip_invite(struct leg *l, struct slice sdp)
{
    (void)l, (void)sdp;
    did |= DID_INVITE;
}

void leg_sip_ack(struct leg *l, struct slice sdp)
{
    (void)l, (void)sdp;
    assert_false(did & DID_BYE); /* never behind it */
    did |= DID_ACK;
}

void leg_sip_ack_again(struct leg *l)
{
    (void)l;
    did |= DID_ACK_AGAIN;
}

void leg_sip_cancel(struct leg *l, struct slice reason)
{
    (void)l, (void)reason;
    did |= DID_CANCEL;
}

void leg_sip_bye(struct leg *l, struct slice reason)
{
    (void)l, (void)reason;
    did |= DID_BYE;
}

void leg_sip_answer(struct leg *l, struct slice sdp)
{
    (void)l, (void)sdp;
    did |= DID_ANSWER;
}

void snapshot_later(struct call *c)
{
    (void)c;
}

void leg_sip_reject(struct leg *l, uint16_t status, struct slice reason)
{
    (void)l, (void)status, (void)reason;
    did |= DID_REJECT;
}

void leg_sip_acked(struct leg *l)
{
    (void)l;
}

void leg_sip_release(struct leg *l)
{
    (void)l;
    did |= DID_RELEASE;
}

void rel_hold_answer(struct leg *a, struct slice sdp)
{
    (void)a, (void)sdp;
    did |= DID_HOLD;
}

void fork_on_progress(struct leg *l, struct sip_msg *msg)
{
    (void)l, (void)msg;
    did |= DID_TELL_CALL;
}

void fork_on_answered(struct leg *l, struct sip_msg *msg)
{
    (void)l, (void)msg;
    did |= DID_TELL_CALL;
}

void fork_offer_again(struct leg *l)
{
    assert_int_equal(l->state, LEG_NEW); /* so that its INVITE can go out, or never */
    did |= DID_TELL_CALL;
}

void fork_on_failed(struct leg *l, const struct leg_input *in)
{
    (void)in;
    assert_int_equal(l->state, LEG_DOWN); /* the state changes first */
    did |= DID_TELL_DOWN;
}

void call_on_leg_down(struct leg *l)
{
    assert_int_equal(l->state, LEG_DOWN);
    did |= DID_TELL_DOWN;
}

void call_on_cancelled(struct leg *l)
{
    assert_int_equal(l->state, LEG_DOWN);
    did |= DID_TELL_DOWN;
}

void call_on_confirmed(struct leg *l, struct sip_msg *ack)
{
    (void)l, (void)ack;
    did |= DID_TELL_CALL;
}

void call_on_ack_timeout(struct leg *l)
{
    (void)l;
    did |= DID_TELL_CALL;
}

void call_on_bye(struct leg *l, struct sip_msg *bye)
{
    (void)bye;
    assert_int_equal(l->state, LEG_DOWN);
    did |= DID_TELL_DOWN;
}

static enum leg_state step(enum leg_state from, enum leg_event ev, unsigned *ret_did)
{
    static struct call c;
    struct leg *l = calloc(1, sizeof(*l));
    assert_non_null(l);
    l->call = &c;
    l->state = from;
    did = 0;
    leg_event(l, ev, NULL);
    enum leg_state to = l->state;
    *ret_did = did;
    free(l);
    return to;
}

static bool is_callee_only(enum leg_state s)
{
    return s == LEG_NEW || s == LEG_CALLING || s == LEG_CANCELLING || s == LEG_ACK_OWED;
}

static bool is_caller_only(enum leg_state s)
{
    return s == LEG_INCOMING || s == LEG_HELD || s == LEG_ANSWERING || s == LEG_ANSWERING_END;
}

static void test_every_cell(void **state)
{
    (void)state;
    for (int s = 0; s < LEG_STATE_COUNT; s++) {
        for (int e = 0; e < LEG_EV_COUNT; e++) {
            unsigned d;
            enum leg_state to = step((enum leg_state)s, (enum leg_event)e, &d);
            assert_true(to < LEG_STATE_COUNT);
            if (to == LEG_NEW) /* a hole in the table would go there */
                assert_true(s == LEG_NEW || (s == LEG_CALLING && e == LEG_EV_RETRY));
            assert_false(is_callee_only((enum leg_state)s) && is_caller_only(to));
            assert_false(is_caller_only((enum leg_state)s) && is_callee_only(to));
            if (to != (enum leg_state)s)
                assert_true(d || to == LEG_ANSWERING_END);
            if (to == LEG_DOWN && s != LEG_DOWN) /* the call hears of it, once it is true */
                assert_true(d & DID_TELL_DOWN);
            if (s == LEG_DOWN) {
                assert_int_equal(to, LEG_DOWN);
                assert_int_equal(d, 0);
            }
            if (d & DID_BYE)
                assert_int_equal(to, LEG_ENDING);
        }
    }
}

/* Whatever a leg is doing when we want it to end, the answers that can come bring it down. */
static void test_every_state_can_be_ended(void **state)
{
    static const enum leg_event ends[] = {LEG_EV_HANGUP, LEG_EV_FAIL, LEG_EV_ACK_TIMEOUT,
                                          LEG_EV_BYE_DONE};
    (void)state;
    for (int s = 0; s < LEG_STATE_COUNT; s++) {
        enum leg_state at = (enum leg_state)s;
        unsigned d;
        for (size_t i = 0; i < ARRAY_LEN(ends); i++)
            at = step(at, ends[i], &d);
        assert_int_equal(at, LEG_DOWN);
    }
}

static void expect_step(enum leg_state from, enum leg_event ev, enum leg_state to, unsigned what)
{
    unsigned d;
    assert_int_equal(step(from, ev, &d), to);
    assert_int_equal(d & what, what);
}

static void test_the_rules_that_matter(void **state)
{
    unsigned d;
    (void)state;
    /* s.9.1: CANCEL and 2xx crossed */
    expect_step(LEG_CANCELLING, LEG_EV_2XX, LEG_ENDING, DID_ACK | DID_BYE);
    expect_step(LEG_CANCELLING, LEG_EV_2XX_OFFER, LEG_ENDING, DID_ACK | DID_BYE);
    /* s.13.2.2.4 */
    expect_step(LEG_CALLING, LEG_EV_2XX, LEG_UP, DID_ACK | DID_TELL_CALL);
    expect_step(LEG_CALLING, LEG_EV_RETRY, LEG_NEW, DID_TELL_CALL);
    expect_step(LEG_UP, LEG_EV_2XX, LEG_UP, DID_ACK_AGAIN);
    /* the ACK with the answer is owed, and goes before the BYE */
    assert_int_equal(step(LEG_CALLING, LEG_EV_2XX_OFFER, &d), LEG_ACK_OWED);
    assert_false(d & DID_ACK);
    expect_step(LEG_ACK_OWED, LEG_EV_HANGUP, LEG_ENDING, DID_ACK | DID_BYE);
    /* s.15: no BYE to the caller before its ACK */
    assert_int_equal(step(LEG_ANSWERING, LEG_EV_HANGUP, &d), LEG_ANSWERING_END);
    assert_int_equal(d, 0);
    expect_step(LEG_ANSWERING_END, LEG_EV_ACK, LEG_ENDING, DID_BYE);
    /* RFC 3262 s.3, and CANCEL meanwhile */
    expect_step(LEG_INCOMING, LEG_EV_HOLD, LEG_HELD, DID_HOLD);
    expect_step(LEG_HELD, LEG_EV_CANCEL, LEG_DOWN, DID_REJECT | DID_RELEASE);
    expect_step(LEG_HELD, LEG_EV_ANSWER, LEG_ANSWERING, DID_ANSWER);
    /* s.9.2: CANCEL has no effect after a final answer */
    assert_int_equal(step(LEG_ANSWERING, LEG_EV_CANCEL, &d), LEG_ANSWERING);
    assert_int_equal(d, 0);
    /* a ringing phone that sends BYE is cancelled, too */
    expect_step(LEG_CALLING, LEG_EV_BYE, LEG_DOWN, DID_CANCEL | DID_TELL_DOWN);
}

static void test_names(void **state)
{
    (void)state;
    for (int s = 0; s < LEG_STATE_COUNT; s++)
        assert_true(leg_state_name((enum leg_state)s)[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cell),
        cmocka_unit_test(test_every_state_can_be_ended),
        cmocka_unit_test(test_the_rules_that_matter),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
