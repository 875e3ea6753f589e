/* A message from anywhere: parse it, look at it from every side, print it, parse it again: equal. */
#include "sip/hdr.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg msg, again;
static struct slice whole;
static volatile size_t sink;

/* Every slice that comes out lies within what went in. */
static void inside(struct slice s)
{
    if (!s.p || s.n == 0)
        return;
    assert(s.p >= whole.p && s.n <= whole.n && s.p + s.n <= whole.p + whole.n);
    sink += (unsigned char)s.p[0] + (unsigned char)s.p[s.n - 1];
}

static void look_at_uri(const struct sip_uri *u)
{
    char out[512];
    struct buf b = buf_over(out, sizeof(out));
    struct slice v;

    inside(u->raw);
    inside(u->user);
    inside(u->password);
    inside(u->host);
    inside(u->params);
    inside(u->headers);
    sip_put_aor(&b, u);
    if (sip_param_find(u->params, "transport", &v))
        inside(v);
    assert(u->raw.p == NULL || sip_uri_eq(u, u));
}

static void look_at_value(struct slice v)
{
    struct sip_contact contact;
    struct sip_via via;
    struct sip_rack rack;
    struct sip_session_expires se;
    struct sip_retry_after ra;
    struct sip_replaces rp;
    struct sip_reason re;
    struct sip_timestamp ts;
    struct sip_token_params tp;
    struct sip_media_type mt;
    struct slice s;
    uint32_t n;
    uint16_t q;

    if (sip_contact_parse(v, &contact) == 0) {
        inside(contact.addr.display);
        inside(contact.addr.params);
        inside(contact.instance);
        look_at_uri(&contact.addr.uri);
    }
    if (sip_via_parse(v, &via) == 0) {
        inside(via.host);
        inside(via.branch);
        inside(via.received);
        inside(via.rport_value);
        assert(via.host.n && via.transport.n);
    }
    if (sip_rack_parse(v, &rack) == 0)
        inside(rack.method);
    if (sip_retry_after_parse(v, &ra) == 0)
        inside(ra.comment);
    if (sip_replaces_parse(v, &rp) == 0)
        inside(rp.call_id);
    if (sip_reason_parse(v, &re) == 0)
        inside(re.text);
    if (sip_timestamp_parse(v, &ts) == 0)
        inside(ts.delay);
    if (sip_token_params_parse(v, &tp) == 0)
        inside(tp.params);
    if (sip_media_type_parse(v, &mt) == 0)
        inside(mt.params);
    if (sip_number_parse(v, &n, &s) == 0)
        inside(s);
    sink += (size_t)(sip_session_expires_parse(v, &se) + sip_expires_parse(v, &n) +
                     sip_max_forwards_parse(v, &n) + sip_rseq_parse(v, &n) + sip_q_parse(v, &q));
}

static void look_at_lists(const struct sip_msg *m)
{
    for (int id = 0; id < SIP_HDR_ID_COUNT; id++) {
        struct sip_list_iter it = {0};
        struct slice e;
        while (sip_msg_list_next(m, (enum sip_hdr_id)id, &it, &e)) {
            assert(e.n);
            inside(e);
            look_at_value(e);
        }
        sink += sip_msg_list_has(m, (enum sip_hdr_id)id, "timer");
    }
}

static void look_at(const struct sip_msg *m)
{
    struct slice part;

    inside(m->head);
    inside(m->body);
    inside(m->reason);
    inside(m->method_name);
    inside(m->call_id);
    inside(m->from_tag);
    inside(m->to_tag);
    look_at_uri(&m->ruri);
    look_at_uri(&m->from.uri);
    look_at_uri(&m->to.uri);
    for (int i = 0; i < m->hdr_count; i++) {
        inside(m->hdrs[i].name);
        inside(m->hdrs[i].value);
        look_at_value(m->hdrs[i].value);
        assert(sip_msg_hdr_named(m, m->hdrs[i].name));
    }
    look_at_lists(m);
    if (sip_body_find(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), m->body, "application/sdp", &part) ==
        0)
        inside(part);
}

static void reply_to(const struct sip_msg *m, struct buf *b)
{
    struct sip_reply r = {.status = 400,
                          .to_tag = SLICE_LIT("fuzz"),
                          .received = SLICE_LIT("192.0.2.1"),
                          .rport = 5060,
                          .copy_rr = true};

    sip_put_reply_head(b, m, &r);
    sip_put_body(b, NULL, SLICE_NONE);
    assert(b->overflow || b->n < sizeof(struct sip_msg) + 4 * SIP_MSG_MAX);
}

/* Two parses of the same thing, one of them printed in between. */
static void same(const struct sip_msg *a, const struct sip_msg *b)
{
    assert(a->is_request == b->is_request && a->method == b->method && a->status == b->status);
    assert(a->hdr_count == b->hdr_count && a->cseq == b->cseq);
    assert(slice_eq(a->body, b->body) && slice_eq(a->call_id, b->call_id));
    assert(slice_eq(a->from_tag, b->from_tag) && slice_eq(a->to_tag, b->to_tag));
    assert(slice_eq(a->via.branch, b->via.branch) && slice_eq(a->via.host, b->via.host));
    assert(slice_eq(a->ruri_raw, b->ruri_raw));
    for (int i = 0; i < a->hdr_count; i++)
        assert(a->hdrs[i].id == b->hdrs[i].id && a->hdrs[i].next == b->hdrs[i].next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char out[4 * SIP_MSG_MAX];
    struct buf b = buf_over(out, sizeof(out));

    whole = slice_from(data, size);
    int r = sip_msg_parse(whole, &msg);
    assert((r == SIP_PARSE_OK) == (msg.error == NULL));
    look_at(&msg);
    if (sip_msg_can_answer(&msg))
        reply_to(&msg, &b);
    if (r == SIP_PARSE_OK && msg.is_request && sip_msg_can_answer(&msg) && !b.overflow) {
        whole = buf_slice(&b);
        r = sip_msg_parse(whole, &again);
        assert(r == SIP_PARSE_OK || whole.n > SIP_HEAD_MAX || again.hdr_count == SIP_HDR_MAX ||
               strstr(again.error, "too"));
    }
    if (!msg.error) {
        b = buf_over(out, sizeof(out));
        sip_msg_print(&b, &msg);
        assert(!b.overflow);
        /* ": " where ':' stood may carry it over a limit. */
        r = sip_msg_parse(buf_slice(&b), &again);
        assert(r == SIP_PARSE_OK || strstr(again.error, "too"));
        if (r == SIP_PARSE_OK)
            same(&msg, &again);
    }
    return 0;
}
