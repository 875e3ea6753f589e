/* Phones for tests of the signal role: they register, print requests and answers, and look at what
 * they are sent. A *side* is a phone's end of one dialog. */
#ifndef SOTTO_SIGNAL_TESTPHONE_H
#define SOTTO_SIGNAL_TESTPHONE_H

#include "sip/digest.h"
#include "signal/testkit.h"

struct phone {
    struct kit *k;
    char name[32], domain[32];
    unsigned number; /* 10.0.0.number */
    struct transport_flow flow;
    char contact[96];
    char nonce[256];
    unsigned nc, cseq;  /* of REGISTER */
    struct sip_msg msg; /* the last one that was taken */
    char *text;         /* its bytes */
};

struct side {
    struct phone *p;
    char call_id[72], local_tag[64], remote_tag[64], local[160], remote[160], target[200];
    char branch[64]; /* of the last request other than ACK and CANCEL */
    char invite_branch[64];
    unsigned cseq, invite_cseq;
    char *invite; /* callee: the INVITE as it came */
    char *req;    /* … and the last request of any kind */
};

/* --- printing -------------------------------------------------------------------------------- */

static inline void phone_inject(struct phone *p, const char *text)
{
    struct sip_msg m;
    char *copy = strdup(text); /* so that nothing can live on in a test's buffer */
    assert_non_null(copy);
    if (getenv("KIT_TRACE"))
        fprintf(stderr, "<-- %s\n%s\n", p->name, text);
    int r = sip_msg_parse(slice_from_str(copy), &m);
    if (r == SIP_PARSE_OK)
        kit_transport->cb.on_msg(kit_transport->cb.arg, &m, &p->flow);
    else
        kit_transport->cb.on_bad(kit_transport->cb.arg, &m, r, &p->flow);
    memset(copy, 'X', strlen(copy));
    free(copy);
    kit_run(p->k);
}

static inline void phone_init(struct kit *k, struct phone *p, unsigned number, const char *name,
                              const char *domain, enum transport_kind kind)
{
    char ip[32];
    memset(p, 0, sizeof(*p));
    p->k = k;
    p->number = number;
    snprintf(p->name, sizeof(p->name), "%s", name);
    snprintf(p->domain, sizeof(p->domain), "%s", domain);
    p->flow.kind = kind;
    p->flow.conn = kind == TRANSPORT_UDP ? 0 : number;
    snprintf(ip, sizeof(ip), "10.0.0.%u", number % 250 + 1);
    assert_int_equal(addr_parse(slice_from_str(ip), (uint16_t)(5000 + number), &p->flow.remote), 0);
    assert_int_equal(addr_parse(SLICE_LIT("192.0.2.1"), 5061, &p->flow.local), 0);
    snprintf(p->contact, sizeof(p->contact), "sip:%s@%s:%u;transport=%s", name, ip, 5000 + number,
             transport_kind_name(kind));
}

static inline void phone_fini(struct phone *p)
{
    free(p->text);
    p->text = NULL;
}

/* Credentials under the last nonce, as `Authorization` or `Proxy-Authorization`. */
static inline void phone_put_credentials(struct phone *p, struct buf *b, enum sip_hdr_id id,
                                         const char *method, const char *uri)
{
    char password[80];
    struct sip_digest_hash ha1, response;
    snprintf(password, sizeof(password), "secret-%s", p->name);
    struct sip_digest_credentials c = {
        .username = slice_from_str(p->name),
        .realm = slice_from_str(p->domain),
        .nonce = slice_from_str(p->nonce),
        .uri = slice_from_str(uri),
        .cnonce = SLICE_LIT("abcdef"),
        .nc = ++p->nc,
        .alg = SIP_DIGEST_SHA256,
        .qop = SIP_DIGEST_QOP_AUTH,
    };
    sip_digest_ha1(c.alg, c.username, c.realm, slice_from_str(password), &ha1);
    sip_digest_response(&ha1, slice_from_str(method), &c, &response);
    sip_digest_put_credentials(b, id, &c, &response);
}

static inline void phone_take_nonce(struct phone *p)
{
    struct sip_digest_challenge c;
    const struct sip_hdr *h = sip_msg_hdr(&p->msg, SIP_HDR_WWW_AUTHENTICATE);
    if (!h)
        h = sip_msg_hdr(&p->msg, SIP_HDR_PROXY_AUTHENTICATE);
    assert_non_null(h);
    assert_int_equal(sip_digest_challenge_parse(h->value, &c), SIP_DIGEST_OK);
    assert_true(c.nonce.n < sizeof(p->nonce));
    memcpy(p->nonce, c.nonce.p, c.nonce.n);
    p->nonce[c.nonce.n] = '\0';
    p->nc = 0;
}

/* --- looking --------------------------------------------------------------------------------- */

static inline void phone_take(struct phone *p, struct kit_sent *s)
{
    free(p->text);
    p->text = strdup(s->text);
    assert_non_null(p->text);
    list_remove(&s->node);
    free(s);
    assert_int_equal(sip_msg_parse(slice_from_str(p->text), &p->msg), SIP_PARSE_OK);
}

/* The next message to this phone begins like this. */
static inline struct sip_msg *await(struct phone *p, const char *start)
{
    struct kit_sent *s = kit_sent_to(&p->flow.remote, NULL);
    if (!s)
        fail_msg("%s got nothing, waits for %s", p->name, start);
    else if (!slice_starts_with(slice_from(s->text, s->n), slice_from_str(start)))
        fail_msg("%s waits for %s, got:\n%s", p->name, start, s->text);
    else
        phone_take(p, s);
    return &p->msg;
}

/* One that begins like this is among those that have come. */
static inline struct sip_msg *await_any(struct phone *p, const char *start)
{
    struct kit_sent *s = kit_sent_to(&p->flow.remote, start);
    if (!s)
        fail_msg("%s did not get %s", p->name, start);
    else
        phone_take(p, s);
    return &p->msg;
}

static inline void await_nothing(struct phone *p)
{
    struct kit_sent *s = kit_sent_to(&p->flow.remote, NULL);
    if (s)
        fail_msg("%s got what it does not expect:\n%s", p->name, s->text);
}

static inline bool phone_got(const struct phone *p, const char *text)
{
    return strstr(p->text, text) != NULL;
}

#define assert_got(ph, what)                                   \
    do {                                                       \
        if (!phone_got((ph), (what)))                          \
            fail_msg("no \"%s\" in:\n%s", (what), (ph)->text); \
    } while (0)
#define assert_not_got(ph, what)                                        \
    do {                                                                \
        if (phone_got((ph), (what)))                                    \
            fail_msg("\"%s\" must not be in:\n%s", (what), (ph)->text); \
    } while (0)

/* --- REGISTER -------------------------------------------------------------------------------- */

/* `headers`: Contact and others. */
static inline void phone_register_send(struct phone *p, const char *headers, bool credentials)
{
    char mem[4096], uri[64];
    struct buf b = buf_over(mem, sizeof(mem) - 1);
    snprintf(uri, sizeof(uri), "sip:%s", p->domain);
    buf_printf(&b,
               "REGISTER %s SIP/2.0\r\nVia: SIP/2.0/%s 10.0.0.9:5060;branch=z9hG4bK-r%u\r\n"
               "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=f%u\r\nTo: <sip:%s@%s>\r\n"
               "Call-ID: reg-%u\r\nCSeq: %u REGISTER\r\n",
               uri, transport_via_name(p->flow.kind), ++p->k->serial, p->name, p->domain, p->number,
               p->name, p->domain, p->number, ++p->cseq);
    buf_put_str(&b, headers);
    if (credentials)
        phone_put_credentials(p, &b, SIP_HDR_AUTHORIZATION, "REGISTER", uri);
    BUF_PUT_LIT(&b, "Content-Length: 0\r\n\r\n");
    assert_false(b.overflow);
    mem[b.n] = '\0';
    phone_inject(p, mem);
}

/* Asks, is challenged where it has no nonce yet, asks again; the answer begins with `status`. */
static inline void phone_register_as(struct phone *p, const char *headers, const char *status)
{
    char start[32];
    if (!p->nonce[0]) {
        phone_register_send(p, headers, false);
        await(p, "SIP/2.0 401");
        phone_take_nonce(p);
    }
    phone_register_send(p, headers, true);
    snprintf(start, sizeof(start), "SIP/2.0 %s", status);
    await(p, start);
}

static inline void phone_up(struct kit *k, struct phone *p, unsigned number, const char *name,
                            enum transport_kind kind)
{
    char headers[160];
    phone_init(k, p, number, name, "example.org", kind);
    snprintf(headers, sizeof(headers), "Contact: <%s>\r\nExpires: 3600\r\n", p->contact);
    phone_register_as(p, headers, "200");
}

/* --- descriptions ---------------------------------------------------------------------------- */

/* Of this phone; `port` and `direction` vary. In one of several static buffers. */
static inline const char *phone_sdp_as(const struct phone *p, unsigned port, const char *proto,
                                       const char *keying, const char *direction)
{
    static char mem[8][1024];
    static unsigned at;
    char *s = mem[at++ % 8];
    snprintf(s, sizeof(mem[0]),
             "v=0\r\no=- %u %u IN IP4 10.0.0.%u\r\ns=-\r\nc=IN IP4 10.0.0.%u\r\nt=0 0\r\n"
             "m=audio %u %s 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"
             "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n%sa=%s\r\n",
             p->number, port, p->number % 250 + 1, p->number % 250 + 1, port, proto, keying,
             direction);
    return s;
}

static inline const char *phone_sdp(const struct phone *p, unsigned port, const char *direction)
{
    char keying[128];
    snprintf(keying, sizeof(keying), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PHONE%uKEY%u\r\n",
             p->number, port);
    return phone_sdp_as(p, port, "RTP/SAVP", keying, direction);
}

/* --- sides ----------------------------------------------------------------------------------- */

static inline void side_put_text(char *dst, size_t cap, struct slice s)
{
    assert_true(slice_to_str(s, dst, cap));
}

static inline void side_caller(struct side *s, struct phone *p, const char *uri)
{
    memset(s, 0, sizeof(*s));
    unsigned n = ++p->k->serial;
    s->p = p;
    snprintf(s->call_id, sizeof(s->call_id), "call-%u", n);
    snprintf(s->local_tag, sizeof(s->local_tag), "t%u", n);
    snprintf(s->local, sizeof(s->local), "<sip:%s@%s>", p->name, p->domain);
    snprintf(s->remote, sizeof(s->remote), "<%s>", uri);
    snprintf(s->target, sizeof(s->target), "%s", uri);
}

static inline void side_fini(struct side *s)
{
    free(s->invite);
    free(s->req);
    s->invite = s->req = NULL;
}

static inline void side_print(struct side *s, struct buf *b, const char *method, unsigned cseq,
                              const char *branch, const char *headers, const char *body)
{
    buf_printf(b,
               "%s %s SIP/2.0\r\nVia: SIP/2.0/%s 10.0.0.%u:5060;branch=%s;rport\r\n"
               "Max-Forwards: 70\r\nFrom: %s;tag=%s\r\nTo: %s%s%s\r\nCall-ID: %s\r\n"
               "CSeq: %u %s\r\n",
               method, s->target, transport_via_name(s->p->flow.kind), s->p->number % 250 + 1,
               branch, s->local, s->local_tag, s->remote, s->remote_tag[0] ? ";tag=" : "",
               s->remote_tag, s->call_id, cseq, method);
    if (slice_eq_str(SLICE_LIT("INVITE"), method) || slice_eq_str(SLICE_LIT("UPDATE"), method))
        buf_printf(b, "Contact: <%s>\r\n", s->p->contact);
    buf_put_str(b, headers);
    if (body && !strstr(headers, "Content-Type"))
        BUF_PUT_LIT(b, "Content-Type: application/sdp\r\n");
    buf_printf(b, "Content-Length: %zu\r\n\r\n%s", body ? strlen(body) : 0, body ? body : "");
}

/* A request: within the dialog, or the first one (credentials are in `headers`). */
static inline void side_send(struct side *s, const char *method, const char *headers,
                             const char *body)
{
    static char mem[SIP_MSG_MAX + 1];
    struct buf b = buf_over(mem, sizeof(mem) - 1);
    snprintf(s->branch, sizeof(s->branch), "z9hG4bK-%u", ++s->p->k->serial);
    s->cseq++;
    if (slice_eq_str(SLICE_LIT("INVITE"), method)) {
        s->invite_cseq = s->cseq;
        snprintf(s->invite_branch, sizeof(s->invite_branch), "%s", s->branch);
    }
    side_print(s, &b, method, s->cseq, s->branch, headers, body);
    assert_false(b.overflow);
    mem[b.n] = '\0';
    phone_inject(s->p, mem);
}

static inline void side_send_as(struct side *s, const char *method, const char *branch,
                                const char *body)
{
    char mem[8192];
    struct buf b = buf_over(mem, sizeof(mem) - 1);
    side_print(s, &b, method, s->invite_cseq, branch, "", body);
    assert_false(b.overflow);
    mem[b.n] = '\0';
    phone_inject(s->p, mem);
}

/* ACK to a 2xx, with an answer or without. */
static inline void side_ack(struct side *s, const char *body)
{
    char branch[40];
    snprintf(branch, sizeof(branch), "z9hG4bK-%u", ++s->p->k->serial);
    side_send_as(s, "ACK", branch, body);
}

/* ACK to another final answer belongs to the transaction. */
static inline void side_ack_failure(struct side *s)
{
    side_send_as(s, "ACK", s->invite_branch, NULL);
}

static inline void side_cancel(struct side *s)
{
    char tag[64];
    memcpy(tag, s->remote_tag, sizeof(tag));
    if (!s->invite)
        s->remote_tag[0] = '\0'; /* as the INVITE had it */
    side_send_as(s, "CANCEL", s->invite_branch, NULL);
    memcpy(s->remote_tag, tag, sizeof(tag));
}

/* The next message is this answer; what it tells of the dialog is taken. */
static inline struct sip_msg *side_await(struct side *s, const char *status)
{
    char start[32];
    snprintf(start, sizeof(start), "SIP/2.0 %s", status);
    struct sip_msg *m = await(s->p, start);
    assert_true(slice_eq_str(m->call_id, s->call_id));
    if (m->method == SIP_INVITE && m->to_tag.n)
        side_put_text(s->remote_tag, sizeof(s->remote_tag), m->to_tag);
    struct sip_list_iter it = {0};
    struct slice e;
    struct sip_addr a;
    if (m->method == SIP_INVITE && m->status < 300 &&
        sip_msg_list_next(m, SIP_HDR_CONTACT, &it, &e)) {
        assert_int_equal(sip_addr_parse(e, &a), SIP_PARSE_OK);
        side_put_text(s->target, sizeof(s->target), a.uri.raw);
    }
    return m;
}

static inline void side_keep(struct side *s, bool is_invite)
{
    free(s->req);
    s->req = strdup(s->p->text);
    if (is_invite) {
        free(s->invite);
        s->invite = strdup(s->p->text);
    }
}

/* The callee's side from the INVITE that comes next to it. */
static inline struct sip_msg *side_callee(struct side *s, struct phone *p)
{
    struct sip_msg *m = await(p, "INVITE ");
    struct sip_list_iter it = {0};
    struct slice e;
    struct sip_addr a;
    memset(s, 0, sizeof(*s));
    s->p = p;
    side_put_text(s->call_id, sizeof(s->call_id), m->call_id);
    side_put_text(s->remote_tag, sizeof(s->remote_tag), m->from_tag);
    snprintf(s->local_tag, sizeof(s->local_tag), "c%u", ++p->k->serial);
    snprintf(s->local, sizeof(s->local), "<" SLICE_FMT ">", SLICE_ARG(m->to.uri.raw));
    snprintf(s->remote, sizeof(s->remote), "<" SLICE_FMT ">", SLICE_ARG(m->from.uri.raw));
    assert_true(sip_msg_list_next(m, SIP_HDR_CONTACT, &it, &e));
    assert_int_equal(sip_addr_parse(e, &a), SIP_PARSE_OK);
    side_put_text(s->target, sizeof(s->target), a.uri.raw);
    side_keep(s, true);
    return m;
}

/* The next message is a request of this dialog, which is kept for the answer. */
static inline struct sip_msg *side_await_request(struct side *s, const char *method)
{
    char start[32];
    snprintf(start, sizeof(start), "%s ", method);
    struct sip_msg *m = await(s->p, start);
    assert_true(slice_eq_str(m->call_id, s->call_id));
    if (m->method != SIP_CANCEL) {
        assert_true(slice_eq_str(m->from_tag, s->remote_tag));
        assert_true(slice_eq_str(m->to_tag, s->local_tag));
    }
    side_keep(s, m->method == SIP_INVITE);
    return m;
}

static inline void side_reply_to(struct side *s, const char *request, const char *status,
                                 const char *headers, const char *body)
{
    static char mem[SIP_MSG_MAX + 1];
    struct sip_msg m;
    struct buf b = buf_over(mem, sizeof(mem) - 1);
    assert_int_equal(sip_msg_parse(slice_from_str(request), &m), SIP_PARSE_OK);
    uint32_t code = (uint32_t)strtoul(status, NULL, 10);
    struct sip_reply r = {.status = (uint16_t)code,
                          .reason = slice_from_str(status + 4),
                          .to_tag = slice_from_str(s->local_tag)};
    sip_put_reply_head(&b, &m, &r);
    if (m.method == SIP_INVITE || m.method == SIP_UPDATE)
        buf_printf(&b, "Contact: <%s>\r\n", s->p->contact);
    buf_put_str(&b, headers);
    if (body && !strstr(headers, "Content-Type"))
        BUF_PUT_LIT(&b, "Content-Type: application/sdp\r\n");
    buf_printf(&b, "Content-Length: %zu\r\n\r\n%s", body ? strlen(body) : 0, body ? body : "");
    assert_false(b.overflow);
    mem[b.n] = '\0';
    phone_inject(s->p, mem);
}

/* Answers the INVITE that rings, or the last request. */
static inline void side_answer(struct side *s, const char *status, const char *headers,
                               const char *body)
{
    side_reply_to(s, s->invite, status, headers, body);
}

static inline void side_reply(struct side *s, const char *status, const char *headers,
                              const char *body)
{
    side_reply_to(s, s->req, status, headers, body);
}

/* --- calls ----------------------------------------------------------------------------------- */

/* An INVITE with credentials. */
static inline void side_invite(struct side *s, const char *headers, const char *body)
{
    char mem[4096];
    struct buf b = buf_over(mem, sizeof(mem) - 1);
    buf_put_str(&b, headers);
    phone_put_credentials(s->p, &b, SIP_HDR_PROXY_AUTHORIZATION, "INVITE", s->target);
    mem[b.n] = '\0';
    side_send(s, "INVITE", mem, body);
}

static inline void dial(struct side *a, struct phone *p, const char *uri)
{
    side_caller(a, p, uri);
    side_invite(a, "", phone_sdp(p, 4000, "sendrecv"));
}

struct pair {
    struct side a, b;
};

/* A call that stands. */
static inline void call_up(struct pair *c, struct phone *from, struct phone *to)
{
    char uri[80];
    snprintf(uri, sizeof(uri), "sip:%s@%s", to->name, to->domain);
    dial(&c->a, from, uri);
    side_callee(&c->b, to);
    side_answer(&c->b, "200 OK", "", phone_sdp(to, 6000, "sendrecv"));
    await(to, "ACK ");
    side_await(&c->a, "200");
    side_ack(&c->a, NULL);
    await_nothing(from);
    await_nothing(to);
}

/* x hangs up; the other side is told, and both are done. */
static inline void hang_up(struct side *x, struct side *y)
{
    side_send(x, "BYE", "", NULL);
    await(x->p, "SIP/2.0 200");
    side_await_request(y, "BYE");
    side_reply(y, "200 OK", "", NULL);
    await_nothing(x->p);
    await_nothing(y->p);
}

static inline void call_down(struct pair *c)
{
    hang_up(&c->a, &c->b);
    side_fini(&c->a);
    side_fini(&c->b);
    phone_fini(c->a.p);
    phone_fini(c->b.p);
}

#endif
