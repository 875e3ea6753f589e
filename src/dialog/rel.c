#include "dialog/rel.h"

#include "crypto/hash.h"
#include "sip/hdr.h"

/* RFC 3262 s.3: the first number is below 2^31, and chosen so that adding to it does not wrap. */
uint32_t dialog_rel_next(struct dialog_rel *r)
{
    if (r->sent == 0) {
        crypto_random(&r->sent, sizeof(r->sent));
        r->sent = (r->sent & 0x3fffffff) + 1;
    } else {
        r->sent++;
    }
    r->unacked = true;
    return r->sent;
}

int dialog_rel_on_prack(struct dialog_rel *r, const struct sip_msg *prack, uint32_t invite_cseq)
{
    struct sip_rack a;
    if (!r->unacked || sip_rack_parse(sip_msg_value(prack, SIP_HDR_RACK), &a) != SIP_PARSE_OK)
        return DIALOG_REL_NO_MATCH;
    if (a.rseq != r->sent || a.cseq != invite_cseq || !slice_eq_str(a.method, "INVITE"))
        return DIALOG_REL_NO_MATCH;
    r->unacked = false;
    return DIALOG_REL_OK;
}

int dialog_rel_on_provisional(struct dialog_rel *r, const struct sip_msg *rsp, uint32_t *ret_rseq)
{
    uint32_t rseq;
    if (rsp->status <= 100 || rsp->status >= 200 ||
        !sip_msg_list_has(rsp, SIP_HDR_REQUIRE, "100rel") ||
        sip_rseq_parse(sip_msg_value(rsp, SIP_HDR_RSEQ), &rseq) != SIP_PARSE_OK)
        return DIALOG_REL_NOT;
    if (r->received && rseq > r->received + 1)
        return DIALOG_REL_GAP;
    bool is_new = r->received == 0 || rseq == r->received + 1;
    *ret_rseq = rseq;
    if (!is_new)
        return DIALOG_REL_REPEATED;
    r->received = rseq;
    return DIALOG_REL_OK;
}
