/* Each leg has a session timer of its own: a phone that has gone without a BYE ends its call even
 * where no media tells. When it is our turn we refresh by UPDATE without a description, or, where
 * the phone does not know UPDATE, by a re-INVITE with the description that stands. */
#include "call/refresh.h"

#include "base/log.h"
#include "call/exchange.h"
#include "call/steps.h"

#define RESUME_S 10u

static struct loop *loop_of(struct leg *l)
{
    return l->call->core->cfg.loop;
}

static struct dialog_timer_config config_of(struct leg *l)
{
    const struct call_config *cfg = &l->call->core->cfg;
    return (struct dialog_timer_config){.min_s = cfg->session_min_s,
                                        .default_s = cfg->session_default_s};
}

void refresh_release(struct leg *l)
{
    loop_timer_cancel(loop_of(l), &l->session_timer);
    if (l->refresh_out)
        txn_client_detach(l->refresh_out);
    l->refresh_out = NULL;
}

static void start(struct leg *l)
{
    uint64_t ms = l->session.we_refresh ? dialog_timer_refresh_ms(&l->session)
                                        : dialog_timer_end_ms(&l->session);
    l->session_due_unix = ms ? loop_unix_now(loop_of(l)) + ms / 1000 : 0;
    if (ms == 0)
        loop_timer_cancel(loop_of(l), &l->session_timer);
    else
        loop_timer_set(loop_of(l), &l->session_timer, ms);
}

/* After a restart: what was left. Where the time has passed, or a peer may have refreshed while
 * nobody listened, there is a moment for it yet. */
void refresh_resume(struct leg *l)
{
    uint64_t now = loop_unix_now(loop_of(l));
    uint64_t left = l->session_due_unix > now + RESUME_S ? l->session_due_unix - now : RESUME_S;
    if (l->session_due_unix)
        loop_timer_set(loop_of(l), &l->session_timer, left * 1000);
}

static void on_refreshed(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    struct leg *l = arg;
    (void)ct;
    switch (ev) {
    case TXN_EVENT_RESPONSE:
        if (msg->status < 200)
            return;
        /* A 2xx that comes again is acknowledged again (call_core_on_stray_2xx). */
        txn_client_detach(l->refresh_out);
        l->refresh_out = NULL;
        if (msg->method == SIP_INVITE && msg->status < 300)
            leg_sip_ack(l, SLICE_NONE);
        if (msg->status < 300) {
            err_ignore(dialog_on_response(&l->dialog, msg)); /* bad Contact: the old one stands */
            refresh_take_answer(l, msg);
            call_changed(l->call);
            return;
        }
        if (msg->status == 408 || msg->status == 481)
            call_end(l->call, 408, "a phone no longer knows the call");
        else
            start(l); /* 491 and the like: once more in half an interval */
        return;
    case TXN_EVENT_TIMEOUT:
        call_end(l->call, 408, "a phone did not answer the session refresh");
        return;
    case TXN_EVENT_TRANSPORT_ERROR:
        start(l); /* it may come back over another connection before the session ends */
        return;
    case TXN_EVENT_TERMINATED:
        l->refresh_out = NULL;
        return;
    case TXN_EVENT_ACKED:
    case TXN_EVENT_COUNT:
        return;
    }
}

static void on_timer(void *arg)
{
    struct leg *l = arg;
    if (l->state != LEG_UP)
        return;
    if (!l->session.we_refresh) {
        call_end(l->call, 408, "a phone did not refresh the session in time");
        return;
    }
    if (l->call->ex.state != EXCHANGE_IDLE || l->refresh_out) {
        loop_timer_set(loop_of(l), &l->session_timer, 2000); /* an exchange refreshes it anyway */
        return;
    }
    struct leg_request rq = {.method = SIP_UPDATE, .fn = on_refreshed, .arg = l};
    if (!l->allows_update) {
        rq.method = SIP_INVITE;
        rq.body = leg_local_sdp(l);
    }
    if (leg_sip_request(l, &rq, &l->refresh_out) < 0) {
        log_event(LOG_INFO, "refresh_not_sent", LOG_STR("call", l->call->name));
        start(l);
    }
}

void refresh_init(struct leg *l)
{
    loop_timer_init(&l->session_timer, on_timer, l);
}

bool refresh_agree(struct leg *l, const struct sip_msg *req)
{
    struct dialog_timer_config cfg = config_of(l);
    return dialog_timer_from_request(&cfg, req, &l->session_asked) == DIALOG_TIMER_OK;
}

bool refresh_ask_more(struct leg *l, const struct sip_msg *rsp)
{
    struct dialog_timer_config cfg = config_of(l);
    return dialog_timer_from_422(&cfg, rsp, &l->session);
}

bool refresh_take_request(struct leg *l, struct txn_server *st, const struct sip_msg *req)
{
    struct dialog_timer_config cfg = config_of(l);
    if (refresh_agree(l, req))
        return true;
    char mem[40];
    struct buf h = buf_over(mem, sizeof(mem));
    buf_printf(&h, "Min-SE: %u\r\n", cfg.min_s);
    struct leg_answer a = {.status = 422, .headers = buf_slice(&h)};
    leg_sip_respond(l, st, &a);
    return false;
}

void refresh_take_answer(struct leg *l, const struct sip_msg *rsp)
{
    struct dialog_timer_config cfg = config_of(l);
    dialog_timer_from_answer(&cfg, rsp, &l->session);
    start(l);
}

void refresh_put_request(struct leg *l, struct buf *b)
{
    struct dialog_timer_config cfg = config_of(l);
    dialog_timer_put_request(b, &cfg, l->session.interval_s ? &l->session : NULL);
}

void refresh_put_answer(struct leg *l, struct buf *b)
{
    l->session = l->session_asked;
    dialog_timer_put_answer(b, &l->session);
    start(l);
}
