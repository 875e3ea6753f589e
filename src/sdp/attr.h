/* Within sdp: attribute lines and tokens. */
#ifndef SOTTO_SDP_ATTR_H
#define SOTTO_SDP_ATTR_H

#include "sdp/sdp.h"

/* Takes the next run without white space off the front of `rest`; .n 0: none left. */
static inline struct slice sdp_token(struct slice *rest)
{
    const char *p = rest->p, *end = rest->n ? rest->p + rest->n : rest->p;

    while (p != end && (*p == ' ' || *p == '\t'))
        p++;
    const char *start = p;
    while (p != end && *p != ' ' && *p != '\t')
        p++;
    *rest = (struct slice){p, (size_t)(end - p)};
    return (struct slice){start, (size_t)(p - start)};
}

/* `line` without "a=", trimmed. */
void sdp_attr_set(struct sdp_attr *a, struct slice line);
enum sdp_attr_id sdp_attr_id_of(struct slice name);

/* The payload type that an rtpmap, fmtp or rtcp-fb value begins with; -1: none ("*"). What
 * follows it is left in `value`. */
int sdp_attr_pt(struct slice *value);
/* rtpmap's "PCMA/8000" or "opus/48000/2", without the payload type. */
bool sdp_rtpmap_parse(struct slice map, struct sdp_codec *ret);
const char *sdp_static_rtpmap(uint8_t pt); /* RFC 3551 s.6; NULL: none */

/* bundle.c: the whole description is there; bundle-only m-lines get their bundle's port. */
void sdp_bundle_revive(struct sdp *d);

/* What stands in the keying text of m, one by one. Start with *cursor 0; NULL: no more. */
const struct sdp_attr *sdp_keying_next(const struct sdp *d, const struct sdp_media *m,
                                       size_t *cursor);

#endif
