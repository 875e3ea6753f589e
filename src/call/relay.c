/* Requests within the dialog: which are ours to answer, and which go on to the other leg as they
 * are (INFO with DTMF and the like, MESSAGE). */
#include <stdlib.h>

#include "call/content.h"
#include "call/exchange.h"
#include "call/info.h"
#include "call/rel.h"
#include "call/steps.h"

/* One request on its way to the other leg. It may outlive neither leg: both ends let go when their
 * transaction ends. */
struct passage {
    struct leg *from;
    struct txn_server *in;
    struct txn_client *out;
    struct list node; /* in the call's passages */
};

static void passage_free(struct passage *p)
{
    if (p->in)
        txn_server_detach(p->in);
    if (p->out)
        txn_client_detach(p->out);
    list_remove(&p->node);
    free(p);
}

void relay_abort(struct call *c)
{
    LIST_FOR_EACH(n, &c->passages)
    {
        struct passage *p = CONTAINER_OF(n, struct passage, node);
        struct leg_answer a = {.status = 481};
        if (p->in && !txn_server_has_final(p->in))
            leg_sip_respond(p->from, p->in, &a);
        passage_free(p);
    }
}

static void on_in(void *arg, struct txn_server *st, enum txn_event ev)
{
    struct passage *p = arg;
    (void)st;
    if (ev == TXN_EVENT_TERMINATED)
        p->in = NULL;
}

static void pass_back(struct passage *p, uint16_t status, const struct sip_msg *msg)
{
    char type[128];
    struct leg_answer a = {.status = status};
    if (status < 200 || (status >= 300 && status < 400) || status == 401 || status == 407) {
        a.status = 500; /* between us and that phone, not for this one to act on */
    } else if (msg) {
        a.reason = msg->reason;
        struct slice ct = sip_msg_value(msg, SIP_HDR_CONTENT_TYPE);
        if (msg->body.n && slice_to_str(ct, type, sizeof(type))) {
            a.body = msg->body;
            a.content_type = type;
        }
    }
    if (p->in)
        leg_sip_respond(p->from, p->in, &a);
    passage_free(p);
}

static void on_out(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    struct passage *p = arg;
    (void)ct;
    switch (ev) {
    case TXN_EVENT_RESPONSE:
        if (msg->status >= 200)
            pass_back(p, msg->status, msg);
        return;
    case TXN_EVENT_TIMEOUT:
        pass_back(p, 408, NULL);
        return;
    case TXN_EVENT_TRANSPORT_ERROR:
        pass_back(p, 503, NULL);
        return;
    case TXN_EVENT_TERMINATED:
        p->out = NULL;
        return;
    case TXN_EVENT_ACKED:
    case TXN_EVENT_COUNT:
        return;
    }
}

static void answer(struct leg *l, struct txn_server *st, uint16_t status, struct slice headers)
{
    struct leg_answer a = {.status = status, .headers = headers};
    leg_sip_respond(l, st, &a);
    txn_server_detach(st);
}

static void pass_on(struct leg *l, struct txn_server *st, struct sip_msg *req)
{
    struct leg *to = call_other(l);
    info_learn(l, req);
    if (!to) { /* a built-in target has heard it */
        answer(l, st, 200, SLICE_NONE);
        return;
    }
    if (req->method == SIP_INFO && to->state == LEG_UP && info_to_event(to, req)) {
        answer(l, st, 200, SLICE_NONE);
        return;
    }
    char headers[1024];
    struct buf hb = buf_over(headers, sizeof(headers));
    content_put_crossing(&hb, req);
    struct slice package = SLICE_NONE;
    const struct sip_hdr *h = sip_msg_hdr_named(req, SLICE_LIT("Info-Package")); /* RFC 6086 */
    if (h)
        package = h->value;
    if (package.n)
        buf_printf(&hb, "Info-Package: " SLICE_FMT "\r\n", SLICE_ARG(package));
    struct passage *p = to->state == LEG_UP && !hb.overflow ? calloc(1, sizeof(*p)) : NULL;
    if (!p) {
        answer(l, st, 480, SLICE_NONE);
        return;
    }
    p->from = l;
    p->in = st;
    list_push_back(&l->call->passages, &p->node);
    txn_server_set_user(st, on_in, p);
    struct leg_request rq = {
        .method = req->method,
        .method_name = req->method_name,
        .body = req->body,
        .content_type = sip_msg_value(req, SIP_HDR_CONTENT_TYPE),
        .headers = buf_slice(&hb),
        .fn = on_out,
        .arg = p,
    };
    if (leg_sip_request(to, &rq, &p->out) < 0)
        pass_back(p, 480, NULL);
}

/* Extensions that a request within the dialog may require. */
static bool requires_known(const struct sip_msg *req, struct buf *unsupported)
{
    static const char *const known[] = {"timer", "100rel"};
    struct sip_list_iter it = {0};
    struct slice e;
    while (sip_msg_list_next(req, SIP_HDR_REQUIRE, &it, &e)) {
        bool found = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            found |= slice_eq_nocase_str(e, known[i]);
        if (!found)
            sip_put_hdr(unsupported, SIP_HDR_UNSUPPORTED, e);
    }
    return unsupported->n == 0 && !unsupported->overflow;
}

static void on_bye(struct leg *l, struct txn_server *st, struct sip_msg *req)
{
    answer(l, st, 200, SLICE_NONE);
    leg_event(l, LEG_EV_BYE, &(struct leg_input){.msg = req});
}

void call_core_request(struct call_core *core, struct leg *l, struct txn_server *st,
                       struct sip_msg *req)
{
    char mem[512];
    struct buf unsupported = buf_over(mem, sizeof(mem));
    (void)core;
    if (l->state == LEG_DOWN && req->method != SIP_BYE) {
        answer(l, st, 481, SLICE_NONE);
        return;
    }
    if (dialog_on_request(&l->dialog, req) != DIALOG_OK) { /* s.12.2.2: out of order */
        answer(l, st, 500, SLICE_LIT("Retry-After: 1\r\n"));
        return;
    }
    if (!requires_known(req, &unsupported)) {
        answer(l, st, 420, buf_slice(&unsupported));
        return;
    }
    switch (req->method) {
    case SIP_INVITE:
    case SIP_UPDATE:
        exchange_begin(l, st, req);
        return;
    case SIP_BYE:
        on_bye(l, st, req);
        return;
    case SIP_PRACK:
        rel_on_prack(l, st, req);
        return;
    case SIP_INFO:
    case SIP_MESSAGE:
        pass_on(l, st, req);
        return;
    case SIP_OPTIONS:
        answer(l, st, 200, SLICE_LIT(CALL_ALLOW "Accept: application/sdp\r\n"));
        return;
    case SIP_ACK:
    case SIP_CANCEL:
    case SIP_REGISTER:
    case SIP_SUBSCRIBE:
    case SIP_NOTIFY:
    case SIP_REFER:
    case SIP_PUBLISH:
        answer(l, st, 405, SLICE_LIT(CALL_ALLOW));
        return;
    case SIP_METHOD_OTHER: /* s.8.2.1: not known at all */
        answer(l, st, 501, SLICE_LIT(CALL_ALLOW));
        return;
    }
}
