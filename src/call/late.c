/* Late offers: an INVITE without a description, first or within a call. The request goes on without
 * one, the answering side (y) offers in its 2xx, the asking side (x) answers in its ACK.
 *
 *   x                     we                      y
 *   | INVITE ------------> | INVITE ------------> |
 *   |                      | <------- 200, offer  |   y: REMOTE(offer)   EXCHANGE_LATE_Y
 *   | <------- 200, offer  |                      |   x: LOCAL           EXCHANGE_LATE_X
 *   | ACK, answer -------> |                      |   x: REMOTE(answer)  EXCHANGE_APPLY_X
 *   |                      | ACK, answer -------> |
 *
 * y repeats its 200 until our ACK comes; that is how long x has. */
#include "call/exchange.h"

#include "call/setup.h"
#include "call/steps.h"

static void late_fail(struct call *c, uint16_t status, const char *why)
{
    c->ex.state = EXCHANGE_IDLE;
    call_end(c, status, why); /* y's 2xx stands: a session without an answer cannot be kept */
}

static void on_x_written(void *arg, uint8_t status, const char *why)
{
    struct call *c = arg;
    struct exchange *ex = &c->ex;
    struct sdp *offer = c->core->sdp[0];
    struct slice sdp = SLICE_NONE;
    if (status != MEDIA_STATUS_OK) {
        late_fail(c, call_status_of_media(status), why);
        return;
    }
    if (sdp_parse(call_text_slice(&ex->offer), offer) != SDP_OK) {
        late_fail(c, 500, "the offer could not be read again");
        return;
    }
    sdp_leg_plan_offer(offer, &ex->map, c->core->plan);
    c->core->plan->pad_to = call_media_count(leg_local_sdp(ex->x), c->core->sdp[1]);
    if (call_print_sdp(ex->x, offer, c->core->plan, &sdp) < 0) {
        late_fail(c, 500, "the offer does not fit");
        return;
    }
    ex->state = EXCHANGE_WAIT_ACK;
    exchange_answer_x(c, sdp);
}

static void on_y_judged(void *arg, uint8_t status, const char *why)
{
    struct call *c = arg;
    struct exchange *ex = &c->ex;
    if (status != MEDIA_STATUS_OK) {
        late_fail(c, call_status_of_media(status), why);
        return;
    }
    uint8_t mask = leg_media_mask_map(ex->mask, &ex->map);
    struct leg_shape shape;
    char room[CALL_WHY_MAX];
    call_shape(ex->x, &shape);
    if (!leg_shape_policy(&shape, &ex->x->policy)) {
        late_fail(c, 488, call_why_of_browser(ex->x, room));
        return;
    }
    struct leg_media_batch b = {
        .ops = MEDIA_OP_LOCAL | exchange_open_if_new(ex->x, mask),
        .shape = &shape,
        .policy = &ex->x->policy,
        .local = ex->x->flow.local,
        .mask = mask,
    };
    ex->state = EXCHANGE_LATE_X;
    if (leg_media_start(&ex->x->media, &b, on_x_written, c) <= 0)
        late_fail(c, 503, "the media process cannot take the call now");
}

void late_begin(struct call *c, struct slice offer)
{
    struct exchange *ex = &c->ex;
    struct sdp *d = c->core->sdp[0];
    int v = sdp_parse(offer, d);
    if (v != SDP_OK || call_text_set(&ex->offer, offer) < 0 ||
        call_text_set(&ex->y->remote_sdp, offer) < 0) {
        late_fail(c, 488, v != SDP_OK ? sdp_verdict_why((enum sdp_verdict)v) : "no memory");
        return;
    }
    sdp_leg_map(d, ex->y->policy.protection != PROTECTION_OFF, &ex->map);
    ex->mask = call_forwarded_mask(d, &ex->map);
    struct leg_media_batch b = {
        .ops = MEDIA_OP_REMOTE | exchange_open_if_new(ex->y, ex->mask),
        .policy = &ex->y->policy,
        .local = ex->y->flow.local,
        .mask = ex->mask,
        .remote = d,
        .is_offer = true,
    };
    ex->state = EXCHANGE_LATE_Y;
    if (leg_media_start(&ex->y->media, &b, on_y_judged, c) <= 0)
        late_fail(c, 488, "the offer has no audio or video that can be relayed");
}

static void on_x_applied(void *arg, uint8_t status, const char *why)
{
    struct call *c = arg;
    struct exchange *ex = &c->ex;
    struct sdp *offer = c->core->sdp[0], *answer = c->core->sdp[1];
    struct slice sdp = SLICE_NONE;
    if (status != MEDIA_STATUS_OK) {
        late_fail(c, call_status_of_media(status), why);
        return;
    }
    if (sdp_parse(call_text_slice(&ex->offer), offer) != SDP_OK ||
        sdp_parse(leg_remote_sdp(ex->x), answer) != SDP_OK) {
        late_fail(c, 500, "the descriptions could not be read again");
        return;
    }
    sdp_leg_plan_answer(offer, answer, &ex->map, c->core->plan);
    c->core->plan->events = ex->x->media.info;
    if (call_print_sdp(ex->y, answer, c->core->plan, &sdp) < 0) {
        late_fail(c, 500, "the answer does not fit");
        return;
    }
    exchange_adopt_map(c, ex->y);
    exchange_ack_y(c, sdp);
}

void late_on_x_answer(struct call *c, struct slice sdp)
{
    struct exchange *ex = &c->ex;
    struct sdp *d = c->core->sdp[0], *ours = c->core->sdp[1];
    if (sdp_parse(sdp, d) != SDP_OK || sdp_parse(leg_local_sdp(ex->x), ours) != SDP_OK ||
        sdp_answer_check(ours, d) != SDP_FIT_OK || call_text_set(&ex->x->remote_sdp, sdp) < 0) {
        late_fail(c, 488, "the answer in the ACK does not fit the offer");
        return;
    }
    struct leg_media_batch b = {
        .ops = MEDIA_OP_REMOTE | MEDIA_OP_CONNECT,
        .policy = &ex->x->policy,
        .mask = leg_media_mask_map(ex->mask, &ex->map),
        .remote = d,
        .mode = MEDIA_MODE_RELAY,
        .peer = &ex->y->media,
        .map = &ex->map,
        .map_reverse = true,
    };
    ex->state = EXCHANGE_APPLY_X;
    if (leg_media_start(&ex->x->media, &b, on_x_applied, c) <= 0)
        late_fail(c, 488, "the answer in the ACK has no stream that can be relayed");
}
