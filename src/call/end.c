/* How calls end: refused, cancelled, hung up, timed out. Whatever happens, each leg is brought to
 * LEG_DOWN by its own table, the media is closed, one CDR is written, and the call is reaped from a
 * deferral once no leg has anything under way. */
#include <stdio.h>

#include "base/log.h"
#include "call/exchange.h"
#include "call/show.h"
#include "call/snapshot.h"
#include "call/steps.h"

static bool all_down(const struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    {
        if (CONTAINER_OF(n, struct leg, node)->state != LEG_DOWN)
            return false;
    }
    return true;
}

static void media_stop(struct call *c)
{
    LIST_FOR_EACH(n, &c->legs)
    leg_media_fini(&CONTAINER_OF(n, struct leg, node)->media);
}

/* The sentence and status with which the call ended are those of its first cause. */
static void note_end(struct call *c, uint16_t status, const char *why)
{
    if (c->phase == CALL_ENDED)
        return;
    bool answered = c->phase == CALL_ANSWERED;
    c->end_status = status;
    struct call_reasons *reasons = call_reasons_make(c);
    if (reasons)
        snprintf(reasons->end, sizeof(reasons->end), "%s", why);
    count_ended(c, answered);
    show_remember(c, answered); /* with the media's last figures, so before it is stopped */
    c->phase = CALL_ENDED;
    loop_timer_cancel(c->core->cfg.loop, &c->ring_timer);
    log_event(answered ? LOG_INFO : LOG_WARN, answered ? "call_ended" : "call_refused",
              LOG_STR("call", c->name), LOG_STR("from", c->a->user.name),
              LOG_STR("to", call_target(c)), LOG_I("status", status),
              LOG_STR("reason", call_end_reason(c)), LOG_A("peer", &c->a->flow.remote));
}

/* RFC 3326, for the BYEs and CANCELs. */
static void put_reason(struct call_reasons *reasons, uint16_t status)
{
    struct buf b = buf_over(reasons->bye, sizeof(reasons->bye) - 1);
    if (status == 200)
        BUF_PUT_LIT(&b, "Q.850;cause=16;text=\"Normal call clearing\"");
    else
        buf_printf(&b, "SIP;cause=%u", status);
    /* What we ended for a reason of our own, phones may show. */
    struct buf with_text = b;
    BUF_PUT_LIT(&with_text, ";text=");
    sip_put_quoted(&with_text, slice_from_str(reasons->end));
    if (status != 200 && reasons->end[0] && !with_text.overflow)
        b = with_text;
    b.p[b.n] = '\0';
}

/* Ends every leg but `except`, which is ending by itself. */
static void hang_up(struct call *c, const struct leg *except, uint16_t status)
{
    struct call_reasons *reasons = call_reasons_make(c);
    if (reasons && reasons->bye[0] == '\0')
        put_reason(reasons, status);
    struct leg_input in = {.status = status,
                           .reason = reasons ? slice_from_str(reasons->bye) : SLICE_NONE};
    exchange_abort(c);
    relay_abort(c);
    LIST_FOR_EACH(n, &c->legs)
    {
        struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (l != except)
            leg_event(l, LEG_EV_HANGUP, &in);
    }
    media_stop(c);
    snapshot_save(c); /* what is left of it */
    if (all_down(c))
        loop_defer_add(c->core->cfg.loop, &c->reap);
}

void call_end(struct call *c, uint16_t status, const char *why)
{
    note_end(c, status, why);
    hang_up(c, NULL, status);
}

void call_on_leg_down(struct leg *l)
{
    struct call *c = l->call;
    leg_media_fini(&l->media);
    if (c->phase == CALL_ENDED && all_down(c))
        loop_defer_add(c->core->cfg.loop, &c->reap);
}

void call_on_cancelled(struct leg *l)
{
    struct call *c = l->call;
    note_end(c, 487, "the caller gave up");
    hang_up(c, l, 487);
}

void call_on_ack_timeout(struct leg *l)
{
    struct call *c = l->call;
    note_end(c, 408, "the caller never acknowledged the answer");
    hang_up(c, l, 408);
}

void call_on_bye(struct leg *l, struct sip_msg *bye)
{
    struct call *c = l->call;
    (void)bye;
    note_end(c, 200, l == c->a ? "the caller hung up" : "the callee hung up");
    hang_up(c, l, 200);
}
