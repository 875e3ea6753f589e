/* The parser: one pass over the lines. Each line's letter picks a row of a const table; a section
 * (the session, then each m-line) collects its lines until the next m-line. */
#include "sdp/sdp.h"

#include "sdp/attr.h"

struct parser {
    struct sdp *d;
    struct sdp_media *m; /* NULL: still the session's section */
    uint16_t attrs_used;
    uint8_t direction; /* the session's: every media's default */
};

static const char *const verdict_why[SDP_VERDICT_COUNT] = {
    [SDP_OK] = "fine",
    [SDP_EMPTY] = "the session description is empty",
    [SDP_TOO_LONG] = "the session description is too long",
    [SDP_TOO_MANY_MEDIA] = "the session description has too many m= lines",
    [SDP_TOO_MANY_FORMATS] = "an m= line has too many formats",
    [SDP_TOO_MANY_ATTRS] = "the session description has too many a= lines",
    [SDP_TOO_MANY_BANDWIDTHS] = "a section has too many b= lines",
    [SDP_BAD_VERSION] = "the session description does not begin with v=0",
    [SDP_BAD_LINE] = "a line of the session description cannot be read",
    [SDP_BAD_MEDIA] = "an m= line cannot be read",
    [SDP_BAD_CONNECTION] = "a c= line is not of the form IN IP4 or IN IP6 and an address",
};

const char *sdp_verdict_why(enum sdp_verdict v)
{
    return verdict_why[v];
}

#define NAME(lit)            \
    {                        \
        lit, sizeof(lit) - 1 \
    }
static const struct slice proto_names[SDP_PROTO_COUNT] = {
    [SDP_AVP] = NAME("RTP/AVP"),
    [SDP_AVPF] = NAME("RTP/AVPF"),
    [SDP_SAVP] = NAME("RTP/SAVP"),
    [SDP_SAVPF] = NAME("RTP/SAVPF"),
    [SDP_UDP_TLS_SAVP] = NAME("UDP/TLS/RTP/SAVP"),
    [SDP_UDP_TLS_SAVPF] = NAME("UDP/TLS/RTP/SAVPF"),
    [SDP_PROTO_OTHER] = NAME("RTP/AVP"),
};
static const struct slice kind_names[SDP_KIND_OTHER] = {
    [SDP_AUDIO] = NAME("audio"),
    [SDP_VIDEO] = NAME("video"),
    [SDP_APPLICATION] = NAME("application"),
};

const char *sdp_proto_name(enum sdp_proto p)
{
    return proto_names[p].p;
}

/* Index in `names`, or n. The length decides nearly always. */
static uint8_t name_find(const struct slice *names, uint8_t n, struct slice s)
{
    for (uint8_t i = 0; i < n; i++) {
        if (names[i].n == s.n && slice_eq_nocase(s, names[i]))
            return i;
    }
    return n;
}

/* A payload type, or -1. */
static int payload_type(struct slice s)
{
    int v = 0;

    if (s.n == 0 || s.n > 3)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        v = v * 10 + (s.p[i] - '0');
    }
    return v <= 127 ? v : -1;
}

static int formats_parse(struct slice list, struct sdp_media *m)
{
    bool numbers = true;
    size_t n = 0;

    m->pt_count = 0;
    m->formats = list;
    for (struct slice rest = list, f = sdp_token(&rest); f.n; f = sdp_token(&rest)) {
        if (n == SDP_FORMAT_MAX)
            return SDP_TOO_MANY_FORMATS;
        int pt = payload_type(f);
        numbers = numbers && pt >= 0;
        m->pt[n++] = (uint8_t)pt;
    }
    if (numbers)
        m->pt_count = (uint8_t)n;
    /* A refused stream's list is of no use to anyone; some phones leave it out. */
    return n || m->port == 0 ? SDP_OK : SDP_BAD_MEDIA;
}

static int take_media(struct parser *p, struct slice value)
{
    struct sdp *d = p->d;

    if (d->media_count == SDP_MEDIA_MAX)
        return SDP_TOO_MANY_MEDIA;
    struct sdp_media *m = p->m = &d->media[d->media_count];
    m->connection = m->title = SLICE_NONE;
    m->bandwidth_count = 0;
    m->attr_first = p->attrs_used;
    m->attr_count = 0;
    m->direction = p->direction;

    m->kind_text = sdp_token(&value);
    m->kind = name_find(kind_names, SDP_KIND_OTHER, m->kind_text);
    struct slice count = sdp_token(&value), port = slice_cut(&count, '/'); /* "4000/2" */
    m->proto_text = sdp_token(&value);
    m->proto = name_find(proto_names, SDP_PROTO_OTHER, m->proto_text);

    uint32_t port_number = 0, port_count = 1;
    if (slice_to_u32(port, &port_number) != 0 || port_number > UINT16_MAX ||
        (count.n && (slice_to_u32(count, &port_count) != 0 || port_count > UINT16_MAX)) ||
        m->proto_text.n == 0)
        return SDP_BAD_MEDIA;
    m->port = (uint16_t)port_number;
    m->port_count = (uint16_t)port_count;
    d->media_count++;
    return formats_parse(slice_trim(value), m);
}

static int take_attr(struct parser *p, struct slice value)
{
    if (p->attrs_used == SDP_ATTR_MAX)
        return SDP_TOO_MANY_ATTRS;
    struct sdp_attr *a = &p->d->attrs[p->attrs_used++];
    sdp_attr_set(a, value);
    uint16_t *count = p->m ? &p->m->attr_count : &p->d->attr_count;
    ++*count;

    if (a->id >= SDP_A_SENDRECV && a->id <= SDP_A_INACTIVE) {
        uint8_t *direction = p->m ? &p->m->direction : &p->direction;
        *direction = (uint8_t)(a->id - SDP_A_SENDRECV);
    }
    return SDP_OK;
}

static int take_connection(struct parser *p, struct slice value)
{
    struct slice *c = p->m ? &p->m->connection : &p->d->connection;
    struct slice rest = value;

    if (!slice_eq_nocase(sdp_token(&rest), SLICE_LIT("IN")) ||
        !slice_starts_with_nocase(sdp_token(&rest), SLICE_LIT("IP")) || sdp_token(&rest).n == 0)
        return SDP_BAD_CONNECTION;
    if (c->n == 0) /* several are layered multicast (RFC 8866 s.5.7); the first is the base layer */
        *c = value;
    return SDP_OK;
}

static int take_bandwidth(struct parser *p, struct slice value)
{
    struct slice *list = p->m ? p->m->bandwidth : p->d->bandwidth;
    uint8_t *count = p->m ? &p->m->bandwidth_count : &p->d->bandwidth_count;

    if (*count == SDP_BANDWIDTH_MAX)
        return SDP_TOO_MANY_BANDWIDTHS;
    list[(*count)++] = value;
    return SDP_OK;
}

static int take_info(struct parser *p, struct slice value)
{
    if (p->m)
        p->m->title = value;
    return SDP_OK;
}

static int take_origin(struct parser *p, struct slice value)
{
    p->d->origin = value;
    return SDP_OK;
}

static int take_name(struct parser *p, struct slice value)
{
    p->d->name = value;
    return SDP_OK;
}

static int take_timing(struct parser *p, struct slice value)
{
    if (p->d->timing.n == 0)
        p->d->timing = value;
    return SDP_OK;
}

/* By the line's letter. NULL: read over, also letters that do not exist yet. */
static int (*const takers[26])(struct parser *, struct slice) = {
    ['a' - 'a'] = take_attr, ['b' - 'a'] = take_bandwidth, ['c' - 'a'] = take_connection,
    ['i' - 'a'] = take_info, ['m' - 'a'] = take_media,     ['o' - 'a'] = take_origin,
    ['s' - 'a'] = take_name, ['t' - 'a'] = take_timing,
};

/* The next line that is not blank, without its end and trailing space; .n 0: no more. */
static struct slice next_line(struct slice *rest)
{
    while (rest->n) {
        const char *nl = memchr(rest->p, '\n', rest->n);
        struct slice line = {rest->p, nl ? (size_t)(nl - rest->p) : rest->n};

        rest->p += line.n + (nl != NULL);
        rest->n -= line.n + (nl != NULL);
        while (line.n && (unsigned char)line.p[line.n - 1] <= ' ')
            line.n--;
        if (line.n)
            return line;
    }
    return SLICE_NONE;
}

static int parse_line(struct parser *p, struct slice line)
{
    if (line.n < 2 || line.p[1] != '=' || line.p[0] < 'a' || line.p[0] > 'z')
        return SDP_BAD_LINE;
    struct slice value = {line.p + 2, line.n - 2};
    while (value.n && (*value.p == ' ' || *value.p == '\t')) {
        value.p++;
        value.n--;
    }
    int (*take)(struct parser *, struct slice) = takers[line.p[0] - 'a'];
    return take ? take(p, value) : SDP_OK;
}

int sdp_parse(struct slice text, struct sdp *ret)
{
    struct parser p = {.d = ret, .direction = SDP_SENDRECV};
    struct slice rest = text, line;

    if (text.n > SDP_LEN_MAX)
        return SDP_TOO_LONG;
    line = next_line(&rest);
    if (line.n == 0)
        return SDP_EMPTY;
    if (memchr(text.p, '\0', text.n))
        return SDP_BAD_LINE;
    struct slice version = line;
    if (!slice_eq(slice_trim(slice_cut(&version, '=')), SLICE_LIT("v")) ||
        !slice_eq(slice_trim(version), SLICE_LIT("0")))
        return SDP_BAD_VERSION;

    ret->text = text;
    ret->origin = ret->name = ret->timing = ret->connection = SLICE_NONE;
    ret->attr_count = 0;
    ret->bandwidth_count = ret->media_count = 0;
    for (line = next_line(&rest); line.n; line = next_line(&rest)) {
        int r = parse_line(&p, line);
        if (r)
            return r;
    }
    sdp_bundle_revive(ret);
    return SDP_OK;
}

static void put_line(struct buf *b, char letter, struct slice value)
{
    if (value.n == 0)
        return;
    buf_put_char(b, letter);
    buf_put_char(b, '=');
    buf_put_slice(b, value);
    BUF_PUT_LIT(b, "\r\n");
}

static void put_attrs(struct buf *b, const struct sdp *d, const struct sdp_media *m)
{
    size_t n;
    const struct sdp_attr *a = sdp_attrs(d, m, &n);

    for (size_t i = 0; i < n; i++)
        put_line(b, 'a', slice_from(a[i].line, a[i].line_n));
}

static void put_media(struct buf *b, const struct sdp *d, const struct sdp_media *m)
{
    BUF_PUT_LIT(b, "m=");
    buf_put_slice(b, m->kind_text);
    buf_put_char(b, ' ');
    buf_put_u64(b, m->port);
    if (m->port_count != 1) {
        buf_put_char(b, '/');
        buf_put_u64(b, m->port_count);
    }
    buf_put_char(b, ' ');
    buf_put_slice(b, m->proto_text);
    buf_put_char(b, ' ');
    buf_put_slice(b, m->formats);
    BUF_PUT_LIT(b, "\r\n");
    put_line(b, 'i', m->title);
    put_line(b, 'c', m->connection);
    for (size_t i = 0; i < m->bandwidth_count; i++)
        put_line(b, 'b', m->bandwidth[i]);
    put_attrs(b, d, m);
}

void sdp_print(struct buf *b, const struct sdp *d)
{
    BUF_PUT_LIT(b, "v=0\r\n");
    put_line(b, 'o', d->origin);
    put_line(b, 's', d->name);
    put_line(b, 'c', d->connection);
    for (size_t i = 0; i < d->bandwidth_count; i++)
        put_line(b, 'b', d->bandwidth[i]);
    put_line(b, 't', d->timing);
    put_attrs(b, d, NULL);
    for (size_t i = 0; i < d->media_count; i++)
        put_media(b, d, &d->media[i]);
}
