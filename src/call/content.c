#include "call/content.h"

#include "sip/hdr.h"

/* End-to-end headers that say something to the person or phone at the other end. Everything else
 * (routes, identities, vendors' X-, P- and Diversion headers) belongs to one leg. */
static const enum sip_hdr_id crossing[] = {
    SIP_HDR_SUBJECT,  SIP_HDR_PRIORITY,     SIP_HDR_PRIVACY,
    SIP_HDR_REPLY_TO, SIP_HDR_ORGANIZATION, SIP_HDR_REASON,
};

void content_put_crossing(struct buf *b, const struct sip_msg *m)
{
    for (size_t i = 0; i < ARRAY_LEN(crossing); i++) {
        const struct sip_hdr *h = sip_msg_hdr(m, crossing[i]);
        for (; h; h = sip_msg_hdr_next(m, h))
            sip_put_hdr(b, h->id, h->value);
    }
}

enum content_kind content_find_sdp(const struct sip_msg *m, struct slice *ret_sdp)
{
    if (m->body.n == 0)
        return CONTENT_NONE;
    struct slice type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);
    struct slice part = SLICE_NONE;
    if (sip_body_find(type, m->body, "application/sdp", &part) != SIP_PARSE_OK || !part.p)
        return CONTENT_OTHER;
    *ret_sdp = part;
    return CONTENT_SDP;
}
