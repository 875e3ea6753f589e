/* The callee legs of a call until one has won. Each has its own dialog, ports and keys. The caller
 * sees each as an early dialog of its own, by the To tag (RFC 3261 s.12.1, s.13.2.2.4). */
#include "call/fork.h"

#include <stdio.h>

#include "base/log.h"
#include "call/content.h"
#include "call/demand.h"
#include "call/exchange.h"
#include "call/path.h"
#include "call/refresh.h"
#include "call/rel.h"
#include "call/route.h"
#include "call/setup.h"
#include "call/snapshot.h"
#include "call/steps.h"
#include "call/tell.h"

/* RFC 3326 s.3.1 */
#define ELSEWHERE SLICE_LIT("SIP;cause=200;text=\"Call completed elsewhere\"")

static bool is_pending(const struct leg *l)
{
    return l->state == LEG_NEW || l->state == LEG_CALLING;
}

/* --- out: INVITEs ---------------------------------------------------------------------------- */

static void leg_fail(struct leg *l, uint16_t status, const char *why)
{
    struct leg_input in = {.status = status, .reason = slice_from_str(why)};
    leg_event(l, LEG_EV_FAIL, &in);
}

/* Our offer to a callee, from the caller's. */
static void invite_with_offer(struct leg *b)
{
    struct call *c = b->call;
    struct call_core *core = c->core;
    struct slice sdp = SLICE_NONE;
    if (sdp_parse(leg_remote_sdp(c->a), core->sdp[0]) != SDP_OK) {
        leg_fail(b, 500, "the caller's description could not be read again");
        return;
    }
    sdp_leg_plan_offer(core->sdp[0], &c->map, core->plan);
    if (call_print_sdp(b, core->sdp[0], core->plan, &sdp) < 0) {
        leg_fail(b, 500, "the offer does not fit");
        return;
    }
    leg_sip_mark(b);
    struct leg_input in = {.sdp = sdp};
    leg_event(b, LEG_EV_START, &in);
}

static void on_opened(void *arg, uint8_t status, const char *why)
{
    struct leg *b = arg;
    if (status != MEDIA_STATUS_OK)
        leg_fail(b, call_status_of_media(status), why);
    else
        invite_with_offer(b);
}

static void shape_of(const struct leg *b, struct leg_shape *ret)
{
    leg_shape_of(b->flow.kind, &b->policy, NULL, ret);
    ret->ice |= b->asks_ice || offers_knows_ice(b);
}

/* What an offer needs: ports, and our keying lines in the shape that is due. */
static void ask_media(struct leg *b)
{
    struct call *c = b->call;
    struct media_policy policy;
    struct leg_shape shape;
    shape_of(b, &shape);
    offers_now(b, &policy);
    struct leg_media_batch batch = {
        .ops = MEDIA_OP_OPEN | MEDIA_OP_LOCAL,
        .policy = &policy,
        .local = b->flow.local,
        .mask = leg_media_mask_map(c->mask, &c->map),
        .shape = &shape,
    };
    if (leg_media_start(&b->media, &batch, on_opened, b) <= 0)
        leg_fail(b, 503, "the media process cannot take the call now");
}

void fork_offer_again(struct leg *b)
{
    b->rel.received = 0;
    if (leg_sip_restart_dialog(b))
        ask_media(b);
    else
        leg_fail(b, 500, "no memory for another offer");
}

/* The flow is there: ask for media, or in a call without an offer ring at once. */
static void leg_ring(struct leg *b)
{
    struct call *c = b->call;
    if (c->late_offer) {
        leg_event(b, LEG_EV_START, NULL);
        return;
    }
    struct leg_shape shape;
    char why[CALL_WHY_MAX];
    shape_of(b, &shape);
    if (!leg_shape_policy(&shape, &b->policy)) {
        leg_fail(b, 488, call_why_of_browser(b, why));
        return;
    }
    offers_begin(b, shape.browser || c->path != MEDIA_PATH_RELAY); /* what crosses has one shape */
    ask_media(b);
}

static void on_routed(struct leg *b, bool found)
{
    if (b->state != LEG_NEW)
        return; /* hung up meanwhile */
    if (found)
        leg_ring(b);
    else
        leg_fail(b, 480, "the phone's address cannot be found");
}

static void leg_begin(struct leg *b)
{
    if (leg_sip_find_flow(b))
        leg_ring(b);
    else if (!route_lookup(b, on_routed))
        leg_fail(b, 480, "the phone's connection is gone");
}

/* RFC 3263 s.4.3: an address that does not answer is not the end where DNS named others. */
static bool ring_elsewhere(struct leg *b)
{
    if (b->state != LEG_CALLING || b->rang || !route_next(b))
        return false;
    if (b->invite_out)
        txn_client_detach(b->invite_out);
    b->invite_out = NULL;
    leg_sip_invite(b, leg_local_sdp(b));
    snapshot_later(b->call);
    return true;
}

void fork_begin_legs(struct call *c)
{
    /* A leg that fails at once may end the call: it is freed from a deferral, so the list stands. */
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *b = CONTAINER_OF(n, struct leg, node);
        if (b == c->a || b->begun)
            continue;
        b->begun = true;
        leg_begin(b);
    }
}

/* --- in: answers ----------------------------------------------------------------------------- */

static bool has_offer(struct sip_msg *msg)
{
    struct slice sdp;
    return content_find_sdp(msg, &sdp) == CONTENT_SDP;
}

static void on_final(struct leg *l, struct sip_msg *msg)
{
    struct leg_input in = {.msg = msg, .status = msg->status, .reason = msg->reason};
    if (msg->status == 422 && l->state == LEG_CALLING && !l->asked_again &&
        refresh_ask_more(l, msg)) {
        l->asked_again = true;
        txn_client_detach(l->invite_out);
        l->invite_out = NULL;
        leg_sip_invite(l, leg_local_sdp(l));
        snapshot_later(l->call);
        return;
    }
    if (msg->status >= 300 && offers_next(l, msg)) {
        txn_client_detach(l->invite_out);
        l->invite_out = NULL;
        leg_event(l, LEG_EV_RETRY, NULL);
        return;
    }
    if (msg->status >= 300) {
        leg_event(l, LEG_EV_FAIL, &in);
        return;
    }
    if (l->state == LEG_UP || l->state == LEG_ENDING || l->state == LEG_ACK_OWED) {
        if (!dialog_is_same_remote_tag(&l->dialog, msg->to_tag)) {
            leg_sip_ack_fork(l, msg); /* s.13.2.2.4: one more 2xx of a fork behind the callee */
            return;
        }
    } else if (!leg_sip_take_dialog(l, msg)) {
        leg_fail(l, 502, "the phone's answer makes no dialog");
        return;
    }
    bool offer = l->call->late_offer && !l->early_media && has_offer(msg);
    leg_event(l, offer ? LEG_EV_2XX_OFFER : LEG_EV_2XX, &in);
}

void fork_on_invite_event(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    struct leg *l = arg;
    (void)ct;
    switch (ev) {
    case TXN_EVENT_RESPONSE:
        if (msg->status < 200) {
            struct leg_input in = {.msg = msg, .status = msg->status, .reason = msg->reason};
            leg_event(l, LEG_EV_1XX, &in);
        } else {
            on_final(l, msg);
        }
        return;
    case TXN_EVENT_TIMEOUT:
        if (!ring_elsewhere(l))
            leg_fail(l, 408, "the phone did not answer");
        return;
    case TXN_EVENT_TRANSPORT_ERROR:
        if (!ring_elsewhere(l))
            leg_fail(l, 503, "the phone cannot be reached");
        return;
    case TXN_EVENT_TERMINATED:
        l->invite_out = NULL;
        return;
    case TXN_EVENT_ACKED:
    case TXN_EVENT_COUNT:
        return;
    }
}

/* --- progress -------------------------------------------------------------------------------- */

static void tell_progress(struct leg *b, struct slice sdp);

/* The caller's description that answers its offer, made of the callee's. */
static int answer_for_caller(struct leg *b, struct slice *ret)
{
    struct call *c = b->call;
    struct call_core *core = c->core;
    if (sdp_parse(leg_remote_sdp(c->a), core->sdp[0]) != SDP_OK ||
        sdp_parse(leg_remote_sdp(b), core->sdp[1]) != SDP_OK)
        return -EINVAL;
    sdp_leg_plan_answer(core->sdp[0], core->sdp[1], &c->map, core->plan);
    core->plan->events = b->media.info;
    return call_print_sdp(c->a, core->sdp[1], core->plan, ret);
}

static void on_early_applied(void *arg, uint8_t status, const char *why)
{
    struct leg *b = arg;
    struct call *c = b->call;
    struct slice sdp = SLICE_NONE;
    char room[CALL_WHY_MAX];
    if (status != MEDIA_STATUS_OK) {
        why = call_why_of_media(b, status, why, room);
        log_event(LOG_WARN, "early_media_refused", LOG_STR("call", c->name),
                  LOG_STR("reason", why));
        if (b == c->b)
            call_end(c, call_status_of_media(status), why);
        else if (b->state == LEG_CALLING && c->a->state == LEG_INCOMING)
            tell_progress(b, SLICE_NONE);
        return;
    }
    b->early_media = true;
    c->early = b;
    snapshot_later(c);
    if (b->state != LEG_CALLING) {
        if (b == c->b)
            fork_answer_caller(b); /* its 2xx overtook us */
        return;
    }
    if (c->a->state == LEG_INCOMING && answer_for_caller(b, &sdp) == 0)
        tell_progress(b, sdp);
}

/* Applies what the callee described and connects it with the caller. */
static int apply_answer(struct leg *b, struct slice body, leg_media_fn *done)
{
    struct call *c = b->call;
    struct sdp *d = c->core->sdp[0], *offer = c->core->sdp[1];
    if (sdp_parse(body, d) != SDP_OK || call_text_set(&b->remote_sdp, body) < 0)
        return -EINVAL;
    if (sdp_parse(leg_local_sdp(b), offer) != SDP_OK || sdp_answer_check(offer, d) != SDP_FIT_OK)
        return -EINVAL;
    struct leg_media_batch batch = {
        .ops = MEDIA_OP_REMOTE | MEDIA_OP_CONNECT,
        .policy = &b->policy,
        .mask = leg_media_mask_map(c->mask, &c->map),
        .remote = d,
        .mode = MEDIA_MODE_RELAY,
        .peer = &c->a->media,
        .map = &c->map,
        .map_reverse = true,
    };
    int r = leg_media_start(&b->media, &batch, done, b);
    return r > 0 ? 0 : (r < 0 ? r : -EINVAL);
}

/* One 18x to the caller, reliably where it asked for that and the last one is acknowledged. */
static void tell_progress(struct leg *b, struct slice sdp)
{
    struct leg *a = b->call->a;
    if (rel_is_free(a))
        leg_sip_progress(a, b->progress_status, SLICE_NONE, b, sdp, a->wants_100rel);
    else
        b->call->untold = b;
}

void fork_tell_untold(struct call *c)
{
    struct leg *b = c->untold;
    struct slice sdp = SLICE_NONE;
    c->untold = NULL;
    if (!b || b->state != LEG_CALLING || c->a->state != LEG_INCOMING)
        return;
    if (b->early_media && answer_for_caller(b, &sdp) < 0)
        sdp = SLICE_NONE;
    tell_progress(b, sdp);
}

void fork_on_progress(struct leg *b, struct sip_msg *msg)
{
    struct call *c = b->call;
    struct slice sdp = SLICE_NONE;
    if (msg->status == 100)
        return;
    if (msg->to_tag.n && !dialog_is_same_remote_tag(&b->dialog, msg->to_tag)) {
        b->rel.received = 0; /* RSeq counts within one early dialog (RFC 3262 s.3) */
        if (!leg_sip_take_dialog(b, msg))
            return;
    }
    if (!rel_take_provisional(b, msg) || c->a->state != LEG_INCOMING)
        return;
    b->rang = true;
    snapshot_later(c);
    b->progress_status = msg->status;
    c->phase = CALL_RINGING;
    /* Without an offer of ours, a description in a 18x is a preview that nobody may answer. */
    bool with_sdp = !c->late_offer && content_find_sdp(msg, &sdp) == CONTENT_SDP;
    if (with_sdp && !b->early_media && !leg_media_is_busy(&b->media)) {
        if (apply_answer(b, sdp, on_early_applied) == 0)
            return;
        log_event(LOG_INFO, "early_media_unreadable", LOG_STR("call", c->name));
    }
    tell_progress(b, SLICE_NONE);
}

/* --- the winner ------------------------------------------------------------------------------ */

static void hang_up_others(struct call *c, const struct leg *winner)
{
    struct leg_input in = {.reason = ELSEWHERE};
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l != c->a && l != winner)
            leg_event(l, LEG_EV_HANGUP, &in);
    }
}

void fork_answer_caller(struct leg *b)
{
    struct call *c = b->call;
    struct slice sdp = SLICE_NONE;
    if (answer_for_caller(b, &sdp) < 0) {
        call_end(c, 500, "the answer does not fit");
        return;
    }
    offers_learn(b);
    leg_sip_set_tag(c->a, b->caller_tag);
    leg_answer(c->a, sdp);
    call_on_answered(c);
}

static void on_answer_applied(void *arg, uint8_t status, const char *why)
{
    struct leg *b = arg;
    char room[CALL_WHY_MAX];
    if (status == MEDIA_STATUS_NOT_ENCRYPTED || status == MEDIA_STATUS_BAD_TEXT)
        offers_learn_misunderstood(b);
    if (status != MEDIA_STATUS_OK)
        call_end(b->call, call_status_of_media(status), call_why_of_media(b, status, why, room));
    else
        fork_answer_caller(b);
}

/* The 2xx repeats what an early answer has said already, or it is the first we hear. */
static void take_answer(struct leg *b, struct sip_msg *msg)
{
    struct call *c = b->call;
    struct slice sdp = SLICE_NONE;
    bool has = content_find_sdp(msg, &sdp) == CONTENT_SDP;
    if (leg_media_is_busy(&b->media))
        return; /* on_early_applied goes on */
    if (b->early_media && (!has || slice_eq(sdp, leg_remote_sdp(b)))) {
        if (c->early == b) {
            fork_answer_caller(b);
            return;
        }
        sdp = leg_remote_sdp(b); /* another fork was heard last: connect again */
        has = true;
    }
    if (!has) {
        call_end(c, 502, "the phone answered without a session description");
        return;
    }
    if (sdp.p == b->remote_sdp.p) /* apply_answer replaces what it is about to read */
        sdp = call_scratch_copy(c->core, sdp);
    if (apply_answer(b, sdp, on_answer_applied) < 0)
        call_end(c, 488, "the phone's answer does not fit the offer");
}

void fork_on_answered(struct leg *b, struct sip_msg *msg)
{
    struct call *c = b->call;
    if (c->b || c->a->state != LEG_INCOMING) { /* another was faster, or the caller has gone */
        struct leg_input in = {.reason = ELSEWHERE};
        leg_event(b, LEG_EV_HANGUP, &in);
        return;
    }
    c->b = b;
    loop_timer_cancel(c->core->cfg.loop, &c->ring_timer);
    b->allows_update = sip_msg_list_has(msg, SIP_HDR_ALLOW, "UPDATE");
    refresh_take_answer(b, msg);
    hang_up_others(c, b);
    if (b->state == LEG_ACK_OWED)
        late_on_answered(b, msg);
    else
        take_answer(b, msg);
}

void late_on_answered(struct leg *b, struct sip_msg *msg)
{
    struct call *c = b->call;
    struct slice sdp = SLICE_NONE;
    if (content_find_sdp(msg, &sdp) != CONTENT_SDP) {
        call_end(c, 502, "the phone answered without a session description");
        return;
    }
    c->ex = (struct exchange){.x = c->a, .y = b, .method = SIP_INVITE, .late = true};
    late_begin(c, sdp);
}

/* --- after a restart -------------------------------------------------------------------------- */

/* Its 2xx has been acknowledged (or its ACK waits for the caller's answer): what follows is done again. */
static void resume_answer(struct leg *b)
{
    struct call *c = b->call;
    struct slice sdp = call_scratch_copy(c->core, leg_remote_sdp(b));
    if (b->state == LEG_ACK_OWED) {
        c->ex = (struct exchange){.x = c->a, .y = b, .method = SIP_INVITE, .late = true};
        late_begin(c, sdp);
    } else if (!sdp.n || apply_answer(b, sdp, on_answer_applied) < 0) {
        call_end(c, 488, "the phone's answer does not fit the offer");
    }
}

void fork_resume(struct call *c)
{
    if (c->b) {
        resume_answer(c->b);
        return;
    }
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *b = CONTAINER_OF(n, struct leg, node);
        if (b->state == LEG_NEW)
            b->begun = false;
        /* Its early description had come, and the caller has not heard of it. */
        if (b->state == LEG_CALLING && b->rang && !b->early_media && b->remote_sdp.n)
            err_ignore(
                apply_answer(b, call_scratch_copy(c->core, leg_remote_sdp(b)), on_early_applied));
    }
    fork_begin_legs(c);
}

/* --- failures -------------------------------------------------------------------------------- */

/* RFC 3261 s.16.7 step 6: 6xx before all; otherwise the lowest class, and in it what tells the
 * caller most. A busy phone says more than one that nobody answered. */
static int rank(uint16_t status)
{
    if (status >= 600)
        return 0;
    static const uint16_t telling[] = {486, 488, 480, 404, 408, 487};
    for (int i = 0; i < (int)ARRAY_LEN(telling); i++) {
        if (status == telling[i])
            return 1 + i;
    }
    if (status >= 400 && status < 500)
        return 20;
    return status >= 500 ? 30 : 40;
}

static void remember_failure(struct call *c, uint16_t status, struct slice reason)
{
    if (c->best_status && rank(c->best_status) <= rank(status))
        return;
    c->best_status = status;
    struct call_reasons *why = call_reasons_make(c);
    if (why)
        snprintf(why->best, sizeof(why->best), SLICE_FMT, SLICE_ARG(reason));
}

static bool any_pending(const struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l != c->a && is_pending(l))
            return true;
    }
    return false;
}

/* What a callee's status means to the caller. What only concerns the hop between us and the callee
 * (its digest, its transactions) becomes something that is true for the caller. */
static uint16_t map_status(uint16_t status)
{
    switch (status) {
    case 401:
    case 407:
    case 421:
    case 420:
    case 481:
    case 494:
        return 480;
    case 408:
        return 480; /* s.16.7: a 408 of ours would make the caller think that we are not there */
    case 503:
        return 480; /* s.16.7 step 6: 503 is about the callee, not about us */
    case 422:       /* of the session timer between us and the callee */
        return 480;
    default:
        return status >= 300 && status < 400 ? 480 : status;
    }
}

/* A browser that was offered SDES, because its user may not use DTLS-SRTP, just says 488. */
static struct slice why_of_failure(const struct leg *b, const struct leg_input *in,
                                   char room[CALL_WHY_MAX])
{
    bool browser = leg_shape_is_websocket(b->flow.kind) && !leg_shape_may_dtls(&b->policy);
    if (in->status == 488 && in->msg && browser)
        return slice_from_str(call_why_of_browser(b, room));
    return in->reason;
}

void fork_on_failed(struct leg *b, const struct leg_input *in)
{
    struct call *c = b->call;
    uint16_t status = in->status;
    log_event(LOG_INFO, "leg_failed", LOG_STR("call", c->name), LOG_STR("user", b->user.name),
              LOG_I("status", status), LOG_S("reason", in->reason));
    if (in->msg && status >= 300 && status < 400 && fork_redirect(b, in->msg))
        return;
    char why[CALL_WHY_MAX];
    remember_failure(c, map_status(status), why_of_failure(b, in, why));
    if (status >= 600) /* s.16.7 step 5: 6xx ends all of them */
        hang_up_others(c, b);
    leg_sip_release(b);
    if (c->a->state == LEG_INCOMING && !c->b && !any_pending(c))
        call_end(c, c->best_status, call_best_reason(c));
    else
        call_on_leg_down(b);
}

/* --- contacts -------------------------------------------------------------------------------- */

static bool is_known_contact(const struct call *c, const char *contact)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l != c->a && slice_eq_str(slice_from_str(contact), l->target_uri))
            return true;
    }
    return false;
}

/* The caller may want both ends protected: a contact that cannot be is not rung. Nor is one that
 * cannot go the way that the call has taken. */
static bool meets_demand(struct leg *b)
{
    struct call *c = b->call;
    char why[CALL_WHY_MAX];
    if (!path_join(b)) {
        remember_failure(c, 488,
                         SLICE_LIT("the call was sent on to a user whose media cannot pass "
                                   "untouched"));
        return false;
    }
    if (!c->a->user.policy->require_peer || demand_protection(b, c->a->user.name, why))
        return true;
    remember_failure(c, 488, slice_from_str(why));
    return false;
}

static bool add_contact(struct call *c, const struct store_user *callee, const struct binding *bd)
{
    if (is_known_contact(c, bd->contact) || c->leg_count > CALL_LEGS_MAX)
        return false;
    struct leg *b = leg_new(c);
    if (!b)
        return false;
    b->registered_user = true;
    b->flow = bd->flow;
    b->target_uri = strdup(bd->contact);
    b->path = bd->path[0] ? strdup(bd->path) : NULL;
    snprintf(b->agent, sizeof(b->agent), "%s", bd->user_agent);
    b->asks_ice = bd->ice;
    call_media_policy(b, &callee->policy);
    if (!b->target_uri || (bd->path[0] && !b->path) || leg_set_store_user(b, callee) < 0 ||
        !meets_demand(b) || !leg_sip_make_dialog(b)) {
        leg_free(b);
        c->leg_count--;
        return false;
    }
    return true;
}

/* The callee may want it too: of an offer that is still to be judged, or was already (a 302 led to
 * this callee). */
static bool demand_of_caller(struct call *c, const struct store_user *callee,
                             char why[CALL_WHY_MAX])
{
    struct leg *a = c->a;
    if (!demand_protection(a, callee->name, why))
        return false;
    if (tell_protection_of(a)->keying != KEYING_NONE || !a->remote_sdp.n)
        return true;
    snprintf(why, CALL_WHY_MAX,
             "user %s takes only calls that are protected at both ends, and the caller's phone "
             "offered no encryption",
             callee->name);
    return false;
}

size_t fork_add_contacts(struct call *c, const struct store_user *callee)
{
    const struct binding *found[CALL_LEGS_MAX];
    size_t added = 0;
    char why[CALL_WHY_MAX];
    if (callee->policy.require_peer && !demand_of_caller(c, callee, why)) {
        remember_failure(c, 488, slice_from_str(why));
        return 0;
    }
    size_t n = location_find(c->core->cfg.location, slice_from_str(callee->name),
                             slice_from_str(callee->domain), found, ARRAY_LEN(found));
    for (size_t i = 0; i < n; i++) {
        if (policy_transport_allowed(&callee->policy, (uint8_t)found[i]->flow.kind))
            added += add_contact(c, callee, found[i]);
    }
    return added;
}

void fork_start(struct call *c)
{
    fork_begin_legs(c);
}

/* The contacts of a 302 that are users of ours are rung instead (s.8.1.3.4); others are not: who is
 * called from here is the administrator's choice, not that of a phone. */
bool fork_redirect(struct leg *b, const struct sip_msg *rsp)
{
    struct call *c = b->call;
    struct call_core *core = c->core;
    struct sip_list_iter it = {0};
    struct slice e;
    struct store_user callee;
    size_t added = 0;
    if (c->redirects++ >= CALL_REDIRECTS_MAX || c->a->state != LEG_INCOMING || c->b)
        return false;
    while (sip_msg_list_next(rsp, SIP_HDR_CONTACT, &it, &e)) {
        struct sip_addr a;
        if (sip_addr_parse(e, &a) != SIP_PARSE_OK ||
            core->cfg.find_uri(core->cfg.arg, &a.uri, &callee) < 0)
            continue;
        log_event(LOG_INFO, "redirected", LOG_STR("call", c->name), LOG_STR("from", b->user.name),
                  LOG_STR("to", callee.name));
        added += fork_add_contacts(c, &callee);
        store_user_fini(&callee);
    }
    if (added == 0)
        return false;
    leg_sip_release(b);
    call_on_leg_down(b);
    fork_begin_legs(c);
    return true;
}
