/* What a restored call had under way when its process died goes on: transactions of INVITEs from the caller
 * and to the callees, answers that wait for their ACK or PRACK, and steps that waited for the media role,
 * which are begun again. What the other process was doing for a re-INVITE or UPDATE is not known: its sender
 * is told to try again. */
#include <stdlib.h>

#include "base/log.h"
#include "base/secret.h"
#include "call/exchange.h"
#include "call/fork.h"
#include "call/rel.h"
#include "call/setup.h"
#include "call/snapshot_form.h"
#include "call/steps.h"
#include "transport/transport.h"

static struct txn_server *server_of(const struct resume_leg *r, uint16_t status)
{
    struct txn_server *st = NULL;
    struct leg *l = r->leg;
    struct call_config *cfg = &l->call->core->cfg;
    if (r->request.n &&
        txn_server_restore(cfg->txn, &l->flow, r->request, status, r->response, &st) < 0)
        log_event(LOG_WARN, "request_not_restored", LOG_STR("call", l->call->name));
    return st;
}

/* --- the caller's INVITE ------------------------------------------------------------------------ */

static void resume_incoming(const struct resume_leg *r)
{
    struct leg *a = r->leg;
    /* Over UDP its repetitions are answered: it may have heard nothing yet. */
    bool quiet = a->call->phase != CALL_SETUP && transport_kind_is_reliable(a->flow.kind);
    struct txn_server *st = server_of(r, quiet ? 180 : 0);
    if (st)
        leg_own_invite(a, st);
    rel_resume(a);
}

/* --- INVITEs to the callees --------------------------------------------------------------------- */

/* The head as it was sent, and the offer behind it. */
static void client_restore(const struct resume_leg *r, bool brief)
{
    struct leg *b = r->leg;
    struct call_config *cfg = &b->call->core->cfg;
    struct slice offer = brief ? SLICE_NONE : leg_local_sdp(b);
    size_t n = r->request.n + offer.n;
    char *text = malloc(n ? n : 1);
    if (!text)
        return;
    struct buf t = buf_over(text, n);
    buf_put_slice(&t, r->request);
    buf_put_slice(&t, offer);
    if (txn_client_restore(cfg->txn, &b->flow, buf_slice(&t), brief || r->provisional,
                           fork_on_invite_event, b, &b->invite_out) < 0)
        log_event(LOG_WARN, "request_not_restored", LOG_STR("call", b->call->name));
    secret_wipe(text, n);
    free(text);
}

static void resume_calling(const struct resume_leg *r, bool brief)
{
    struct leg *b = r->leg;
    if (r->request.n && transport_is_alive(b->call->core->cfg.transport, &b->flow))
        client_restore(r, brief);
    if (b->state == LEG_CANCELLING && b->invite_out)
        leg_sip_cancel(b, SLICE_NONE); /* perhaps once more; it is answered all the same */
    else if (b->state == LEG_CANCELLING)
        leg_event(b, LEG_EV_FAIL, NULL);
}

/* --- answers and re-INVITEs --------------------------------------------------------------------- */

static void resume_answered_leg(const struct resume_leg *r)
{
    struct leg *l = r->leg;
    struct txn_server *st = server_of(r, r->response.n ? 200 : 0);
    if (l->state == LEG_ANSWERING || l->state == LEG_ANSWERING_END || (st && r->response.n)) {
        leg_sip_await_ack(l, st);
    } else if (st) {
        struct leg_answer busy = {.status = 500, .headers = SLICE_LIT("Retry-After: 1\r\n")};
        leg_sip_respond(l, st, &busy); /* RFC 3261 s.14.2 has it for what has to wait */
        txn_server_detach(st);
    }
}

static void resume_leg(const struct resume_leg *r, bool brief)
{
    switch (r->leg->state) {
    case LEG_INCOMING:
    case LEG_HELD:
        resume_incoming(r);
        return;
    case LEG_CALLING:
    case LEG_CANCELLING:
        resume_calling(r, brief);
        return;
    case LEG_ANSWERING:
    case LEG_ANSWERING_END:
    case LEG_UP:
        resume_answered_leg(r);
        return;
    case LEG_NEW:
    case LEG_ACK_OWED:
    case LEG_ENDING:
    case LEG_DOWN:
    case LEG_STATE_COUNT:
        return;
    }
}

/* --- the call ----------------------------------------------------------------------------------- */

/* A late offer whose answer the caller's ACK brings, or has brought. */
static void resume_late(struct call *c)
{
    struct leg *a = c->a, *b = c->b;
    c->ex = (struct exchange){.state = EXCHANGE_WAIT_ACK,
                              .x = a,
                              .y = b,
                              .method = SIP_INVITE,
                              .late = true,
                              .map = c->map,
                              .mask = c->mask};
    if (b && call_text_set(&c->ex.offer, leg_remote_sdp(b)) < 0)
        call_end(c, 500, "no memory");
    else if (b && a->state == LEG_UP)
        late_on_x_answer(c, call_scratch_copy(c->core, leg_remote_sdp(a)));
}

static void resume_standing(struct call *c)
{
    bool owed = c->b ? c->b->state == LEG_ACK_OWED : c->a->state != LEG_UP;
    if (c->late_offer && owed) {
        resume_late(c);
        return;
    }
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l->state == LEG_UP && leg_answered_txn(l))
            c->ex = (struct exchange){
                .state = EXCHANGE_WAIT_ACK, .x = l, .y = call_other(l), .method = SIP_INVITE};
    }
}

/* How long it may still ring. */
static void resume_ring_timer(struct call *c)
{
    const struct call_config *cfg = &c->core->cfg;
    uint64_t end = c->since_unix * 1000 + cfg->ring_timeout_ms;
    uint64_t now = loop_unix_now(cfg->loop) * 1000;
    uint64_t left = end > now ? end - now : 0;
    loop_timer_set(cfg->loop, &c->ring_timer,
                   left < cfg->ring_timeout_ms ? left : cfg->ring_timeout_ms);
}

static bool has_begun(const struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        if (CONTAINER_OF(n, struct leg, node)->begun)
            return true;
    }
    return false;
}

static void fail_unreachable(struct call *c)
{
    struct leg_input in = {.status = 503, .reason = SLICE_LIT("the phone cannot be reached")};
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *b = CONTAINER_OF(n, struct leg, node);
        if (b->state == LEG_CALLING && !b->invite_out)
            leg_event(b, LEG_EV_FAIL, &in);
    }
}

static void resume_setup(struct call *c)
{
    struct leg *a = c->a;
    if (!c->b)
        resume_ring_timer(c);
    if (!a->invite_in || !transport_is_alive(c->core->cfg.transport, &a->flow)) {
        call_end(c, 500, "the caller's connection is gone");
        return;
    }
    fail_unreachable(c);
    if (c->phase == CALL_ENDED)
        return;
    if (c->b || has_begun(c))
        fork_resume(c);
    else
        setup_resume(c);
}

void resume_call(struct call *c, struct resume_leg *legs, size_t n, bool brief)
{
    for (size_t i = 0; i < n; i++)
        resume_leg(&legs[i], brief);
    if (c->phase == CALL_ENDED)
        return; /* the last leg that comes down ends it */
    if (brief)
        call_end(c, 503, "the server was restarted while the call was set up");
    else if (c->phase == CALL_ANSWERED)
        resume_standing(c);
    else
        resume_setup(c);
}
