#include "sip/into.h"

#include "sip/lex.h"

/* "SIP/2.0/UDP" with white space around the slashes: the byte after the transport, or NULL. Name
 * and version are any tokens (RFC 3261 s.25.1), so that 505 finds its way back. */
static const char *sent_protocol(const char *p, const char *end, struct slice *ret_transport)
{
    bool usual = end - p > 8 && memcmp(p, "SIP/2.0/", 8) == 0 && !lex_is_ws(p[8]);

    if (usual)
        p += 8;
    for (int i = 0; i < 2 && !usual; i++) {
        const char *q = lex_run(p, end, LEX_TOKEN);
        if (q == p)
            return NULL;
        p = lex_ws(q, end);
        if (p == end || *p != '/')
            return NULL;
        p = lex_ws(p + 1, end);
    }
    const char *q = lex_run(p, end, LEX_TOKEN);
    if (q == p)
        return NULL;
    *ret_transport = lex_between(p, q);
    return q;
}

static bool set_once(struct slice *field, struct slice value)
{
    if (field->p)
        return false;
    *field = value;
    return true;
}

/* False: a parameter that must come once came twice, or lacks its value. */
static bool take_param(struct sip_via *via, const struct lex_param *param)
{
    struct slice name = param->name, value = param->value;

    if (name.n == 6 && slice_eq_nocase(name, SLICE_LIT("branch")))
        return value.p && set_once(&via->branch, value);
    if (name.n == 8 && slice_eq_nocase(name, SLICE_LIT("received")))
        return value.p && set_once(&via->received, value);
    if (name.n != 5 || !slice_eq_nocase(name, SLICE_LIT("rport")))
        return true;
    via->rport = true;
    /* Without a value, its place: where a reply writes one. */
    return set_once(&via->rport_value, value.p ? value : lex_between(name.p + 5, name.p + 5));
}

int sip_via_parse_into(struct slice in, struct sip_via *via)
{
    if (in.n == 0)
        return SIP_PARSE_BAD;
    const char *end = in.p + in.n;
    const char *p = sent_protocol(lex_ws(in.p, end), end, &via->transport);

    via->raw = in;
    if (!p || p == end || !lex_is_ws(*p))
        return SIP_PARSE_BAD;
    p = lex_hostport(lex_ws(p, end), end, true, &via->host, &via->port);
    if (!p)
        return SIP_PARSE_BAD;
    p = lex_ws(p, end);
    if (p == end)
        return SIP_PARSE_OK;
    if (*p++ != ';')
        return SIP_PARSE_BAD;
    via->params = lex_trim(p, end);
    struct slice rest = lex_between(p, end);
    while (rest.p) {
        struct lex_param param;
        if (!lex_param_next(&rest, &param) || !take_param(via, &param))
            return SIP_PARSE_BAD;
    }
    return SIP_PARSE_OK;
}

int sip_via_parse(struct slice in, struct sip_via *ret)
{
    struct sip_via via = {.port = 0};

    if (sip_via_parse_into(in, &via) != SIP_PARSE_OK)
        return SIP_PARSE_BAD;
    *ret = via;
    return SIP_PARSE_OK;
}
