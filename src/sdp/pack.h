/* Descriptions made short, for those that are kept long and read rarely: what most of them say in the same
 * words is one byte each. Pure; any bytes come back as they were. */
#ifndef SOTTO_SDP_PACK_H
#define SOTTO_SDP_PACK_H

#include "base/buf.h"

/* At most twice the length of the text. */
void sdp_pack(struct buf *b, struct slice text);
/* False: it was not made by sdp_pack, or does not fit. */
bool sdp_unpack(struct buf *b, struct slice packed) MUST_CHECK;

#endif
