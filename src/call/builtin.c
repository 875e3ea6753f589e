/* Built-in targets: echo, tone and clock, in every domain. The call has one leg; the media role is
 * the other end. */
#include <stdio.h>

#include "call/exchange.h"
#include "call/setup.h"
#include "call/steps.h"

/* tone and clock speak what media/source.c can make; echo gives back whatever comes. */
static const struct slice spoken[] = {{"PCMA", 4}, {"PCMU", 4},     {"G722", 4},
                                      {"opus", 4}, {"L16/8000", 8}, {"L16/16000", 9}};

static void codecs_of(const struct call *c, const struct slice **ret, size_t *ret_n)
{
    bool any = c->builtin == MEDIA_MODE_ECHO;
    *ret = any ? NULL : spoken;
    *ret_n = any ? 0 : ARRAY_LEN(spoken);
}

bool builtin_choose(const struct call *c, const struct sdp *offer, struct sdp_own_choice *ret)
{
    const struct slice *codecs;
    size_t n;
    codecs_of(c, &codecs, &n);
    bool secure = c->a->policy.protection != PROTECTION_OFF;
    return sdp_own_choose(offer, secure, codecs, n, ret) == SDP_OWN_OK;
}

int builtin_print_answer(struct call *c, const struct sdp *offer, struct slice *ret)
{
    struct sdp_own_choice choice;
    if (!builtin_choose(c, offer, &choice))
        return -EINVAL;
    sdp_own_plan_answer(offer, &choice, c->core->plan);
    call_plan_identity(c->a, c->core->plan);
    leg_media_fill_plan(&c->a->media, c->core->plan);
    struct buf b = buf_over(c->core->body, CALL_BODY_MAX);
    sdp_own_print_answer(&b, &choice, c->core->plan);
    return call_take_sdp(c->a, &b, ret);
}

static void on_connected(void *arg, uint8_t status, const char *why)
{
    struct leg *a = arg;
    struct call *c = a->call;
    struct slice sdp = SLICE_NONE;
    if (status != MEDIA_STATUS_OK) {
        call_end(c, call_status_of_media(status), why);
        return;
    }
    if (sdp_parse(leg_remote_sdp(a), c->core->sdp[0]) != SDP_OK ||
        builtin_print_answer(c, c->core->sdp[0], &sdp) < 0) {
        call_end(c, 488, "no codec of the offer is spoken here");
        return;
    }
    leg_answer(a, sdp);
    call_on_answered(c);
}

/* Our own offer to a caller who made none; its answer comes with the ACK. */
static void on_offer_written(void *arg, uint8_t status, const char *why)
{
    struct leg *a = arg;
    struct call *c = a->call;
    if (status != MEDIA_STATUS_OK) {
        call_end(c, call_status_of_media(status), why);
        return;
    }
    struct sdp_leg_plan *plan = c->core->plan;
    struct slice sdp = SLICE_NONE;
    *plan = (struct sdp_leg_plan){.media_count = 1};
    call_plan_identity(a, plan);
    leg_media_fill_plan(&a->media, plan);
    struct buf b = buf_over(c->core->body, CALL_BODY_MAX);
    sdp_own_print_offer(&b, plan);
    if (call_take_sdp(a, &b, &sdp) < 0) {
        call_end(c, 500, "the offer does not fit");
        return;
    }
    c->ex =
        (struct exchange){.state = EXCHANGE_WAIT_ACK, .x = a, .method = SIP_INVITE, .late = true};
    leg_answer(a, sdp);
    call_on_answered(c);
}

void builtin_answer(struct call *c)
{
    struct leg *a = c->a;
    struct leg_shape shape;
    char room[CALL_WHY_MAX];
    call_shape(a, &shape);
    if (c->late_offer && !leg_shape_policy(&shape, &a->policy)) {
        call_end(c, 488, call_why_of_browser(a, room));
        return;
    }
    struct leg_media_batch b = {
        .shape = &shape,
        .ops = c->late_offer ? MEDIA_OP_OPEN | MEDIA_OP_LOCAL : MEDIA_OP_CONNECT,
        .policy = &a->policy,
        .local = a->flow.local,
        .mask = c->late_offer ? 1 : c->mask,
        .mode = c->builtin,
    };
    c->mask = b.mask;
    if (leg_media_start(&a->media, &b, c->late_offer ? on_offer_written : on_connected, a) <= 0)
        call_end(c, 503, "the media process cannot take the call now");
}

static void on_late_connected(void *arg, uint8_t status, const char *why)
{
    struct leg *a = arg;
    if (status != MEDIA_STATUS_OK) {
        call_end(a->call, call_status_of_media(status), why);
        return;
    }
    exchange_abort(a->call); /* done: nothing is left to be answered */
    call_changed(a->call);
}

void builtin_on_late_answer(struct call *c, struct slice answer)
{
    struct leg *a = c->a;
    struct sdp *d = c->core->sdp[0];
    if (sdp_parse(answer, d) != SDP_OK || sdp_parse(leg_local_sdp(a), c->core->sdp[1]) != SDP_OK ||
        sdp_answer_check(c->core->sdp[1], d) != SDP_FIT_OK ||
        call_text_set(&a->remote_sdp, answer) < 0) {
        call_end(c, 488, "the answer in the ACK does not fit the offer");
        return;
    }
    struct leg_media_batch b = {
        .ops = MEDIA_OP_REMOTE | MEDIA_OP_CONNECT,
        .policy = &a->policy,
        .mask = c->mask,
        .remote = d,
        .mode = c->builtin,
    };
    c->ex.state = EXCHANGE_APPLY_X;
    if (leg_media_start(&a->media, &b, on_late_connected, a) <= 0)
        call_end(c, 488, "the answer in the ACK fits no stream of the offer");
}

/* --- a change in the standing call ----------------------------------------------------------- */

static void reoffer_refuse(struct call *c, uint16_t status, const char *why)
{
    char mem[320];
    struct buf warning = buf_over(mem, sizeof(mem));
    if (status == 488)
        call_put_warning(&warning, c, why);
    struct leg_answer a = {.status = status, .headers = buf_slice(&warning)};
    if (c->ex.in)
        leg_sip_respond(c->a, c->ex.in, &a);
    exchange_abort(c);
}

static void on_reoffer_applied(void *arg, uint8_t status, const char *why)
{
    struct call *c = arg;
    struct leg *a = c->a;
    struct slice sdp = SLICE_NONE;
    if (status != MEDIA_STATUS_OK) {
        reoffer_refuse(c, call_status_of_media(status), why);
        return;
    }
    if (call_text_set(&a->remote_sdp, call_text_slice(&c->ex.offer)) < 0 ||
        sdp_parse(leg_remote_sdp(a), c->core->sdp[0]) != SDP_OK ||
        builtin_print_answer(c, c->core->sdp[0], &sdp) < 0) {
        reoffer_refuse(c, 488, "no codec of the offer is spoken here");
        return;
    }
    c->ex.state = EXCHANGE_WAIT_ACK;
    exchange_answer_x(c, sdp);
}

void builtin_reoffer(struct call *c, struct slice sdp, bool has_sdp)
{
    struct exchange *ex = &c->ex;
    struct sdp *d = c->core->sdp[0];
    if (!has_sdp) { /* our offer is what stands; the ACK answers it */
        ex->late = true;
        ex->state = EXCHANGE_WAIT_ACK;
        exchange_answer_x(c, leg_local_sdp(c->a));
        return;
    }
    struct sdp_own_choice choice;
    int v = sdp_parse(sdp, d);
    if (v != SDP_OK || call_text_set(&ex->offer, sdp) < 0) {
        reoffer_refuse(c, 488, v != SDP_OK ? sdp_verdict_why((enum sdp_verdict)v) : "no memory");
        return;
    }
    if (!builtin_choose(c, d, &choice)) {
        reoffer_refuse(c, 488, "no codec of the offer is spoken here");
        return;
    }
    struct leg_media_batch b = {
        .ops = MEDIA_OP_REMOTE | MEDIA_OP_CONNECT,
        .policy = &c->a->policy,
        .mask = (uint8_t)(1u << choice.media),
        .remote = d,
        .is_offer = true,
        .mode = c->builtin,
    };
    ex->state = EXCHANGE_APPLY_X;
    if (leg_media_start(&c->a->media, &b, on_reoffer_applied, c) <= 0)
        reoffer_refuse(c, 488, "the offer has no stream that this target uses");
}
