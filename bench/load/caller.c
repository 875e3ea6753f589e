#include "load.h"

#include <stdio.h>

#define OUT_MAX 8192

static void put_dialog(struct buf *b, struct phone *p, struct slice to_tag)
{
    buf_printf(b, "To: <sip:%s@%s>", p->callee->name, p->load->domain);
    if (to_tag.n)
        buf_printf(b, ";tag=" SLICE_FMT, SLICE_ARG(to_tag));
    buf_printf(b, "\r\nCall-ID: %u-%u-%x@bench\r\n", p->number, p->serial, p->load->run);
}

static void send_in_dialog(struct phone *p, const char *method, struct slice to_tag)
{
    struct buf b = buf_over(p->load->out, OUT_MAX);
    bool is_ack = method[0] == 'A';
    p->cseq -= is_ack; /* its INVITE's */
    phone_put_head(&b, p, method, p->target);
    put_dialog(&b, p, to_tag);
    if (p->route[0])
        buf_printf(&b, "Route: %s\r\n", p->route);
    sip_put_body(&b, NULL, SLICE_NONE);
    link_send(p->link, buf_slice(&b));
}

static void on_bye_reply(struct phone *p, const struct sip_msg *m)
{
    if (m->status < 200)
        return;
    if (m->status == 200)
        phone_done(p);
    else
        phone_failed(p, m);
}

static void take_route(struct phone *p, const struct sip_msg *m)
{
    struct sip_addr contact;
    struct slice v = sip_msg_value(m, SIP_HDR_CONTACT), e;
    struct sip_list_iter it = {0};
    p->route[0] = '\0';
    if (sip_addr_parse(v, &contact) != SIP_PARSE_OK ||
        !slice_to_str(contact.uri.raw, p->target, sizeof(p->target)))
        load_die("no Contact in", "a 200 to INVITE");
    if (sip_msg_list_next(m, SIP_HDR_RECORD_ROUTE, &it, &e) &&
        !slice_to_str(e, p->route, sizeof(p->route)))
        load_die("too long", "Record-Route");
}

static void invite(struct phone *p);

static void on_invite_reply(struct phone *p, const struct sip_msg *m)
{
    if (m->status < 200 || m->method != SIP_INVITE)
        return;
    if (m->status == 401 || m->status == 407) {
        p->load->again++;
        phone_take_nonce(p, m);
        snprintf(p->target, sizeof(p->target), "sip:%s@%s", p->callee->name, p->load->domain);
        send_in_dialog(p, "ACK", m->to_tag);
        invite(p);
        return;
    }
    if (m->status != 200) {
        snprintf(p->target, sizeof(p->target), "sip:%s@%s", p->callee->name, p->load->domain);
        send_in_dialog(p, "ACK", m->to_tag);
        phone_failed(p, m);
        return;
    }
    take_route(p, m);
    send_in_dialog(p, "ACK", m->to_tag);
    if (p->load->what == LOAD_HOLD) {
        phone_done(p);
        return;
    }
    p->on_reply = on_bye_reply;
    send_in_dialog(p, "BYE", m->to_tag);
}

static void invite(struct phone *p)
{
    char uri[128];
    struct buf b = buf_over(p->load->out, OUT_MAX);
    snprintf(uri, sizeof(uri), "sip:%s@%s", p->callee->name, p->load->domain);
    phone_put_head(&b, p, "INVITE", uri);
    put_dialog(&b, p, SLICE_NONE);
    phone_put_credentials(&b, p, "INVITE", uri);
    BUF_PUT_LIT(&b, "Supported: timer\r\n");
    phone_put_body(&b, p);
    p->on_reply = on_invite_reply;
    p->sent_ns = lag_now();
    link_send(p->link, buf_slice(&b));
}

void caller_start(struct phone *p)
{
    p->serial++;
    p->route[0] = '\0';
    invite(p);
}
