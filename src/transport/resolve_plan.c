#include "transport/resolve_plan.h"

static uint16_t default_port(enum transport_kind k)
{
    static const uint16_t ports[TRANSPORT_KIND_COUNT] = {[TRANSPORT_UDP] = 5060,
                                                         [TRANSPORT_TCP] = 5060,
                                                         [TRANSPORT_TLS] = 5061,
                                                         [TRANSPORT_WS] = 80,
                                                         [TRANSPORT_WSS] = 443};
    return ports[k];
}

const char *resolve_srv_prefix(enum transport_kind k)
{
    static const char *const prefixes[TRANSPORT_KIND_COUNT] = {[TRANSPORT_UDP] = "_sip._udp.",
                                                               [TRANSPORT_TCP] = "_sip._tcp.",
                                                               [TRANSPORT_TLS] = "_sips._tcp.",
                                                               [TRANSPORT_WS] = "",
                                                               [TRANSPORT_WSS] = ""};
    return prefixes[k];
}

/* The transport that the URI names or implies. */
static const char *find_kind(const struct sip_uri *uri, struct resolve_plan *p, bool *ret_named)
{
    struct slice name;

    *ret_named = sip_param_find(uri->params, "transport", &name);
    p->kind = p->sips ? TRANSPORT_TLS : TRANSPORT_UDP;
    if (!*ret_named)
        return NULL;
    if (transport_kind_parse(name, &p->kind) < 0)
        return "the URI names a transport that is not known";
    if (!p->sips)
        return NULL;
    if (p->kind == TRANSPORT_UDP)
        return "a sips URI needs TLS, but this one asks for UDP";
    /* RFC 3261 s.26.2.2: sips with transport=tcp is TLS over TCP. */
    if (p->kind == TRANSPORT_TCP)
        p->kind = TRANSPORT_TLS;
    if (p->kind == TRANSPORT_WS)
        p->kind = TRANSPORT_WSS;
    return NULL;
}

const char *resolve_plan_make(const struct sip_uri *uri, struct resolve_plan *ret)
{
    struct resolve_plan p = {.sips = uri->scheme == SIP_SCHEME_SIPS};
    bool named;

    if (uri->scheme != SIP_SCHEME_SIP && uri->scheme != SIP_SCHEME_SIPS)
        return "only sip and sips URIs can be reached";
    const char *why = find_kind(uri, &p, &named);
    if (why)
        return why;
    if (uri->host.n == 0 || !slice_to_str(uri->host, p.host, sizeof(p.host) - 16))
        return "the URI's host is empty or too long";
    p.port = uri->port ? uri->port : default_port(p.kind);
    if (addr_parse(uri->host, p.port, &p.addr) == 0)
        p.way = RESOLVE_NUMERIC;
    else if (uri->port || resolve_srv_prefix(p.kind)[0] == '\0')
        p.way = RESOLVE_HOST;
    else
        p.way = named ? RESOLVE_SRV : RESOLVE_NAPTR;
    *ret = p;
    return NULL;
}

static void swap_srv(struct resolve_srv *a, struct resolve_srv *b)
{
    struct resolve_srv t = *a;
    *a = *b;
    *b = t;
}

/* The first of v[0..n) becomes one drawn by weight among the lowest priority. */
static void draw(struct resolve_srv *v, size_t n, uint32_t (*lot)(void *arg, uint32_t max),
                 void *arg)
{
    uint32_t sum = 0;
    uint16_t lowest = v[0].priority;
    size_t pick = 0;

    for (size_t i = 1; i < n; i++)
        lowest = v[i].priority < lowest ? v[i].priority : lowest;
    for (size_t i = 0; i < n; i++)
        sum += v[i].priority == lowest ? v[i].weight : 0;
    uint32_t left = sum ? lot(arg, sum) : 0;
    for (size_t i = 0; i < n; i++) {
        if (v[i].priority != lowest)
            continue;
        pick = i;
        /* Weight 0 has a chance only where the lot is 0 (RFC 2782). */
        if (v[i].weight >= left)
            break;
        left -= v[i].weight;
    }
    swap_srv(&v[0], &v[pick]);
}

void resolve_srv_order(struct resolve_srv *v, size_t n, uint32_t (*lot)(void *arg, uint32_t max),
                       void *arg)
{
    for (size_t i = 0; i + 1 < n; i++)
        draw(v + i, n - i, lot, arg);
}

bool resolve_naptr_kind(const char *service, const char *flags, bool sips, enum transport_kind *ret)
{
    static const struct {
        const char *service;
        enum transport_kind kind;
    } rows[] = {
        {"SIP+D2U", TRANSPORT_UDP}, {"SIP+D2T", TRANSPORT_TCP}, {"SIPS+D2T", TRANSPORT_TLS}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (slice_eq_nocase_str(slice_from_str(service), rows[i].service) &&
            slice_eq_nocase_str(slice_from_str(flags), "s") &&
            (!sips || rows[i].kind == TRANSPORT_TLS)) {
            *ret = rows[i].kind;
            return true;
        }
    }
    return false;
}

static bool naptr_before(const struct resolve_naptr *a, const struct resolve_naptr *b)
{
    return a->order != b->order ? a->order < b->order : a->preference < b->preference;
}

void resolve_naptr_order(struct resolve_naptr *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t j = i; j > 0 && naptr_before(&v[j], &v[j - 1]); j--) {
            struct resolve_naptr t = v[j];
            v[j] = v[j - 1];
            v[j - 1] = t;
        }
    }
}
