/* What a leg sends: its INVITE, requests within the dialog, answers, ACKs; and the way to its peer.
 * Messages are printed into the core's scratch buffer and handed to the transaction layer, which
 * copies what it must keep. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "call/exchange.h"
#include "call/fork.h"
#include "call/info.h"
#include "call/refresh.h"
#include "call/rel.h"
#include "call/route.h"
#include "call/steps.h"
#include "call/tell.h"
#include "crypto/hash.h"
#include "transport/transport.h"

#define RESEND_T1 500u /* RFC 3261 s.13.3.1.4 */
#define RESEND_T2 4000u
#define ACK_WAIT (64u * RESEND_T1)

static struct call_config *cfg_of(struct leg *l)
{
    return &l->call->core->cfg;
}

static struct buf scratch(struct leg *l)
{
    return buf_over(l->call->core->out, SIP_MSG_MAX);
}

/* --- transactions let go --------------------------------------------------------------------- */

static void resend_stop(struct leg *l)
{
    struct leg_resend *r = l->resend;
    if (!r)
        return;
    l->resend = NULL;
    loop_timer_cancel(cfg_of(l)->loop, &r->timer);
    if (r->txn)
        txn_server_detach(r->txn);
    free(r);
}

void leg_sip_release(struct leg *l)
{
    resend_stop(l);
    rel_release(l);
    route_release(l);
    refresh_release(l);
    info_release(l);
    if (l->invite_in)
        txn_server_detach(l->invite_in);
    if (l->invite_out)
        txn_client_detach(l->invite_out);
    if (l->bye_out)
        txn_client_detach(l->bye_out);
    l->invite_in = NULL;
    l->invite_out = NULL;
    l->bye_out = NULL;
}

/* --- a 2xx sent again until its ACK ---------------------------------------------------------- */

static void ack_missing(struct leg *l)
{
    if (l->state == LEG_UP)
        exchange_on_ack_timeout(l);
    else
        leg_event(l, LEG_EV_ACK_TIMEOUT, NULL);
}

static void on_resend(void *arg)
{
    struct leg *l = arg;
    struct leg_resend *r = l->resend;
    struct loop *loop = cfg_of(l)->loop;
    if (loop_now(loop) >= r->until) {
        ack_missing(l);
        return;
    }
    if (r->txn && !transport_kind_is_reliable(txn_server_flow(r->txn)->kind))
        txn_server_resend_2xx(r->txn);
    uint64_t left = r->until - loop_now(loop);
    r->ms = r->ms * 2 > RESEND_T2 ? RESEND_T2 : r->ms * 2;
    loop_timer_set(loop, &r->timer, r->ms < left ? r->ms : left);
}

static void on_answered_txn(void *arg, struct txn_server *st, enum txn_event ev)
{
    struct leg *l = arg;
    (void)st;
    if (ev == TXN_EVENT_TERMINATED && l->resend)
        l->resend->txn = NULL;
}

static void resend_start(struct leg *l, struct txn_server *st)
{
    struct loop *loop = cfg_of(l)->loop;
    resend_stop(l);
    struct leg_resend *r = malloc(sizeof(*r));
    if (!r) { /* nobody would ever give up waiting for it */
        if (st)
            txn_server_detach(st);
        ack_missing(l);
        return;
    }
    *r = (struct leg_resend){.txn = st, .ms = RESEND_T1, .until = loop_now(loop) + ACK_WAIT};
    l->resend = r;
    if (st)
        txn_server_set_user(st, on_answered_txn, l);
    loop_timer_init(&r->timer, on_resend, l);
    loop_timer_set(loop, &r->timer, RESEND_T1);
}

void leg_sip_await_ack(struct leg *l, struct txn_server *st)
{
    resend_start(l, st);
}

void leg_sip_acked(struct leg *l)
{
    resend_stop(l);
}

void leg_sip_init(struct leg *l)
{
    refresh_init(l);
    crypto_random(&l->sdp_session, sizeof(l->sdp_session));
    l->sdp_session &= 0x7fffffffffffffull; /* fits what phones read as a signed number */
}

/* --- the way to the peer --------------------------------------------------------------------- */

static bool flow_of_binding(struct leg *l)
{
    const struct binding *found[LOCATION_CONTACTS_MAX];
    size_t n = location_find(cfg_of(l)->location, slice_from_str(l->user.name),
                             slice_from_str(l->user.domain), found, ARRAY_LEN(found));
    for (size_t i = 0; i < n; i++) {
        bool same = slice_eq_str(slice_from_str(found[i]->contact), l->target_uri);
        if ((same || n == 1) && transport_is_alive(cfg_of(l)->transport, &found[i]->flow)) {
            l->flow = found[i]->flow;
            return true;
        }
    }
    return false;
}

/* A contact with a numeric address that we can connect to ourselves: a phone in the same network
 * whose connection has gone. */
static bool flow_by_connecting(struct leg *l)
{
    struct sip_uri uri;
    struct addr to;
    struct transport_flow flow;
    enum transport_kind kind = l->flow.kind;
    if (sip_uri_parse(dialog_next_hop(&l->dialog), &uri) != SIP_URI_OK)
        return false;
    uint16_t port = uri.port ? uri.port : (transport_kind_is_secure(kind) ? 5061 : 5060);
    if (addr_parse(uri.host, port, &to) < 0 || kind == TRANSPORT_WS || kind == TRANSPORT_WSS)
        return false;
    if (transport_connect(cfg_of(l)->transport, kind, &to, SLICE_NONE, &flow) < 0)
        return false;
    l->flow = flow;
    return true;
}

bool leg_sip_find_flow(struct leg *l)
{
    if (transport_is_alive(cfg_of(l)->transport, &l->flow))
        return true;
    return (l->registered_user && flow_of_binding(l)) || flow_by_connecting(l);
}

/* --- requests -------------------------------------------------------------------------------- */

static void put_contact(struct leg *l, struct buf *b)
{
    BUF_PUT_LIT(b, "Contact: <");
    /* Callees see the caller in it. */
    struct slice user = l->index == 0 ? SLICE_NONE : slice_from_str(l->call->a->user.name);
    transport_put_contact_uri(b, cfg_of(l)->transport, &l->flow, user);
    BUF_PUT_LIT(b, ">\r\n");
}

static void put_common(struct leg *l, struct buf *b)
{
    BUF_PUT_LIT(b, "User-Agent: ");
    buf_put_str(b, cfg_of(l)->server_name);
    BUF_PUT_LIT(b, "\r\n");
}

/* The head up to and with CSeq. `branch` names the transaction. */
static void put_request(struct leg *l, struct buf *b, struct slice method, uint32_t cseq,
                        const char *branch)
{
    char via[512];
    struct buf vb = buf_over(via, sizeof(via));
    transport_put_via(&vb, cfg_of(l)->transport, &l->flow, slice_from_str(branch));
    if (vb.overflow)
        b->overflow = true;
    /* RFC 7332 s.4: a call that goes round through us loses a hop each time, and ends. */
    uint32_t hops = l->dialog.state == DIALOG_NONE ? l->call->max_forwards : 70;
    dialog_put_request(b, &l->dialog, method, cseq, buf_slice(&vb), hops);
}

static int send_new(struct leg *l, struct buf *b, txn_client_fn *fn, void *arg,
                    struct txn_client **ret)
{
    if (b->overflow)
        return -EMSGSIZE;
    return txn_client_new(cfg_of(l)->txn, &l->flow, buf_slice(b), fn, arg, ret);
}

int leg_sip_request(struct leg *l, const struct leg_request *r, struct txn_client **ret)
{
    char branch[TXN_BRANCH_MAX];
    if (!leg_sip_find_flow(l))
        return -ENOTCONN;
    txn_branch_new(branch);
    struct slice method =
        r->method_name.n ? r->method_name : slice_from_str(sip_method_name(r->method));
    uint32_t cseq = dialog_next_cseq(&l->dialog);
    if (r->method == SIP_INVITE)
        l->invite_cseq = cseq;
    struct buf b = scratch(l);
    put_request(l, &b, method, cseq, branch);
    put_common(l, &b);
    if (r->method == SIP_INVITE || r->method == SIP_UPDATE) {
        put_contact(l, &b);
        BUF_PUT_LIT(&b, CALL_ALLOW "Supported: timer\r\n");
        refresh_put_request(l, &b);
    }
    buf_put_slice(&b, r->headers);
    char type[128] = "application/sdp";
    if (r->content_type.n && !slice_to_str(r->content_type, type, sizeof(type)))
        return -EMSGSIZE;
    sip_put_body(&b, r->body.n ? type : NULL, r->body);
    return send_new(l, &b, r->fn, r->arg, ret);
}

/* `name`: a token, a quoted string or plain text; empty: `number` stands in its place. */
static void put_marked(struct buf *b, struct slice name, const char *number)
{
    char text[DIALOG_URI_MAX], plain[DIALOG_URI_MAX];
    struct buf tb = buf_over(text, sizeof(text));
    size_t n;
    buf_put_str(&tb, TELL_MARK " ");
    if (name.n && name.p[0] == '"' && sip_unquote(name, plain, sizeof(plain), &n) == 0)
        buf_put_slice(&tb, slice_from(plain, n));
    else if (name.n)
        buf_put_slice(&tb, name);
    else
        buf_put_str(&tb, number);
    if (tb.overflow) {
        b->overflow = true;
        return;
    }
    sip_put_quoted(b, buf_slice(&tb));
    buf_put_char(b, ' ');
}

/* "name" <sip:1000@example.org> of the caller as the callee sees it. A caller can only be itself,
 * so it is made of what we know, not of what it wrote; its display name is its own choice. */
static void put_identity(struct buf *b, const struct leg *a, bool mark)
{
    struct slice own = call_text_slice(&a->display);
    bool given = a->user.display[0];
    if (own.n && memmem(own.p, own.n, TELL_MARK, sizeof(TELL_MARK) - 1))
        own = SLICE_NONE; /* the lock is ours to give */
    if (mark) {
        put_marked(b, given ? slice_from_str(a->user.display) : own, a->user.name);
    } else if (given) {
        sip_put_quoted(b, slice_from_str(a->user.display));
        buf_put_char(b, ' ');
    } else if (own.n) {
        buf_put_slice(b, own);
        buf_put_char(b, ' ');
    }
    BUF_PUT_LIT(b, "<sip:");
    sip_put_escaped_user(b, slice_from_str(a->user.name));
    buf_put_char(b, '@');
    buf_put_str(b, a->user.domain);
    buf_put_char(b, '>');
}

bool leg_sip_make_dialog(struct leg *l)
{
    struct call *c = l->call;
    char call_id[40], tag[20], from[DIALOG_URI_MAX], to[DIALOG_URI_MAX];
    crypto_random_hex(call_id, 16);
    crypto_random_hex(tag, 8);
    crypto_random_hex(l->caller_tag, 8);
    struct buf fb = buf_over(from, sizeof(from)), tb = buf_over(to, sizeof(to));
    put_identity(&fb, c->a, false);
    BUF_PUT_LIT(&tb, "<sip:");
    sip_put_escaped_user(&tb, slice_from_str(l->user.name));
    buf_put_char(&tb, '@');
    buf_put_str(&tb, l->user.domain);
    buf_put_char(&tb, '>');
    uint32_t cseq = 0;
    crypto_random(&cseq, sizeof(cseq));
    int r = fb.overflow || tb.overflow
                ? DIALOG_TOO_LONG
                : dialog_init_uac(&l->dialog, slice_from_str(call_id), slice_from_str(tag),
                                  buf_slice(&fb), buf_slice(&tb), slice_from_str(l->target_uri),
                                  slice_from_str(l->path), cseq & 0xffff);
    if (r == DIALOG_OK)
        leg_remember_dialog(l, slice_from_str(call_id), slice_from_str(tag));
    return r == DIALOG_OK;
}

void leg_sip_mark(struct leg *l)
{
    char from[DIALOG_URI_MAX];
    struct buf b = buf_over(from, sizeof(from));
    if (!tell_wants_mark(l))
        return;
    put_identity(&b, l->call->a, true);
    if (b.overflow || dialog_set_local_name(&l->dialog, buf_slice(&b)) != DIALOG_OK)
        return; /* a name that long goes without */
}

static void invite_failed(struct leg *l)
{
    struct leg_input in = {.status = 503, .reason = SLICE_LIT("the phone cannot be reached")};
    leg_event(l, LEG_EV_FAIL, &in);
}

void leg_sip_invite(struct leg *l, struct slice sdp)
{
    char branch[TXN_BRANCH_MAX];
    struct call *c = l->call;
    txn_branch_new(branch);
    l->invite_cseq = dialog_next_cseq(&l->dialog);
    struct buf b = scratch(l);
    put_request(l, &b, SLICE_LIT("INVITE"), l->invite_cseq, branch);
    put_common(l, &b);
    put_contact(l, &b);
    BUF_PUT_LIT(&b, CALL_ALLOW);
    buf_put_str(&b, c->late_offer ? "Supported: timer\r\n" : "Supported: timer, 100rel\r\n");
    refresh_put_request(l, &b);
    tell_put_headers(&b, l, c->a);
    buf_put_slice(&b, call_text_slice(&c->crossing));
    sip_put_body(&b, sdp.n ? "application/sdp" : NULL, sdp);
    if (send_new(l, &b, fork_on_invite_event, l, &l->invite_out) < 0)
        invite_failed(l);
}

static void ack_print(struct leg *l, uint32_t cseq, struct slice sdp, struct buf *b)
{
    char branch[TXN_BRANCH_MAX];
    txn_branch_new(branch);
    put_request(l, b, SLICE_LIT("ACK"), cseq, branch);
    sip_put_body(b, sdp.n ? "application/sdp" : NULL, sdp);
}

static void ack_send(struct leg *l, struct slice ack)
{
    int r = transport_send(cfg_of(l)->transport, &l->flow, ack);
    if (r < 0)
        log_event(LOG_INFO, "ack_not_sent", LOG_STR("call", l->call->name), LOG_ERRNO(r));
}

void leg_sip_ack(struct leg *l, struct slice sdp)
{
    if (!leg_sip_find_flow(l))
        return; /* the peer repeats its 2xx, or its call ends by its own timer */
    struct buf b = scratch(l);
    ack_print(l, l->invite_cseq, sdp, &b);
    if (b.overflow || (sdp.n && call_text_set(&l->ack, buf_slice(&b)) < 0))
        return;
    if (!sdp.n)
        call_text_clear(&l->ack);
    l->acked = true;
    l->ack_cseq = l->invite_cseq;
    l->ack_answers = sdp.n > 0;
    ack_send(l, buf_slice(&b));
}

/* A 2xx that no transaction waits for any more: the ACK that it has had once, or, where we had let
 * go of the INVITE before, the first. */
void leg_sip_ack_stray(struct leg *l, const struct sip_msg *rsp)
{
    const struct exchange *ex = &l->call->ex;
    if (l->acked && rsp->cseq == l->ack_cseq) {
        leg_sip_ack_again(l);
        return;
    }
    if (rsp->cseq != l->invite_cseq)
        return;
    if (l->state == LEG_ENDING || l->state == LEG_DOWN)
        leg_sip_ack(l, SLICE_NONE);
    else if (l->restored && !l->acked && l->state == LEG_UP &&
             (ex->state == EXCHANGE_IDLE || ex->y != l)) /* what it got, the last process knew */
        leg_sip_ack(l, l->ack_answers ? leg_local_sdp(l) : SLICE_NONE);
}

void leg_sip_ack_again(struct leg *l)
{
    if (!l->acked)
        return; /* owed still */
    struct buf b = scratch(l);
    if (l->ack_answers)
        ack_send(l, call_text_slice(&l->ack));
    else if (leg_sip_find_flow(l)) {
        ack_print(l, l->ack_cseq, SLICE_NONE, &b);
        if (!b.overflow)
            ack_send(l, buf_slice(&b));
    }
}

static void on_stray_bye(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    (void)arg;
    (void)ct;
    (void)ev;
    (void)msg;
}

/* RFC 3261 s.13.2.2.4: a further 2xx from a fork behind the callee makes a session that nobody
 * wants: it is acknowledged and ended. */
void leg_sip_ack_fork(struct leg *l, struct sip_msg *msg)
{
    struct dialog kept = l->dialog;
    char branch[TXN_BRANCH_MAX];
    struct txn_client *ct = NULL;
    l->dialog = (struct dialog){0};
    if (dialog_copy(&l->dialog, &kept) == DIALOG_OK &&
        dialog_uac_on_response(&l->dialog, msg) == DIALOG_OK) {
        txn_branch_new(branch);
        struct buf b = scratch(l);
        put_request(l, &b, SLICE_LIT("ACK"), msg->cseq, branch);
        sip_put_body(&b, NULL, SLICE_NONE);
        if (!b.overflow)
            err_ignore(
                transport_send(cfg_of(l)->transport, &l->flow, buf_slice(&b))); /* it repeats */
        txn_branch_new(branch);
        b = scratch(l);
        put_request(l, &b, SLICE_LIT("BYE"), msg->cseq + 1, branch);
        put_common(l, &b);
        sip_put_body(&b, NULL, SLICE_NONE);
        if (send_new(l, &b, on_stray_bye, NULL, &ct) == 0)
            txn_client_detach(ct);
    }
    dialog_fini(&l->dialog);
    l->dialog = kept;
}

bool leg_sip_restart_dialog(struct leg *l)
{
    const struct dialog *d = &l->dialog;
    return d->state == DIALOG_NONE ||
           dialog_init_uac(&l->dialog, slice_from_str(d->call_id), slice_from_str(d->local_tag),
                           slice_from_str(d->local_uri), slice_from_str(d->remote_uri),
                           slice_from_str(l->target_uri), slice_from_str(l->path),
                           d->local_cseq) == DIALOG_OK;
}

bool leg_sip_take_dialog(struct leg *l, const struct sip_msg *rsp)
{
    info_learn(l, rsp);
    return dialog_uac_on_response(&l->dialog, rsp) == DIALOG_OK;
}

void leg_sip_cancel(struct leg *l, struct slice reason)
{
    char hdr[CALL_WHY_MAX + 64];
    struct buf b = buf_over(hdr, sizeof(hdr));
    if (reason.n)
        sip_put_hdr(&b, SIP_HDR_REASON, reason);
    if (l->invite_out)
        txn_client_cancel(l->invite_out, b.overflow ? SLICE_NONE : buf_slice(&b));
}

static void on_bye(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    struct leg *l = arg;
    (void)ct;
    if (ev == TXN_EVENT_RESPONSE && msg->status < 200)
        return;
    if (ev == TXN_EVENT_TERMINATED)
        l->bye_out = NULL;
    leg_event(l, LEG_EV_BYE_DONE, NULL); /* whatever the answer: the dialog is over (s.15.1.1) */
}

void leg_sip_bye(struct leg *l, struct slice reason)
{
    char headers[CALL_WHY_MAX + 64];
    struct buf hb = buf_over(headers, sizeof(headers));
    if (reason.n)
        sip_put_hdr(&hb, SIP_HDR_REASON, reason);
    struct leg_request rq = {.method = SIP_BYE, .fn = on_bye, .arg = l};
    if (!hb.overflow)
        rq.headers = buf_slice(&hb);
    if (leg_sip_request(l, &rq, &l->bye_out) < 0) {
        log_event(LOG_INFO, "bye_not_sent", LOG_STR("call", l->call->name),
                  LOG_STR("user", l->user.name));
        leg_event(l, LEG_EV_BYE_DONE, NULL);
    }
}

/* --- answers --------------------------------------------------------------------------------- */

static void put_reply(struct leg *l, struct buf *b, struct txn_server *st, uint16_t status,
                      struct slice reason, struct slice to_tag)
{
    const struct sip_msg *req = txn_server_request(st);
    const struct transport_flow *flow = txn_server_flow(st);
    char host[ADDR_STR_MAX];
    struct buf hb = buf_over(host, sizeof(host));
    addr_put_host(&hb, &flow->remote);
    struct sip_reply r = {
        .status = status,
        .reason = reason,
        .to_tag = to_tag,
        .received = buf_slice(&hb),
        .rport = addr_port(&flow->remote),
        .copy_rr = status > 100 && status < 300,
    };
    sip_put_reply_head(b, req, &r);
    BUF_PUT_LIT(b, "Server: ");
    buf_put_str(b, cfg_of(l)->server_name);
    BUF_PUT_LIT(b, "\r\n");
}

void leg_sip_respond(struct leg *l, struct txn_server *st, const struct leg_answer *a)
{
    struct buf b = scratch(l);
    enum sip_method method = txn_server_method(st);
    bool refreshes = method == SIP_INVITE || method == SIP_UPDATE;
    put_reply(l, &b, st, a->status, a->reason, SLICE_NONE);
    if (refreshes && a->status < 300) {
        put_contact(l, &b);
        BUF_PUT_LIT(&b, CALL_ALLOW "Supported: timer\r\n");
        refresh_put_answer(l, &b);
    }
    buf_put_slice(&b, a->headers);
    sip_put_body(&b, a->body.n ? (a->content_type ? a->content_type : "application/sdp") : NULL,
                 a->body);
    if (b.overflow) {
        txn_server_detach(st); /* answers 500 */
        return;
    }
    txn_server_respond(st, a->status, buf_slice(&b));
    if (a->keep && a->status < 300) {
        l->answered_cseq = txn_server_request(st)->cseq;
        resend_start(l, st);
    }
}

void leg_sip_set_tag(struct leg *l, const char *tag)
{
    if (dialog_set_local_tag(&l->dialog, slice_from_str(tag)) != DIALOG_OK)
        return; /* no memory: the old tag stands, and so does its key */
    leg_remember_dialog(l, slice_from_str(l->dialog.call_id), slice_from_str(tag));
}

/* The caller's leg from its INVITE. The tag stands for the call with a built-in target; callees
 * bring their own (leg_sip_set_tag). */
uint16_t leg_sip_take_invite(struct leg *l, struct txn_server *st, const struct sip_msg *req)
{
    char tag[20];
    crypto_random_hex(tag, 8);
    if (dialog_init_uas(&l->dialog, req, slice_from_str(tag)) != DIALOG_OK)
        return 400;
    if (!refresh_agree(l, req))
        return 422;
    snprintf(l->agent, sizeof(l->agent), SLICE_FMT,
             SLICE_ARG(sip_msg_value(req, SIP_HDR_USER_AGENT)));
    if (req->from.display.n && call_text_set(&l->display, req->from.display) < 0)
        return 500;
    leg_remember_dialog(l, req->call_id, slice_from_str(tag));
    l->invite_in = st;
    l->invite_cseq = req->cseq;
    l->allows_update = sip_msg_list_has(req, SIP_HDR_ALLOW, "UPDATE");
    info_learn(l, req);
    struct slice mf = sip_msg_value(req, SIP_HDR_MAX_FORWARDS), rest;
    uint32_t hops = 70;
    if (mf.p && sip_number_parse(mf, &hops, &rest) != SIP_PARSE_OK)
        hops = 70;
    l->call->max_forwards = hops ? hops - 1 : 0;
    return 0;
}

void leg_sip_answer(struct leg *l, struct slice sdp)
{
    struct txn_server *st = l->invite_in;
    if (!st)
        return;
    l->invite_in = NULL;
    l->answered_cseq = l->invite_cseq;
    dialog_confirm(&l->dialog);
    struct buf b = scratch(l);
    put_reply(l, &b, st, 200, SLICE_NONE, slice_from_str(l->dialog.local_tag));
    put_contact(l, &b);
    BUF_PUT_LIT(&b, CALL_ALLOW "Supported: timer, 100rel\r\n");
    refresh_put_answer(l, &b);
    tell_put_headers(&b, l, l->call->b);
    sip_put_body(&b, "application/sdp", sdp);
    if (b.overflow)
        txn_server_detach(st); /* answers 500 */
    else
        txn_server_respond(st, 200, buf_slice(&b));
    resend_start(l, st);
}

void leg_sip_reject(struct leg *l, uint16_t status, struct slice reason)
{
    struct call *c = l->call;
    struct txn_server *st = l->invite_in;
    (void)reason;
    if (!st)
        return;
    uint16_t code = status < 300 ? 480 : status;
    struct buf b = scratch(l);
    put_reply(l, &b, st, code, SLICE_NONE, slice_from_str(l->dialog.local_tag));
    if (code == 488 || code == 480 || code == 503)
        call_put_warning(&b, c, call_end_reason(c));
    if (code == 503)
        BUF_PUT_LIT(&b, "Retry-After: 10\r\n");
    if (code == 415)
        BUF_PUT_LIT(&b, "Accept: application/sdp\r\n");
    sip_put_body(&b, NULL, SLICE_NONE);
    if (!b.overflow)
        txn_server_respond(st, code, buf_slice(&b));
}

void leg_sip_progress(struct leg *l, uint16_t status, struct slice reason, const struct leg *from,
                      struct slice sdp, bool reliable)
{
    struct txn_server *st = l->invite_in;
    if (!st)
        return;
    leg_sip_set_tag(l, from->caller_tag); /* the early dialog that its next request will name */
    struct buf b = scratch(l);
    put_reply(l, &b, st, status, reason, slice_from_str(from->caller_tag));
    put_contact(l, &b);
    if (reliable)
        rel_put(l, &b);
    sip_put_body(&b, sdp.n ? "application/sdp" : NULL, sdp);
    if (b.overflow)
        return;
    txn_server_respond(st, status, buf_slice(&b));
    if (reliable)
        rel_sent(l, status, buf_slice(&b));
}
