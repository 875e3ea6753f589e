/* Where does a message on a stream end? Only the lines' ends and Content-Length are looked at. The
 * lines are cut exactly as sip_msg_parse cuts them: two opinions would be a way to smuggle. */
#include "sip/msg.h"

#include "sip/hdr_id.h"
#include "sip/lex.h"

/* The value of a Content-Length line, or p == NULL. */
static struct slice length_value(const char *p, const char *stop)
{
    const char *q = lex_run(p, stop, LEX_TOKEN), *colon = q;

    while (colon < stop && (*colon == ' ' || *colon == '\t'))
        colon++;
    if (colon == stop || *colon != ':' || q == p ||
        lex_hdr_id(lex_between(p, q)) != SIP_HDR_CONTENT_LENGTH)
        return SLICE_NONE;
    return lex_trim(colon + 1, stop);
}

/* Walks the lines from p to the blank one: *ret_length and the first byte of the body. */
static int frame_head(const char *p, const char *end, uint32_t *ret_length, const char **ret_body)
{
    const char *stop;
    bool found = false;
    uint32_t length = 0;

    for (;; p = stop + 2) {
        enum lex_line kind = lex_line(p, end, &stop);
        if (kind == LEX_LINE_OPEN)
            return SIP_FRAME_MORE;
        if (kind == LEX_LINE_BARE)
            return SIP_FRAME_BAD;
        if (stop == p)
            break;
        if (end - stop == 2) /* the next byte may be a fold */
            return SIP_FRAME_MORE;
        if ((*p | 0x20) != 'c' && (*p | 0x20) != 'l')
            continue;
        struct slice v = length_value(p, stop);
        if (!v.p)
            continue;
        /* Two lengths would let two readers disagree about where the next message starts. */
        if (found || slice_to_u32(v, &length) < 0)
            return SIP_FRAME_BAD;
        found = true;
    }
    if (!found)
        return SIP_FRAME_BAD; /* RFC 3261 s.18.3: needed on streams */
    *ret_length = length;
    *ret_body = stop + 2;
    return SIP_FRAME_OK;
}

int sip_msg_frame(struct slice in, size_t *ret_skip, size_t *ret_n)
{
    const char *p = in.p, *end = in.p ? in.p + in.n : NULL, *body;
    uint32_t length;

    while (end - p >= 2 && p[0] == '\r' && p[1] == '\n')
        p += 2;
    size_t skip = (size_t)(p - in.p), left = (size_t)(end - p);
    int r = frame_head(p, left > SIP_HEAD_MAX ? p + SIP_HEAD_MAX : end, &length, &body);

    if (r == SIP_FRAME_MORE)
        return left > SIP_HEAD_MAX ? SIP_FRAME_TOO_LARGE : SIP_FRAME_MORE;
    if (r != SIP_FRAME_OK)
        return r;
    size_t head = (size_t)(body - p);
    if (length > SIP_MSG_MAX - head)
        return SIP_FRAME_TOO_LARGE;
    if (left - head < length)
        return SIP_FRAME_MORE;
    *ret_skip = skip;
    *ret_n = head + length;
    return SIP_FRAME_OK;
}
