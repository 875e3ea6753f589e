/* Printing. Nothing that came from outside can start a new line: folds lose their CRLF here, and
 * the white space that follows each keeps the words apart. */
#include "sip/msg.h"

#include "sip/lex.h"

static void put_unfolded(struct buf *b, struct slice s)
{
    const char *p = s.p, *end = s.p ? s.p + s.n : NULL;

    while (p < end) {
        const char *q = scan_line_break(p, end);
        buf_put(b, p, (size_t)(q - p));
        for (p = q; p < end && (*p == '\r' || *p == '\n'); p++)
            ;
    }
}

static void put_line(struct buf *b, struct slice name, struct slice value)
{
    buf_put_slice(b, name);
    BUF_PUT_LIT(b, ": ");
    put_unfolded(b, value);
    BUF_PUT_LIT(b, "\r\n");
}

void sip_put_hdr(struct buf *b, enum sip_hdr_id id, struct slice value)
{
    put_line(b, slice_from_str(sip_hdr_name(id)), value);
}

void sip_put_hdr_raw(struct buf *b, const struct sip_hdr *h)
{
    put_line(b, h->name, h->value);
}

static void put_all(struct buf *b, const struct sip_msg *m, enum sip_hdr_id id)
{
    for (const struct sip_hdr *h = sip_msg_hdr(m, id); h; h = sip_msg_hdr_next(m, h))
        sip_put_hdr(b, id, h->value);
}

/* The element as it came, with the port behind "rport" where that has no value of its own. */
static void put_via_rport(struct buf *b, const struct sip_via *via, uint16_t rport)
{
    const char *end = via->raw.p + via->raw.n;

    if (!rport || !via->rport) {
        put_unfolded(b, via->raw);
        return;
    }
    bool has_value = via->rport_value.n > 0;
    put_unfolded(b, lex_between(via->raw.p, via->rport_value.p));
    if (!has_value)
        buf_put_char(b, '=');
    buf_put_u64(b, rport);
    put_unfolded(b, lex_between(via->rport_value.p + via->rport_value.n, end));
}

/* The element anew, without the `received` that the client wrote itself. */
static void put_via_anew(struct buf *b, const struct sip_via *via, uint16_t rport)
{
    struct slice rest = via->params;
    struct lex_param param;

    put_unfolded(b, lex_between(via->raw.p, via->transport.p + via->transport.n));
    buf_put_char(b, ' ');
    buf_put_slice(b, via->host);
    if (via->port) {
        buf_put_char(b, ':');
        buf_put_u64(b, via->port);
    }
    while (rest.p && lex_param_next(&rest, &param)) {
        bool is_rport = slice_eq_nocase(param.name, SLICE_LIT("rport"));
        if (slice_eq_nocase(param.name, SLICE_LIT("received")))
            continue;
        buf_put_char(b, ';');
        buf_put_slice(b, param.name);
        if (is_rport && rport) {
            buf_put_char(b, '=');
            buf_put_u64(b, rport);
        } else if (param.value.p) {
            buf_put_char(b, '=');
            put_unfolded(b, param.value);
        }
    }
}

/* RFC 3261 s.18.2.1, RFC 3581 s.4. */
static void put_top_via(struct buf *b, const struct sip_via *via, const struct sip_reply *r)
{
    BUF_PUT_LIT(b, "Via: ");
    if (r->received.n && via->received.p)
        put_via_anew(b, via, r->rport);
    else
        put_via_rport(b, via, r->rport);
    if (r->received.n) {
        BUF_PUT_LIT(b, ";received=");
        buf_put_slice(b, r->received);
    }
    BUF_PUT_LIT(b, "\r\n");
}

static void put_vias(struct buf *b, const struct sip_msg *req, const struct sip_reply *r)
{
    const struct sip_hdr *h = sip_msg_hdr(req, SIP_HDR_VIA);

    if (!h)
        return;
    if (req->via.raw.n == 0) { /* it could not be read */
        put_all(b, req, SIP_HDR_VIA);
        return;
    }
    struct slice rest = h->value;
    (void)lex_list_cut(&rest); /* the top one, which req->via holds */
    rest = slice_trim(rest);
    put_top_via(b, &req->via, r);
    if (rest.n)
        sip_put_hdr(b, SIP_HDR_VIA, rest);
    while ((h = sip_msg_hdr_next(req, h)))
        sip_put_hdr(b, SIP_HDR_VIA, h->value);
}

static void put_status_line(struct buf *b, uint16_t status, struct slice reason)
{
    BUF_PUT_LIT(b, "SIP/2.0 ");
    buf_put_u64(b, status);
    buf_put_char(b, ' ');
    put_unfolded(b, reason);
    BUF_PUT_LIT(b, "\r\n");
}

static void put_to(struct buf *b, const struct sip_msg *req, const struct sip_reply *r)
{
    BUF_PUT_LIT(b, "To: ");
    put_unfolded(b, sip_msg_value(req, SIP_HDR_TO));
    if (req->to_tag.n == 0 && r->to_tag.n && r->status > 100) {
        BUF_PUT_LIT(b, ";tag=");
        buf_put_slice(b, r->to_tag);
    }
    BUF_PUT_LIT(b, "\r\n");
}

void sip_put_reply_head(struct buf *b, const struct sip_msg *req, const struct sip_reply *r)
{
    put_status_line(b, r->status,
                    r->reason.n ? r->reason : slice_from_str(sip_reason_phrase(r->status)));
    put_vias(b, req, r);
    sip_put_hdr(b, SIP_HDR_FROM, sip_msg_value(req, SIP_HDR_FROM));
    put_to(b, req, r);
    sip_put_hdr(b, SIP_HDR_CALL_ID, sip_msg_value(req, SIP_HDR_CALL_ID));
    sip_put_hdr(b, SIP_HDR_CSEQ, sip_msg_value(req, SIP_HDR_CSEQ));
    if (r->status == 100) /* RFC 3261 s.8.2.6.1 */
        put_all(b, req, SIP_HDR_TIMESTAMP);
    if (r->copy_rr)
        put_all(b, req, SIP_HDR_RECORD_ROUTE);
}

void sip_put_body(struct buf *b, const char *content_type, struct slice body)
{
    if (content_type) {
        BUF_PUT_LIT(b, "Content-Type: ");
        buf_put_str(b, content_type);
        BUF_PUT_LIT(b, "\r\n");
    }
    BUF_PUT_LIT(b, "Content-Length: ");
    buf_put_u64(b, body.n);
    BUF_PUT_LIT(b, "\r\n\r\n");
    buf_put_slice(b, body);
}

void sip_msg_print(struct buf *b, const struct sip_msg *m)
{
    if (m->is_request) {
        buf_put_slice(b, m->method_name);
        buf_put_char(b, ' ');
        buf_put_slice(b, m->ruri_raw);
        BUF_PUT_LIT(b, " SIP/2.0\r\n");
    } else {
        put_status_line(b, m->status, m->reason);
    }
    for (int i = 0; i < m->hdr_count; i++)
        sip_put_hdr_raw(b, &m->hdrs[i]);
    BUF_PUT_LIT(b, "\r\n");
    buf_put_slice(b, m->body);
}
