/* What the tests of this folder share: a layer under a virtual loop, and what it sent and told. */
#ifndef SOTTO_TXN_TESTKIT_H
#define SOTTO_TXN_TESTKIT_H

#include <assert.h>

#include "txn/priv.h"

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
    struct transport_flow client_flow; /* of the last client: where its answers come from */
};

#define UDP_VIA "SIP/2.0/UDP 192.0.2.9:5062;branch="

static inline struct transport_flow flow_of(enum transport_kind kind, uint64_t conn)
{
    struct transport_flow f = {.kind = kind, .conn = conn};
    assert(addr_parse(SLICE_LIT("192.0.2.9"), 5062, &f.remote) == 0);
    assert(addr_parse(SLICE_LIT("192.0.2.1"), 5060, &f.local) == 0);
    return f;
}

static inline int world_send(void *arg, const struct transport_flow *flow, struct slice msg)
{
    struct world *w = arg;
    if (w->send_result < 0)
        return w->send_result;
    assert(w->sent_n < SENT_MAX && msg.n < sizeof(w->sent[0].b));
    struct sent *s = &w->sent[w->sent_n++];
    s->at = loop_now(w->loop);
    s->flow = *flow;
    s->n = msg.n;
    memcpy(s->b, msg.p, msg.n);
    s->b[msg.n] = '\0';
    return 0;
}

static inline void tell(struct world *w, int ev)
{
    assert(w->told_n < EVENTS_MAX);
    w->told[w->told_n++] = (struct told){ev, loop_now(w->loop)};
}

static inline void server_event(void *arg, struct txn_server *st, enum txn_event ev)
{
    struct world *w = arg;
    assert(st == w->st);
    tell(w, (int)ev);
    if (ev == TXN_EVENT_TERMINATED)
        w->st = NULL;
}

static inline void client_event(void *arg, struct txn_client *ct, enum txn_event ev,
                                struct sip_msg *msg)
{
    struct world *w = arg;
    assert(ct == w->ct);
    tell(w, ev == TXN_EVENT_RESPONSE ? 100 + msg->status : (int)ev);
    if (ev == TXN_EVENT_TERMINATED)
        w->ct = NULL;
}

static inline void respond(struct world *w, uint16_t status)
{
    char b[512];
    int n =
        snprintf(b, sizeof(b),
                 "SIP/2.0 %d X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKs\r\nFrom: <sip:a@h>;tag=f\r\n"
                 "To: <sip:b@h>%s\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
                 status, status > 100 ? ";tag=ours" : "");
    txn_server_respond(w->st, status, slice_from(b, (size_t)n));
}

static inline void on_request(void *arg, struct txn_server *st, struct sip_msg *req,
                              const struct transport_flow *flow)
{
    struct world *w = arg;
    w->requests++;
    w->st = st;
    assert(txn_server_flow(st)->kind == flow->kind && txn_server_flow(st)->conn == flow->conn);
    assert(txn_server_method(st) == req->method);
    txn_server_set_user(st, server_event, w);
    if (w->ask_in_request)
        w->copy = txn_server_request(st);
    if (w->answer)
        respond(w, w->answer);
    if (w->detach_in_request)
        txn_server_detach(st);
}

static inline void on_ack(void *arg, struct sip_msg *ack, const struct transport_flow *flow)
{
    struct world *w = arg;
    assert(ack->method == SIP_ACK);
    w->ack_flow = *flow;
    w->acks++;
}

static inline void on_cancel(void *arg, struct txn_server *invite, struct sip_msg *cancel)
{
    struct world *w = arg;
    assert(invite == w->st);
    assert(cancel->method == SIP_CANCEL);
    w->cancels++;
}

static inline void on_stray(void *arg, struct sip_msg *rsp, const struct transport_flow *flow)
{
    struct world *w = arg;
    assert(flow);
    assert(rsp->status >= 200 && rsp->status < 300);
    w->strays++;
}

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    struct txn_cb cb = {w, on_request, on_ack, on_cancel, on_stray, world_send};
    assert(loop_new_virtual(1000, &w->loop) == 0);
    assert(txn_layer_new(w->loop, &cb, NULL, &w->l) == 0);
    return w;
}

static inline void world_free(struct world *w)
{
    txn_layer_free(w->l);
    loop_free(w->loop);
    free(w);
}

/* Network input lives in a buffer that is gone when the call returns. */
static inline void input(struct world *w, const char *text, const struct transport_flow *flow)
{
    struct slice in = slice_from_str(text);
    size_t n = in.n;
    char *b = malloc(n);
    struct sip_msg *m = malloc(sizeof(*m));
    memcpy(b, in.p, n);
    assert(sip_msg_parse(slice_from(b, n), m) == SIP_PARSE_OK);
    txn_layer_input(w->l, m, flow);
    memset(b, 'x', n);
    free(b);
    memset(m, 0xee, sizeof(*m));
    free(m);
}

static inline const char *request(const char *method, const char *branch, const char *to_tag,
                                  const char *more)
{
    static char b[2048];
    int n =
        snprintf(b, sizeof(b),
                 "%s sip:b@192.0.2.1 SIP/2.0\r\nVia: %s%s\r\nFrom: <sip:a@h>;tag=f\r\n"
                 "To: <sip:b@h>%s%s\r\nCall-ID: c1\r\nCSeq: 7 %s\r\n%sContent-Length: 0\r\n\r\n",
                 method, UDP_VIA, branch, *to_tag ? ";tag=" : "", to_tag, method, more);
    assert(n > 0 && (size_t)n < sizeof(b));
    return b;
}

static inline void request_in(struct world *w, const char *method, const char *branch,
                              enum transport_kind kind)
{
    struct transport_flow f = flow_of(kind, kind == TRANSPORT_UDP ? 0 : 5);
    input(w, request(method, branch, "", ""), &f);
}

static inline void ack_in(struct world *w, const char *branch, enum transport_kind kind)
{
    struct transport_flow f = flow_of(kind, kind == TRANSPORT_UDP ? 0 : 6);
    input(w, request("ACK", branch, "ours", ""), &f);
}

static inline void client_start(struct world *w, const char *method, enum transport_kind kind)
{
    struct transport_flow f = flow_of(kind, kind == TRANSPORT_UDP ? 0 : 5);
    const char *req = request(method, "z9hG4bKc", "",
                              "Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
                              "Route: <sip:p3;lr>\r\n");
    w->client_flow = f;
    assert(txn_client_new(w->l, &f, slice_from_str(req), client_event, w, &w->ct) == 0);
}

static inline void response_in(struct world *w, int status, const char *method, const char *to_tag)
{
    char b[1024];
    snprintf(b, sizeof(b),
             "SIP/2.0 %d X\r\nVia: %sz9hG4bKc\r\nFrom: <sip:a@h>;tag=f\r\nTo: <sip:b@h>;tag=%s\r\n"
             "Call-ID: c1\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
             status, UDP_VIA, to_tag, method);
    input(w, b, &w->client_flow);
}

static inline bool sent_starts(const struct world *w, int i, const char *start)
{
    return i < w->sent_n &&
           slice_starts_with(slice_from(w->sent[i].b, w->sent[i].n), slice_from_str(start));
}

static inline bool sent_has(const struct world *w, int i, const char *needle)
{
    return i < w->sent_n && strstr(w->sent[i].b, needle);
}

/* Each message went out at these times after the start (1000). */
static inline void expect_sent_at(const struct world *w, const uint64_t *at, int n)
{
    assert(w->sent_n == n);
    for (int i = 0; i < n; i++)
        assert(w->sent[i].at - 1000 == at[i]);
}

static inline void expect_told(const struct world *w, const int *ev, int n)
{
    assert(w->told_n == n);
    for (int i = 0; i < n; i++)
        assert(w->told[i].ev == ev[i]);
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

#endif
