/* Bodies of requests and answers. */
#ifndef SOTTO_CALL_CONTENT_H
#define SOTTO_CALL_CONTENT_H

#include "sip/msg.h"

enum content_kind { CONTENT_NONE, CONTENT_SDP, CONTENT_OTHER };

/* The session description of a message, on its own or as a part of multipart/mixed. */
enum content_kind content_find_sdp(const struct sip_msg *m, struct slice *ret_sdp);

/* Copies the headers that may cross to the other leg, by name: all others stay behind, whatever
 * they are called (RFC 7092 s.3.1; the caller's infrastructure is none of the callee's business). */
void content_put_crossing(struct buf *b, const struct sip_msg *m);

#endif
