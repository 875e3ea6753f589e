#include "txn/priv.h"

void txn_build_reply(struct buf *b, const struct sip_msg *req, const struct transport_flow *flow,
                     uint16_t status, struct slice to_tag, struct slice more_hdrs)
{
    char host[ADDR_STR_MAX];
    struct buf h = buf_over(host, sizeof(host));
    addr_put_host(&h, &flow->remote);
    struct sip_reply r = {.status = status, .to_tag = to_tag};
    /* RFC 3581 s.4: `received` wherever rport was asked for; else RFC 3261 18.2.1: where sent-by
     * names another host. */
    if (req->via.rport || !slice_eq_nocase(req->via.host, buf_slice(&h)))
        r.received = buf_slice(&h);
    if (req->via.rport)
        r.rport = addr_port(&flow->remote);
    sip_put_reply_head(b, req, &r);
    buf_put_slice(b, more_hdrs);
    BUF_PUT_LIT(b, "Content-Length: 0\r\n\r\n");
}

/* What ACK and CANCEL take over from their INVITE; `to` is the To header's value. */
static void put_follower(struct buf *b, const char *method, const struct sip_msg *invite,
                         struct slice to)
{
    buf_put_str(b, method);
    buf_put_char(b, ' ');
    buf_put_slice(b, invite->ruri_raw);
    BUF_PUT_LIT(b, " SIP/2.0\r\n");
    sip_put_hdr(b, SIP_HDR_VIA, invite->via.raw);
    BUF_PUT_LIT(b, "Max-Forwards: 70\r\n");
    for (const struct sip_hdr *h = sip_msg_hdr(invite, SIP_HDR_ROUTE); h;
         h = sip_msg_hdr_next(invite, h))
        sip_put_hdr(b, SIP_HDR_ROUTE, h->value);
    sip_put_hdr(b, SIP_HDR_FROM, sip_msg_value(invite, SIP_HDR_FROM));
    sip_put_hdr(b, SIP_HDR_TO, to);
    sip_put_hdr(b, SIP_HDR_CALL_ID, sip_msg_value(invite, SIP_HDR_CALL_ID));
    BUF_PUT_LIT(b, "CSeq: ");
    buf_put_u64(b, invite->cseq);
    buf_put_char(b, ' ');
    buf_put_str(b, method);
    BUF_PUT_LIT(b, "\r\n");
}

/* RFC 3261 17.1.1.3 */
void txn_build_ack(struct buf *b, const struct sip_msg *invite, const struct sip_msg *rsp)
{
    put_follower(b, "ACK", invite, sip_msg_value(rsp, SIP_HDR_TO));
    BUF_PUT_LIT(b, "Content-Length: 0\r\n\r\n");
}

/* RFC 3261 9.1 */
void txn_build_cancel(struct buf *b, const struct sip_msg *invite, struct slice reason_hdr)
{
    put_follower(b, "CANCEL", invite, sip_msg_value(invite, SIP_HDR_TO));
    if (reason_hdr.n) {
        buf_put_slice(b, slice_trim(reason_hdr));
        BUF_PUT_LIT(b, "\r\n");
    }
    BUF_PUT_LIT(b, "Content-Length: 0\r\n\r\n");
}

void txn_build_kept(struct buf *b, const struct sip_msg *req)
{
    static const enum sip_hdr_id kept[] = {SIP_HDR_VIA,  SIP_HDR_RECORD_ROUTE, SIP_HDR_ROUTE,
                                           SIP_HDR_FROM, SIP_HDR_TO,           SIP_HDR_CALL_ID,
                                           SIP_HDR_CSEQ};
    buf_put_slice(b, req->method_name);
    buf_put_char(b, ' ');
    buf_put_slice(b, req->ruri_raw);
    BUF_PUT_LIT(b, " SIP/2.0\r\n");
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        for (const struct sip_hdr *h = sip_msg_hdr(req, kept[i]); h; h = sip_msg_hdr_next(req, h))
            sip_put_hdr_raw(b, h);
    }
    BUF_PUT_LIT(b, "Content-Length: 0\r\n\r\n");
}
