#include "load.h"

#include <stdio.h>
#include <stdlib.h>

#include "sip/digest.h"

#define OUT_MAX 8192

static const char *const via_names[] = {"UDP", "TCP", "TLS", "WSS"};
static const char *const uri_names[] = {"udp", "tcp", "tls", "ws"};

/* Via to CSeq and Contact; what is not the same in all requests comes after. */
void phone_put_head(struct buf *b, struct phone *p, const char *method, const char *uri)
{
    struct load *l = p->load;
    bool is_register = method[0] == 'R';
    buf_printf(b, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK%x-%x-%x;rport\r\n", method,
               uri, via_names[l->kind], p->link->local, l->run, p->number, ++p->cseq);
    buf_printf(b, "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=%x\r\n", p->name, l->domain,
               l->run + p->serial);
    if (is_register)
        buf_printf(b, "To: <sip:%s@%s>\r\nCall-ID: %u-reg-%x@bench\r\n", p->name, l->domain,
                   p->number, l->run);
    buf_printf(b, "CSeq: %u %s\r\n", p->cseq, method);
    if (l->leaving)
        BUF_PUT_LIT(b, "Contact: *\r\n");
    else
        buf_printf(b, "Contact: <sip:%s@%s;transport=%s>", p->name, p->link->local,
                   uri_names[l->kind]);
    if (l->what == LOAD_FRESH && !l->leaving) /* RFC 5626: the new connection replaces the old */
        buf_printf(b, ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-%012u>\";reg-id=1",
                   p->number);
    if (!l->leaving)
        BUF_PUT_LIT(b, "\r\n");
    BUF_PUT_LIT(b, "User-Agent: load/1.0\r\n"
                   "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\n");
}

void phone_put_credentials(struct buf *b, struct phone *p, const char *method, const char *uri)
{
    struct sip_digest_hash ha1, response;
    struct sip_digest_credentials c = {
        .username = slice_from_str(p->name),
        .realm = slice_from_str(p->load->domain),
        .nonce = slice_from_str(p->nonce),
        .uri = slice_from_str(uri),
        .cnonce = SLICE_LIT("0a4f113b"),
        .nc = ++p->nc,
        .alg = SIP_DIGEST_MD5, /* what the peers know */
        .qop = SIP_DIGEST_QOP_AUTH,
    };
    if (!p->nonce[0])
        return;
    sip_digest_ha1(c.alg, c.username, c.realm, slice_from_str(p->load->password), &ha1);
    sip_digest_response(&ha1, slice_from_str(method), &c, &response);
    sip_digest_put_credentials(
        b, method[0] == 'R' ? SIP_HDR_AUTHORIZATION : SIP_HDR_PROXY_AUTHORIZATION, &c, &response);
}

void phone_take_nonce(struct phone *p, const struct sip_msg *m)
{
    enum sip_hdr_id id = m->status == 401 ? SIP_HDR_WWW_AUTHENTICATE : SIP_HDR_PROXY_AUTHENTICATE;
    for (const struct sip_hdr *h = sip_msg_hdr(m, id); h; h = sip_msg_hdr_next(m, h)) {
        struct sip_digest_challenge c;
        if (sip_digest_challenge_parse(h->value, &c) == SIP_DIGEST_OK && c.alg == SIP_DIGEST_MD5 &&
            slice_to_str(c.nonce, p->nonce, sizeof(p->nonce))) {
            p->nc = 0;
            return;
        }
    }
    load_die("no MD5 challenge in", "a 401 or 407");
}

void phone_done(struct phone *p)
{
    struct load *l = p->load;
    p->busy = false;
    p->on_reply = NULL;
    l->done++;
    l->under_way--;
    if (l->started < l->count && l->start_one)
        l->start_one(l);
}

void phone_failed(struct phone *p, const struct sip_msg *m)
{
    struct load *l = p->load;
    if (l->failures++ == 0)
        snprintf(l->first_failure, sizeof(l->first_failure), "%s: %u " SLICE_FMT, p->name,
                 m->status, SLICE_ARG(m->reason));
    phone_done(p);
}

/* --- REGISTER --- */

static void on_register_reply(struct phone *p, const struct sip_msg *m)
{
    if (m->method != SIP_REGISTER || m->status < 200)
        return;
    if (m->status == 401 && p->refused++ < 2) {
        if (p->load->what != LOAD_CHALLENGE)
            p->load->again++;
        phone_take_nonce(p, m);
        phone_register(p, true);
    } else if (m->status == 200) {
        p->refused = 0;
        phone_done(p);
    } else {
        phone_failed(p, m);
    }
}

void phone_register(struct phone *p, bool with_credentials)
{
    struct load *l = p->load;
    char uri[128];
    struct buf b = buf_over(l->out, OUT_MAX);
    snprintf(uri, sizeof(uri), "sip:%s", l->domain);
    phone_put_head(&b, p, "REGISTER", uri);
    if (with_credentials)
        phone_put_credentials(&b, p, "REGISTER", uri);
    buf_printf(&b, "Expires: %u\r\nContent-Length: 0\r\n\r\n", l->leaving ? 0u : 3600u);
    p->on_reply = on_register_reply;
    link_send(p->link, buf_slice(&b));
}

/* --- the side that is called: no state, a new call is answered at once --- */

static const char sdp_srtp[] =
    "m=audio %u RTP/SAVP 0 8 101\r\n"
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n";
static const char sdp_rtp[] = "m=audio %u RTP/AVP 0 8 101\r\n";

void phone_put_body(struct buf *b, struct phone *p)
{
    char mem[1024];
    struct buf sdp = buf_over(mem, sizeof(mem));
    unsigned port = 40000 + p->number % 10000 * 2;
    BUF_PUT_LIT(&sdp, "v=0\r\no=- 4711 4711 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                      "t=0 0\r\n");
    buf_printf(&sdp, p->load->rtp ? sdp_rtp : sdp_srtp, port);
    BUF_PUT_LIT(&sdp, "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
                      "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
                      "a=sendrecv\r\n");
    sip_put_body(b, "application/sdp", buf_slice(&sdp));
}

static void reply(struct load *l, struct link *k, struct phone *p, const struct sip_msg *m,
                  uint16_t status)
{
    struct buf b = buf_over(l->out, OUT_MAX);
    struct sip_reply r = {
        .status = status, .to_tag = SLICE_LIT("callee"), .copy_rr = m->method == SIP_INVITE};
    sip_put_reply_head(&b, m, &r);
    if (m->method == SIP_INVITE && p)
        buf_printf(&b, "Contact: <sip:%s@%s;transport=%s>\r\n", p->name, k->local,
                   uri_names[l->kind]);
    if (m->method == SIP_INVITE && p && status == 200)
        phone_put_body(&b, p);
    else
        sip_put_body(&b, NULL, SLICE_NONE);
    link_send(k, buf_slice(&b));
}

static struct phone *phone_named(struct load *l, struct slice name)
{
    uint32_t n = 0;
    if (slice_to_u32(name, &n) < 0 || n < l->first || n - l->first >= l->users)
        return NULL;
    return &l->phones[n - l->first];
}

static void on_request(struct load *l, struct link *k, const struct sip_msg *m)
{
    if (m->method == SIP_ACK)
        return;
    struct phone *p = phone_named(l, m->ruri.user);
    if (m->method == SIP_INVITE) {
        lag_came(l, phone_named(l, m->from.uri.user));
        reply(l, k, p, m, 180);
    }
    reply(l, k, p, m, 200);
}

/* Our Call-IDs begin with the phone's number. */
void phone_on_msg(struct load *l, struct link *k, const struct sip_msg *m)
{
    uint32_t n = 0;
    if (m->is_request) {
        on_request(l, k, m);
        return;
    }
    if (slice_to_u32(slice_take(m->call_id, slice_find_char(m->call_id, '-')), &n) < 0 ||
        n >= l->users || m->cseq != l->phones[n].cseq)
        return; /* of an earlier request, repeated */
    if (l->phones[n].on_reply)
        l->phones[n].on_reply(&l->phones[n], m);
}
