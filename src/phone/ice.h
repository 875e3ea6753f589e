/* The phone's ICE (RFC 8445): host candidates of its own of one IP version or both, checks towards the peer's, nomination. Made
 * for servers, which are lite or have few candidates; a full peer is answered as well. Sans I/O:
 * packets and time come and go by function. All is bounded: PHONE_ICE_PAIRS of the peer's candidates
 * are tried, one check every PHONE_ICE_PACE_MS.
 *
 *   controlling  who offered, or whose peer is lite. Its checks nominate at once: the first pair that
 *                answers is selected, a better one that answers later takes its place
 *   controlled   selects what the peer's checks nominate
 *
 * The selected pair is checked every PHONE_ICE_CONSENT_MS (RFC 7675). Where PHONE_ICE_DOUBT checks in a
 * row are not answered, the others are tried again, and who controls takes the first that answers;
 * where none is for PHONE_ICE_LOST_MS, nothing is sent there any more. */
#ifndef SOTTO_PHONE_ICE_H
#define SOTTO_PHONE_ICE_H

#include "loop/loop.h"
#include "rtp/candidate.h"
#include "rtp/stun.h"
#include "sdp/sdp.h"

#define PHONE_ICE_PAIRS 8
#define PHONE_ICE_PACE_MS 50u /* Ta, RFC 8445 s.14 */
#define PHONE_ICE_RTO_MS 500u
#define PHONE_ICE_TRIES 7
#define PHONE_ICE_DOUBT 3
#define PHONE_ICE_CONSENT_MS 5000u
#define PHONE_ICE_LOST_MS 30000u
#define PHONE_ICE_TEXT_MAX 257 /* a fragment or password (RFC 8839 s.5.4), and a NUL */

struct phone_ice_pair {
    struct addr addr; /* family 0: free */
    uint8_t component;
    uint8_t tries; /* of the check under way */
    bool answered; /* once */
    uint32_t priority;
    uint64_t due, heard; /* ms */
    uint8_t txid[STUN_TXID_LEN];
};

struct phone_ice {
    struct loop *loop;
    void (*send)(void *arg, bool rtcp, const struct addr *to, struct slice packet);
    void (*selected_changed)(void *arg);
    void *arg;
    bool on; /* both sides do it */
    bool controlling, mux;
    bool lite; /* the peer is: a server */
    uint64_t tie;
    char ufrag[9], pwd[25];
    char peer_ufrag[PHONE_ICE_TEXT_MAX], peer_pwd[PHONE_ICE_TEXT_MAX];
    struct addr local[2];    /* ours, RTP and RTCP; family 0: none */
    struct addr other[2];    /* … of the other IP version */
    struct addr selected[2]; /* family 0: none */
    struct phone_ice_pair pairs[PHONE_ICE_PAIRS];
    struct loop_timer timer;
};

/* Borrows loop. `send` and `selected_changed` are called from within packets and timers only. */
void phone_ice_init(struct phone_ice *i, struct loop *l,
                    void (*send)(void *arg, bool rtcp, const struct addr *to, struct slice packet),
                    void (*selected_changed)(void *arg), void *arg);
void phone_ice_fini(struct phone_ice *i);
void phone_ice_stop(struct phone_ice *i); /* the call is over */
/* Our lines for a description. */
void phone_ice_put(struct buf *b, const struct phone_ice *i, bool mux);
/* The peer's description; checks begin where it does ICE. `offerer`: we offered. */
void phone_ice_take(struct phone_ice *i, const struct sdp *d, const struct sdp_media *m,
                    bool offerer, bool mux);
/* STUN that came in to one of our RTP or RTCP ports. */
void phone_ice_packet(struct phone_ice *i, bool rtcp, struct slice packet, const struct addr *from);

#endif
