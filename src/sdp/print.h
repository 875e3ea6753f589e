/* Within sdp: the lines that every description of ours consists of. */
#ifndef SOTTO_SDP_PRINT_H
#define SOTTO_SDP_PRINT_H

#include "sdp/leg.h"

/* The body behind o=: prints from `s=` on. */
typedef void sdp_body_fn(struct buf *b, const void *arg, const struct sdp_leg_plan *plan);

/* v=, o= and the body; the version follows plan->last (RFC 3264 s.8: one more where the text
 * differs). */
void sdp_put_versioned(struct buf *b, const struct sdp_leg_plan *plan, sdp_body_fn *body,
                       const void *arg);
void sdp_put_session(struct buf *b, const struct sdp_leg_plan *plan, const struct sdp *bandwidth);
/* Of the session, because browsers want them there: the BUNDLE group, ICE-lite. `live`: m-lines that
 * are not refused, bit i for m-line i. */
void sdp_put_session_transport(struct buf *b, const struct sdp_leg_plan *plan, unsigned live);
void sdp_put_m_line(struct buf *b, struct slice kind, uint16_t port, const char *proto);
/* c=, where the stream's address is not the session's. */
void sdp_put_media_connection(struct buf *b, const struct sdp_leg_plan *plan,
                              const struct sdp_leg_media *lm);
/* "a=rtpmap:8 PCMA/8000": from the description's own line, or the static table. */
void sdp_put_attr(struct buf *b, struct slice line);
/* mutual.c: attributes that work only where both ends want them (extmap, rtcp-fb, rtcp-rsize): may
 * this one of the other leg's m-line cross? True for all others. */
bool sdp_mutual_crosses(const struct sdp_attr *a, const struct sdp_media *from,
                        const struct sdp_leg_plan *plan, size_t i);
/* direction, rtcp, rtcp-mux, mid of the offer, keying text: what ends each live m-line. */
void sdp_put_transport(struct buf *b, const struct sdp_leg_plan *plan, size_t i,
                       enum sdp_direction direction);
/* m= line with port 0 (RFC 3264 s.6), of the kind, proto and formats of `like`; NULL: audio. d NULL
 * or whose `like` is: where it has a mid, that too. */
void sdp_put_refused(struct buf *b, const struct sdp *d, const struct sdp_media *like);
/* `said`, but in an answer nothing that the offer does not allow (RFC 3264 s.6.1). */
enum sdp_direction sdp_leg_direction(const struct sdp_leg_plan *plan, size_t i,
                                     enum sdp_direction said);

/* --- own.c: codecs that we speak or convert to ------------------------------------------------- */

#define SDP_OWN_DEFAULT 4 /* the first ones, where no list says which */
#define SDP_OWN_AUDIO 5   /* … are audio, the others events */
#define SDP_OWN_ALL 8
struct sdp_own_codec {
    const char *name;
    uint8_t pt;
    uint32_t clock;
    const char *map, *fmtp; /* fmtp: or NULL */
};
extern const struct sdp_own_codec sdp_own_codecs[SDP_OWN_ALL];
/* Those of plan->codecs in its order, and the events of their clocks: indexes; returns how many. */
size_t sdp_own_list(const struct sdp_leg_plan *plan, uint8_t list[SDP_OWN_ALL]);
void sdp_put_own_codec(struct buf *b, const struct sdp_own_codec *c, uint8_t pt);
void sdp_put_ptime(struct buf *b, uint16_t ms); /* 0: 20 */
/* The first audio codec that the list allows, in the offer's order, and its events. */
bool sdp_choose_codec(const struct sdp *offer, const struct sdp_media *m,
                      const struct slice *codecs, size_t codec_count, bool convertible,
                      struct sdp_own_choice *ret);
/* The m-line c->media of an answer that takes just these. */
void sdp_put_chosen(struct buf *b, const struct sdp_own_choice *c, const struct sdp_leg_plan *plan,
                    enum sdp_direction said);

/* --- convert.c: what is added because the media role can convert it ---------------------------- */

struct sdp_extra {
    uint8_t own; /* index into sdp_own_codecs */
    uint8_t pt;  /* free in this m-line */
};
/* Codecs for our offer beside the `pt_count` ones that stay of m; returns how many. None where m has
 * no audio that can be converted. */
size_t sdp_extras(const struct sdp *d, const struct sdp_media *m, const struct sdp_leg_plan *plan,
                  const uint8_t *pt, size_t pt_count, struct sdp_extra ret[SDP_OWN_ALL]);
/* Of the formats of m that are left for our answer: those that the offer's m-line has, too. 0: there
 * is no audio among them. */
size_t sdp_offered_only(const struct sdp *d, const struct sdp_media *m, const struct sdp *offer,
                        const struct sdp_media *offered, uint8_t *pt, size_t pt_count);
/* telephone-event of an offer's m-line for our answer, of clocks that its `pt_count` formats (of m) have,
 * where none of them is one. Returns how many. */
size_t sdp_offered_events(const struct sdp *d, const struct sdp_media *m, const struct sdp *offer,
                          const struct sdp_media *offered, const uint8_t *pt, size_t pt_count,
                          struct sdp_extra ret[SDP_OWN_ALL]);

#endif
