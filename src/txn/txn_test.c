#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "txn/priv.h"

/* --- a world: a virtual loop, a layer, and what it sent and told --- */

#define SENT_MAX 64
#define EVENTS_MAX 64

struct sent {
    uint64_t at;
    struct transport_flow flow;
    size_t n;
    char b[4096];
};

struct told {
    int ev; /* enum txn_event, or 100 + status for a response */
    uint64_t at;
};

struct world {
    struct loop *loop;
    struct txn_layer *l;
    struct sent sent[SENT_MAX];
    int sent_n;
    struct told told[EVENTS_MAX];
    int told_n;
    int requests, acks, cancels, strays;
    int send_result;
    struct txn_server *st;
    struct txn_client *ct;
    uint16_t answer;     /* given within on_request; 0: none */
    bool ask_in_request; /* for the persistent copy */
    bool detach_in_request;
    const struct sip_msg *copy;
    struct transport_flow ack_flow;
};

static const char *const udp_via = "SIP/2.0/UDP 192.0.2.9:5062;branch=";

static struct transport_flow flow_of(enum transport_kind kind, uint64_t conn)
{
    struct transport_flow f = {.kind = kind, .conn = conn};
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.9"), 5062, &f.remote), 0);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), 5060, &f.local), 0);
    return f;
}

static int world_send(void *arg, const struct transport_flow *flow, struct slice msg)
{
    struct world *w = arg;
    if (w->send_result < 0)
        return w->send_result;
    assert_true(w->sent_n < SENT_MAX && msg.n < sizeof(w->sent[0].b));
    struct sent *s = &w->sent[w->sent_n++];
    s->at = loop_now(w->loop);
    s->flow = *flow;
    s->n = msg.n;
    memcpy(s->b, msg.p, msg.n);
    s->b[msg.n] = '\0';
    return 0;
}

static void tell(struct world *w, int ev)
{
    assert_true(w->told_n < EVENTS_MAX);
    w->told[w->told_n++] = (struct told){ev, loop_now(w->loop)};
}

static void server_event(void *arg, struct txn_server *st, enum txn_event ev)
{
    struct world *w = arg;
    assert_ptr_equal(st, w->st);
    tell(w, (int)ev);
    if (ev == TXN_EVENT_TERMINATED)
        w->st = NULL;
}

static void client_event(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    struct world *w = arg;
    assert_ptr_equal(ct, w->ct);
    tell(w, ev == TXN_EVENT_RESPONSE ? 100 + msg->status : (int)ev);
    if (ev == TXN_EVENT_TERMINATED)
        w->ct = NULL;
}

static void respond(struct world *w, uint16_t status)
{
    char b[512];
    int n =
        snprintf(b, sizeof(b),
                 "SIP/2.0 %d X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKs\r\nFrom: <sip:a@h>;tag=f\r\n"
                 "To: <sip:b@h>%s\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
                 status, status > 100 ? ";tag=ours" : "");
    txn_server_respond(w->st, status, slice_from(b, (size_t)n));
}

static void on_request(void *arg, struct txn_server *st, struct sip_msg *req,
                       const struct transport_flow *flow)
{
    struct world *w = arg;
    w->requests++;
    w->st = st;
    assert_memory_equal(txn_server_flow(st), flow, sizeof(*flow));
    assert_int_equal(txn_server_method(st), req->method);
    txn_server_set_user(st, server_event, w);
    if (w->ask_in_request)
        w->copy = txn_server_request(st);
    if (w->answer)
        respond(w, w->answer);
    if (w->detach_in_request)
        txn_server_detach(st);
}

static void on_ack(void *arg, struct sip_msg *ack, const struct transport_flow *flow)
{
    struct world *w = arg;
    assert_int_equal(ack->method, SIP_ACK);
    w->ack_flow = *flow;
    w->acks++;
}

static void on_cancel(void *arg, struct txn_server *invite, struct sip_msg *cancel)
{
    struct world *w = arg;
    assert_ptr_equal(invite, w->st);
    assert_int_equal(cancel->method, SIP_CANCEL);
    w->cancels++;
}

static void on_stray(void *arg, struct sip_msg *rsp, const struct transport_flow *flow)
{
    struct world *w = arg;
    assert_non_null(flow);
    assert_true(rsp->status >= 200 && rsp->status < 300);
    w->strays++;
}

static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    struct txn_cb cb = {w, on_request, on_ack, on_cancel, on_stray, world_send};
    assert_int_equal(loop_new_virtual(1000, &w->loop), 0);
    assert_int_equal(txn_layer_new(w->loop, &cb, NULL, &w->l), 0);
    return w;
}

static void world_free(struct world *w)
{
    txn_layer_free(w->l);
    loop_free(w->loop);
    free(w);
}

/* Network input lives in a buffer that is gone when the call returns. */
static void input(struct world *w, const char *text, const struct transport_flow *flow)
{
    size_t n = strlen(text);
    char *b = malloc(n);
    struct sip_msg *m = malloc(sizeof(*m));
    memcpy(b, text, n);
    assert_int_equal(sip_msg_parse(slice_from(b, n), m), SIP_PARSE_OK);
    txn_layer_input(w->l, m, flow);
    memset(b, 'x', n);
    free(b);
    memset(m, 0xee, sizeof(*m));
    free(m);
}

static const char *request(const char *method, const char *branch, const char *to_tag,
                           const char *more)
{
    static char b[2048];
    int n =
        snprintf(b, sizeof(b),
                 "%s sip:b@192.0.2.1 SIP/2.0\r\nVia: %s%s\r\nFrom: <sip:a@h>;tag=f\r\n"
                 "To: <sip:b@h>%s%s\r\nCall-ID: c1\r\nCSeq: 7 %s\r\n%sContent-Length: 0\r\n\r\n",
                 method, udp_via, branch, *to_tag ? ";tag=" : "", to_tag, method, more);
    assert_true(n > 0 && (size_t)n < sizeof(b));
    return b;
}

static void request_in(struct world *w, const char *method, const char *branch,
                       enum transport_kind kind)
{
    struct transport_flow f = flow_of(kind, kind == TRANSPORT_UDP ? 0 : 5);
    input(w, request(method, branch, "", ""), &f);
}

static void ack_in(struct world *w, const char *branch, enum transport_kind kind)
{
    struct transport_flow f = flow_of(kind, kind == TRANSPORT_UDP ? 0 : 6);
    input(w, request("ACK", branch, "ours", ""), &f);
}

static void client_start(struct world *w, const char *method, enum transport_kind kind)
{
    struct transport_flow f = flow_of(kind, kind == TRANSPORT_UDP ? 0 : 5);
    const char *req = request(method, "z9hG4bKc", "",
                              "Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
                              "Route: <sip:p3;lr>\r\n");
    assert_int_equal(txn_client_new(w->l, &f, slice_from_str(req), client_event, w, &w->ct), 0);
}

static void response_in(struct world *w, int status, const char *method, const char *to_tag)
{
    char b[1024];
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    snprintf(b, sizeof(b),
             "SIP/2.0 %d X\r\nVia: %sz9hG4bKc\r\nFrom: <sip:a@h>;tag=f\r\nTo: <sip:b@h>;tag=%s\r\n"
             "Call-ID: c1\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
             status, udp_via, to_tag, method);
    input(w, b, &f);
}

static bool sent_starts(const struct world *w, int i, const char *start)
{
    return i < w->sent_n &&
           slice_starts_with(slice_from(w->sent[i].b, w->sent[i].n), slice_from_str(start));
}

static bool sent_has(const struct world *w, int i, const char *needle)
{
    return i < w->sent_n && strstr(w->sent[i].b, needle);
}

/* Each message went out at these times after the start (1000). */
static void expect_sent_at(const struct world *w, const uint64_t *at, int n)
{
    assert_int_equal(w->sent_n, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(w->sent[i].at - 1000, at[i]);
}

static void expect_told(const struct world *w, const int *ev, int n)
{
    assert_int_equal(w->told_n, n);
    for (int i = 0; i < n; i++)
        assert_int_equal(w->told[i].ev, ev[i]);
}

#define EXPECT_SENT_AT(w, ...)                         \
    do {                                               \
        const uint64_t at_[] = {__VA_ARGS__};          \
        expect_sent_at((w), at_, (int)ARRAY_LEN(at_)); \
    } while (0)
#define EXPECT_TOLD(w, ...)                         \
    do {                                            \
        const int ev_[] = {__VA_ARGS__};            \
        expect_told((w), ev_, (int)ARRAY_LEN(ev_)); \
    } while (0)

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
             udp_via);
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
    loop_advance(w->loop, 31999);
    assert_int_equal(w->told_n, 0);
    loop_advance(w->loop, 1);
    EXPECT_TOLD(w, TXN_EVENT_TERMINATED);
    request_in(w, "OPTIONS", "z9hG4bK1", TRANSPORT_UDP);
    assert_int_equal(w->requests, 2);
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

static void an_answer_that_is_only_remembered_makes_room(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->answer = 200;
    struct transport_flow f = flow_of(TRANSPORT_UDP, 0);
    input(w, request("OPTIONS", "z9hG4bK1", "dialog", ""), &f);
    w->answer = 0;
    w->l->count = TXN_MAX;
    txn_server_detach(w->st);
    input(w, request("INVITE", "z9hG4bK2", "dialog", ""), &f);
    assert_true(sent_starts(w, 1, "SIP/2.0 503 "));
    loop_advance(w->loop, 0);
    input(w, request("INVITE", "z9hG4bK3", "dialog", ""), &f);
    assert_int_equal(w->requests, 2);
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
    w->answer = 200;
    request_in(w, "MESSAGE", "z9hG4bK5", TRANSPORT_UDP);
    assert_ptr_equal(w->copy, txn_server_request(w->st));
    assert_int_equal(w->copy->cseq, 7);
    w->ask_in_request = false;
    request_in(w, "INFO", "z9hG4bK6", TRANSPORT_UDP);
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

/* --- the tables --- */

static void every_cell_is_written_out(void **state)
{
    (void)state;
    for (int invite = 0; invite < 2; invite++) {
        for (int s = 0; s < CLIENT_STATE_COUNT; s++) {
            for (int in = 0; in < CLIENT_IN_COUNT; in++) {
                const struct txn_cell *c = &txn_client_table[invite][s][in];
                assert_int_not_equal(c->act, CLIENT_ACT_HOLE);
                assert_true(c->act < CLIENT_ACT_COUNT && c->next < CLIENT_STATE_COUNT);
                /* Nothing comes back from the end, and nothing impossible moves. */
                if (s == CLIENT_TERMINATED || c->act == CLIENT_ACT_NEVER)
                    assert_int_equal(c->next, s);
                /* Who is told of a failure is at the end. */
                if (c->act == CLIENT_ACT_TIMEOUT || c->act == CLIENT_ACT_ERROR)
                    assert_int_equal(c->next, CLIENT_TERMINATED);
            }
            /* No state lasts without something that ends it. */
            if (s != CLIENT_TERMINATED && (invite || s != CLIENT_ACCEPTED))
                assert_int_not_equal(txn_client_entry[invite][s].life, TXN_LIFE_OFF);
        }
        for (int s = 0; s < SERVER_STATE_COUNT; s++) {
            for (int in = 0; in < SERVER_IN_COUNT; in++) {
                const struct txn_cell *c = &txn_server_table[invite][s][in];
                assert_int_not_equal(c->act, SERVER_ACT_HOLE);
                assert_true(c->act < SERVER_ACT_COUNT && c->next < SERVER_STATE_COUNT);
                if (s == SERVER_TERMINATED || c->act == SERVER_ACT_NEVER)
                    assert_int_equal(c->next, s);
                if (c->act == SERVER_ACT_TIMEOUT)
                    assert_int_equal(c->next, SERVER_TERMINATED);
            }
        }
    }
}

/* Where a timer does not run, its input is impossible; where it runs, it has an effect. */
static void timers_and_cells_agree(void **state)
{
    (void)state;
    for (int invite = 0; invite < 2; invite++) {
        for (int s = 0; s < CLIENT_STATE_COUNT; s++) {
            const struct txn_entry *e = &txn_client_entry[invite][s];
            const struct txn_cell *row = txn_client_table[invite][s];
            assert_int_equal(e->retry == TXN_RETRY_OFF,
                             row[CLIENT_IN_RETRY].act == CLIENT_ACT_NEVER);
            assert_int_equal(e->life == TXN_LIFE_OFF, row[CLIENT_IN_LIFE].act == CLIENT_ACT_NEVER);
        }
        for (int s = 0; s < SERVER_STATE_COUNT; s++) {
            const struct txn_entry *e = &txn_server_entry[invite][s];
            const struct txn_cell *row = txn_server_table[invite][s];
            assert_int_equal(e->retry == TXN_RETRY_OFF,
                             row[SERVER_IN_RETRY].act == SERVER_ACT_NEVER);
            assert_int_equal(e->life == TXN_LIFE_OFF, row[SERVER_IN_LIFE].act == SERVER_ACT_NEVER);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(invite_client_retransmits_by_timer_a_until_timer_b),
        cmocka_unit_test(reliable_invite_client_is_sent_once),
        cmocka_unit_test(invite_client_failure_is_acknowledged_each_time_and_told_once),
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
        cmocka_unit_test(reliable_other_server_is_gone_when_answered),
        cmocka_unit_test(other_server_repeats_its_answer_for_timer_j),
        cmocka_unit_test(other_server_without_answer_times_out),
        cmocka_unit_test(remembered_answers_are_bounded),
        cmocka_unit_test(invite_server_sends_100_after_200_ms),
        cmocka_unit_test(invite_server_answered_in_time_sends_no_100),
        cmocka_unit_test(invite_server_failure_is_repeated_until_the_ack),
        cmocka_unit_test(invite_server_whose_ack_is_lost_times_out),
        cmocka_unit_test(reliable_invite_server_failure_is_sent_once),
        cmocka_unit_test(accepted_invite_absorbs_retransmissions_and_passes_acks),
        cmocka_unit_test(early_ack_is_ignored),
        cmocka_unit_test(cancel_is_answered_and_told_once),
        cmocka_unit_test(cancel_after_the_answer_changes_nothing),
        cmocka_unit_test(cancel_of_nothing_gets_481),
        cmocka_unit_test(requests_match_by_branch_sent_by_and_method),
        cmocka_unit_test(long_branches_match_too),
        cmocka_unit_test(rfc_2543_clients_match_without_branch),
        cmocka_unit_test(merged_requests_get_482),
        cmocka_unit_test(one_past_the_limit_gets_503),
        cmocka_unit_test(an_answer_that_is_only_remembered_makes_room),
        cmocka_unit_test(the_request_outlives_on_request),
        cmocka_unit_test(who_lets_go_without_an_answer_leaves_500),
        cmocka_unit_test(what_is_no_request_is_not_sent),
        cmocka_unit_test(branches_are_long_and_all_different),
        cmocka_unit_test(every_cell_is_written_out),
        cmocka_unit_test(timers_and_cells_agree),
    };
    return cmocka_run_group_tests_name("txn", tests, NULL, NULL);
}
