/* ICE (RFC 8445), the lite side: our addresses are reachable, so the peer checks and we answer.
 *
 *   text    what descriptions say (RFC 8839): our user fragment, password and candidates; whether
 *           the peer does ICE, and whether it has begun anew (another fragment or password)
 *   checks  Binding requests that arrive in the media path. Without fingerprint, user fragment and
 *           integrity they get no answer and change nothing: a stranger can neither be heard nor
 *           make us send.
 *   pairs   an address from which such a check came is *valid*; one that a check has nominated may
 *           become the *selected* one, to which media goes and to which alone. It changes when
 *           - a check nominates one of a higher priority (aggressive nomination), or
 *           - a check nominates any while the selected one has been silent for MEDIA_ICE_SILENT_MS
 *             or belongs to credentials before a restart, or
 *           - new authentic media comes from a nominated one: the peer has moved there.
 *
 * Our candidates are of both IP versions where we have both: the same ports at a second place
 * (second.c), open for legs with ICE alone. Of a pair the peer's address tells which of them it is.
 *
 * The peer's candidates are not read: who can check, shows us where it is, and trickled, mDNS and
 * TCP candidates need no thought. Consent (RFC 7675) is the checking side's; where a peer has shown
 * that it keeps checking and then falls silent for MEDIA_CONSENT_MS, it is given up: not a packet
 * is sent there any more.
 *
 * All of it is plain data in the endpoint's slot, so that a restarted role goes on. */
#ifndef SOTTO_MEDIA_ICE_H
#define SOTTO_MEDIA_ICE_H

#include "base/addr.h"

#define MEDIA_ICE_UFRAG_LEN 8 /* 4 to 256 (RFC 8839 s.5.4): 48 random bits */
#define MEDIA_ICE_PWD_LEN 24  /* 22 to 256: 144 random bits */
#define MEDIA_ICE_PEERS 8     /* valid addresses that are remembered, of RTP and of RTCP each */
#define MEDIA_ICE_SILENT_MS 2500u
#define MEDIA_ICE_OLD_MS 30000u /* checks with credentials before a restart are answered so long */
#define MEDIA_CONSENT_MS 30000u /* RFC 7675 s.5.1 */
/* A peer that still checks so long after the pair was selected will go on to: it does consent. */
#define MEDIA_CONSENT_SHOWN_MS 4000u

struct media_ice_cred {
    char ufrag[MEDIA_ICE_UFRAG_LEN + 1], pwd[MEDIA_ICE_PWD_LEN + 1]; /* empty: none yet */
};

/* What descriptions agreed on. */
struct media_ice_terms {
    bool offered; /* our last description said ICE */
    bool on;      /* the peer's did, too */
    bool peer_known;
    uint8_t peer[16]; /* hash of the peer's fragment and password */
    struct media_ice_cred cred, old;
    uint64_t old_until; /* ms; of `old` */
};

struct media_ice_peer {
    struct addr addr; /* family 0: free */
    uint32_t priority;
    bool nominated;
    uint64_t heard; /* ms; its last check */
};

/* What checks have shown. The selected addresses are the slot's learned_rtp and learned_rtcp. */
struct media_ice_pairs {
    struct media_ice_peer peers[2][MEDIA_ICE_PEERS]; /* [RTP, RTCP] */
    bool stale[2];                                   /* the selected one is of before a restart */
    uint64_t selected_at;                            /* ms; RTP's */
    bool consents;
};

struct media_endpoint;
struct media_packet;

/* --- text --- */

/* The peer's lines. False: it does not do ICE, or is lite as we are. */
bool media_ice_read(struct slice text, uint8_t ret_peer[16]);
/* Our credentials are made where there are none. */
void media_ice_cred_make(struct media_ice_terms *t);
/* The peer described itself: `offer` tells whether it may begin anew with that. */
void media_ice_take_remote(struct media_ice_terms *t, struct slice text, bool offer, uint64_t now);
/* Our lines, for an answer or an offer; media_second_open first. */
void media_ice_put(struct buf *b, const struct media_endpoint *e, const struct media_ice_terms *t,
                   bool rtcp_mux);

/* --- checks and pairs --- */

void media_ice_packet(struct media_packet *p); /* STUN that came in */
/* New terms have become true; `before`: those until now. */
void media_ice_apply(struct media_endpoint *e, const struct media_ice_terms *before);
/* Has the peer shown that it is there? `rtcp_port`: of our two ports. */
bool media_ice_is_valid(const struct media_endpoint *e, bool rtcp_port, const struct addr *a);
/* Authentic media that is newer than all before came from there. */
void media_ice_learn(struct media_endpoint *e, bool rtcp, const struct addr *from);
void media_ice_tell(struct media_endpoint *e); /* stats */
void media_ice_tick(struct media_endpoint *e, uint64_t now);

#endif
