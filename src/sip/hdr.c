#include "sip/hdr.h"

#include "sip/lex.h"

#define SEQ_MAX 0x7fffffffu /* CSeq: RFC 3261 s.8.1.1.5; RSeq: RFC 3262 s.3; reg-id: RFC 5626 */

/* Digits at p: the byte after them, or NULL (none, or above UINT32_MAX). */
static const char *number(const char *p, const char *end, uint32_t *ret)
{
    const char *start = p;
    uint64_t v = 0;

    for (; p < end && lex_is_digit(*p); p++) {
        v = v * 10 + (uint64_t)(*p - '0');
        if (v > UINT32_MAX)
            return NULL;
    }
    if (p == start)
        return NULL;
    *ret = (uint32_t)v;
    return p;
}

static const char *end_of(struct slice s)
{
    return s.p ? s.p + s.n : NULL;
}

/* White space at p, at least one. NULL: none. */
static const char *some_ws(const char *p, const char *end)
{
    return p && p < end && lex_is_ws(*p) ? lex_ws(p, end) : NULL;
}

/* The number that a parameter's value is, all of it. */
static bool param_number(struct slice value, uint32_t max, uint32_t *ret)
{
    uint32_t v;

    if (slice_to_u32(value, &v) < 0 || v > max)
        return false;
    *ret = v;
    return true;
}

int sip_number_parse(struct slice in, uint32_t *ret_v, struct slice *ret_params)
{
    struct slice params;
    uint32_t v;
    const char *end = end_of(in), *p = number(lex_ws(in.p, end), end, &v);

    if (!p || !lex_params_after(p, end, &params))
        return SIP_PARSE_BAD;
    *ret_v = v;
    *ret_params = params;
    return SIP_PARSE_OK;
}

static int plain_number(struct slice in, uint32_t min, uint32_t max, uint32_t *ret)
{
    uint32_t v;

    if (!param_number(slice_trim(in), max, &v) || v < min)
        return SIP_PARSE_BAD;
    *ret = v;
    return SIP_PARSE_OK;
}

int sip_rseq_parse(struct slice in, uint32_t *ret)
{
    return plain_number(in, 1, SEQ_MAX, ret);
}

int sip_max_forwards_parse(struct slice in, uint32_t *ret)
{
    return plain_number(in, 0, 255, ret);
}

int sip_expires_parse(struct slice in, uint32_t *ret)
{
    return plain_number(in, 0, UINT32_MAX, ret);
}

int sip_cseq_parse(struct slice in, uint32_t *ret_number, struct slice *ret_method)
{
    uint32_t v;
    const char *end = end_of(in);
    const char *p = some_ws(number(in.p, end, &v), end);

    if (!p || v > SEQ_MAX)
        return SIP_PARSE_BAD;
    const char *q = lex_run(p, end, LEX_TOKEN);
    if (q == p || lex_ws(q, end) != end)
        return SIP_PARSE_BAD;
    *ret_number = v;
    *ret_method = lex_between(p, q);
    return SIP_PARSE_OK;
}

int sip_rack_parse(struct slice in, struct sip_rack *ret)
{
    struct sip_rack rack;
    const char *end = end_of(in);
    const char *p = some_ws(number(in.p, end, &rack.rseq), end);

    if (!p || rack.rseq == 0 || rack.rseq > SEQ_MAX ||
        sip_cseq_parse(lex_between(p, end), &rack.cseq, &rack.method) != SIP_PARSE_OK)
        return SIP_PARSE_BAD;
    *ret = rack;
    return SIP_PARSE_OK;
}

int sip_session_expires_parse(struct slice in, struct sip_session_expires *ret)
{
    struct sip_session_expires se = {.refresher = SIP_REFRESHER_NONE};
    struct slice params, value;

    if (sip_number_parse(in, &se.seconds, &params) != SIP_PARSE_OK)
        return SIP_PARSE_BAD;
    if (sip_param_find(params, "refresher", &value)) {
        if (slice_eq_nocase(value, SLICE_LIT("uac")))
            se.refresher = SIP_REFRESHER_UAC;
        else if (slice_eq_nocase(value, SLICE_LIT("uas")))
            se.refresher = SIP_REFRESHER_UAS;
        else
            return SIP_PARSE_BAD;
    }
    *ret = se;
    return SIP_PARSE_OK;
}

/* p at a '(': the byte after the ')' that matches it (RFC 3261 s.25.1 comment), or NULL. */
static const char *comment(const char *p, const char *end)
{
    int depth = 0;

    for (; p < end; p++) {
        if (*p == '(')
            depth++;
        else if (*p == ')' && --depth == 0)
            return p + 1;
        else if (*p == '\\' && ++p == end)
            break;
    }
    return NULL;
}

int sip_retry_after_parse(struct slice in, struct sip_retry_after *ret)
{
    struct sip_retry_after ra = {.seconds = 0};
    struct slice params, value;
    const char *end = end_of(in), *p = number(in.p, end, &ra.seconds);

    if (!p)
        return SIP_PARSE_BAD;
    p = lex_ws(p, end);
    if (p < end && *p == '(') {
        const char *q = comment(p, end);
        if (!q)
            return SIP_PARSE_BAD;
        ra.comment = lex_between(p + 1, q - 1);
        p = q;
    }
    if (!lex_params_after(p, end, &params))
        return SIP_PARSE_BAD;
    ra.has_duration = sip_param_find(params, "duration", &value);
    if (ra.has_duration && !param_number(value, UINT32_MAX, &ra.duration))
        return SIP_PARSE_BAD;
    *ret = ra;
    return SIP_PARSE_OK;
}

int sip_replaces_parse(struct slice in, struct sip_replaces *ret)
{
    struct sip_replaces r = {.early_only = false};
    struct slice params, value;
    const char *end = end_of(in), *p = lex_ws(in.p, end), *q = lex_run(p, end, LEX_WORD);

    if (q == p || !lex_params_after(q, end, &params))
        return SIP_PARSE_BAD;
    r.call_id = lex_between(p, q);
    if (!sip_param_find(params, "to-tag", &r.to_tag) || r.to_tag.n == 0 ||
        !sip_param_find(params, "from-tag", &r.from_tag) || r.from_tag.n == 0)
        return SIP_PARSE_BAD;
    r.early_only = sip_param_find(params, "early-only", &value);
    *ret = r;
    return SIP_PARSE_OK;
}

int sip_token_params_parse(struct slice in, struct sip_token_params *ret)
{
    struct sip_token_params t;
    const char *end = end_of(in), *p = lex_ws(in.p, end), *q = lex_run(p, end, LEX_TOKEN);

    if (q == p || !lex_params_after(q, end, &t.params))
        return SIP_PARSE_BAD;
    t.token = lex_between(p, q);
    *ret = t;
    return SIP_PARSE_OK;
}

int sip_reason_parse(struct slice in, struct sip_reason *ret)
{
    struct sip_token_params t;
    struct slice value;

    if (sip_token_params_parse(in, &t) != SIP_PARSE_OK)
        return SIP_PARSE_BAD;
    struct sip_reason r = {.protocol = t.token};
    r.has_cause = sip_param_find(t.params, "cause", &value);
    if (r.has_cause && !param_number(value, UINT32_MAX, &r.cause))
        return SIP_PARSE_BAD;
    if (!sip_param_find(t.params, "text", &r.text))
        r.text = SLICE_NONE;
    *ret = r;
    return SIP_PARSE_OK;
}

/* digits [ "." [digits] ], at least one digit: the byte after it, or NULL. */
static const char *decimal(const char *p, const char *end)
{
    const char *start = p;

    while (p < end && lex_is_digit(*p))
        p++;
    if (p == start)
        return NULL;
    if (p < end && *p == '.') {
        for (p++; p < end && lex_is_digit(*p); p++)
            ;
    }
    return p;
}

int sip_timestamp_parse(struct slice in, struct sip_timestamp *ret)
{
    in = slice_trim(in);
    struct sip_timestamp t = {.delay = SLICE_NONE};
    const char *end = end_of(in), *q = decimal(in.p, end);

    if (!q)
        return SIP_PARSE_BAD;
    t.value = lex_between(in.p, q);
    if (q < end) {
        const char *p = some_ws(q, end);
        if (!p || decimal(p, end) != end)
            return SIP_PARSE_BAD;
        t.delay = lex_between(p, end);
    }
    *ret = t;
    return SIP_PARSE_OK;
}

/* RFC 3261 s.25.1: "0" or "1" with up to three decimals. */
int sip_q_parse(struct slice in, uint16_t *ret)
{
    static const uint16_t weight[] = {100, 10, 1};

    if (in.n == 0 || in.n > 5 || (in.p[0] != '0' && in.p[0] != '1') || (in.n > 1 && in.p[1] != '.'))
        return SIP_PARSE_BAD;
    unsigned v = (unsigned)(in.p[0] - '0') * 1000;
    for (size_t i = 2; i < in.n; i++) {
        if (!lex_is_digit(in.p[i]))
            return SIP_PARSE_BAD;
        v += (unsigned)(in.p[i] - '0') * weight[i - 2];
    }
    if (v > 1000)
        return SIP_PARSE_BAD;
    *ret = (uint16_t)v;
    return SIP_PARSE_OK;
}

static bool contact_param(struct sip_contact *c, const struct lex_param *param)
{
    struct slice value = param->value;

    if (slice_eq_nocase(param->name, SLICE_LIT("q")))
        return sip_q_parse(value, &c->q) == SIP_PARSE_OK;
    if (slice_eq_nocase(param->name, SLICE_LIT("expires"))) {
        c->has_expires = true;
        return param_number(value, UINT32_MAX, &c->expires);
    }
    if (slice_eq_nocase(param->name, SLICE_LIT("reg-id"))) {
        c->has_reg_id = true;
        return param_number(value, SEQ_MAX, &c->reg_id) && c->reg_id > 0;
    }
    if (slice_eq_nocase(param->name, SLICE_LIT("+sip.ice"))) {
        /* RFC 3840 s.9: a tag alone says TRUE. */
        c->ice = !slice_eq_nocase(value, SLICE_LIT("\"FALSE\""));
        return true;
    }
    if (slice_eq_nocase(param->name, SLICE_LIT("+sip.instance"))) {
        if (value.n < 2 || value.p[0] != '"')
            return false;
        c->instance = slice_from(value.p + 1, value.n - 2);
    }
    return true;
}

int sip_contact_parse(struct slice in, struct sip_contact *ret)
{
    struct sip_contact c = {.q = 1000};

    if (sip_addr_parse(in, &c.addr) != SIP_PARSE_OK)
        return SIP_PARSE_BAD;
    struct slice rest = c.addr.params;
    while (rest.p) {
        struct lex_param param;
        if (!lex_param_next(&rest, &param) || !contact_param(&c, &param))
            return SIP_PARSE_BAD;
    }
    *ret = c;
    return SIP_PARSE_OK;
}

void sip_put_warning(struct buf *b, uint16_t code, const char *host, struct slice text)
{
    BUF_PUT_LIT(b, "Warning: ");
    buf_put_u64(b, code);
    buf_put_char(b, ' ');
    buf_put_str(b, host);
    buf_put_char(b, ' ');
    sip_put_quoted(b, text);
    BUF_PUT_LIT(b, "\r\n");
}
