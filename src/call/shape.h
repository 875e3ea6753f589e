/* How a leg's phone wants to be spoken to about media: as a browser, or as a desk phone. Decided from
 * facts alone; no side effects. */
#ifndef SOTTO_CALL_SHAPE_H
#define SOTTO_CALL_SHAPE_H

#include "ipc/media_msg.h"
#include "sdp/sdp.h"
#include "transport/transport.h"

static inline bool leg_shape_is_websocket(enum transport_kind kind)
{
    return kind == TRANSPORT_WS || kind == TRANSPORT_WSS;
}
bool leg_shape_may_dtls(const struct media_policy *p);

/* What our offers to it say. Answers follow the peer's offer in any case. */
struct leg_shape {
    bool browser; /* DTLS-SRTP in UDP/TLS/RTP/SAVPF, and nothing else */
    bool ice;
    bool mux;    /* RTCP beside RTP (RFC 5761) */
    bool bundle; /* all m-lines over one transport (RFC 8843) */
};

/* `kind`: over which its signalling comes: what speaks SIP over WebSocket is a browser (RFC 7118
 * s.1), unless its user may not use DTLS-SRTP, or its last description was without it: then it is a
 * phone that happens to come that way. `last`: NULL before the first; who has shown that it does ICE
 * or multiplexes goes on to. */
void leg_shape_of(enum transport_kind kind, const struct media_policy *p, const struct sdp *last,
                  struct leg_shape *ret);
/* What follows for the keying of our offers. False: the policy does not allow the only one that this
 * phone knows; *p is not changed then. */
bool leg_shape_policy(const struct leg_shape *s, struct media_policy *p) MUST_CHECK;

#endif
