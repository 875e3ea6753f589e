/* Offer/answer in a standing call (RFC 3261 s.14, RFC 3311): hold, resume, change of codec or
 * address. The offer of x is judged by the media role before y hears of it, and applied only when y
 * has agreed: until then everything stays as it was (RFC 3264 s.8), so a refusal costs nothing.
 *
 *   IDLE -> CHECK -> LOCAL -> OFFERED -> APPLY_Y -> APPLY_X -> WAIT_ACK -> IDLE
 *   IDLE -> OFFERED -> LATE_Y -> LATE_X -> WAIT_ACK -> APPLY_X -> IDLE     (no offer in the request)
 *
 * Glare: a request that meets one under way is answered 491 (s.14.2); the other side's 491 to ours
 * is passed to x, who tries again by the rules of its own place in the dialog. */
#include "call/exchange.h"

#include "base/log.h"
#include "call/content.h"
#include "call/refresh.h"
#include "call/setup.h"
#include "call/snapshot.h"
#include "call/steps.h"

/* A final answer that is not kept; lets go of the transaction. */
static void answer_status(struct leg *x, struct txn_server *st, uint16_t status,
                          struct slice reason, struct slice headers)
{
    struct leg_answer a = {.status = status, .reason = reason, .headers = headers};
    leg_sip_respond(x, st, &a);
    txn_server_detach(st);
}

static void on_out(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg);

static void exchange_reset(struct exchange *ex)
{
    if (ex->in)
        txn_server_detach(ex->in);
    if (ex->out)
        txn_client_detach(ex->out);
    ex->in = NULL;
    ex->out = NULL;
    call_text_clear(&ex->offer);
    call_text_clear(&ex->answer);
    if (ex->state != EXCHANGE_IDLE)
        snapshot_later(CONTAINER_OF(ex, struct call, ex));
    ex->state = EXCHANGE_IDLE;
}

/* x is told no; the session stays as it was (s.14.2). */
static void exchange_refuse(struct call *c, uint16_t status, const char *why)
{
    struct exchange *ex = &c->ex;
    char mem[320];
    struct buf warning = buf_over(mem, sizeof(mem));
    if (status == 488)
        call_put_warning(&warning, c, why);
    log_event(LOG_INFO, "reoffer_refused", LOG_STR("call", c->name), LOG_I("status", status),
              LOG_STR("reason", why));
    struct txn_server *in = ex->in;
    struct leg *x = ex->x;
    ex->in = NULL;
    if (in) {
        answer_status(x, in, status, SLICE_NONE, buf_slice(&warning));
    }
    exchange_reset(ex);
}

static void on_in(void *arg, struct txn_server *st, enum txn_event ev)
{
    struct leg *x = arg;
    (void)st;
    if (ev == TXN_EVENT_TERMINATED)
        x->call->ex.in = NULL;
}

/* --- the request to y ------------------------------------------------------------------------ */

static void offer_to_y(struct call *c, struct slice sdp)
{
    struct exchange *ex = &c->ex;
    struct leg_request rq = {.method = ex->method, .body = sdp, .fn = on_out, .arg = c};
    /* RFC 3311 s.5.1: whoever does not know UPDATE gets the same by re-INVITE. */
    if (ex->method == SIP_UPDATE && !ex->y->allows_update)
        rq.method = SIP_INVITE;
    ex->state = EXCHANGE_OFFERED;
    if (leg_sip_request(ex->y, &rq, &ex->out) < 0)
        exchange_refuse(c, 500, "the other phone cannot be reached");
    else
        snapshot_later(c); /* the number of that INVITE */
}

static void on_local(void *arg, uint8_t status, const char *why)
{
    struct call *c = arg;
    struct exchange *ex = &c->ex;
    struct sdp *d = c->core->sdp[0];
    struct slice sdp = SLICE_NONE;
    if (status != MEDIA_STATUS_OK) {
        exchange_refuse(c, call_status_of_media(status), why);
        return;
    }
    if (sdp_parse(call_text_slice(&ex->offer), d) != SDP_OK) {
        exchange_refuse(c, 500, "the offer could not be read again");
        return;
    }
    sdp_leg_plan_offer(d, &ex->map, c->core->plan);
    c->core->plan->pad_to = call_media_count(leg_local_sdp(ex->y), c->core->sdp[1]);
    if (call_print_sdp(ex->y, d, c->core->plan, &sdp) < 0)
        exchange_refuse(c, 500, "the offer does not fit");
    else
        offer_to_y(c, sdp);
}

uint32_t exchange_open_if_new(const struct leg *l, uint8_t mask)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        if (mask & (1u << i) && !leg_media_stream(&l->media, i)->endpoint)
            return MEDIA_OP_OPEN;
    }
    return 0;
}

static void on_checked(void *arg, uint8_t status, const char *why)
{
    struct call *c = arg;
    struct exchange *ex = &c->ex;
    if (status != MEDIA_STATUS_OK) {
        exchange_refuse(c, call_status_of_media(status), why);
        return;
    }
    uint8_t mask = leg_media_mask_map(ex->mask, &ex->map);
    struct leg_shape shape;
    call_shape(ex->y, &shape);
    struct leg_media_batch b = {
        .ops = MEDIA_OP_LOCAL | exchange_open_if_new(ex->y, mask),
        .shape = &shape,
        .policy = &ex->y->policy,
        .local = ex->y->flow.local,
        .mask = mask,
    };
    ex->state = EXCHANGE_LOCAL;
    int r = leg_media_start(&ex->y->media, &b, on_local, c);
    if (r < 0)
        exchange_refuse(c, 503, "the media process cannot take the change now");
    else if (r == 0) /* every stream is refused now: nothing to open, but y must hear of it */
        on_local(c, MEDIA_STATUS_OK, "");
}

/* --- y's answer ------------------------------------------------------------------------------ */

static void on_x_applied(void *arg, uint8_t status, const char *why)
{
    struct call *c = arg;
    struct exchange *ex = &c->ex;
    struct sdp *offer = c->core->sdp[0], *answer = c->core->sdp[1];
    struct slice sdp = SLICE_NONE;
    if (status != MEDIA_STATUS_OK ||
        call_text_set(&ex->x->remote_sdp, call_text_slice(&ex->offer)) < 0) {
        exchange_refuse(c, call_status_of_media(status), why);
        return;
    }
    if (sdp_parse(call_text_slice(&ex->offer), offer) != SDP_OK ||
        sdp_parse(leg_remote_sdp(ex->y), answer) != SDP_OK) {
        exchange_refuse(c, 500, "the descriptions could not be read again");
        return;
    }
    sdp_leg_plan_answer(offer, answer, &ex->map, c->core->plan);
    c->core->plan->events = ex->y->media.info;
    if (call_print_sdp(ex->x, answer, c->core->plan, &sdp) < 0) {
        exchange_refuse(c, 500, "the answer does not fit");
        return;
    }
    exchange_adopt_map(c, ex->x);
    ex->state = EXCHANGE_WAIT_ACK;
    exchange_answer_x(c, sdp);
}

static void on_y_applied(void *arg, uint8_t status, const char *why)
{
    struct call *c = arg;
    struct exchange *ex = &c->ex;
    if (status != MEDIA_STATUS_OK) {
        exchange_refuse(c, call_status_of_media(status), why);
        return;
    }
    struct sdp *d = c->core->sdp[0];
    if (sdp_parse(call_text_slice(&ex->offer), d) != SDP_OK) {
        exchange_refuse(c, 500, "the offer could not be read again");
        return;
    }
    struct leg_media_batch b = {
        .ops = MEDIA_OP_REMOTE | MEDIA_OP_CONNECT | exchange_open_if_new(ex->x, ex->mask),
        .policy = &ex->x->policy,
        .local = ex->x->flow.local,
        .mask = ex->mask,
        .remote = d,
        .is_offer = true,
        .mode = MEDIA_MODE_RELAY,
        .peer = &ex->y->media,
        .map = &ex->map,
    };
    ex->state = EXCHANGE_APPLY_X;
    int r = leg_media_start(&ex->x->media, &b, on_x_applied, c);
    if (r < 0)
        exchange_refuse(c, 503, "the media process cannot take the change now");
    else if (r == 0)
        on_x_applied(c, MEDIA_STATUS_OK, "");
}

static void apply_answer_of_y(struct call *c, struct slice sdp)
{
    struct exchange *ex = &c->ex;
    struct sdp *d = c->core->sdp[0], *ours = c->core->sdp[1];
    if (sdp_parse(sdp, d) != SDP_OK || sdp_parse(leg_local_sdp(ex->y), ours) != SDP_OK ||
        sdp_answer_check(ours, d) != SDP_FIT_OK || call_text_set(&ex->y->remote_sdp, sdp) < 0) {
        exchange_refuse(c, 488, "the other phone's answer does not fit the offer");
        return;
    }
    struct leg_media_batch b = {
        .ops = MEDIA_OP_REMOTE,
        .policy = &ex->y->policy,
        .mask = leg_media_mask_map(ex->mask, &ex->map),
        .remote = d,
    };
    ex->state = EXCHANGE_APPLY_Y;
    int r = leg_media_start(&ex->y->media, &b, on_y_applied, c);
    if (r < 0)
        exchange_refuse(c, 503, "the media process cannot take the change now");
    else if (r == 0)
        on_y_applied(c, MEDIA_STATUS_OK, "");
}

static void on_y_agreed(struct call *c, struct sip_msg *msg)
{
    struct exchange *ex = &c->ex;
    struct slice sdp = SLICE_NONE;
    bool has = content_find_sdp(msg, &sdp) == CONTENT_SDP;
    bool invite = msg->method == SIP_INVITE;
    err_ignore(dialog_on_response(&ex->y->dialog, msg)); /* a bad Contact: the old target stands */
    if (ex->late) {
        if (has)
            late_begin(c, sdp);
        else
            call_end(c, 502, "a phone answered without a session description");
        return;
    }
    if (invite)
        leg_sip_ack(ex->y, SLICE_NONE);
    if (has)
        apply_answer_of_y(c, sdp);
    else
        exchange_refuse(c, 502, "the other phone answered without a session description");
}

/* What only concerns the hop between us and y: its digest, its addresses, its session timer. */
static bool is_of_that_hop(uint16_t status)
{
    static const uint16_t those[] = {401, 407, 420, 421, 422, 494};
    for (size_t i = 0; i < ARRAY_LEN(those); i++) {
        if (status == those[i])
            return true;
    }
    return status < 400;
}

static void on_y_refused(struct call *c, uint16_t status, struct slice reason)
{
    struct exchange *ex = &c->ex;
    if (status == 408 || status == 481) { /* s.12.2.1.2: that dialog is gone, so is the call */
        exchange_refuse(c, status, "the other phone no longer knows the call");
        call_end(c, status, "a phone no longer knows the call");
        return;
    }
    struct leg *x = ex->x;
    struct txn_server *in = ex->in;
    ex->in = NULL;
    if (in && is_of_that_hop(status)) /* 488 is about this change alone (RFC 5057 s.5.1) */
        answer_status(x, in, 488, SLICE_NONE, SLICE_NONE);
    else if (in)
        answer_status(x, in, status, reason, SLICE_NONE);
    exchange_reset(ex);
}

static void on_out(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    struct call *c = arg;
    struct exchange *ex = &c->ex;
    (void)ct;
    switch (ev) {
    case TXN_EVENT_RESPONSE:
        if (msg->status < 200)
            return;
        if (ex->state != EXCHANGE_OFFERED) { /* y's 2xx again: the ACK was lost */
            leg_sip_ack_again(ex->y);
            return;
        }
        if (msg->status < 300)
            on_y_agreed(c, msg);
        else
            on_y_refused(c, msg->status, msg->reason);
        return;
    case TXN_EVENT_TIMEOUT:
        if (ex->state == EXCHANGE_OFFERED)
            on_y_refused(c, 408, SLICE_NONE);
        return;
    case TXN_EVENT_TRANSPORT_ERROR:
        if (ex->state == EXCHANGE_OFFERED)
            on_y_refused(c, 503, SLICE_NONE);
        return;
    case TXN_EVENT_TERMINATED:
        ex->out = NULL;
        return;
    case TXN_EVENT_ACKED:
    case TXN_EVENT_COUNT:
        return;
    }
}

/* --- x's side -------------------------------------------------------------------------------- */

void exchange_adopt_map(struct call *c, const struct leg *offerer)
{
    struct exchange *ex = &c->ex;
    if (offerer == c->a) {
        c->map = ex->map;
        c->mask = ex->mask;
    } else {
        c->mask = leg_media_mask_map(ex->mask, &ex->map);
        call_map_invert(&ex->map, &c->map);
    }
}

void exchange_answer_x(struct call *c, struct slice sdp)
{
    struct exchange *ex = &c->ex;
    if (ex->x->state == LEG_INCOMING) { /* the call's first INVITE */
        leg_sip_set_tag(ex->x, ex->y->caller_tag);
        leg_answer(ex->x, sdp);
        call_on_answered(c);
        return;
    }
    struct txn_server *in = ex->in;
    ex->in = NULL;
    if (!in) { /* x has given up on it; what both legs agreed on stands */
        exchange_reset(ex);
        return;
    }
    bool update = ex->method == SIP_UPDATE;
    struct leg_answer a = {.status = 200, .body = sdp, .keep = !update};
    leg_sip_respond(ex->x, in, &a);
    snapshot_later(c); /* it waits for an ACK now */
    if (update) {
        txn_server_detach(in);
        exchange_reset(ex);
        call_changed(c);
    }
}

void exchange_ack_y(struct call *c, struct slice answer)
{
    struct exchange *ex = &c->ex;
    if (ex->y->state == LEG_ACK_OWED) {
        struct leg_input in = {.sdp = answer};
        leg_event(ex->y, LEG_EV_ACK_SEND, &in);
    } else {
        leg_sip_ack(ex->y, answer);
    }
    exchange_reset(ex);
    call_changed(c);
}

void exchange_on_ack(struct leg *x, struct sip_msg *ack)
{
    struct call *c = x->call;
    struct exchange *ex = &c->ex;
    struct slice sdp = SLICE_NONE;
    leg_sip_acked(x);
    if (ex->state != EXCHANGE_WAIT_ACK || ex->x != x)
        return;
    if (!ex->late) {
        exchange_reset(ex);
        call_changed(c);
    } else if (content_find_sdp(ack, &sdp) == CONTENT_SDP) {
        if (ex->y)
            late_on_x_answer(c, sdp);
        else
            builtin_on_late_answer(c, sdp);
    } else {
        call_end(c, 488, "the ACK to a late offer has no answer");
    }
}

void exchange_on_ack_timeout(struct leg *x)
{
    struct call *c = x->call;
    if (c->ex.state == EXCHANGE_WAIT_ACK && c->ex.x == x) /* s.14.2: as for a first INVITE */
        call_end(c, 408, "a phone did not acknowledge the answer to its re-INVITE");
}

void exchange_abort(struct call *c)
{
    struct exchange *ex = &c->ex;
    struct txn_server *in = ex->in;
    ex->in = NULL;
    if (in && !txn_server_has_final(in))
        answer_status(ex->x, in, 487, SLICE_NONE, SLICE_NONE);
    else if (in)
        txn_server_detach(in);
    exchange_reset(ex);
}

/* x takes its re-INVITE back: it gets 487, y's side is cancelled; what stood stands. */
void exchange_cancelled(struct call *c)
{
    struct exchange *ex = &c->ex;
    if (ex->state == EXCHANGE_OFFERED && ex->out) {
        struct txn_client *out = ex->out;
        txn_client_cancel(out, SLICE_NONE); /* its 487 comes by on_out and answers x */
        return;
    }
    if (ex->state == EXCHANGE_CHECK || ex->state == EXCHANGE_LOCAL) {
        leg_media_cancel(ex->state == EXCHANGE_CHECK ? &ex->x->media : &ex->y->media);
        exchange_refuse(c, 487, "taken back");
    }
}

/* Same description as before: a refresh of session timer or target, which concerns this leg alone
 * (RFC 4028 s.7.4). */
static bool answer_alone(struct leg *x, struct txn_server *st, struct slice sdp, bool has_sdp)
{
    struct call *c = x->call;
    bool update = txn_server_method(st) == SIP_UPDATE;
    bool same = has_sdp && slice_eq(sdp, leg_remote_sdp(x));
    if (!(update && !has_sdp) && !same)
        return false;
    struct leg_answer a = {.status = 200, .keep = !update};
    if (has_sdp)
        a.body = leg_local_sdp(x);
    leg_sip_respond(x, st, &a);
    if (update)
        txn_server_detach(st);
    else
        c->ex = (struct exchange){.state = EXCHANGE_WAIT_ACK, .x = x, .y = call_other(x)};
    call_changed(c); /* the peer's Contact may be another */
    return true;
}

static bool is_busy(const struct call *c, const struct leg *x)
{
    const struct leg *y = call_other(x);
    return c->ex.state != EXCHANGE_IDLE || x->refresh_out || (y && y->refresh_out) ||
           x->state != LEG_UP || (y && y->state != LEG_UP);
}

static void begin_early(struct call *c, struct slice sdp)
{
    struct exchange *ex = &c->ex;
    struct leg *x = ex->x;
    struct sdp *d = c->core->sdp[0];
    int v = sdp_parse(sdp, d);
    if (v != SDP_OK || call_text_set(&ex->offer, sdp) < 0) {
        exchange_refuse(c, 488, v != SDP_OK ? sdp_verdict_why((enum sdp_verdict)v) : "no memory");
        return;
    }
    sdp_leg_map(d, x->policy.protection != PROTECTION_OFF, &ex->map);
    ex->mask = call_forwarded_mask(d, &ex->map);
    struct leg_media_batch b = {
        .ops = MEDIA_OP_CHECK | MEDIA_OP_REMOTE,
        .policy = &x->policy,
        .mask = ex->mask,
        .remote = d,
        .is_offer = true,
    };
    ex->state = EXCHANGE_CHECK;
    int r = leg_media_start(&x->media, &b, on_checked, c);
    if (r < 0)
        exchange_refuse(c, 503, "the media process cannot take the change now");
    else if (r == 0)
        on_checked(c, MEDIA_STATUS_OK, "");
}

void exchange_begin(struct leg *x, struct txn_server *st, struct sip_msg *req)
{
    struct call *c = x->call;
    struct exchange *ex = &c->ex;
    struct slice sdp = SLICE_NONE;
    enum content_kind kind = content_find_sdp(req, &sdp);
    if (kind == CONTENT_OTHER) {
        answer_status(x, st, 415, SLICE_NONE, SLICE_LIT("Accept: application/sdp\r\n"));
        return;
    }
    if (is_busy(c, x)) {
        answer_status(x, st, 491, SLICE_NONE, SLICE_NONE);
        return;
    }
    if (!refresh_take_request(x, st, req)) {
        txn_server_detach(st);
        return;
    }
    if (answer_alone(x, st, sdp, kind == CONTENT_SDP))
        return;
    *ex = (struct exchange){.x = x, .y = call_other(x), .method = req->method, .in = st};
    txn_server_set_user(st, on_in, x);
    snapshot_later(c);
    if (!ex->y) {
        builtin_reoffer(c, sdp, kind == CONTENT_SDP);
        return;
    }
    if (kind == CONTENT_SDP) {
        begin_early(c, sdp);
        return;
    }
    ex->late = true;
    offer_to_y(c, SLICE_NONE);
}
