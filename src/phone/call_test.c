#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "phone/call.h"

/* Every cell of the table says what it does, and leads to a state. */
static void table_is_whole(void **state)
{
    (void)state;
    for (int s = 0; s < CALL_STATE_COUNT; s++) {
        for (int e = 0; e < CALL_EVENT_COUNT; e++) {
            const struct call_step *step = call_step_of((enum call_state)s, (enum call_event)e);
            assert_true(step->set);
            assert_true(step->next < CALL_STATE_COUNT);
            if (!step->act) /* nothing done: nothing changes, but for a hang-up that must wait */
                assert_true(step->next == (enum call_state)s ||
                            (s == CALL_ANSWERING && e == CALL_EV_HANGUP));
        }
    }
}

static void over_is_the_end(void **state)
{
    (void)state;
    for (int e = 0; e < CALL_EVENT_COUNT; e++) {
        const struct call_step *step = call_step_of(CALL_OVER, (enum call_event)e);
        assert_int_equal(step->next, CALL_OVER);
        assert_null(step->act);
    }
}

/* From every state but idle a way leads to the end, whatever the peer does or leaves undone: by
 * events of our own and of our timers alone. */
static void every_call_can_end(void **state)
{
    static const enum call_event ours[] = {CALL_EV_HANGUP, CALL_EV_ACK_LOST, CALL_EV_REFUSED,
                                           CALL_EV_BYE_DONE};

    (void)state;
    for (int s = CALL_CALLING; s < CALL_STATE_COUNT; s++) {
        enum call_state at = (enum call_state)s;
        for (size_t i = 0; i < 2 * ARRAY_LEN(ours); i++)
            at = call_step_of(at, ours[i % ARRAY_LEN(ours)])->next;
        assert_int_equal(at, CALL_OVER);
    }
}

static enum call_state walk(enum call_state at, const enum call_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at = call_step_of(at, events[i])->next;
    return at;
}

/* RFC 3261 s.15: the callee's BYE waits for the ACK. */
static void callee_hangs_up_before_the_ack(void **state)
{
    const enum call_event events[] = {CALL_EV_INVITE, CALL_EV_ACCEPT, CALL_EV_HANGUP, CALL_EV_ACK};

    (void)state;
    assert_int_equal(walk(CALL_IDLE, events, 3), CALL_LEAVING);
    assert_int_equal(walk(CALL_IDLE, events, 4), CALL_ENDING);
}

/* RFC 3261 s.9.1: a 200 that crossed the CANCEL is acknowledged and ended. */
static void answer_crosses_cancel(void **state)
{
    const enum call_event events[] = {CALL_EV_DIAL, CALL_EV_HANGUP, CALL_EV_ANSWERED,
                                      CALL_EV_BYE_DONE};

    (void)state;
    assert_int_equal(walk(CALL_IDLE, events, 2), CALL_CANCELLING);
    assert_int_equal(walk(CALL_IDLE, events, 3), CALL_ENDING);
    assert_int_equal(walk(CALL_IDLE, events, 4), CALL_OVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_whole),        cmocka_unit_test(over_is_the_end),
        cmocka_unit_test(every_call_can_end),    cmocka_unit_test(callee_hangs_up_before_the_ack),
        cmocka_unit_test(answer_crosses_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
