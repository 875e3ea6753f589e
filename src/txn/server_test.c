#include "txn/testkit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* --- server, non-INVITE --- */

static void reliable_other_server_is_gone_when_answered(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 200;
    request_in(w, "REGISTER", "z9hG4bK1", TRANSPORT_TCP);
    EXPECT_TOLD(w, TXN_EVENT_TERMINATED);
    assert_int_equal(txn_layer_count(w->l), 0);
    request_in(w, "REGISTER", "z9hG4bK1", TRANSPORT_TCP);
    assert_int_equal(w->requests, 2);
    world_free(w);
}

static void other_server_repeats_its_answer_for_timer_j(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "OPTIONS", "z9hG4bK1", TRANSPORT_UDP);
    request_in(w, "OPTIONS", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->sent_n, 0); /* nothing to repeat in Trying */
    loop_advance(w->loop, 1000);
    assert_int_equal(w->sent_n, 0); /* 100 is for INVITE */
    respond(w, 183);
    request_in(w, "OPTIONS", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->sent_n, 2);
    respond(w, 404);
    assert_true(txn_server_has_final(w->st));
    respond(w, 200);
    request_in(w, "OPTIONS", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->sent_n, 4);
    assert_true(sent_starts(w, 3, "SIP/2.0 404 "));
    assert_int_equal(w->requests, 1);
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, TXN_EVENT_TERMINATED); /* only the answer stays */
    loop_advance(w->loop, 31999);
    request_in(w, "OPTIONS", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->sent_n, 5);
    assert_true(sent_starts(w, 4, "SIP/2.0 404 "));
    loop_advance(w->loop, 1);
    assert_int_equal(txn_layer_count(w->l), 0);
    request_in(w, "OPTIONS", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->requests, 2);
    world_free(w);
}

/* RFC 3261 8.2.7. With credentials it may be a wrong password, which is not to count twice. */
static void asking_for_credentials_takes_no_memory(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    w->answer = 401;
    w->detach_in_request = true;
    input(w, request("REGISTER", "z9hG4bK1", "dialog", ""), &f);
    assert_int_equal(w->sent_n, 1);
    assert_int_equal(txn_layer_count(w->l), 0);
    input(w, request("REGISTER", "z9hG4bK1", "dialog", ""), &f);
    assert_int_equal(w->requests, 2);
    input(w, request("REGISTER", "z9hG4bK2", "dialog", "Authorization: Digest x=y\r\n"), &f);
    input(w, request("REGISTER", "z9hG4bK2", "dialog", "Authorization: Digest x=y\r\n"), &f);
    assert_int_equal(w->requests, 3);
    assert_int_equal(w->sent_n, 4);
    assert_int_equal(txn_layer_count(w->l), 1);
    world_free(w);
}

static void other_server_without_answer_times_out(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "OPTIONS", "z9hG4bK1", TRANSPORT_TLS);
    loop_advance(w->loop, 10000);
    respond(w, 183); /* does not prolong it */
    loop_advance(w->loop, 21999);
    assert_int_equal(w->told_n, 0);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void remembered_answers_are_bounded(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 200;
    w->detach_in_request = true;
    char b[32];
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    for (int i = 0; i <= TXN_LINGER_MAX; i++) {
        snprintf(b, sizeof(b), "z9hG4bK%d", i);
        input(w, request("OPTIONS", b, "dialog", ""), &f);
        loop_advance(w->loop, 0);
        w->sent_n = w->told_n = 0;
        assert_int_equal(txn_layer_count(w->l), i < TXN_LINGER_MAX ? i + 1 : TXN_LINGER_MAX);
    }
    w->requests = 0;
    input(w, request("OPTIONS", "z9hG4bK1", "dialog", ""), &f);
    assert_int_equal(w->requests, 0);
    input(w, request("OPTIONS", "z9hG4bK0", "dialog", ""), &f);
    assert_int_equal(w->requests, 1);
    world_free(w);
}

/* --- server, INVITE --- */

static void invite_server_sends_100_after_200_ms(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1;rport", TRANSPORT_UDP);
    loop_advance(w->loop, 199);
    assert_int_equal(w->sent_n, 0);
    loop_advance(w->loop, 1);
    EXPECT_SENT_AT(w, 200);
    assert_true(sent_starts(w, 0, "SIP/2.0 100 Trying\r\n"));
    assert_true(sent_has(w, 0, ";rport=5062"));
    assert_true(sent_has(w, 0, ";received=192.0.2.9"));
    assert_true(sent_has(w, 0, "\r\nTo: <sip:b@h>\r\n"));
    request_in(w, "INVITE", "z9hG4bK1;rport", TRANSPORT_UDP);
    assert_int_equal(w->sent_n, 2);
    assert_true(sent_starts(w, 1, "SIP/2.0 100 "));
    world_free(w);
}

static void invite_server_answered_in_time_sends_no_100(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 180;
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    loop_advance(w->loop, 1000);
    assert_int_equal(w->sent_n, 1);
    w->answer = 0;
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->sent_n, 2);
    assert_true(sent_starts(w, 1, "SIP/2.0 180 "));
    world_free(w);
}

static void an_answer_before_200_ms_takes_the_place_of_the_100(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    loop_advance(w->loop, 100);
    respond(w, 180);
    loop_advance(w->loop, 1000);
    EXPECT_SENT_AT(w, 100);
    world_free(w);
}

static void invite_server_failure_is_repeated_until_the_ack(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    respond(w, 486);
    loop_advance(w->loop, 8000);
    EXPECT_SENT_AT(w, 0, 500, 1500, 3500, 7500);
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->sent_n, 6);
    ack_in(w, "z9hG4bK1", TRANSPORT_UDP);
    ack_in(w, "z9hG4bK1", TRANSPORT_UDP);
    EXPECT_TOLD(w, TXN_EVENT_ACKED);
    assert_int_equal(w->acks, 0);
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    loop_advance(w->loop, 4999);
    assert_int_equal(w->sent_n, 6);
    EXPECT_TOLD(w, TXN_EVENT_ACKED);
    loop_advance(w->loop, 1); /* Timer I */
    EXPECT_TOLD(w, TXN_EVENT_ACKED, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void invite_server_whose_ack_is_lost_times_out(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    respond(w, 486);
    loop_advance(w->loop, 31999);
    EXPECT_SENT_AT(w, 0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, TXN_EVENT_TIMEOUT, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void reliable_invite_server_failure_is_sent_once(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 407;
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_TLS);
    loop_advance(w->loop, 20000);
    assert_int_equal(w->sent_n, 1);
    ack_in(w, "z9hG4bK1", TRANSPORT_TLS);
    loop_advance(w->loop, 0);
    EXPECT_TOLD(w, TXN_EVENT_ACKED, TXN_EVENT_TERMINATED);
    assert_int_equal(txn_layer_count(w->l), 0);
    world_free(w);
}

static void accepted_invite_absorbs_retransmissions_and_passes_acks(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    respond(w, 180);
    respond(w, 200);
    respond(w, 486);
    respond(w, 183);
    assert_int_equal(w->sent_n, 2);
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    loop_advance(w->loop, 1000);
    assert_int_equal(w->sent_n, 2); /* RFC 6026: the user's clock, not ours */
    assert_int_equal(w->requests, 1);
    txn_server_resend_2xx(w->st);
    assert_int_equal(w->sent_n, 3);
    assert_true(sent_starts(w, 2, "SIP/2.0 200 "));
    ack_in(w, "z9hG4bK1", TRANSPORT_TLS); /* an old client's, with the INVITE's branch */
    assert_int_equal(w->acks, 1);
    assert_int_equal(w->ack_flow.conn, 6);
    ack_in(w, "z9hG4bKack", TRANSPORT_UDP);
    assert_int_equal(w->acks, 2);
    loop_advance(w->loop, 30999);
    assert_int_equal(w->told_n, 0);
    loop_advance(w->loop, 1); /* Timer L */
    EXPECT_TOLD(w, TXN_EVENT_TERMINATED);
    world_free(w);
}

static void early_ack_is_ignored(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    ack_in(w, "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->acks, 0);
    assert_int_equal(w->told_n, 0);
    txn_server_resend_2xx(w->st);
    assert_int_equal(w->sent_n, 0);
    world_free(w);
}

/* --- CANCEL, as server --- */

static void cancel_is_answered_and_told_once(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    respond(w, 180);
    request_in(w, "CANCEL", "z9hG4bK1", TRANSPORT_UDP);
    assert_true(sent_starts(w, 1, "SIP/2.0 200 OK\r\n"));
    assert_true(sent_has(w, 1, "\r\nTo: <sip:b@h>;tag=ours\r\n"));
    assert_true(sent_has(w, 1, "\r\nCSeq: 7 CANCEL\r\n"));
    request_in(w, "CANCEL", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->sent_n, 3);
    assert_int_equal(w->cancels, 1);
    respond(w, 487);
    request_in(w, "CANCEL", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->cancels, 1);
    assert_true(sent_starts(w, 4, "SIP/2.0 200 "));
    assert_int_equal(w->requests, 1);
    world_free(w);
}

static void cancel_after_the_answer_changes_nothing(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 200;
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    request_in(w, "CANCEL", "z9hG4bK1", TRANSPORT_UDP);
    assert_true(sent_starts(w, 1, "SIP/2.0 200 "));
    assert_int_equal(w->cancels, 0);
    world_free(w);
}

static void cancel_of_nothing_gets_481(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "CANCEL", "z9hG4bK1", TRANSPORT_TLS);
    assert_true(sent_starts(w, 0, "SIP/2.0 481 "));
    assert_true(sent_has(w, 0, "\r\nTo: <sip:b@h>;tag="));
    assert_int_equal(w->requests + w->cancels, 0);
    /* The tag of a CANCEL that comes before any answer of ours stays the same. */
    request_in(w, "INVITE", "z9hG4bK2", TRANSPORT_TLS);
    request_in(w, "CANCEL", "z9hG4bK2", TRANSPORT_TLS);
    request_in(w, "CANCEL", "z9hG4bK2", TRANSPORT_TLS);
    assert_string_equal(w->sent[1].b, w->sent[2].b);
    world_free(w);
}

/* Who has learned a branch, but sends from elsewhere, neither cancels nor swallows the request. */
static void another_host_has_no_part_in_a_transaction(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct transport_flow other = flow_of(TRANSPORT_TCP, 5);
    assert_int_equal(addr_parse(SLICE_LIT("198.51.100.66"), 5060, &other.remote), 0);
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_TCP);
    respond(w, 180);
    input(w, request("CANCEL", "z9hG4bK1", "", ""), &other);
    assert_true(sent_starts(w, 1, "SIP/2.0 481 "));
    assert_int_equal(w->cancels, 0);
    request_in(w, "CANCEL", "z9hG4bK1", TRANSPORT_TCP);
    assert_int_equal(w->cancels, 1);
    world_free(w);
}

static void a_bare_cookie_is_no_branch(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 200;
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    input(w,
          "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK\r\nFrom: <sip:a@h>;tag=1\r\n"
          "To: <sip:b@h>\r\nCall-ID: one\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n",
          &f);
    input(w,
          "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK\r\nFrom: <sip:a@h>;tag=2\r\n"
          "To: <sip:b@h>\r\nCall-ID: two\r\nCSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n",
          &f);
    assert_int_equal(w->requests, 2);
    world_free(w);
}

/* --- matching --- */

static void requests_match_by_branch_sent_by_and_method(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    static const char *const vias[] = {"h1;branch=z9hG4bK1", "h1:5060;branch=z9hG4bK1",
                                       "h2;branch=z9hG4bK1", "h1;branch=z9hG4bK2"};
    char b[512];
    for (size_t i = 0; i < ARRAY_LEN(vias); i++) {
        snprintf(b, sizeof(b),
                 "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP %s\r\nFrom: <sip:a@h>;tag=%zu\r\n"
                 "To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                 vias[i], i);
        input(w, b, &f);
        assert_int_equal(w->requests, i + 1);
    }
    snprintf(b, sizeof(b),
             "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP H2;branch=z9hG4bK1\r\nFrom: "
             "<sip:a@h>;tag=2\r\nTo: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
             "Content-Length: 0\r\n\r\n");
    input(w, b, &f); /* hosts know no case */
    assert_int_equal(w->requests, ARRAY_LEN(vias));
    assert_int_equal(w->sent_n, 0); /* a retransmission, not a merged request (482) */
    world_free(w);
}

static void long_branches_match_too(void **state)
{
    (void)state;
    struct world *w = world_new();
    char a[400] = "z9hG4bK", b[400];
    memset(a + 7, 'a', 300);
    memcpy(b, a, sizeof(b));
    b[306] = 'b';
    request_in(w, "INVITE", a, TRANSPORT_UDP);
    request_in(w, "INVITE", a, TRANSPORT_UDP);
    assert_int_equal(w->requests, 1);
    request_in(w, "INVITE", b, TRANSPORT_UDP); /* another branch: merged */
    assert_true(sent_starts(w, 0, "SIP/2.0 482 "));
    world_free(w);
}

static const char *old_request(const char *method, const char *to_tag, int cseq)
{
    static char b[512];
    snprintf(b, sizeof(b),
             "%s sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP old:5060\r\nFrom: <sip:a@h>;tag=f\r\n"
             "To: <sip:b@h>%s\r\nCall-ID: c\r\nCSeq: %d %s\r\nContent-Length: 0\r\n\r\n",
             method, to_tag, cseq, method);
    return b;
}

static void rfc_2543_clients_match_without_branch(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    input(w, old_request("INVITE", "", 1), &f);
    input(w, old_request("INVITE", "", 1), &f);
    assert_int_equal(w->requests, 1);
    respond(w, 486);
    input(w, old_request("ACK", ";tag=ours", 1), &f);
    EXPECT_TOLD(w, TXN_EVENT_ACKED);
    input(w, old_request("INVITE", "", 2), &f);
    assert_int_equal(w->requests, 2);
    input(w, old_request("CANCEL", "", 2), &f);
    assert_int_equal(w->cancels, 1);
    world_free(w);
}

static void merged_requests_get_482(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    request_in(w, "INVITE", "z9hG4bK2", TRANSPORT_UDP);
    assert_int_equal(w->requests, 1);
    assert_true(sent_starts(w, 0, "SIP/2.0 482 "));
    /* Within a dialog it is no merge. */
    input(w, request("INVITE", "z9hG4bK3", "dialog", ""), &f);
    assert_int_equal(w->requests, 2);
    respond(w, 486);
    ack_in(w, "z9hG4bK3", TRANSPORT_UDP);
    loop_advance(w->loop, 5000);
    EXPECT_TOLD(w, TXN_EVENT_ACKED, TXN_EVENT_TERMINATED);
    request_in(w, "INVITE", "z9hG4bK4", TRANSPORT_UDP);
    assert_int_equal(w->requests, 2); /* the first one still rings */
    world_free(w);
}

/* --- limits, copies, ends --- */

static void one_past_the_limit_gets_503(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    char b[32];
    w->l->count = TXN_MAX - 1; /* as if */
    input(w, request("INVITE", "z9hG4bK1", "dialog", ""), &f);
    assert_int_equal(w->requests, 1);
    input(w, request("INVITE", "z9hG4bK2", "dialog", ""), &f);
    assert_int_equal(w->requests, 1);
    assert_true(sent_starts(w, 0, "SIP/2.0 503 "));
    snprintf(b, sizeof(b), "\r\nRetry-After: %d\r\n", TXN_RETRY_AFTER_S);
    assert_true(sent_has(w, 0, b));
    struct txn_client *ct;
    assert_int_equal(txn_client_new(w->l, &f, slice_from_str(request("INFO", "z9hG4bK9", "", "")),
                                    NULL, NULL, &ct),
                     -ENOBUFS);
    world_free(w);
}

static void a_remembered_answer_takes_no_transactions_place(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 200;
    w->detach_in_request = true;
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    input(w, request("OPTIONS", "z9hG4bK1", "dialog", ""), &f);
    assert_int_equal(txn_layer_count(w->l), 1);
    assert_int_equal(w->l->count, 0);
    w->l->count = TXN_MAX; /* and is there when there is room for nothing else */
    input(w, request("OPTIONS", "z9hG4bK1", "dialog", ""), &f);
    assert_true(sent_starts(w, 1, "SIP/2.0 200 "));
    w->l->count = 0;
    world_free(w);
}

static void the_request_outlives_on_request(void **state)
{
    (void)state;
    struct world *w = world_new();
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    const struct sip_msg *m = txn_server_request(w->st);
    assert_non_null(m);
    assert_true(slice_eq_str(m->call_id, "c1"));
    assert_true(slice_eq_str(sip_msg_value(m, SIP_HDR_TO), "<sip:b@h>"));
    assert_ptr_equal(m, txn_server_request(w->st));
    respond(w, 486);
    assert_ptr_equal(m, txn_server_request(w->st));

    w->ask_in_request = true;
    w->answer = 486;
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    input(w, request("INVITE", "z9hG4bK5", "dialog", ""), &f);
    assert_ptr_equal(w->copy, txn_server_request(w->st));
    assert_int_equal(w->copy->cseq, 7);
    w->ask_in_request = false;
    input(w, request("INVITE", "z9hG4bK6", "dialog", ""), &f);
    assert_null(txn_server_request(w->st)); /* answered: no copy was made */
    world_free(w);
}

static void who_lets_go_without_an_answer_leaves_500(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->detach_in_request = true;
    request_in(w, "INVITE", "z9hG4bK1", TRANSPORT_UDP);
    assert_true(sent_starts(w, 0, "SIP/2.0 500 "));
    request_in(w, "OPTIONS", "z9hG4bK2", TRANSPORT_TCP);
    assert_true(sent_starts(w, 1, "SIP/2.0 500 "));
    assert_int_equal(txn_layer_count(w->l), 1);
    w->detach_in_request = false;
    request_in(w, "INFO", "z9hG4bK3", TRANSPORT_UDP);
    loop_advance(w->loop, 100);
    w->sent_n = 0;
    txn_server_detach(w->st);
    assert_true(sent_starts(w, 0, "SIP/2.0 500 "));
    loop_advance(w->loop, 40000);
    assert_int_equal(w->told_n, 0);
    assert_int_equal(txn_layer_count(w->l), 0);
    world_free(w);
}

static void what_is_no_request_is_not_sent(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    struct txn_client *ct;
    assert_int_equal(txn_client_new(w->l, &f, SLICE_LIT("nonsense"), NULL, NULL, &ct), -EINVAL);
    assert_int_equal(txn_client_new(w->l, &f, slice_from_str(request("ACK", "z9hG4bK9", "", "")),
                                    NULL, NULL, &ct),
                     -EINVAL);
    assert_int_equal(w->sent_n, 0);
    world_free(w);
}

static void branches_are_long_and_all_different(void **state)
{
    (void)state;
    char a[TXN_BRANCH_MAX], b[TXN_BRANCH_MAX];
    txn_branch_new(a);
    txn_branch_new(b);
    assert_int_equal(strlen(a), 7 + 32);
    assert_memory_equal(a, "z9hG4bK", 7);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reliable_other_server_is_gone_when_answered),
        cmocka_unit_test(other_server_repeats_its_answer_for_timer_j),
        cmocka_unit_test(other_server_without_answer_times_out),
        cmocka_unit_test(asking_for_credentials_takes_no_memory),
        cmocka_unit_test(remembered_answers_are_bounded),
        cmocka_unit_test(invite_server_sends_100_after_200_ms),
        cmocka_unit_test(invite_server_answered_in_time_sends_no_100),
        cmocka_unit_test(an_answer_before_200_ms_takes_the_place_of_the_100),
        cmocka_unit_test(invite_server_failure_is_repeated_until_the_ack),
        cmocka_unit_test(invite_server_whose_ack_is_lost_times_out),
        cmocka_unit_test(reliable_invite_server_failure_is_sent_once),
        cmocka_unit_test(accepted_invite_absorbs_retransmissions_and_passes_acks),
        cmocka_unit_test(early_ack_is_ignored),
        cmocka_unit_test(cancel_is_answered_and_told_once),
        cmocka_unit_test(cancel_after_the_answer_changes_nothing),
        cmocka_unit_test(cancel_of_nothing_gets_481),
        cmocka_unit_test(another_host_has_no_part_in_a_transaction),
        cmocka_unit_test(a_bare_cookie_is_no_branch),
        cmocka_unit_test(requests_match_by_branch_sent_by_and_method),
        cmocka_unit_test(long_branches_match_too),
        cmocka_unit_test(rfc_2543_clients_match_without_branch),
        cmocka_unit_test(merged_requests_get_482),
        cmocka_unit_test(one_past_the_limit_gets_503),
        cmocka_unit_test(a_remembered_answer_takes_no_transactions_place),
        cmocka_unit_test(the_request_outlives_on_request),
        cmocka_unit_test(who_lets_go_without_an_answer_leaves_500),
        cmocka_unit_test(what_is_no_request_is_not_sent),
        cmocka_unit_test(branches_are_long_and_all_different),
    };
    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
