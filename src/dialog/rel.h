/* Reliable provisional responses (RFC 3262), the arithmetic: numbers and matching. Pure.
 *
 * (Prototypes fixed by the call core, which is written against them; add freely.) */
#ifndef SOTTO_DIALOG_REL_H
#define SOTTO_DIALOG_REL_H

#include "sip/msg.h"

struct dialog_rel {    /* zeroed: fresh */
    uint32_t sent;     /* RSeq of our last reliable provisional; 0: none */
    bool unacked;      /* … its PRACK has not come */
    uint32_t received; /* RSeq of the peer's last one that was in order; 0: none */
};

/* The RSeq for our next one: first random in 1 .. 2^30, then +1. Sets unacked. */
uint32_t dialog_rel_next(struct dialog_rel *r);

enum dialog_rel_verdict {
    DIALOG_REL_OK = 0,
    DIALOG_REL_NO_MATCH, /* PRACK: answer 481 (s.3) */
    DIALOG_REL_NOT,      /* the response is not reliable */
    DIALOG_REL_REPEATED, /* seen already: send the PRACK again, pass nothing on */
    DIALOG_REL_GAP       /* out of order: ignore (s.4) */
};
/* A PRACK for our provisional of the INVITE with this CSeq number. OK: no longer unacked. */
int dialog_rel_on_prack(struct dialog_rel *r, const struct sip_msg *prack,
                        uint32_t invite_cseq) MUST_CHECK;
/* A provisional of the peer: Require: 100rel with RSeq. OK or REPEATED: *ret_rseq for the RAck. */
int dialog_rel_on_provisional(struct dialog_rel *r, const struct sip_msg *rsp,
                              uint32_t *ret_rseq) MUST_CHECK;

#endif
