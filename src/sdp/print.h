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

#endif
