/* What a call sends and how it sorts what it gets; the decisions are in the table of call.c. */
#include "phone/call_steps.h"

#include <stdio.h>

#include "crypto/hash.h"
#include "phone/report.h"
#include "sip/hdr.h"

#define RESEND_T1 500u /* RFC 3261 s.13.3.1.4 */
#define RESEND_T2 4000u
#define ACK_WAIT (64u * RESEND_T1)

/* --- who and where ---------------------------------------------------------------------------- */

/* "1001", "echo", "1001@example.org", "sip:…", "tel:…". */
static bool put_target(struct phone_call *c, struct buf *b)
{
    struct slice t = slice_from_str(c->ph->opt->target);
    struct sip_uri uri;

    if (slice_starts_with_nocase(t, SLICE_LIT("sip:")) ||
        slice_starts_with_nocase(t, SLICE_LIT("sips:")) ||
        slice_starts_with_nocase(t, SLICE_LIT("tel:"))) {
        buf_put_slice(b, t);
    } else {
        size_t at = slice_find_char(t, '@');
        BUF_PUT_LIT(b, "sip:");
        sip_put_escaped_user(b, slice_take(t, at));
        buf_put_char(b, '@');
        buf_put_slice(b, at < t.n ? slice_skip(t, at + 1) : slice_from_str(c->ph->domain));
    }
    return !b->overflow && sip_uri_parse(buf_slice(b), &uri) == SIP_URI_OK;
}

bool call_make_dialog(struct phone_call *c)
{
    char call_id[33], tag[17], from[DIALOG_URI_MAX], to[DIALOG_URI_MAX], target[DIALOG_URI_MAX];
    struct buf fb = buf_over(from, sizeof(from)), tb = buf_over(to, sizeof(to)),
               ub = buf_over(target, sizeof(target));

    snprintf(c->peer, sizeof(c->peer), "%s", c->ph->opt->target);
    crypto_random_hex(call_id, 16);
    crypto_random_hex(tag, 8);
    if (!put_target(c, &ub))
        return false;
    BUF_PUT_LIT(&fb, "<sip:");
    sip_put_escaped_user(&fb, slice_from_str(c->ph->user));
    buf_printf(&fb, "@%s>", c->ph->domain);
    buf_put_char(&tb, '<');
    buf_put_slice(&tb, buf_slice(&ub));
    buf_put_char(&tb, '>');
    return !fb.overflow && !tb.overflow &&
           dialog_init_uac(&c->dialog, slice_from_str(call_id), slice_from_str(tag), buf_slice(&fb),
                           buf_slice(&tb), buf_slice(&ub), SLICE_NONE, 0) == DIALOG_OK;
}

struct slice call_body(const struct sip_msg *m)
{
    struct slice part = SLICE_NONE, type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);

    if (!m->body.n || sip_body_find(type, m->body, "application/sdp", &part) != SIP_PARSE_OK)
        return SLICE_NONE;
    return part;
}

const char *call_words(const struct sip_msg *rsp, char *dst, size_t cap)
{
    const char *phrase = rsp ? sip_reason_phrase(rsp->status) : NULL;
    struct slice words =
        rsp && rsp->reason.n ? rsp->reason : slice_from_str(phrase ? phrase : "no");
    struct slice warning = rsp ? sip_msg_value(rsp, SIP_HDR_WARNING) : SLICE_NONE;
    struct slice text = slice_skip(warning, slice_find_char(warning, '"') + 1);

    text = slice_take(text, slice_find_char(text, '"'));
    snprintf(dst, cap, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(slice_take(words, 100)),
             text.n ? ": " : "", SLICE_ARG(slice_take(text, 150)));
    return dst;
}

/* --- ACK and answers -------------------------------------------------------------------------- */

void call_send_ack_again(struct phone_call *c)
{
    struct transport_flow flow;

    /* Where it is lost, the peer's 2xx comes again, and with it the next try. */
    if (c->ack_n && phone_flow_for(c->ph, c->bye.flow, &flow) == 0)
        err_ignore(transport_send(c->ph->transport, &flow, slice_from(c->ack, c->ack_n)));
}

void call_send_ack(struct phone_call *c, uint32_t cseq, struct slice body)
{
    char branch[TXN_BRANCH_MAX];
    struct buf b = buf_over(c->ack, sizeof(c->ack));

    struct transport_flow flow;

    c->acked_cseq = cseq;
    c->ack_n = 0;
    if (phone_flow_for(c->ph, c->bye.flow, &flow) < 0)
        return; /* as above */
    txn_branch_new(branch);
    phone_put_request(c->ph, &b, &c->dialog, SIP_ACK, cseq, branch, &flow);
    sip_put_body(&b, body.n ? "application/sdp" : NULL, body);
    c->ack_n = b.overflow ? 0 : b.n;
    call_send_ack_again(c);
}

void call_respond(struct phone_call *c, struct txn_server *st, const struct sip_msg *req,
                  uint16_t status, struct slice headers, struct slice body)
{
    struct phone_reply r = {
        .status = status, .to_tag = c->dialog.local_tag, .headers = headers, .body = body};

    phone_respond(c->ph, st, req, &r);
}

static void on_resend(void *arg)
{
    struct phone_call *c = arg;

    if (loop_now(c->ph->loop) >= c->resend_until) {
        call_event(c, CALL_EV_ACK_LOST, NULL);
        return;
    }
    if (c->answered && !transport_kind_is_reliable(txn_server_flow(c->answered)->kind))
        txn_server_resend_2xx(c->answered);
    c->resend_ms = c->resend_ms * 2 > RESEND_T2 ? RESEND_T2 : c->resend_ms * 2;
    loop_timer_set(c->ph->loop, &c->resend, c->resend_ms);
}

static void on_answered_txn(void *arg, struct txn_server *st, enum txn_event ev)
{
    struct phone_call *c = arg;

    (void)st;
    if (ev == TXN_EVENT_TERMINATED)
        c->answered = NULL;
}

void call_await_ack(struct phone_call *c, struct txn_server *st)
{
    call_acked(c);
    c->answered = st;
    txn_server_set_user(st, on_answered_txn, c);
    c->resend_ms = RESEND_T1;
    c->resend_until = loop_now(c->ph->loop) + ACK_WAIT;
    loop_timer_set(c->ph->loop, &c->resend, RESEND_T1);
}

void call_acked(struct phone_call *c)
{
    loop_timer_cancel(c->ph->loop, &c->resend);
    if (c->answered)
        txn_server_detach(c->answered);
    c->answered = NULL;
}

void call_sip_init(struct phone_call *c)
{
    phone_request_init(&c->invite, c->ph, &c->dialog, SIP_INVITE, call_on_invite_answer, c);
    phone_request_init(&c->bye, c->ph, &c->dialog, SIP_BYE, call_on_bye_answer, c);
    loop_timer_init(&c->resend, on_resend, c);
}

void call_release(struct phone_call *c)
{
    struct loop *l = c->ph->loop;

    call_acked(c);
    if (c->in)
        txn_server_detach(c->in);
    c->in = NULL;
    phone_request_drop(&c->invite);
    phone_request_drop(&c->again);
    phone_request_drop(&c->info);
    phone_request_drop(&c->bye);
    loop_timer_cancel(l, &c->limit);
    loop_timer_cancel(l, &c->ring);
    loop_timer_cancel(l, &c->hold);
    loop_timer_cancel(l, &c->reinvite);
}

/* --- what comes back -------------------------------------------------------------------------- */

/* RFC 3261 s.13.2.2.4: a 2xx from another branch of a fork is acknowledged and ended. */
static void end_fork(struct phone_call *c, const struct sip_msg *msg)
{
    struct dialog kept = c->dialog;
    char branch[TXN_BRANCH_MAX];
    struct txn_client *ct = NULL;

    c->dialog = (struct dialog){0};
    if (dialog_copy(&c->dialog, &kept) == DIALOG_OK &&
        dialog_uac_on_response(&c->dialog, msg) == DIALOG_OK) {
        struct buf b = buf_over(c->ph->out, sizeof(c->ph->out));
        txn_branch_new(branch);
        phone_put_request(c->ph, &b, &c->dialog, SIP_ACK, msg->cseq, branch, &c->ph->flow);
        sip_put_body(&b, NULL, SLICE_NONE);
        err_ignore(transport_send(c->ph->transport, &c->ph->flow, buf_slice(&b))); /* 2xx repeats */
        b = buf_over(c->ph->out, sizeof(c->ph->out));
        txn_branch_new(branch);
        phone_put_request(c->ph, &b, &c->dialog, SIP_BYE, msg->cseq + 1, branch, &c->ph->flow);
        sip_put_body(&b, NULL, SLICE_NONE);
        if (txn_client_new(c->ph->txn, &c->ph->flow, buf_slice(&b), NULL, NULL, &ct) == 0)
            txn_client_detach(ct);
    }
    dialog_fini(&c->dialog);
    c->dialog = kept;
}

void call_on_invite_answer(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why)
{
    struct phone_call *c = arg;
    struct call_input in = {.msg = msg, .why = why};

    if (ev == TXN_EVENT_RESPONSE && msg->status < 300) {
        bool fork = msg->status >= 200 && c->dialog.state == DIALOG_CONFIRMED &&
                    !dialog_is_same_remote_tag(&c->dialog, msg->to_tag);
        if (fork)
            end_fork(c, msg);
        else
            call_event(c, msg->status < 200 ? CALL_EV_PROGRESS : CALL_EV_ANSWERED, &in);
        return;
    }
    in.status = ev == TXN_EVENT_RESPONSE ? msg->status : ev == TXN_EVENT_TIMEOUT ? 408 : 503;
    if (ev == TXN_EVENT_TIMEOUT)
        in.why = "nobody answers";
    else if (ev != TXN_EVENT_RESPONSE)
        in.why = phone_lost_why(c->ph, "the server cannot be reached");
    call_event(c, CALL_EV_REFUSED, &in);
}

void call_on_bye_answer(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why)
{
    struct phone_call *c = arg;

    (void)why;
    if (ev == TXN_EVENT_RESPONSE && msg->status < 200)
        return;
    call_event(c, CALL_EV_BYE_DONE, NULL);
}

void call_on_stray_2xx(struct phone_call *c, const struct sip_msg *rsp)
{
    if (slice_eq_str(rsp->call_id, c->dialog.call_id) &&
        dialog_is_same_remote_tag(&c->dialog, rsp->to_tag))
        call_send_ack_again(c);
}

/* --- requests --------------------------------------------------------------------------------- */

static void on_invite_txn(void *arg, struct txn_server *st, enum txn_event ev)
{
    struct phone_call *c = arg;

    (void)st;
    if (ev == TXN_EVENT_TERMINATED)
        c->in = NULL;
}

static void note_peer(struct phone_call *c, const struct sip_msg *req)
{
    struct buf b = buf_over(c->peer, sizeof(c->peer) - 1);

    sip_put_aor(&b, &req->from.uri);
    c->peer[b.overflow ? 0 : b.n] = '\0';
}

void call_incoming(struct phone_call *c, struct txn_server *st, struct sip_msg *req,
                   const struct transport_flow *flow)
{
    char tag[17];
    uint16_t status = c->ph->opt->busy ? 486 : c->ph->opt->decline ? 603 : 0;
    struct phone_reply no = {.to_tag = tag};

    crypto_random_hex(tag, 8);
    if (!status && dialog_init_uas(&c->dialog, req, slice_from_str(tag)) != DIALOG_OK)
        status = 400;
    if (status) {
        no.status = status;
        phone_respond(c->ph, st, req, &no);
        return;
    }
    note_peer(c, req);
    c->is_caller = false;
    c->flow = *flow;
    c->remote = flow->remote;
    c->in = st;
    c->wanted_cseq = req->cseq;
    c->invite.flow = c->again.flow = c->bye.flow = c->info.flow = &c->flow;
    txn_server_set_user(st, on_invite_txn, c);
    struct call_input in = {.msg = req, .st = st, .flow = flow};
    call_event(c, CALL_EV_INVITE, &in);
}

bool call_owns(const struct phone_call *c, const struct sip_msg *req)
{
    return c->ph && c->dialog.state != DIALOG_NONE && c->state != CALL_OVER &&
           slice_eq_str(req->call_id, c->dialog.call_id) &&
           slice_eq_str(req->to_tag, c->dialog.local_tag) &&
           dialog_is_same_remote_tag(&c->dialog, req->from_tag);
}

void call_on_request(struct phone_call *c, struct txn_server *st, struct sip_msg *req)
{
    struct call_input in = {.msg = req, .st = st};

    if (dialog_on_request(&c->dialog, req) != DIALOG_OK) {
        call_respond(c, st, req, 500, SLICE_LIT("Retry-After: 2\r\n"), SLICE_NONE);
        return;
    }
    switch (req->method) {
    case SIP_BYE:
        call_respond(c, st, req, 200, SLICE_NONE, SLICE_NONE);
        call_event(c, CALL_EV_BYE, &in);
        return;
    case SIP_INVITE:
    case SIP_UPDATE:
        midcall_on_offer(c, st, req);
        return;
    case SIP_INFO:
        info_on_request(c, req);
        call_respond(c, st, req, 200, SLICE_NONE, SLICE_NONE);
        return;
    case SIP_OPTIONS:
    case SIP_NOTIFY:
    case SIP_MESSAGE:
        call_respond(c, st, req, 200, SLICE_NONE, SLICE_NONE);
        return;
    case SIP_ACK:
    case SIP_CANCEL:
    case SIP_REGISTER:
    case SIP_PRACK:
    case SIP_SUBSCRIBE:
    case SIP_REFER:
    case SIP_PUBLISH:
    case SIP_METHOD_OTHER:
        break;
    }
    call_respond(c, st, req, 405, SLICE_LIT(PHONE_ALLOW), SLICE_NONE);
}

void call_on_ack(struct phone_call *c, struct sip_msg *ack)
{
    struct call_input in = {.msg = ack};

    call_event(c, CALL_EV_ACK, &in);
}

void call_on_cancel(struct phone_call *c, struct txn_server *invite)
{
    if (invite == c->in)
        call_event(c, CALL_EV_CANCEL, NULL);
}
