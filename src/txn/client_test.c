#include "txn/testkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* --- client --- */

static void invite_client_retransmits_by_timer_a_until_timer_b(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_UDP);
    loop_advance(w->loop, 31999);
    EXPECT_SENT_AT(w, 0, 500, 1500, 3500, 7500, 15500, 31500);
    assert_int_equal(w->told_n, 0);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    assert_int_equal(txn_layer_count(w->l), 0);
    world_free(w);
}

static void reliable_invite_client_is_sent_once(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TLS);
    loop_advance(w->loop, 31999);
    assert_int_equal(w->sent_n, 1);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void invite_client_failure_is_acknowledged_each_time_and_told_once(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_UDP);
    response_in(w, 100, "INVITE", "x");
    loop_advance(w->loop, 5000);
    assert_int_equal(w->sent_n, 1); /* Timer A has ended */
    response_in(w, 486, "INVITE", "theirs");
    assert_true(txn_client_has_final(w->ct));
    assert_true(sent_starts(w, 1,
                            "ACK sip:b@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
                            "192.0.2.9:5062;branch=z9hG4bKc\r\n"));
    assert_true(sent_has(w, 1, "\r\nRoute: <sip:p1;lr>, <sip:p2;lr>\r\nRoute: <sip:p3;lr>\r\n"));
    assert_true(sent_has(w, 1, "\r\nTo: <sip:b@h>;tag=theirs\r\n"));
    assert_true(sent_has(w, 1, "\r\nFrom: <sip:a@h>;tag=f\r\n"));
    assert_true(sent_has(w, 1, "\r\nCSeq: 7 ACK\r\n"));
    assert_true(sent_has(w, 1, "\r\nCall-ID: c1\r\n"));
    assert_true(sent_has(w, 1, "\r\nMax-Forwards: 70\r\n"));
    response_in(w, 486, "INVITE", "theirs");
    response_in(w, 180, "INVITE", "theirs");
    assert_int_equal(w->sent_n, 3);
    loop_advance(w->loop, 31999); /* Timer D */
    EXPECT_TOLD(w, 200, 586);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, 200, 586, TXN_EVENT_TERMINATED);
    response_in(w, 486, "INVITE", "theirs");
    assert_int_equal(w->sent_n, 3);
    world_free(w);
}

static void over_connections_only_the_peer_answers(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TLS);
    struct transport_flow peer = w->client_flow;
    assert_int_equal(addr_parse(SLICE_LIT("198.51.100.66"), 5061, &w->client_flow.remote), 0);
    response_in(w, 603, "INVITE", "evil");
    assert_int_equal(w->sent_n, 1);
    w->client_flow = peer;
    addr_set_port(&w->client_flow.remote, 5999); /* a new connection of the same host */
    response_in(w, 180, "INVITE", "theirs");
    EXPECT_TOLD(w, 280);
    world_free(w);
}

static void reliable_invite_client_failure_ends_at_once(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TCP);
    response_in(w, 603, "INVITE", "theirs");
    assert_true(sent_starts(w, 1, "ACK "));
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, 703, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void every_2xx_goes_up_while_accepted_and_is_stray_after(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TLS);
    response_in(w, 180, "INVITE", "one");
    response_in(w, 200, "INVITE", "one");
    response_in(w, 200, "INVITE", "one"); /* its ACK was lost */
    response_in(w, 200, "INVITE", "two"); /* a fork */
    response_in(w, 486, "INVITE", "three");
    response_in(w, 183, "INVITE", "four");
    assert_int_equal(w->sent_n, 1); /* the ACK to a 2xx is the dialog's */
    loop_advance(w->loop, 31999);
    EXPECT_TOLD(w, 280, 300, 300, 300);
    loop_advance(w->loop, 1); /* Timer M */
    EXPECT_TOLD(w, 280, 300, 300, 300, TXN_EVENT_TERMINATED);
    assert_int_equal(w->strays, 0);
    response_in(w, 200, "INVITE", "five");
    assert_int_equal(w->strays, 1);
    response_in(w, 200, "OPTIONS", "five");
    response_in(w, 486, "INVITE", "five");
    assert_int_equal(w->strays, 1);
    world_free(w);
}

static void a_2xx_after_its_user_let_go_is_stray(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_UDP);
    txn_client_detach(w->ct);
    response_in(w, 200, "INVITE", "one");
    loop_advance(w->loop, 40000);
    assert_int_equal(w->told_n, 0);
    assert_int_equal(w->strays, 1);
    assert_int_equal(txn_layer_count(w->l), 0);
    world_free(w);
}

static void timer_c_starts_anew_with_each_provisional_and_cancels(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TLS);
    response_in(w, 100, "INVITE", "x");
    loop_advance(w->loop, 100000);
    response_in(w, 183, "INVITE", "x");
    loop_advance(w->loop, 179999);
    EXPECT_TOLD(w, 200, 283);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, 200, 283, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    assert_int_equal(w->sent_n, 2);
    assert_true(sent_starts(w, 1, "CANCEL sip:b@192.0.2.1 SIP/2.0\r\n"));
    world_free(w);
}

static void other_client_retransmits_by_timer_e_until_timer_f(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "OPTIONS", TRANSPORT_UDP);
    loop_advance(w->loop, 31999);
    EXPECT_SENT_AT(w, 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void other_client_in_proceeding_retransmits_every_t2(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "OPTIONS", TRANSPORT_UDP);
    loop_advance(w->loop, 600);
    response_in(w, 100, "OPTIONS", "x");
    loop_advance(w->loop, 9000);
    EXPECT_SENT_AT(w, 0, 500, 4600, 8600);
    loop_advance(w->loop, 22399);
    EXPECT_TOLD(w, 200);
    loop_advance(w->loop, 1); /* Timer F runs from the start */
    EXPECT_TOLD(w, 200, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void other_client_absorbs_for_timer_k(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "OPTIONS", TRANSPORT_UDP);
    response_in(w, 404, "OPTIONS", "x");
    response_in(w, 404, "OPTIONS", "x");
    response_in(w, 200, "OPTIONS", "x");
    loop_advance(w->loop, 4999);
    EXPECT_TOLD(w, 504);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, 504, TXN_EVENT_TERMINATED);
    assert_int_equal(w->sent_n, 1);

    client_start(w, "OPTIONS", TRANSPORT_TCP);
    response_in(w, 200, "OPTIONS", "x");
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, 504, TXN_EVENT_TERMINATED, 300, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void responses_match_by_branch_and_method(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "OPTIONS", TRANSPORT_UDP);
    response_in(w, 200, "INFO", "x");
    assert_int_equal(w->told_n, 0);
    char b[512];
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    snprintf(b, sizeof(b),
             "SIP/2.0 200 X\r\nVia: %sz9hG4bKother\r\nFrom: <sip:a@h>;tag=f\r\nTo: <sip:b@h>\r\n"
             "Call-ID: c1\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n",
             UDP_VIA);
    input(w, b, &f);
    assert_int_equal(w->told_n, 0);
    response_in(w, 200, "OPTIONS", "x");
    EXPECT_TOLD(w, 300);
    world_free(w);
}

/* --- CANCEL, as client --- */

static void cancel_waits_for_a_provisional_answer(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TLS);
    txn_client_cancel(w->ct, SLICE_LIT("Reason: SIP;cause=200;text=\"elsewhere\"\r\n"));
    txn_client_cancel(w->ct, SLICE_NONE);
    assert_int_equal(w->sent_n, 1);
    response_in(w, 100, "INVITE", "x");
    assert_int_equal(w->sent_n, 2);
    assert_true(sent_starts(w, 1,
                            "CANCEL sip:b@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
                            "192.0.2.9:5062;branch=z9hG4bKc\r\n"));
    assert_true(sent_has(w, 1, "\r\nRoute: <sip:p3;lr>\r\n"));
    assert_true(sent_has(w, 1, "\r\nCSeq: 7 CANCEL\r\n"));
    assert_true(sent_has(w, 1, "\r\nTo: <sip:b@h>\r\n"));
    assert_true(
        sent_has(w, 1, "\r\nReason: SIP;cause=200;text=\"elsewhere\"\r\nContent-Length: 0"));
    response_in(w, 200, "CANCEL", "x"); /* the CANCEL's own */
    response_in(w, 487, "INVITE", "x");
    assert_true(sent_starts(w, 2, "ACK "));
    loop_advance(w->loop, 40000);
    EXPECT_TOLD(w, 200, 587, TXN_EVENT_TERMINATED);
    assert_int_equal(w->sent_n, 3);
    assert_int_equal(txn_layer_count(w->l), 0);
    world_free(w);
}

static void cancel_without_an_end_times_out(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_UDP);
    response_in(w, 180, "INVITE", "x");
    loop_advance(w->loop, 1000);
    txn_client_cancel(w->ct, SLICE_NONE);
    response_in(w, 200, "CANCEL", "x");
    loop_advance(w->loop, 20000);
    response_in(w, 180, "INVITE", "x"); /* does not prolong it */
    loop_advance(w->loop, 11999);
    EXPECT_TOLD(w, 280, 280);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, 280, 280, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    assert_int_equal(w->sent_n, 2); /* no second CANCEL */
    world_free(w);
}

static void cancel_crosses_a_2xx(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_UDP);
    response_in(w, 180, "INVITE", "x");
    txn_client_cancel(w->ct, SLICE_NONE);
    response_in(w, 200, "INVITE", "x");
    response_in(w, 481, "CANCEL", "x");
    EXPECT_TOLD(w, 280, 300);
    txn_client_cancel(w->ct, SLICE_NONE);
    assert_int_equal(w->sent_n, 2);
    world_free(w);
}

static void cancel_that_waits_dies_with_a_final_answer(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TLS);
    txn_client_cancel(w->ct, SLICE_NONE);
    response_in(w, 486, "INVITE", "x");
    loop_advance(w->loop, 100);
    assert_int_equal(w->sent_n, 2);
    assert_true(sent_starts(w, 1, "ACK "));
    client_start(w, "OPTIONS", TRANSPORT_TLS);
    txn_client_cancel(w->ct, SLICE_NONE); /* RFC 3261 9.1: INVITE alone */
    assert_int_equal(w->sent_n, 3);
    world_free(w);
}

/* --- failures --- */

static void failure_to_send_is_told_in_a_later_wake_up(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->send_result = -ENOTCONN;
    client_start(w, "INVITE", TRANSPORT_TLS);
    assert_int_equal(w->told_n, 0);
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, TXN_EVENT_TRANSPORT_ERROR, TXN_EVENT_TERMINATED);
    assert_int_equal(txn_layer_count(w->l), 0);
    world_free(w);
}

static void a_closed_connection_is_told_to_all_that_wait(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TLS);
    response_in(w, 180, "INVITE", "x");
    txn_layer_conn_closed(w->l, 5 + TXN_CONN_BUCKETS); /* another one in the same bucket */
    txn_layer_conn_closed(w->l, 4);
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, 280);
    txn_layer_conn_closed(w->l, 5);
    txn_layer_conn_closed(w->l, 5);
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, 280, TXN_EVENT_TRANSPORT_ERROR, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void a_closed_connection_leaves_what_is_answered(void **state)
{
    (void)state;
    struct world *w = world_new();
    client_start(w, "INVITE", TRANSPORT_TLS);
    response_in(w, 200, "INVITE", "x");
    txn_layer_conn_closed(w->l, 5);
    loop_advance(w->loop, 100);
    EXPECT_TOLD(w, 300);
    world_free(w);
}

static void server_user_hears_of_a_lost_connection_and_may_still_answer(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_TLS);
    txn_layer_conn_closed(w->l, 5);
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, TXN_EVENT_TRANSPORT_ERROR);
    w->send_result = -ENOTCONN;
    respond(w, 486);
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, TXN_EVENT_TRANSPORT_ERROR, TXN_EVENT_TRANSPORT_ERROR);
    loop_advance(w->loop, 32000);
    EXPECT_TOLD(w, TXN_EVENT_TRANSPORT_ERROR, TXN_EVENT_TRANSPORT_ERROR, TXN_EVENT_TIMEOUT,
                TXN_EVENT_TERMINATED);
    world_free(w);
}

static void an_answer_that_fails_within_on_request_is_told(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 200;
    w->send_result = -ENOBUFS;
    request_in(w, "REGISTER", "z9hG4bK1", TRANSPORT_TCP);
    assert_int_equal(w->told_n, 0);
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, TXN_EVENT_TRANSPORT_ERROR, TXN_EVENT_TERMINATED);
    assert_int_equal(txn_layer_count(w->l), 0);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invite_client_retransmits_by_timer_a_until_timer_b),
        cmocka_unit_test(reliable_invite_client_is_sent_once),
        cmocka_unit_test(invite_client_failure_is_acknowledged_each_time_and_told_once),
        cmocka_unit_test(over_connections_only_the_peer_answers),
        cmocka_unit_test(reliable_invite_client_failure_ends_at_once),
        cmocka_unit_test(every_2xx_goes_up_while_accepted_and_is_stray_after),
        cmocka_unit_test(a_2xx_after_its_user_let_go_is_stray),
        cmocka_unit_test(timer_c_starts_anew_with_each_provisional_and_cancels),
        cmocka_unit_test(other_client_retransmits_by_timer_e_until_timer_f),
        cmocka_unit_test(other_client_in_proceeding_retransmits_every_t2),
        cmocka_unit_test(other_client_absorbs_for_timer_k),
        cmocka_unit_test(responses_match_by_branch_and_method),
        cmocka_unit_test(cancel_waits_for_a_provisional_answer),
        cmocka_unit_test(cancel_without_an_end_times_out),
        cmocka_unit_test(cancel_crosses_a_2xx),
        cmocka_unit_test(cancel_that_waits_dies_with_a_final_answer),
        cmocka_unit_test(failure_to_send_is_told_in_a_later_wake_up),
        cmocka_unit_test(a_closed_connection_is_told_to_all_that_wait),
        cmocka_unit_test(a_closed_connection_leaves_what_is_answered),
        cmocka_unit_test(server_user_hears_of_a_lost_connection_and_may_still_answer),
        cmocka_unit_test(an_answer_that_fails_within_on_request_is_told),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
