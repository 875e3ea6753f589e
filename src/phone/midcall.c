/* Offers within a call that is up (RFC 3261 s.14, RFC 3311): the peer's are answered by the same
 * rules as the first one, which is also all that a session timer's refresh needs; ours hold,
 * resume and renew, for tests of servers. One exchange at a time, else 491. */
#include "phone/call_steps.h"

#include "crypto/hash.h"
#include "phone/report.h"
#include "sip/hdr.h"

/* --- the peer's ------------------------------------------------------------------------------- */

/* True: answered already, because another exchange is under way (s.14.2, RFC 3311 s.5.2). */
static bool is_crossed(struct phone_call *c, struct txn_server *st, struct sip_msg *req)
{
    if (phone_request_is_pending(&c->again)) {
        call_respond(c, st, req, 491, SLICE_NONE, SLICE_NONE);
        return true;
    }
    if (c->in || c->answered || c->state != CALL_UP) {
        call_respond(c, st, req, 500, SLICE_LIT("Retry-After: 1\r\n"), SLICE_NONE);
        return true;
    }
    return false;
}

void midcall_on_offer(struct phone_call *c, struct txn_server *st, struct sip_msg *req)
{
    struct slice offer = call_body(req), sdp = SLICE_NONE;
    bool invite = req->method == SIP_INVITE;
    const char *why = NULL;

    if (is_crossed(c, st, req))
        return;
    if (offer.n)
        why = phone_session_answer(&c->session, offer, &sdp);
    else if (invite)
        why = phone_session_offer(&c->session, &sdp);
    if (why) {
        char line[256];
        struct buf b = buf_over(line, sizeof(line));
        sip_put_warning(&b, 399, "phone", slice_from_str(why));
        call_respond(c, st, req, 488, b.overflow ? SLICE_NONE : buf_slice(&b), SLICE_NONE);
        return;
    }
    c->ack_answers = invite && !offer.n;
    c->wanted_cseq = req->cseq;
    call_respond(c, st, req, 200, SLICE_NONE, sdp);
    if (invite)
        call_await_ack(c, st);
    if (offer.n)
        call_apply_media(c);
}

/* --- ours ------------------------------------------------------------------------------------- */

static void send_offer(struct phone_call *c)
{
    struct slice sdp = SLICE_NONE;

    if (c->state != CALL_UP)
        return;
    if (c->in || c->answered || phone_request_is_pending(&c->again)) {
        loop_timer_set(c->ph->loop, &c->reinvite, CALL_GLARE_MS); /* one at a time */
        return;
    }
    const char *why = phone_session_offer(&c->session, &sdp);
    if (why || phone_request_send(&c->again, SLICE_NONE, sdp) < 0)
        call_fail(c, 500, why ? why : "the re-INVITE cannot be sent");
}

static void on_reinvite(void *arg)
{
    send_offer(arg);
}

/* Hold, and after a while resume. */
static void on_hold(void *arg)
{
    struct phone_call *c = arg;
    bool hold = c->session.wants == SDP_SENDRECV;

    c->session.wants = hold ? SDP_SENDONLY : SDP_SENDRECV;
    if (hold)
        loop_timer_set(c->ph->loop, &c->hold, CALL_RESUME_MS);
    send_offer(c);
}

/* s.14.1: who owns the Call-ID waits 2.1 to 4 s, the other one 0 to 2 s. */
static void try_later(struct phone_call *c)
{
    uint16_t random;

    crypto_random(&random, sizeof(random));
    loop_timer_set(c->ph->loop, &c->reinvite,
                   c->dialog.is_uac ? CALL_GLARE_MS + random % 1900u : random % 2000u);
}

static void on_answer(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why)
{
    struct phone_call *c = arg;
    uint16_t status = ev == TXN_EVENT_RESPONSE ? msg->status : 408;

    if (status < 200 || c->state != CALL_UP)
        return;
    if (status < 300) {
        if (c->again.cseq == c->acked_cseq && c->ack_n) { /* the 2xx repeated */
            call_send_ack_again(c);
            return;
        }
        err_ignore(dialog_on_response(&c->dialog, msg)); /* without a Contact the target stays */
        call_send_ack(c, c->again.cseq, SLICE_NONE);
        struct slice sdp = call_body(msg);
        why = sdp.n ? phone_session_accept(&c->session, sdp) : "the 200 holds no answer";
        if (why)
            call_fail(c, 488, why);
        else
            call_apply_media(c);
        report_renewed(c, status);
        return;
    }
    report_renewed(c, status);
    if (status == 491)
        try_later(c);
    else if (status == 481 || status == 408) /* s.12.2.1.2: the call is gone */
        call_fail(c, status, why ? why : "the other end has lost the call");
}

void midcall_init(struct phone_call *c)
{
    phone_request_init(&c->again, c->ph, &c->dialog, SIP_INVITE, on_answer, c);
    loop_timer_init(&c->hold, on_hold, c);
    loop_timer_init(&c->reinvite, on_reinvite, c);
}

void midcall_start(struct phone_call *c)
{
    const struct phone_options *o = c->ph->opt;

    if (o->hold_after)
        loop_timer_set(c->ph->loop, &c->hold, o->hold_after * 1000ull);
    if (o->reinvite_after)
        loop_timer_set(c->ph->loop, &c->reinvite, o->reinvite_after * 1000ull);
}
