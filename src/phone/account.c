#include "phone/account.h"

#include <stdio.h>

#include "crypto/hash.h"
#include "phone/ua.h"
#include "sip/hdr.h"

static void on_timer(void *arg);
static void on_answer(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why);

/* From = To = our address of record, Request-URI = the domain (RFC 3261 s.10.2). */
int account_init(struct phone_account *a, struct phone *ph)
{
    char call_id[33], tag[17], aor[DIALOG_URI_MAX], domain[DIALOG_URI_MAX];
    struct buf ab = buf_over(aor, sizeof(aor)), db = buf_over(domain, sizeof(domain));

    *a = (struct phone_account){.ph = ph, .expires = ph->opt->expires};
    loop_timer_init(&a->timer, on_timer, a);
    phone_request_init(&a->request, ph, &a->dialog, SIP_REGISTER, on_answer, a);
    crypto_random_hex(call_id, 16);
    crypto_random_hex(tag, 8);
    BUF_PUT_LIT(&ab, "<sip:");
    sip_put_escaped_user(&ab, slice_from_str(ph->user));
    buf_printf(&ab, "@%s>", ph->domain);
    buf_printf(&db, "sip:%s", ph->domain);
    if (ab.overflow || db.overflow)
        return -EMSGSIZE;
    return dialog_init_uac(&a->dialog, slice_from_str(call_id), slice_from_str(tag), buf_slice(&ab),
                           buf_slice(&ab), buf_slice(&db), SLICE_NONE, 0);
}

void account_fini(struct phone_account *a)
{
    if (!a->ph)
        return;
    phone_request_drop(&a->request);
    loop_timer_cancel(a->ph->loop, &a->timer);
    dialog_fini(&a->dialog);
}

static void wait_and_retry(struct phone_account *a)
{
    a->state = ACCOUNT_WAITING;
    a->backoff_ms = a->backoff_ms ? a->backoff_ms * 2 : PHONE_BACKOFF_MIN_MS;
    if (a->backoff_ms > PHONE_BACKOFF_MAX_MS)
        a->backoff_ms = PHONE_BACKOFF_MAX_MS;
    loop_timer_set(a->ph->loop, &a->timer, a->backoff_ms);
}

/* `fatal`: trying again would end the same way. A phone that was registered once goes on trying
 * where a server or network may come back. */
static void failed(struct phone_account *a, uint16_t status, const char *why, bool fatal)
{
    a->up = false;
    if (a->state == ACCOUNT_LEAVING) {
        loop_timer_cancel(a->ph->loop, &a->timer);
        a->state = ACCOUNT_OFF;
        phone_on_unregistered(a->ph);
        return;
    }
    if (fatal || (!a->was_on && a->ph->opt->is_call)) {
        a->state = ACCOUNT_OFF;
        phone_on_register_failed(a->ph, status, why, true);
        return;
    }
    wait_and_retry(a);
    phone_on_register_failed(a->ph, status, why, false);
}

static void send_register(struct phone_account *a, uint32_t expires)
{
    char text[PHONE_HEADERS_MAX];
    struct buf b = buf_over(text, sizeof(text));
    int r = phone_flow(a->ph);

    if (r == 0) {
        BUF_PUT_LIT(&b, "Contact: <");
        transport_put_contact_uri(&b, a->ph->transport, &a->ph->flow, slice_from_str(a->ph->user));
        /* RFC 5768: offers to us should have ICE. */
        buf_printf(&b, ">;expires=%u%s\r\nExpires: %u\r\n", expires,
                   a->ph->opt->ice ? ";+sip.ice" : "", expires);
        r = b.overflow ? -EMSGSIZE : phone_request_send(&a->request, buf_slice(&b), SLICE_NONE);
    }
    if (r < 0)
        failed(a, 0, phone_lost_why(a->ph, strerror(-r)), false);
}

void account_start(struct phone_account *a)
{
    a->state = ACCOUNT_TRYING;
    send_register(a, a->expires);
}

void account_on_lost(struct phone_account *a)
{
    if (a->state == ACCOUNT_ON)
        failed(a, 0, phone_lost_why(a->ph, "the connection to the server ended"), false);
}

void account_leave(struct phone_account *a)
{
    if (a->state == ACCOUNT_LEAVING)
        return;
    bool on = a->state == ACCOUNT_ON || a->state == ACCOUNT_TRYING;
    phone_request_drop(&a->request);
    a->state = on ? ACCOUNT_LEAVING : ACCOUNT_OFF;
    loop_timer_cancel(a->ph->loop, &a->timer);
    if (!on) {
        phone_on_unregistered(a->ph);
        return;
    }
    loop_timer_set(a->ph->loop, &a->timer, PHONE_LEAVE_MS);
    send_register(a, 0);
}

static void on_timer(void *arg)
{
    struct phone_account *a = arg;

    if (a->state == ACCOUNT_LEAVING)
        failed(a, 0, "", true);
    else if (a->state == ACCOUNT_ON || a->state == ACCOUNT_WAITING)
        account_start(a);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* What the server granted to our contact; other bindings of the same user are listed too. */
static uint32_t granted(const struct phone_account *a, const struct sip_msg *rsp)
{
    char mine[256];
    struct buf b = buf_over(mine, sizeof(mine));
    struct sip_list_iter it = {0};
    struct slice element;
    struct sip_contact c;
    struct sip_uri uri;
    uint32_t all = a->expires;

    transport_put_contact_uri(&b, a->ph->transport, &a->ph->flow, slice_from_str(a->ph->user));
    if (sip_expires_parse(sip_msg_value(rsp, SIP_HDR_EXPIRES), &all) != SIP_PARSE_OK)
        all = a->expires;
    if (b.overflow || sip_uri_parse(buf_slice(&b), &uri) != SIP_URI_OK)
        return all;
    while (sip_msg_list_next(rsp, SIP_HDR_CONTACT, &it, &element)) {
        if (sip_contact_parse(element, &c) == SIP_PARSE_OK && c.has_expires &&
            sip_uri_eq(&c.addr.uri, &uri))
            return c.expires;
    }
    return all;
}

static void registered(struct phone_account *a, const struct sip_msg *rsp)
{
    uint32_t s = granted(a, rsp);
    bool first = !a->up;

    a->granted = s;
    a->state = ACCOUNT_ON;
    a->was_on = a->up = true;
    a->backoff_ms = 0;
    s = s > 60 ? s - 30 : s / 2;
    loop_timer_set(a->ph->loop, &a->timer, (s ? s : 1) * 1000ull);
    if (first)
        phone_on_registered(a->ph);
}

/* RFC 3261 s.21.4.17. */
static bool ask_longer(struct phone_account *a, const struct sip_msg *rsp)
{
    uint32_t min = 0;

    if (rsp->status != 423 ||
        sip_expires_parse(sip_msg_value(rsp, SIP_HDR_MIN_EXPIRES), &min) != SIP_PARSE_OK ||
        min <= a->expires)
        return false;
    a->expires = min;
    send_register(a, min);
    return true;
}

static void refused(struct phone_account *a, const struct sip_msg *rsp, const char *why)
{
    char text[PHONE_REASON_MAX];
    bool fatal = rsp->status < 500 && rsp->status != 408 && rsp->status != 480;

    if (ask_longer(a, rsp))
        return;
    if (!why) {
        snprintf(text, sizeof(text), "the server refuses to register %s: %u " SLICE_FMT,
                 a->ph->user, rsp->status, SLICE_ARG(slice_take(rsp->reason, 100)));
        why = text;
    }
    failed(a, rsp->status, why, fatal);
}

static void on_answer(void *arg, enum txn_event ev, struct sip_msg *msg, const char *why)
{
    struct phone_account *a = arg;

    if (ev == TXN_EVENT_TIMEOUT) {
        failed(a, 408, "the server does not answer", false);
        return;
    }
    if (ev != TXN_EVENT_RESPONSE) {
        failed(a, 503, phone_lost_why(a->ph, "the server cannot be reached"), false);
        return;
    }
    if (msg->status < 200)
        return;
    if (a->state == ACCOUNT_LEAVING)
        failed(a, msg->status, "", true);
    else if (msg->status < 300)
        registered(a, msg);
    else
        refused(a, msg, why);
}
