/* A head as SIP and HTTP/1.1 share it: a start line and fields, each ended by CRLF, then an empty
 * line. For the requests of RFC 6455, which are no SIP: a message of SIP goes to sip_msg_frame and
 * sip_msg_parse, which cut lines by the same rules. */
#ifndef SOTTO_SIP_HEAD_H
#define SOTTO_SIP_HEAD_H

#include "sip/msg.h"

/* How long is the head that `in` starts with? SIP_FRAME_OK with *ret_n (empty line included),
 * SIP_FRAME_MORE, SIP_FRAME_BAD (a bare CR or LF), SIP_FRAME_TOO_LARGE (no end within `max`). */
int sip_head_size(struct slice in, size_t max, size_t *ret_n) MUST_CHECK;

/* The first line of a whole head; *rest is what follows it. */
struct slice sip_head_line(struct slice *rest);

enum sip_head_field { SIP_HEAD_FIELD = 0, SIP_HEAD_END, SIP_HEAD_BAD };
/* The next field, cut off *rest; the value is trimmed. BAD: no name, white space before the colon, or
 * a value that goes on in the next line (RFC 9112 s.5.1, s.5.2: both have smuggled requests). */
int sip_head_next(struct slice *rest, struct slice *ret_name, struct slice *ret_value) MUST_CHECK;

#endif
