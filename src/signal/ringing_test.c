/* Signalling dies while a call is being made: what was under way goes on in the next process. */
#include "signal/testduo.h"
#include "signal/testslot.h"

static void answer(struct duo *t)
{
    side_answer(&t->y, "200 OK", "", phone_sdp(&t->b, 6000, "sendrecv"));
    await(&t->b, "ACK ");
    side_await(&t->x, "200");
    assert_got(&t->a, "inline:OURS");
    side_ack(&t->x, NULL);
    await_nothing(&t->a);
    await_nothing(&t->b);
}

static void both_connected(struct kit *k)
{
    assert_int_equal(kit_endpoints(&k->media), 2);
    assert_int_equal(kit_endpoint_of(&k->media, 1, 0)->mode, MEDIA_MODE_RELAY);
}

static void cancelled(struct duo *t)
{
    await(&t->b, "CANCEL ");
    side_answer(&t->y, "487 Request Terminated", "", NULL);
    await(&t->b, "ACK ");
}

/* --- while it rings --------------------------------------------------------------------------- */

static void test_answered_after_a_restart(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    assert_int_equal(k->media.kept_count, 2);
    kit_advance(k, 1000);
    await_nothing(&t.a); /* no 100 behind a 180 */
    await_nothing(&t.b);
    answer(&t);
    both_connected(k);
    kit_role_restart(k);
    hang_up(&t.y, &t.x);
    assert_true(kit_cdr_has(k, "the callee hung up"));
    fini(&t);
}

static void test_rings_and_is_answered_after_restarts(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    kit_role_restart(k);
    side_callee(&t.y, &t.b);
    kit_role_restart(k);
    side_answer(&t.y, "180 Ringing", "", NULL);
    kit_role_restart(k);
    side_await(&t.x, "180");
    answer(&t);
    both_connected(k);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_cancelled_after_a_restart(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    kit_role_restart(k);
    side_cancel(&t.x);
    await_487(&t);
    cancelled(&t);
    assert_true(kit_cdr_has(k, "the caller gave up"));
    fini(&t);
}

static void test_busy_after_a_restart(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    kit_role_restart(k);
    side_answer(&t.y, "486 Busy Here", "", NULL);
    await(&t.b, "ACK ");
    side_await(&t.x, "486");
    side_ack_failure(&t.x);
    fini(&t);
}

static void test_nobody_answers_in_what_time_is_left(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    kit_advance(k, 40000);
    kit_role_restart(k);
    kit_advance(k, 18000);
    await_nothing(&t.a);
    kit_advance(k, 3000); /* 60 s since it began to ring */
    side_await(&t.x, "480");
    side_ack_failure(&t.x);
    cancelled(&t);
    fini(&t);
}

/* --- forks ------------------------------------------------------------------------------------ */

static void ring_two(struct kit *k, struct duo *t)
{
    up(k, t);
    phone_up(k, &t->c, 3, "1001", TRANSPORT_TLS);
    dial(&t->x, &t->a, "sip:1001@example.org");
    side_callee(&t->y, &t->b);
    side_callee(&t->z, &t->c);
    side_answer(&t->y, "180 Ringing", "", NULL);
    side_answer(&t->z, "180 Ringing", "", NULL);
    side_await(&t->x, "180");
    side_await(&t->x, "180");
}

static void other_cancelled(struct duo *t)
{
    await(&t->c, "CANCEL ");
    side_answer(&t->z, "487 Request Terminated", "", NULL);
    await(&t->c, "ACK ");
}

static void test_one_of_two_answers(void **state)
{
    struct kit *k = *state;
    struct duo t;
    ring_two(k, &t);
    kit_role_restart(k);
    assert_int_equal(k->media.kept_count, 3);
    answer(&t);
    other_cancelled(&t);
    both_connected(k);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_cancel_reaches_both(void **state)
{
    struct kit *k = *state;
    struct duo t;
    ring_two(k, &t);
    kit_role_restart(k);
    side_cancel(&t.x);
    await_487(&t);
    cancelled(&t);
    other_cancelled(&t);
    fini(&t);
}

static void test_busy_and_declined_on_either_side_of_a_restart(void **state)
{
    struct kit *k = *state;
    struct duo t;
    ring_two(k, &t);
    side_answer(&t.y, "486 Busy Here", "", NULL);
    await(&t.b, "ACK ");
    kit_role_restart(k);
    side_answer(&t.z, "480 Gone", "", NULL);
    await(&t.c, "ACK ");
    side_await(&t.x, "486"); /* the better of the two, although another process heard it */
    side_ack_failure(&t.x);
    fini(&t);
}

/* The one that lost was told by a process that died before it answered. */
static void test_loser_answers_its_cancel_after_a_restart(void **state)
{
    struct kit *k = *state;
    struct duo t;
    ring_two(k, &t);
    answer(&t);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    await(&t.c, "CANCEL ");
    await_any(&t.c, "CANCEL "); /* once more: nobody knows whether it left */
    side_answer(&t.z, "487 Request Terminated", "", NULL);
    await(&t.c, "ACK ");
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_phone_that_has_gone_meanwhile(void **state)
{
    struct kit *k = *state;
    struct duo t;
    ring_two(k, &t);
    kit_dead_conn = t.b.flow.conn;
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    kit_dead_conn = 0;
    side_answer(&t.z, "486 Busy Here", "", NULL);
    await(&t.c, "ACK ");
    side_await(&t.x, "486");
    side_ack_failure(&t.x);
    kit_forget_sent();
    fini(&t);
}

static void test_caller_that_has_gone_meanwhile(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    kit_dead_conn = t.a.flow.conn;
    kit_role_restart(k);
    kit_dead_conn = 0;
    cancelled(&t);
    assert_int_equal(signal_role_calls(k->role), 0);
    fini(&t);
}

/* --- steps that wait for the media role --------------------------------------------------------- */

/* The role dies while the media role's answers are held back; those to it come to nobody. */
static void restart_and_release(struct kit *k)
{
    kit_role_restart(k);
    k->media.holds = false;
    kit_media_release(k);
}

static void test_offer_is_judged_again(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    k->media.holds = true;
    dial(&t.x, &t.a, "sip:1001@example.org");
    restart_and_release(k);
    side_callee(&t.y, &t.b);
    answer(&t);
    both_connected(k);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_answer_is_applied_again(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    k->media.holds = true;
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    await_nothing(&t.a);
    restart_and_release(k);
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    both_connected(k);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_early_media(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    k->media.holds = true;
    side_answer(&t.y, "183 Session Progress", "", phone_sdp(&t.b, 6000, "sendrecv"));
    restart_and_release(k);
    side_await(&t.x, "183");
    assert_got(&t.a, "inline:OURS");
    kit_role_restart(k);
    answer(&t);
    both_connected(k);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_builtin_target(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    k->media.holds = true;
    dial(&t.x, &t.a, "sip:echo@example.org");
    restart_and_release(k);
    side_await(&t.x, "200");
    kit_role_restart(k);
    side_ack(&t.x, NULL);
    kit_advance(k, 40000); /* the ACK has been seen */
    side_send(&t.x, "BYE", "", NULL);
    await(&t.a, "SIP/2.0 200");
    fini(&t);
}

/* --- UDP ---------------------------------------------------------------------------------------- */

static void test_invites_are_repeated_over_udp(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up_over(k, &t, TRANSPORT_UDP);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    char *first = strdup(t.b.text);
    kit_role_restart(k);
    side_send_as(&t.x, "INVITE", t.x.invite_branch, phone_sdp(&t.a, 4000, "sendrecv"));
    kit_advance(k, 300);
    side_await(&t.x, "100"); /* absorbed: one call, no question for credentials */
    side_send_as(&t.x, "INVITE", t.x.invite_branch, phone_sdp(&t.a, 4000, "sendrecv"));
    side_await(&t.x, "100");
    assert_int_equal(signal_role_calls(k->role), 1);
    kit_advance(k, 300);
    await(&t.b, "INVITE "); /* Timer A: ours again, to the letter */
    assert_string_equal(t.b.text, first);
    free(first);
    side_answer(&t.y, "180 Ringing", "", NULL);
    side_await(&t.x, "180");
    kit_role_restart(k);
    kit_advance(k, 4000);
    await_nothing(&t.b); /* has a provisional: not sent again */
    side_await(&t.x, "100");
    answer(&t);
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_200_is_repeated_over_udp(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up_over(k, &t, TRANSPORT_UDP);
    ring(&t);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    char *first = strdup(t.a.text);
    kit_role_restart(k);
    side_send_as(&t.x, "INVITE", t.x.invite_branch, phone_sdp(&t.a, 4000, "sendrecv"));
    assert_int_equal(signal_role_calls(k->role), 1); /* no second call of it */
    kit_advance(k, 600);
    side_await(&t.x, "200");
    assert_string_equal(t.a.text, first);
    free(first);
    side_ack(&t.x, NULL);
    kit_advance(k, 8000);
    await_nothing(&t.a);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK "); /* it had lost the first, which another process sent */
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_caller_that_never_acknowledges(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    kit_role_restart(k);
    kit_advance(k, 32500);
    side_await_request(&t.x, "BYE");
    side_reply(&t.x, "200 OK", "", NULL);
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    fini(&t);
}

/* --- late offers, PRACK ------------------------------------------------------------------------- */

static void late_rings(struct duo *t)
{
    side_caller(&t->x, &t->a, "sip:1001@example.org");
    side_invite(&t->x, "", NULL);
    side_callee(&t->y, &t->b);
}

static void test_late_offer(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    late_rings(&t);
    kit_role_restart(k);
    k->media.holds = true;
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await_nothing(&t.b);
    kit_role_restart(k); /* while the offer is judged */
    k->media.holds = false;
    kit_media_release(k);
    side_await(&t.x, "200");
    kit_role_restart(k); /* while its answer is awaited */
    k->media.holds = true;
    side_ack(&t.x, phone_sdp(&t.a, 4000, "sendrecv"));
    kit_role_restart(k); /* while that is applied */
    k->media.holds = false;
    kit_media_release(k);
    await(&t.b, "ACK ");
    assert_got(&t.b, "inline:OURS");
    assert_int_equal(kit_endpoints(&k->media), 2);
    kit_role_restart(k);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK "); /* again, with our answer in it */
    assert_got(&t.b, "inline:OURS");
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void prack(struct side *s)
{
    char rack[64];
    snprintf(rack, sizeof(rack), "RAck: " SLICE_FMT " %u INVITE\r\n",
             SLICE_ARG(sip_msg_value(&s->p->msg, SIP_HDR_RSEQ)), s->invite_cseq);
    side_send(s, "PRACK", rack, NULL);
    await(s->p, "SIP/2.0 200");
}

static void test_reliable_progress(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up_over(k, &t, TRANSPORT_UDP);
    side_caller(&t.x, &t.a, "sip:1001@example.org");
    side_invite(&t.x, "Require: 100rel\r\n", phone_sdp(&t.a, 4000, "sendrecv"));
    side_callee(&t.y, &t.b);
    side_answer(&t.y, "180 Ringing", "", NULL);
    side_await(&t.x, "180");
    char *first = strdup(t.a.text);
    kit_role_restart(k);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    await_nothing(&t.a); /* the 200 waits for the PRACK */
    kit_role_restart(k);
    kit_advance(k, 600);
    await_any(&t.a, "SIP/2.0 180");
    assert_string_equal(t.a.text, first);
    free(first);
    kit_forget_sent();
    prack(&t.x);
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    hang_up(&t.x, &t.y);
    fini(&t);
}

/* --- in a call that stands ---------------------------------------------------------------------- */

static void test_reinvite_is_told_to_come_again(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    answer(&t);
    side_send(&t.x, "INVITE", "", phone_sdp(&t.a, 4100, "sendonly"));
    side_await_request(&t.y, "INVITE");
    kit_role_restart(k);
    side_await(&t.x, "500");
    assert_got(&t.a, "Retry-After: 1\r\n");
    side_ack_failure(&t.x);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6100, "recvonly"));
    await(&t.b, "ACK "); /* of that INVITE: else the callee would end the call */
    side_send(&t.x, "INVITE", "", phone_sdp(&t.a, 4100, "sendonly"));
    side_await_request(&t.y, "INVITE");
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6100, "recvonly"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    side_send(&t.x, "UPDATE", "", phone_sdp(&t.a, 4100, "sendrecv"));
    side_await_request(&t.y, "INVITE");
    kit_role_restart(k);
    side_await(&t.x, "500");
    side_answer(&t.y, "488 Not now", "", NULL);
    kit_forget_sent();
    hang_up(&t.x, &t.y);
    fini(&t);
}

static void test_200_to_a_reinvite_is_repeated_over_udp(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up_over(k, &t, TRANSPORT_UDP);
    ring(&t);
    answer(&t);
    side_send(&t.x, "INVITE", "", phone_sdp(&t.a, 4100, "sendonly"));
    side_await_request(&t.y, "INVITE");
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6100, "recvonly"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    kit_role_restart(k);
    kit_advance(k, 600);
    side_await(&t.x, "200");
    side_ack(&t.x, NULL);
    kit_advance(k, 8000);
    await_nothing(&t.a);
    hang_up(&t.x, &t.y);
    fini(&t);
}

#define CONTACTS 10 /* a user may have */

/* --- calls that have ended ---------------------------------------------------------------------- */

static void test_cancel_that_had_to_wait(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    dial(&t.x, &t.a, "sip:1001@example.org");
    side_callee(&t.y, &t.b);
    side_cancel(&t.x);
    await_487(&t);
    await_nothing(&t.b); /* RFC 3261 s.9.1: not before a provisional */
    kit_role_restart(k);
    cancelled(&t);
    assert_int_equal(signal_role_calls(k->role), 0);
    fini(&t);
}

static void test_answer_that_crosses_the_cancel(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_cancel(&t.x);
    await_487(&t);
    await(&t.b, "CANCEL ");
    kit_role_restart(k);
    await(&t.b, "CANCEL ");
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await_request(&t.y, "BYE");
    side_reply(&t.y, "200 OK", "", NULL);
    fini(&t);
}

static void test_bye_that_waits_for_the_ack(void **state)
{
    struct kit *k = *state;
    struct duo t;
    up(k, &t);
    ring(&t);
    side_answer(&t.y, "200 OK", "", phone_sdp(&t.b, 6000, "sendrecv"));
    await(&t.b, "ACK ");
    side_await(&t.x, "200");
    side_send(&t.y, "BYE", "", NULL);
    await(&t.b, "SIP/2.0 200");
    await_nothing(&t.a);
    kit_role_restart(k);
    side_ack(&t.x, NULL);
    side_await_request(&t.x, "BYE");
    side_reply(&t.x, "200 OK", "", NULL);
    assert_int_equal(signal_role_calls(k->role), 0);
    fini(&t);
}

/* --- what there is no room for ------------------------------------------------------------------ */

static void ring_many(struct kit *k, struct duo *t, struct phone *many, struct side *y, unsigned n)
{
    memset(t, 0, sizeof(*t));
    phone_up(k, &t->a, 1, "1000", TRANSPORT_TLS);
    for (unsigned i = 0; i < n; i++)
        phone_up(k, &many[i], 10 + i, "1001", TRANSPORT_TLS);
    dial(&t->x, &t->a, "sip:1001@example.org");
    for (unsigned i = 0; i < n; i++) {
        side_callee(&y[i], &many[i]);
        side_answer(&y[i], "180 Ringing", "", NULL);
        side_await(&t->x, "180");
    }
}

static void many_fini(struct duo *t, struct phone *many, struct side *y, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        side_fini(&y[i]);
        phone_fini(&many[i]);
    }
    fini(t);
}

static void test_as_many_contacts_as_a_user_has(void **state)
{
    struct kit *k = *state;
    struct duo t;
    struct phone many[CONTACTS];
    struct side y[CONTACTS];
    ring_many(k, &t, many, y, CONTACTS);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 1);
    assert_int_equal(k->media.kept_count, CONTACTS + 1);
    for (unsigned i = 0; i < CONTACTS; i++) {
        side_answer(&y[i], "486 Busy Here", "", NULL);
        await(y[i].p, "ACK ");
    }
    side_await(&t.x, "486");
    side_ack_failure(&t.x);
    many_fini(&t, many, y, CONTACTS);
}

/* Descriptions that do not fit: the caller is told to try again, and nobody rings on. */
static void test_too_much_for_a_slot_is_ended(void **state)
{
    struct kit *k = *state;
    struct duo t;
    static char sdp[16384];
    struct phone many[4];
    struct side y[4];
    memset(&t, 0, sizeof(t));
    phone_up(k, &t.a, 1, "1000", TRANSPORT_TLS);
    for (unsigned i = 0; i < 4; i++)
        phone_up(k, &many[i], 10 + i, "1001", TRANSPORT_TLS);
    struct buf b = buf_over(sdp, sizeof(sdp) - 1);
    buf_put_str(&b, phone_sdp(&t.a, 4000, "sendrecv"));
    while (b.n < 7000)
        buf_printf(&b, "a=x-long:%zu filling the description until it is long\r\n", b.n);
    sdp[b.n] = '\0';
    side_caller(&t.x, &t.a, "sip:1001@example.org");
    side_invite(&t.x, "", sdp);
    for (unsigned i = 0; i < 4; i++) {
        side_callee(&y[i], &many[i]);
        side_answer(&y[i], "180 Ringing", "", NULL);
        side_await(&t.x, "180");
    }
    kit_role_restart(k);
    side_await(&t.x, "503");
    assert_got(&t.a, "Retry-After: ");
    side_ack_failure(&t.x);
    for (unsigned i = 0; i < 4; i++) {
        await(&many[i], "CANCEL ");
        side_answer(&y[i], "487 Request Terminated", "", NULL);
        await(&many[i], "ACK ");
    }
    many_fini(&t, many, y, 4);
}

/* A snapshot that holds nonsense is not used, or what it says is done without harm. */
static void test_damaged_snapshots(void **state)
{
    struct kit *k = *state;
    struct duo t;
    ring_two(k, &t);
    struct kit_slot *slot = kit_slot_new(k);
    for (size_t at = 4; at < 12000; at += 5) {
        kit_slot_put(slot);
        memset(slot->at + at, at % 2 ? 0xff : 0x01, 1 + at % 64);
        kit_role_restart(k);
        kit_forget_sent();
    }
    kit_slot_clear(slot);
    kit_role_restart(k);
    assert_int_equal(signal_role_calls(k->role), 0);
    assert_int_equal(kit_endpoints(&k->media), 0);
    kit_slot_free(slot);
    kit_forget_sent();
    fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(test_answered_after_a_restart),
        KIT_TEST(test_rings_and_is_answered_after_restarts),
        KIT_TEST(test_cancelled_after_a_restart),
        KIT_TEST(test_busy_after_a_restart),
        KIT_TEST(test_nobody_answers_in_what_time_is_left),
        KIT_TEST(test_one_of_two_answers),
        KIT_TEST(test_cancel_reaches_both),
        KIT_TEST(test_busy_and_declined_on_either_side_of_a_restart),
        KIT_TEST(test_loser_answers_its_cancel_after_a_restart),
        KIT_TEST(test_phone_that_has_gone_meanwhile),
        KIT_TEST(test_caller_that_has_gone_meanwhile),
        KIT_TEST(test_offer_is_judged_again),
        KIT_TEST(test_answer_is_applied_again),
        KIT_TEST(test_early_media),
        KIT_TEST(test_builtin_target),
        KIT_TEST(test_invites_are_repeated_over_udp),
        KIT_TEST(test_200_is_repeated_over_udp),
        KIT_TEST(test_caller_that_never_acknowledges),
        KIT_TEST(test_late_offer),
        KIT_TEST(test_reliable_progress),
        KIT_TEST(test_reinvite_is_told_to_come_again),
        KIT_TEST(test_200_to_a_reinvite_is_repeated_over_udp),
        KIT_TEST(test_cancel_that_had_to_wait),
        KIT_TEST(test_answer_that_crosses_the_cancel),
        KIT_TEST(test_bye_that_waits_for_the_ack),
        KIT_TEST(test_as_many_contacts_as_a_user_has),
        KIT_TEST(test_too_much_for_a_slot_is_ended),
        KIT_TEST(test_damaged_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
