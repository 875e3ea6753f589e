#include "sip/head.h"

#include "sip/lex.h"

int sip_head_size(struct slice in, size_t max, size_t *ret_n)
{
    const char *p = in.p, *stop, *end = in.p ? in.p + (in.n > max ? max : in.n) : NULL;

    for (;; p = stop + 2) {
        enum lex_line kind = lex_line(p, end, &stop);
        if (kind == LEX_LINE_OPEN)
            return in.n >= max ? SIP_FRAME_TOO_LARGE : SIP_FRAME_MORE;
        if (kind == LEX_LINE_BARE)
            return SIP_FRAME_BAD;
        if (stop == p)
            break;
    }
    *ret_n = (size_t)(stop + 2 - in.p);
    return SIP_FRAME_OK;
}

struct slice sip_head_line(struct slice *rest)
{
    const char *p = rest->p, *end = rest->p ? p + rest->n : NULL, *stop;

    if (lex_line(p, end, &stop) != LEX_LINE_OK) {
        *rest = SLICE_NONE;
        return SLICE_NONE;
    }
    *rest = lex_between(stop + 2, end);
    return lex_between(p, stop);
}

int sip_head_next(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
    struct slice line = sip_head_line(rest);

    if (line.n == 0)
        return SIP_HEAD_END;
    const char *end = line.p + line.n, *colon = lex_run(line.p, end, LEX_TOKEN);
    if (colon == line.p || colon == end || *colon != ':' || memchr(line.p, '\r', line.n))
        return SIP_HEAD_BAD;
    *ret_name = lex_between(line.p, colon);
    *ret_value = lex_trim(colon + 1, end);
    return SIP_HEAD_FIELD;
}
