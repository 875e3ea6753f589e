/* What one layer saves of its transactions, another goes on with: two worlds, as two processes. */
#include "txn/testkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOTHING SLICE_NONE

static struct slice save_server(struct world *w)
{
    static char mem[2048];
    struct buf b = buf_over(mem, sizeof(mem));
    assert_true(txn_server_save(w->st, &b));
    return buf_slice(&b);
}

static struct world *restored(struct slice req, uint16_t status, struct slice rsp,
                              enum transport_kind kind)
{
    struct world *w = world_new();
    struct transport_flow f = flow_of(kind, kind == TRANSPORT_UDP ? 0 : 9);
    assert_int_equal(txn_server_restore(w->l, &f, req, status, rsp, &w->st), 0);
    txn_server_set_user(w->st, server_event, w);
    assert_int_equal(w->sent_n, 0);
    return w;
}

static void pending_invite_goes_on(void **state)
{
    (void)state;
    struct world *old = world_new();
    request_in(old, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    struct world *w = restored(save_server(old), 0, NOTHING, TRANSPORT_UDP);
    world_free(old);
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->requests, 0); /* absorbed */
    loop_advance(w->loop, 200);
    assert_true(sent_starts(w, 0, "SIP/2.0 100 "));
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    assert_true(sent_starts(w, 1, "SIP/2.0 100 "));
    request_in(w, "INVITE", "z9hG4bK2", TRANSPORT_UDP); /* the same by another path */
    assert_true(sent_starts(w, 2, "SIP/2.0 482 "));
    request_in(w, "CANCEL", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->cancels, 1);
    assert_true(sent_starts(w, 3, "SIP/2.0 200 "));
    respond(w, 487);
    loop_advance(w->loop, 600);
    assert_true(sent_starts(w, 5, "SIP/2.0 487 ")); /* Timer G */
    ack_in(w, "z9hG4bK1", TRANSPORT_UDP);
    EXPECT_TOLD(w, TXN_EVENT_ACKED);
    world_free(w);
}

static void invite_with_a_provisional_gets_no_100(void **state)
{
    (void)state;
    struct world *old = world_new();
    request_in(old, "INVITE", "z9hG4bK1", TRANSPORT_TLS);
    struct world *w = restored(save_server(old), 180, NOTHING, TRANSPORT_TLS);
    world_free(old);
    loop_advance(w->loop, 60000);
    assert_int_equal(w->sent_n, 0);
    respond(w, 200);
    assert_true(sent_starts(w, 0, "SIP/2.0 200 "));
    loop_advance(w->loop, 64 * 500);
    EXPECT_TOLD(w, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void answered_invite_is_answered_again(void **state)
{
    (void)state;
    struct world *old = world_new();
    request_in(old, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    respond(old, 200);
    char rsp[2048];
    struct slice last = txn_server_last(old->st);
    memcpy(rsp, last.p, last.n);
    struct world *w = restored(save_server(old), 200, slice_from(rsp, last.n), TRANSPORT_UDP);
    world_free(old);
    assert_true(txn_server_has_final(w->st));
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->requests, 0);
    txn_server_resend_2xx(w->st);
    assert_true(sent_starts(w, 0, "SIP/2.0 200 "));
    ack_in(w, "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->acks, 1);
    loop_advance(w->loop, 64 * 500);
    EXPECT_TOLD(w, TXN_EVENT_TERMINATED);
    assert_int_equal(txn_layer_count(w->l), 0);
    world_free(w);
}

static void what_no_process_has_saved_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    struct txn_server *st;
    struct slice invite = slice_from_str(request("INVITE", "z9hG4bK1", "", ""));
    assert_int_equal(txn_server_restore(w->l, &f, SLICE_LIT("nonsense"), 0, NOTHING, &st), -EINVAL);
    assert_int_equal(txn_server_restore(w->l, &f, invite, 404, NOTHING, &st), -EINVAL);
    assert_int_equal(txn_server_restore(w->l, &f, invite, 0, NOTHING, &st), 0);
    assert_int_equal(txn_server_restore(w->l, &f, invite, 0, NOTHING, &st), -EINVAL); /* twice */
    struct slice other = slice_from_str(request("UPDATE", "z9hG4bK1", "", ""));
    assert_int_equal(txn_server_restore(w->l, &f, other, 200, NOTHING, &st), -EINVAL);
    other = slice_from_str(request("ACK", "z9hG4bK1", "", ""));
    assert_int_equal(txn_server_restore(w->l, &f, other, 0, NOTHING, &st), -EINVAL);
    other = slice_from_str(request("BYE", "z9hG4bK1", "", ""));
    assert_int_equal(txn_client_restore(w->l, &f, other, true, client_event, w, &w->ct), -EINVAL);
    other = SLICE_LIT("INVITE nonsense");
    assert_int_equal(txn_client_restore(w->l, &f, other, true, client_event, w, &w->ct), -EINVAL);
    world_free(w);
}

static struct world *client_restored(bool whole, bool answered, enum transport_kind kind)
{
    static char mem[2048];
    struct buf b = buf_over(mem, sizeof(mem));
    struct world *old = world_new(), *w = world_new();
    client_start(old, "INVITE", kind);
    if (answered)
        response_in(old, 180, "INVITE", "theirs");
    assert_int_equal(txn_client_has_provisional(old->ct), answered);
    assert_true(txn_client_save(old->ct, whole, &b));
    if (whole)
        assert_int_equal(b.n, old->sent[0].n); /* it had no body */
    w->client_flow = old->client_flow;
    assert_int_equal(
        txn_client_restore(w->l, &w->client_flow, buf_slice(&b), answered, client_event, w, &w->ct),
        0);
    world_free(old);
    return w;
}

static void invite_is_sent_again_until_an_answer_comes(void **state)
{
    (void)state;
    struct world *w = client_restored(true, false, TRANSPORT_UDP);
    loop_advance(w->loop, 4000);
    EXPECT_SENT_AT(w, 500, 1500, 3500);
    assert_true(sent_starts(w, 0, "INVITE sip:b@192.0.2.1 SIP/2.0\r\n"));
    response_in(w, 486, "INVITE", "theirs");
    assert_true(sent_starts(w, 3, "ACK sip:b@192.0.2.1 "));
    loop_advance(w->loop, 32000);
    EXPECT_TOLD(w, 100 + 486, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void ringing_invite_has_timer_c_anew(void **state)
{
    (void)state;
    struct world *w = client_restored(true, true, TRANSPORT_UDP);
    loop_advance(w->loop, 179999);
    assert_int_equal(w->sent_n, 0);
    loop_advance(w->loop, 1);
    assert_true(sent_starts(w, 0, "CANCEL "));
    EXPECT_TOLD(w, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void ringing_invite_is_cancelled(void **state)
{
    (void)state;
    struct world *w = client_restored(false, true, TRANSPORT_TLS);
    txn_client_cancel(w->ct, SLICE_NONE);
    assert_true(sent_starts(w, 0, "CANCEL sip:b@192.0.2.1 SIP/2.0\r\n"));
    assert_true(sent_has(w, 0, "branch=z9hG4bKc\r\n"));
    assert_true(sent_has(w, 0, "\r\nRoute: <sip:p1;lr>, <sip:p2;lr>\r\nRoute: <sip:p3;lr>\r\n"));
    assert_true(sent_has(w, 0, "\r\nCSeq: 7 CANCEL\r\n"));
    response_in(w, 487, "INVITE", "theirs");
    assert_true(sent_starts(w, 1, "ACK "));
    world_free(w);
}

static void what_does_not_fit_is_said(void **state)
{
    (void)state;
    char mem[64];
    struct world *w = world_new();
    struct buf b = buf_over(mem, sizeof(mem));
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_TLS);
    assert_false(txn_server_save(w->st, &b));
    client_start(w, "INVITE", TRANSPORT_TLS);
    b = buf_over(mem, sizeof(mem));
    assert_false(txn_client_save(w->ct, true, &b));
    b = buf_over(mem, sizeof(mem));
    assert_false(txn_client_save(w->ct, false, &b));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_invite_goes_on),
        cmocka_unit_test(invite_with_a_provisional_gets_no_100),
        cmocka_unit_test(answered_invite_is_answered_again),
        cmocka_unit_test(what_no_process_has_saved_is_refused),
        cmocka_unit_test(invite_is_sent_again_until_an_answer_comes),
        cmocka_unit_test(ringing_invite_has_timer_c_anew),
        cmocka_unit_test(ringing_invite_is_cancelled),
        cmocka_unit_test(what_does_not_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
