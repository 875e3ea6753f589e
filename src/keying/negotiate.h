/* Which keying an endpoint uses: policy, the m-line's transport, the peer's text and what is in
 * use now decide; the result is a verdict, our transport and our text.
 *
 * Every function reads `now` and writes what would be into *ret_next, so that a caller can ask
 * without changing anything, and a refused re-INVITE leaves all as it was: it stores *ret_next, or
 * wipes it. `now` and `ret_next` may not be the same.
 *
 *   policy     their offer: AVP          AVP with keying (OSRTP)   SAVP ...
 *   required   NOT_ENCRYPTED             answered encrypted, AVP   answered encrypted
 *   preferred  answered clear            answered encrypted, AVP   answered encrypted
 *   off        answered clear            answered clear            ENCRYPTION_REFUSED
 *   our offer: required SAVP; preferred AVP with keying lines (RFC 8643); off AVP.
 *
 * Once keys were agreed, under required and preferred nothing clear is agreed again: DOWNGRADE. */
#ifndef SOTTO_KEYING_NEGOTIATE_H
#define SOTTO_KEYING_NEGOTIATE_H

#include "keying/keying.h"

/* In the order of the media role's enum media_status from NOT_ENCRYPTED on. */
enum keying_verdict {
    KEYING_OK = 0,
    KEYING_NOT_ENCRYPTED,
    KEYING_ENCRYPTION_REFUSED,
    KEYING_NO_COMMON_SUITE,
    KEYING_NO_COMMON_KEYING,
    KEYING_BAD_TEXT,
    KEYING_DOWNGRADE,
    KEYING_VERDICT_COUNT
};

struct keying_result {
    uint8_t proto;  /* enum keying_proto of our description */
    bool encrypted; /* keys are agreed, or will be by an engine */
    /* Against `now`: a changed key starts at rollover counter 0 with an empty replay window; an
     * unchanged one keeps both (RFC 3711 s.3.2.1). */
    bool tx_key_changed, rx_key_changed;
    const char *why; /* a plain, static sentence; written also where the verdict is not 0 */
};

/* The peer's offer -> our answer's lines. All three: 0 or enum keying_verdict; -EMSGSIZE: `text`
 * is too small. */
int keying_remote_offer(const struct keying_state *now, const struct keying_policy *p,
                        enum keying_proto proto, struct slice remote, struct buf *text,
                        struct keying_state *ret_next, struct keying_result *ret) MUST_CHECK;
/* Our offer's lines. Names the keys in use first. */
int keying_local_offer(const struct keying_state *now, const struct keying_policy *p,
                       struct buf *text, struct keying_state *ret_next,
                       struct keying_result *ret) MUST_CHECK;
/* The peer's answer to our last offer; may come again (183, then 200). */
int keying_remote_answer(const struct keying_state *now, const struct keying_policy *p,
                         enum keying_proto proto, struct slice remote,
                         struct keying_state *ret_next, struct keying_result *ret) MUST_CHECK;

const char *keying_verdict_why(enum keying_verdict v);

#endif
