#include "phone/call.h"

#include <stdarg.h>
#include <stdio.h>

#include "phone/call_steps.h"
#include "phone/report.h"
#include "sip/hdr.h"

/* --- reasons ---------------------------------------------------------------------------------- */

void call_set_reason(struct phone_call *c, uint16_t status, const char *fmt, ...)
{
    va_list ap;

    if (c->reason[0])
        return;
    c->status = status;
    va_start(ap, fmt);
    (void)vsnprintf(c->reason, sizeof(c->reason), fmt, ap);
    va_end(ap);
}

void call_fail(struct phone_call *c, uint16_t status, const char *why)
{
    call_set_reason(c, status, "%s", why);
    c->result = CALL_FAILED;
    call_event(c, CALL_EV_HANGUP, NULL);
}

static enum call_result result_of(uint16_t status)
{
    switch (status) {
    case 486:
    case 600:
        return CALL_BUSY;
    case 603:
        return CALL_DECLINED;
    default:
        return CALL_FAILED;
    }
}

/* --- media ------------------------------------------------------------------------------------ */

static void on_keying_packet(void *arg, bool rtcp, struct slice packet, const struct addr *from)
{
    struct phone_call *c = arg;

    phone_keying_packet(c->keying, rtcp, packet, from);
}

static void on_stun(void *arg, bool rtcp, struct slice packet, const struct addr *from)
{
    struct phone_call *c = arg;

    phone_ice_packet(&c->ice, rtcp, packet, from);
}

static void send_stun(void *arg, bool rtcp, const struct addr *to, struct slice packet)
{
    struct phone_call *c = arg;

    if (c->media)
        phone_media_put_to(c->media, rtcp, to, packet);
}

static void on_way_changed(void *arg)
{
    struct phone_call *c = arg;

    phone_session_moved(&c->session);
    call_apply_media(c);
}

static void stop_media(struct phone_call *c)
{
    phone_ice_stop(&c->ice);
    if (c->media)
        phone_media_stop(c->media);
}

/* What the other side sees was told by other means, or nobody looks (RFC 6189 s.4.5.2). */
static void compare_sas(struct phone_call *c)
{
    const char *sas = c->session.keying.sas, *theirs = c->ph->opt->verify_sas;

    if (!theirs || !sas[0] || c->session.keying.sas_verified || c->compared)
        return;
    c->compared = true;
    if (strcmp(theirs, "any") == 0 || slice_eq_nocase_str(slice_from_str(sas), theirs))
        phone_keying_verify(c->keying, true);
    else
        call_fail(c, 488, "the SAS is not what the other side sees: someone is in the middle");
}

static void on_secure(void *arg)
{
    call_apply_media(arg);
    compare_sas(arg);
}

static void on_keying_failed(void *arg, const char *why)
{
    call_fail(arg, 488, why);
}

static int open_keying(struct phone_call *c)
{
    const struct phone_keying_config cfg = {.loop = c->ph->loop,
                                            .session = &c->session,
                                            .media = c->media,
                                            .zrtp = &c->ph->zrtp,
                                            .secure = on_secure,
                                            .failed = on_keying_failed,
                                            .arg = c};

    return phone_keying_new(&cfg, &c->keying);
}

/* Which of our ports ICE may know; `only`: NULL, "ipv4", "ipv6". False: none. */
static bool gather(struct phone_call *c, const char *only)
{
    const struct addr *other = phone_media_other_addr(c->media);
    int family = !only ? 0 : strcmp(only, "ipv4") == 0 ? AF_INET : AF_INET6;

    if (!only || family == addr_family(&c->session.rtp)) {
        c->ice.local[0] = c->session.rtp;
        c->ice.local[1] = c->session.rtcp;
    }
    if (addr_family(other) != 0 && (!only || family == addr_family(other))) {
        c->ice.other[0] = c->ice.other[1] = *other;
        addr_set_port(&c->ice.other[1], (uint16_t)(addr_port(other) + 1));
    }
    return addr_family(&c->ice.local[0]) != 0 || addr_family(&c->ice.other[0]) != 0;
}

static bool open_media(struct phone_call *c, const struct addr *local)
{
    const struct phone_options *o = c->ph->opt;
    struct phone_media_config cfg = {.loop = c->ph->loop,
                                     .engine = c->ph->srtp,
                                     .audio = &c->audio,
                                     .local = *local,
                                     .first_seq = o->rtp_seq,
                                     .ssrc_change_ms = o->ssrc_change_after * 1000,
                                     .dtmf = o->dtmf_info ? NULL : o->dtmf,
                                     .dtmf_tones = o->dtmf_tones,
                                     .lose = o->lose,
                                     .on_keying = on_keying_packet,
                                     .on_stun = o->ice ? on_stun : NULL,
                                     .arg = c};
    if (o->ice && addr_beside(local, &cfg.other) < 0)
        memset(&cfg.other, 0, sizeof(cfg.other));
    int r = phone_media_new(&cfg, &c->media);
    if (r == 0)
        r = open_keying(c);

    if (r < 0) {
        call_set_reason(c, 500, "no port for the sound: %s", strerror(-r));
        return false;
    }
    c->session.rtp = *phone_media_rtp_addr(c->media);
    c->session.rtcp = *phone_media_rtcp_addr(c->media);
    if (!gather(c, o->ice_only)) {
        call_set_reason(c, 500, "no address of the IP version that --ice-only names");
        return false;
    }
    return true;
}

void call_apply_media(struct phone_call *c)
{
    struct media_protection now;

    if (!c->media || !c->session.agreed)
        return;
    if (phone_media_apply(c->media, &c->session.terms) < 0) {
        call_fail(c, 500, "the keys cannot be used");
        return;
    }
    phone_keying_update(c->keying);
    keying_state_protection(&c->session.keying, &now);
    bool changed = c->told && (now.keying != c->shown.keying || now.suite != c->shown.suite ||
                               now.established != c->shown.established ||
                               now.sas_verified != c->shown.sas_verified ||
                               memcmp(now.sas, c->shown.sas, sizeof(now.sas)) != 0);
    c->shown = now;
    if (changed)
        report_protection(c);
}

static void answered(struct phone_call *c)
{
    uint32_t seconds = c->ph->opt->is_call ? c->ph->opt->seconds : 0;

    if (c->was_answered)
        return;
    c->was_answered = true;
    c->result = CALL_ANSWERED;
    c->answered_ms = loop_now(c->ph->loop);
    if (seconds)
        loop_timer_set(c->ph->loop, &c->limit, seconds * 1000ull);
    call_apply_media(c);
}

static void up(struct phone_call *c)
{
    if (c->state != CALL_UP)
        return; /* it failed on the way */
    c->told = true;
    report_answered(c);
    midcall_start(c);
    info_start(c);
}

/* --- actions: caller -------------------------------------------------------------------------- */

static void refuse_here(struct phone_call *c, uint16_t status, const char *why)
{
    struct call_input in = {.status = status, .why = why};

    call_event(c, CALL_EV_REFUSED, &in);
}

static void act_dial(struct phone_call *c, const struct call_input *in)
{
    struct slice sdp = SLICE_NONE;
    const char *why = NULL;
    int r = phone_flow(c->ph);

    (void)in;
    if (r < 0 || !call_make_dialog(c)) {
        refuse_here(c, 503,
                    r < 0 ? phone_lost_why(c->ph, strerror(-r))
                          : "the target is no address that can be called");
        return;
    }
    c->remote = c->ph->flow.remote;
    if (!open_media(c, &c->ph->flow.local)) {
        refuse_here(c, 500, c->reason);
        return;
    }
    if (!c->offer_late)
        why = phone_session_offer(&c->session, &sdp);
    if (why) {
        refuse_here(c, 488, why);
        return;
    }
    r = phone_request_send(&c->invite, SLICE_NONE, sdp);
    if (r < 0)
        refuse_here(c, 503, phone_lost_why(c->ph, strerror(-r)));
}

static void act_progress(struct phone_call *c, const struct call_input *in)
{
    struct slice sdp = call_body(in->msg);

    if (dialog_uac_on_response(&c->dialog, in->msg) != DIALOG_OK)
        return; /* a 1xx without a tag makes no dialog */
    if (in->msg->status >= 180)
        report_ringing(c, in->msg->status);
    /* Early media: the answer may come with 183 already (RFC 3261 s.13.2.1). */
    if (sdp.n && !c->offer_late && !phone_session_accept(&c->session, sdp))
        call_apply_media(c);
}

/* RFC 3261 s.13.2.2.4; with a late offer the ACK carries our answer. */
static const char *take_answer(struct phone_call *c, const struct sip_msg *msg, struct slice *ret)
{
    struct slice sdp = call_body(msg);

    if (dialog_uac_on_response(&c->dialog, msg) != DIALOG_OK)
        return "the answer names no contact that can be reached";
    if (c->offer_late)
        return sdp.n ? phone_session_answer(&c->session, sdp, ret) : "the 200 holds no offer";
    if (!sdp.n)
        return c->session.agreed ? NULL : "the 200 holds no answer";
    return phone_session_accept(&c->session, sdp);
}

static void act_connect(struct phone_call *c, const struct call_input *in)
{
    struct slice ack = SLICE_NONE;
    const char *why = take_answer(c, in->msg, &ack);

    if (c->dialog.state == DIALOG_CONFIRMED)
        call_send_ack(c, c->invite.cseq, ack);
    if (why) {
        call_fail(c, 488, why);
        return;
    }
    c->status = 200;
    answered(c);
    up(c);
}

static void act_again(struct phone_call *c, const struct call_input *in)
{
    (void)in;
    call_send_ack_again(c);
}

/* The answer crossed our CANCEL: the call is there, so it is ended as one. */
static void act_connect_and_bye(struct phone_call *c, const struct call_input *in)
{
    if (dialog_uac_on_response(&c->dialog, in->msg) == DIALOG_OK)
        call_send_ack(c, c->invite.cseq, SLICE_NONE);
    if (phone_request_send(&c->bye, SLICE_NONE, SLICE_NONE) < 0)
        call_event(c, CALL_EV_BYE_DONE, NULL);
}

static void act_cancel(struct phone_call *c, const struct call_input *in)
{
    (void)in;
    call_set_reason(c, 487, "cancelled before it was answered");
    phone_request_cancel(&c->invite);
}

static void over(struct phone_call *c)
{
    c->ended_ms = loop_now(c->ph->loop);
    stop_media(c);
    call_release(c);
    dialog_terminate(&c->dialog);
    phone_on_call_over(c->ph);
}

static void act_refused(struct phone_call *c, const struct call_input *in)
{
    char text[256];

    c->result = result_of(in->status);
    if (in->why)
        call_set_reason(c, in->status, "%s", in->why);
    else
        call_set_reason(c, in->status, "%s answered: %s", c->peer,
                        call_words(in->msg, text, sizeof(text)));
    over(c);
}

/* --- actions: callee -------------------------------------------------------------------------- */

static void act_ring(struct phone_call *c, const struct call_input *in)
{
    const struct phone_options *o = c->ph->opt;

    call_respond(c, in->st, in->msg, 180, SLICE_NONE, SLICE_NONE);
    report_ringing(c, 180);
    if (o->answer)
        loop_timer_set(c->ph->loop, &c->ring, o->ring_seconds * 1000ull);
}

static void reject(struct phone_call *c, uint16_t status, const char *why)
{
    struct txn_server *st = c->in;
    const struct sip_msg *req = st ? txn_server_request(st) : NULL;
    char line[256];
    struct buf b = buf_over(line, sizeof(line));

    c->in = NULL;
    if (why)
        sip_put_warning(&b, 399, "phone", slice_from_str(why));
    if (req)
        call_respond(c, st, req, status, b.overflow ? SLICE_NONE : buf_slice(&b), SLICE_NONE);
    if (st)
        txn_server_detach(st); /* its end is not the next call's */
}

static void act_accept(struct phone_call *c, const struct call_input *in)
{
    struct txn_server *st = c->in;
    const struct sip_msg *req = st ? txn_server_request(st) : NULL;
    struct slice offer = req ? call_body(req) : SLICE_NONE, sdp = SLICE_NONE;
    const char *why = NULL;

    (void)in;
    if (!req || !open_media(c, &txn_server_flow(st)->local)) {
        refuse_here(c, 500, c->reason[0] ? c->reason : "no memory");
        return;
    }
    c->ack_answers = offer.n == 0;
    why = c->ack_answers ? phone_session_offer(&c->session, &sdp)
                         : phone_session_answer(&c->session, offer, &sdp);
    if (why) {
        refuse_here(c, 488, why);
        return;
    }
    c->in = NULL;
    dialog_confirm(&c->dialog);
    call_respond(c, st, req, 200, SLICE_NONE, sdp);
    call_await_ack(c, st);
    c->status = 200;
    answered(c);
}

static void act_acked(struct phone_call *c, const struct call_input *in)
{
    struct slice sdp = in->msg ? call_body(in->msg) : SLICE_NONE;
    const char *why = NULL;

    call_acked(c);
    if (c->ack_answers)
        why = sdp.n ? phone_session_accept(&c->session, sdp) : "the ACK holds no answer";
    c->ack_answers = false;
    if (why) {
        call_fail(c, 488, why);
        return;
    }
    call_apply_media(c);
    up(c);
}

/* Also the answer to an offer of ours in a re-INVITE's 2xx. */
static void act_acked_again(struct phone_call *c, const struct call_input *in)
{
    struct slice sdp = in->msg ? call_body(in->msg) : SLICE_NONE;

    if (in->msg && in->msg->cseq != c->wanted_cseq)
        return; /* of an earlier 2xx, repeated */
    call_acked(c);
    if (!c->ack_answers)
        return;
    c->ack_answers = false;
    const char *why = sdp.n ? phone_session_accept(&c->session, sdp) : "the ACK holds no answer";
    if (why)
        call_fail(c, 488, why);
    else
        call_apply_media(c);
}

static void act_cancelled(struct phone_call *c, const struct call_input *in)
{
    (void)in;
    call_set_reason(c, 487, "the caller gave up");
    reject(c, 487, NULL);
    over(c);
}

/* What was offered cannot be taken. */
static void act_reject(struct phone_call *c, const struct call_input *in)
{
    call_set_reason(c, in->status, "%s", in->why);
    reject(c, in->status, in->why);
    over(c);
}

static void act_decline(struct phone_call *c, const struct call_input *in)
{
    (void)in;
    call_set_reason(c, 480, "not taken");
    reject(c, 480, NULL);
    over(c);
}

/* --- actions: the end ------------------------------------------------------------------------- */

static void act_bye(struct phone_call *c, const struct call_input *in)
{
    (void)in;
    call_set_reason(c, 200, "ended here");
    call_acked(c);
    stop_media(c);
    c->ended_ms = loop_now(c->ph->loop);
    if (phone_request_send(&c->bye, SLICE_NONE, SLICE_NONE) < 0)
        call_event(c, CALL_EV_BYE_DONE, NULL);
}

static void act_ack_lost(struct phone_call *c, const struct call_input *in)
{
    c->result = CALL_FAILED;
    call_set_reason(c, 408, "the answer was never acknowledged");
    act_bye(c, in);
}

static void act_peer_bye(struct phone_call *c, const struct call_input *in)
{
    (void)in;
    call_set_reason(c, 200, "the other end hung up");
    over(c);
}

static void act_over(struct phone_call *c, const struct call_input *in)
{
    uint64_t ended = c->ended_ms;

    (void)in;
    over(c);
    if (ended)
        c->ended_ms = ended;
}

/* --- the table -------------------------------------------------------------------------------- */

// clang-format off
#define DO(action, state) {(action), (state), true}
#define STAY(state) {NULL, (state), true}
/* Of RFC 3261: s.9 CANCEL, s.13.2 caller, s.13.3 callee, s.15.1 BYE. STAY: it cannot happen here,
 * came late, or means nothing. */
static const struct call_step steps[CALL_STATE_COUNT][CALL_EVENT_COUNT] = {
    [CALL_IDLE] = {
        [CALL_EV_DIAL]     = DO(act_dial, CALL_CALLING),          /* s.13.2.1 */
        [CALL_EV_INVITE]   = DO(act_ring, CALL_RINGING),          /* s.13.3.1.1 */
        [CALL_EV_PROGRESS] = STAY(CALL_IDLE),
        [CALL_EV_ANSWERED] = STAY(CALL_IDLE),
        [CALL_EV_REFUSED]  = STAY(CALL_IDLE),
        [CALL_EV_ACCEPT]   = STAY(CALL_IDLE),
        [CALL_EV_HANGUP]   = STAY(CALL_IDLE),
        [CALL_EV_ACK]      = STAY(CALL_IDLE),
        [CALL_EV_ACK_LOST] = STAY(CALL_IDLE),
        [CALL_EV_CANCEL]   = STAY(CALL_IDLE),
        [CALL_EV_BYE]      = STAY(CALL_IDLE),
        [CALL_EV_BYE_DONE] = STAY(CALL_IDLE)},
    [CALL_CALLING] = {
        [CALL_EV_DIAL]     = STAY(CALL_CALLING),
        [CALL_EV_INVITE]   = STAY(CALL_CALLING),
        [CALL_EV_PROGRESS] = DO(act_progress, CALL_CALLING),      /* s.13.2.2.1 */
        [CALL_EV_ANSWERED] = DO(act_connect, CALL_UP),            /* s.13.2.2.4 */
        [CALL_EV_REFUSED]  = DO(act_refused, CALL_OVER),          /* s.13.2.2.2, .3 */
        [CALL_EV_ACCEPT]   = STAY(CALL_CALLING),
        [CALL_EV_HANGUP]   = DO(act_cancel, CALL_CANCELLING),     /* s.9.1 */
        [CALL_EV_ACK]      = STAY(CALL_CALLING),
        [CALL_EV_ACK_LOST] = STAY(CALL_CALLING),
        [CALL_EV_CANCEL]   = STAY(CALL_CALLING),
        [CALL_EV_BYE]      = STAY(CALL_CALLING),
        [CALL_EV_BYE_DONE] = STAY(CALL_CALLING)},
    [CALL_CANCELLING] = {
        [CALL_EV_DIAL]     = STAY(CALL_CANCELLING),
        [CALL_EV_INVITE]   = STAY(CALL_CANCELLING),
        [CALL_EV_PROGRESS] = STAY(CALL_CANCELLING),
        [CALL_EV_ANSWERED] = DO(act_connect_and_bye, CALL_ENDING), /* s.9.1, s.15 */
        [CALL_EV_REFUSED]  = DO(act_refused, CALL_OVER),          /* 487, s.9.2 */
        [CALL_EV_ACCEPT]   = STAY(CALL_CANCELLING),
        [CALL_EV_HANGUP]   = STAY(CALL_CANCELLING),
        [CALL_EV_ACK]      = STAY(CALL_CANCELLING),
        [CALL_EV_ACK_LOST] = STAY(CALL_CANCELLING),
        [CALL_EV_CANCEL]   = STAY(CALL_CANCELLING),
        [CALL_EV_BYE]      = STAY(CALL_CANCELLING),
        [CALL_EV_BYE_DONE] = STAY(CALL_CANCELLING)},
    [CALL_RINGING] = {
        [CALL_EV_DIAL]     = STAY(CALL_RINGING),
        [CALL_EV_INVITE]   = STAY(CALL_RINGING),
        [CALL_EV_PROGRESS] = STAY(CALL_RINGING),
        [CALL_EV_ANSWERED] = STAY(CALL_RINGING),
        [CALL_EV_REFUSED]  = STAY(CALL_RINGING),
        [CALL_EV_ACCEPT]   = DO(act_accept, CALL_ANSWERING),      /* s.13.3.1.4 */
        [CALL_EV_HANGUP]   = DO(act_decline, CALL_OVER),          /* s.13.3.1.3 */
        [CALL_EV_ACK]      = STAY(CALL_RINGING),
        [CALL_EV_ACK_LOST] = STAY(CALL_RINGING),
        [CALL_EV_CANCEL]   = DO(act_cancelled, CALL_OVER),        /* s.9.2 */
        [CALL_EV_BYE]      = DO(act_cancelled, CALL_OVER),        /* s.15.1.2: answers 487 */
        [CALL_EV_BYE_DONE] = STAY(CALL_RINGING)},
    [CALL_ANSWERING] = {
        [CALL_EV_DIAL]     = STAY(CALL_ANSWERING),
        [CALL_EV_INVITE]   = STAY(CALL_ANSWERING),
        [CALL_EV_PROGRESS] = STAY(CALL_ANSWERING),
        [CALL_EV_ANSWERED] = STAY(CALL_ANSWERING),
        [CALL_EV_REFUSED]  = DO(act_reject, CALL_OVER),           /* by us: s.13.3.1.3 */
        [CALL_EV_ACCEPT]   = STAY(CALL_ANSWERING),
        [CALL_EV_HANGUP]   = STAY(CALL_LEAVING),                  /* s.15: not before the ACK */
        [CALL_EV_ACK]      = DO(act_acked, CALL_UP),
        [CALL_EV_ACK_LOST] = DO(act_ack_lost, CALL_ENDING),       /* s.13.3.1.4 */
        [CALL_EV_CANCEL]   = STAY(CALL_ANSWERING),                /* too late, s.9.2 */
        [CALL_EV_BYE]      = DO(act_peer_bye, CALL_OVER),
        [CALL_EV_BYE_DONE] = STAY(CALL_ANSWERING)},
    [CALL_LEAVING] = {
        [CALL_EV_DIAL]     = STAY(CALL_LEAVING),
        [CALL_EV_INVITE]   = STAY(CALL_LEAVING),
        [CALL_EV_PROGRESS] = STAY(CALL_LEAVING),
        [CALL_EV_ANSWERED] = STAY(CALL_LEAVING),
        [CALL_EV_REFUSED]  = STAY(CALL_LEAVING),
        [CALL_EV_ACCEPT]   = STAY(CALL_LEAVING),
        [CALL_EV_HANGUP]   = STAY(CALL_LEAVING),
        [CALL_EV_ACK]      = DO(act_bye, CALL_ENDING),            /* s.15 */
        [CALL_EV_ACK_LOST] = DO(act_ack_lost, CALL_ENDING),
        [CALL_EV_CANCEL]   = STAY(CALL_LEAVING),
        [CALL_EV_BYE]      = DO(act_peer_bye, CALL_OVER),
        [CALL_EV_BYE_DONE] = STAY(CALL_LEAVING)},
    [CALL_UP] = {
        [CALL_EV_DIAL]     = STAY(CALL_UP),
        [CALL_EV_INVITE]   = STAY(CALL_UP),
        [CALL_EV_PROGRESS] = STAY(CALL_UP),
        [CALL_EV_ANSWERED] = DO(act_again, CALL_UP),              /* a 2xx repeated, s.13.2.2.4 */
        [CALL_EV_REFUSED]  = STAY(CALL_UP),
        [CALL_EV_ACCEPT]   = STAY(CALL_UP),
        [CALL_EV_HANGUP]   = DO(act_bye, CALL_ENDING),            /* s.15.1.1 */
        [CALL_EV_ACK]      = DO(act_acked_again, CALL_UP),        /* s.14.2 */
        [CALL_EV_ACK_LOST] = DO(act_ack_lost, CALL_ENDING),       /* s.14.2 */
        [CALL_EV_CANCEL]   = STAY(CALL_UP),
        [CALL_EV_BYE]      = DO(act_peer_bye, CALL_OVER),         /* s.15.1.2 */
        [CALL_EV_BYE_DONE] = STAY(CALL_UP)},
    [CALL_ENDING] = {
        [CALL_EV_DIAL]     = STAY(CALL_ENDING),
        [CALL_EV_INVITE]   = STAY(CALL_ENDING),
        [CALL_EV_PROGRESS] = STAY(CALL_ENDING),
        [CALL_EV_ANSWERED] = DO(act_again, CALL_ENDING),
        [CALL_EV_REFUSED]  = STAY(CALL_ENDING),
        [CALL_EV_ACCEPT]   = STAY(CALL_ENDING),
        [CALL_EV_HANGUP]   = STAY(CALL_ENDING),
        [CALL_EV_ACK]      = STAY(CALL_ENDING),
        [CALL_EV_ACK_LOST] = STAY(CALL_ENDING),
        [CALL_EV_CANCEL]   = STAY(CALL_ENDING),
        [CALL_EV_BYE]      = DO(act_over, CALL_OVER),             /* both hung up at once */
        [CALL_EV_BYE_DONE] = DO(act_over, CALL_OVER)},            /* s.15.1.1: whatever it says */
    [CALL_OVER] = {
        [CALL_EV_DIAL]     = STAY(CALL_OVER),
        [CALL_EV_INVITE]   = STAY(CALL_OVER),
        [CALL_EV_PROGRESS] = STAY(CALL_OVER),
        [CALL_EV_ANSWERED] = STAY(CALL_OVER),
        [CALL_EV_REFUSED]  = STAY(CALL_OVER),
        [CALL_EV_ACCEPT]   = STAY(CALL_OVER),
        [CALL_EV_HANGUP]   = STAY(CALL_OVER),
        [CALL_EV_ACK]      = STAY(CALL_OVER),
        [CALL_EV_ACK_LOST] = STAY(CALL_OVER),
        [CALL_EV_CANCEL]   = STAY(CALL_OVER),
        [CALL_EV_BYE]      = STAY(CALL_OVER),
        [CALL_EV_BYE_DONE] = STAY(CALL_OVER)},
};
// clang-format on

const struct call_step *call_step_of(enum call_state s, enum call_event e)
{
    return &steps[s][e];
}

void call_event(struct phone_call *c, enum call_event ev, const struct call_input *in)
{
    static const struct call_input none;
    const struct call_step *s = &steps[c->state][ev];

    c->state = s->next; /* first: what an action calls may come back here */
    if (s->act)
        s->act(c, in ? in : &none);
}

/* --- from outside ----------------------------------------------------------------------------- */

static void on_limit(void *arg)
{
    struct phone_call *c = arg;

    call_event(c, CALL_EV_HANGUP, NULL);
}

static void on_ring_over(void *arg)
{
    struct phone_call *c = arg;

    call_event(c, CALL_EV_ACCEPT, NULL);
}

/* Who MIKEY's messages are from and for, and under what. The server's side is the domain's. */
static void set_mikey(struct phone_call *c)
{
    struct mikey_terms *m = &c->session.mikey;
    const struct phone *ph = c->ph;

    m->cert_required = ph->opt->mikey_cert != NULL;
    if (!m->cert_required)
        m->psk = ph->auth.mikey_psk;
    m->clear_allowed = transport_kind_is_secure(ph->server.kind);
    snprintf(m->self, sizeof(m->self), "%.*s@%.*s", PHONE_USER_MAX, ph->user, PHONE_DOMAIN_MAX - 1,
             ph->domain);
    snprintf(m->peer, sizeof(m->peer), "%s", ph->domain);
}

int call_init(struct phone_call *c, struct phone *ph)
{
    const struct phone_options *o = ph->opt;
    char why[CALL_REASON_MAX] = "";

    *c = (struct phone_call){.ph = ph, .offer_late = o->offer_late};
    loop_timer_init(&c->limit, on_limit, c);
    loop_timer_init(&c->ring, on_ring_over, c);
    call_sip_init(c);
    midcall_init(c);
    info_init(c);
    if (phone_session_set_keying(&c->session, o->keying) < 0)
        snprintf(why, sizeof(why),
                 "--keying: sdes, dtls, zrtp, mikey, none or a list of them, not %s", o->keying);
    else if (o->suite && phone_session_set_suite(&c->session, o->suite) < 0)
        snprintf(why, sizeof(why), "--suite: no such suite in %s", o->suite);
    else if (phone_session_set_codec(&c->session, o->codec) < 0)
        snprintf(why, sizeof(why), "--codecs: PCMA, PCMU, G722, opus and L16 are spoken, not %s",
                 o->codec);
    else
        c->has_audio = phone_audio_init(&c->audio, o->play, o->loop_file, o->echo, o->record, why,
                                        sizeof(why)) == 0;
    if (!why[0] && phone_keying_local_init(&c->local, &c->session.policy, loop_unix_now(ph->loop)))
        snprintf(why, sizeof(why), "--keying: no DTLS certificate could be made");
    if (!why[0] && memchr(c->session.policy.keyings, KEYING_ZRTP, c->session.policy.keying_count) &&
        phone_zrtp_open(&ph->zrtp, o->zrtp_secrets, why, sizeof(why)) == 0)
        c->local.zrtp = &ph->zrtp.local;
    if (!why[0] && phone_mikey_open(&c->mikey, o, &ph->server, why, sizeof(why)) == 0) {
        c->local.rsa = c->mikey.rsa;
        c->local.rsa_peer = slice_from(c->mikey.peer, c->mikey.peer_n);
    }
    ph->zrtp.local.accept_enroll = o->enroll;
    c->session.policy.local = &c->local;
    c->session.loop = ph->loop;
    set_mikey(c);
    c->session.offers_mux = o->rtcp_mux;
    c->session.ptime = (uint8_t)o->ptime;
    c->session.no_events = o->no_events;
    phone_ice_init(&c->ice, ph->loop, send_stun, on_way_changed, c);
    if (o->ice)
        c->session.ice = &c->ice;
    phone_session_init(&c->session);
    if (!why[0])
        return 0;
    err_ignore(phone_audio_fini(&c->audio)); /* the sentence above says what is wrong */
    fprintf(stderr, "sotto: %s\n", why);
    return -1;
}

void call_fini(struct phone_call *c)
{
    if (!c->ph)
        return;
    call_release(c);
    phone_ice_fini(&c->ice);
    c->keying = phone_keying_free(c->keying);
    c->media = phone_media_free(c->media);
    dialog_fini(&c->dialog);
    if (c->has_audio && phone_audio_fini(&c->audio) < 0)
        fprintf(stderr, "sotto: %s could not be written whole\n", c->ph->opt->record);
    c->has_audio = false;
    phone_session_fini(&c->session);
    phone_keying_local_fini(&c->local);
    phone_mikey_fini(&c->mikey);
}

bool call_is_on(const struct phone_call *c)
{
    return c->state != CALL_IDLE && c->state != CALL_OVER;
}

uint64_t call_lasted_ms(const struct phone_call *c)
{
    uint64_t end = c->ended_ms ? c->ended_ms : loop_now(c->ph->loop);

    return c->was_answered ? end - c->answered_ms : 0;
}

void call_dial(struct phone_call *c)
{
    c->is_caller = true;
    call_event(c, CALL_EV_DIAL, NULL);
}

void call_hangup(struct phone_call *c)
{
    call_event(c, CALL_EV_HANGUP, NULL);
}
