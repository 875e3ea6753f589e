/* Offer/answer arithmetic (RFC 3264) of a two-leg back-to-back core with relayed media: our
 * description towards one leg is printed from what the *other* leg's peer described.
 *
 *   attributes of one leg's keying and transport   -> text for the media role, never cross
 *   names of one leg's RTP session (mid, ssrc ...) -> stay behind; mid is mirrored in an answer
 *   everything else, known or not                  -> crosses
 *
 * An attribute that both sides must want (extmap, rtcp-fb, rtcp-rsize) crosses in an answer only
 * where the offer had it, and never to or from an m-line without a feedback profile.
 *
 * Typical walk. Caller A offers, callee B answers:
 *   sdp_leg_map(a, secure, &map)                          which m-lines go on to B
 *   per forwarded m-line: sdp_keying_text, sdp_codecs, sdp_rtp_addr ... -> media role
 *   sdp_leg_plan_offer(a, &map, &plan), fill, sdp_leg_print(buf, a, &plan)          offer to B
 *   sdp_answer_check(our offer to B, b)
 *   sdp_leg_plan_answer(a, b, &map, &plan), fill, sdp_leg_print(buf, b, &plan)      answer to A
 */
#ifndef SOTTO_SDP_LEG_H
#define SOTTO_SDP_LEG_H

#include "base/protection.h"
#include "sdp/sdp.h"

#define SDP_LEG_FORMATS_MAX SDP_FORMAT_MAX

/* Keying and transport lines of one m-line as "a=...\r\n" each: crypto, fingerprint, setup,
 * connection, tls-id, zrtp-hash, key-mgmt, ice-*, end-of-candidates, rtcp, rtcp-mux, rtcp-mux-only.
 * Not candidates, which can be many: our side of ICE does not use them. The session's come after the media's, each only where the media
 * has none of that name (RFC 8866 s.5.13, 8842 s.5, 8839 s.5). Its key-mgmt, which is for all m-lines in
 * turn (RFC 4567), is called session-key-mgmt there, and so in what is answered to it. */
void sdp_keying_text(struct buf *b, const struct sdp *d, const struct sdp_media *m);
bool sdp_attr_is_keying(enum sdp_attr_id id); /* goes to the media role */
/* Of the keyings `kinds`: the phones agree by such a line. */
bool sdp_attr_is_crossing(enum sdp_attr_id id, unsigned kinds);
bool sdp_attr_is_local(enum sdp_attr_id id); /* stays on its leg, for nobody */

/* Which m-lines of an offer go on to the other leg. Optional encryption written as two m-lines,
 * SAVP and AVP for the same media next to each other, is one stream: one line goes on, the other
 * is refused. */
struct sdp_leg_map {
    uint8_t count;            /* m-lines of the offer */
    uint8_t forwarded;        /* m-lines towards the other leg */
    int8_t to[SDP_MEDIA_MAX]; /* index there; -1: not forwarded, refused in the answer */
};
/* secure: take the SAVP line of such a pair, else the AVP line. */
void sdp_leg_map(const struct sdp *offer, bool secure, struct sdp_leg_map *ret);
/* The partner of m-line i in such a pair, or -1. */
int sdp_media_pair(const struct sdp *d, size_t i);

struct sdp_leg_media {
    bool refuse;         /* port 0 */
    int8_t other;        /* m-line of the other leg's description that it is made of; -1: none
                             (then it must be refused) */
    bool rtcp_mux;       /* say a=rtcp-mux */
    bool bundled;        /* in our BUNDLE group (RFC 8843): `rtp` is the same for all of it */
    bool direction_set;  /* say `direction`; else what the other leg's peer said */
    uint8_t direction;   /* enum sdp_direction */
    uint8_t proto;       /* enum sdp_proto, from the media role's reply */
    struct addr rtp;     /* ours; c= and port */
    struct addr rtcp;    /* ours; a=rtcp is printed where it is not the next port; family 0: none */
    struct slice keying; /* "a=...\r\n" lines from the media role's reply; rtcp and rtcp-mux
                             lines in it are left out, for this struct says them; ice-lite is said
                             in the session's section */
};

struct sdp_leg_plan {
    uint64_t session_id;
    struct slice last;   /* our last description on this leg: its o= version is kept where nothing
                          else changed, and incremented where something did; empty: first */
    struct addr address; /* for o=, and c= at session level */
    const struct sdp *offer;    /* the peer's offer that this answers; NULL: we offer */
    const struct slice *codecs; /* audio encodings allowed, best first: "PCMA", "speex/16000"; no
                                   regard to case */
    size_t codec_count;         /* 0: all, as they come */
    bool transcode; /* audio may be converted: an offer gets our codecs at its end, an answer of
                       which no codec was offered gets one that was */
    bool events; /* … and telephone-event as offered, though the other phone has none: what is said
                    that way goes on by other means */
    uint8_t
        crossing;   /* keyings (bits of enum keying_kind) whose lines cross from the other leg: its
                         keys are none of ours */
    bool direct;    /* … and its addresses are the phone's: ICE and RTCP lines cross, too */
    bool no_events; /* own descriptions: without telephone-event */
    uint8_t ptime;  /* own descriptions: ms of a packet; 0: 20, or as offered */
    uint8_t media_count;
    uint8_t pad_to; /* an offer that renews one with more m-lines: refused ones up to here */
    struct sdp_leg_media media[SDP_MEDIA_MAX];
};

/* Sets media_count, offer and media[].other, .refuse, .proto of an offer made of `other`, of an
 * answer to `offer` made of `other`. All else is zeroed and the caller's to fill. */
void sdp_leg_plan_offer(const struct sdp *other, const struct sdp_leg_map *map,
                        struct sdp_leg_plan *ret);
void sdp_leg_plan_answer(const struct sdp *offer, const struct sdp *other,
                         const struct sdp_leg_map *map, struct sdp_leg_plan *ret);
/* Our description. Check b->overflow afterwards. An m-line of which no codec is left is refused. */
void sdp_leg_print(struct buf *b, const struct sdp *other, const struct sdp_leg_plan *plan);

/* Payload types of m that the list allows, in the list's order; then telephone-event and comfort
 * noise of the clocks that were kept (RFC 4733 s.2.3). Only audio is filtered. Returns how many. */
size_t sdp_codecs_filter(const struct sdp *d, const struct sdp_media *m, const struct slice *codecs,
                         size_t codec_count, uint8_t ret_pt[SDP_FORMAT_MAX]);

/* Can the media role decode and encode it? The same set as codec/codec.h has. */
bool sdp_codec_is_convertible(const struct sdp_codec *c);
/* Opus' fmtp as far as it says something to who sends (RFC 7587 s.6.1). Total. */
struct sdp_opus {
    bool fec, cbr;
    uint32_t bitrate; /* maxaveragebitrate; 0: not said */
};
void sdp_opus_parse(struct slice fmtp, struct sdp_opus *ret);

/* --- descriptions of our own: built-in targets, late offers ---------------------------------- */

/* An offer of one audio stream (plan->media[0]; media_count 1) from a codec list of PCMA, PCMU,
 * G722, opus, L16; telephone-event is added. plan->codecs empty: PCMA, PCMU, G722, opus. */
void sdp_own_print_offer(struct buf *b, const struct sdp_leg_plan *plan);

enum sdp_own_verdict { SDP_OWN_OK = 0, SDP_OWN_NO_AUDIO, SDP_OWN_NO_CODEC };
struct sdp_own_choice {
    uint8_t media; /* m-line of the offer */
    uint8_t codec_count;
    struct sdp_codec codecs[2]; /* the codec; telephone-event of its clock where offered */
};
/* The first audio m-line that is alive (of a SAVP/AVP pair the one that `secure` says), and its
 * first codec that the list allows (empty list: any that is known). 0 or enum sdp_own_verdict. */
int sdp_own_choose(const struct sdp *offer, bool secure, const struct slice *codecs,
                   size_t codec_count, struct sdp_own_choice *ret) MUST_CHECK;
/* Prepares plan (zeroed, offer set, all but the chosen m-line refused) for the caller to fill. */
void sdp_own_plan_answer(const struct sdp *offer, const struct sdp_own_choice *c,
                         struct sdp_leg_plan *ret);
/* Payload types as offered, direction mirrored, ptime as offered; other m-lines refused. */
void sdp_own_print_answer(struct buf *b, const struct sdp_own_choice *c,
                          const struct sdp_leg_plan *plan);

/* --- checks ---------------------------------------------------------------------------------- */

enum sdp_fit {
    SDP_FIT_OK = 0,
    SDP_FIT_MEDIA_COUNT, /* RFC 3264 s.6: as many m-lines as the offer */
    SDP_FIT_KIND,        /* an m-line of another kind */
    SDP_FIT_REVIVED,     /* a stream that the offer refused */
    SDP_FIT_FORMATS,     /* none of an m-line's codecs was offered */
    SDP_FIT_COUNT
};
/* Compares codecs by name and clock, not by payload type: RFC 3264 s.6.1 allows other numbers. */
int sdp_answer_check(const struct sdp *offer, const struct sdp *answer) MUST_CHECK;
const char *sdp_fit_why(enum sdp_fit f);

enum sdp_change {
    SDP_CHANGE_ADDRESS = 1 << 0,   /* where the peer wants RTP or RTCP */
    SDP_CHANGE_DIRECTION = 1 << 1, /* hold, resume */
    SDP_CHANGE_CODECS = 1 << 2,    /* formats, rtpmap, fmtp, ptime */
    SDP_CHANGE_MEDIA = 1 << 3,     /* an m-line added, refused or revived, its kind or proto */
    SDP_CHANGE_KEYING = 1 << 4     /* text for the media role */
};
/* What differs between two descriptions of one peer: bits of enum sdp_change; 0: nothing. */
unsigned sdp_changes(const struct sdp *before, const struct sdp *now);
/* Are two of our own texts the same but for the o= line? */
bool sdp_text_same(struct slice a, struct slice b);

#endif
