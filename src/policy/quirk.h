/* What is known of phones by their User-Agent: the shapes of an offer, and their names. */
#ifndef SOTTO_POLICY_QUIRK_H
#define SOTTO_POLICY_QUIRK_H

#include "base/slice.h"

/* How an offer of encryption is written. */
enum offer_shape {
    OFFER_NONE,
    OFFER_OSRTP, /* RTP/AVP with keying lines: encryption is optional (RFC 8643) */
    OFFER_SAVP,  /* RTP/SAVP with a=crypto (RFC 4568) */
    OFFER_DTLS,  /* UDP/TLS/RTP/SAVPF (RFC 5764) */
    OFFER_ZRTP,  /* RTP/AVP with a=zrtp-hash (RFC 6189 s.8) */
    OFFER_MIKEY, /* RTP/SAVP with a=key-mgmt (RFC 4567) */
    OFFER_CLEAR, /* RTP/AVP and nothing else */
    OFFER_SHAPE_COUNT
};

const char *offer_shape_name(enum offer_shape s); /* "osrtp" … */

#endif
