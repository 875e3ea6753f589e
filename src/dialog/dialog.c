#include "dialog/texts.h"

/* --- text into bounded strings --- */

/* Folds (RFC 3261 7.3.1) become the white space that they stand for; a NUL would end the text. */
static void put_unfolded(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0')
            buf_put_char(b, s.p[i]);
    }
}

static int finish(struct buf *b)
{
    buf_put_char(b, '\0');
    return b->overflow ? DIALOG_TOO_LONG : DIALOG_OK;
}

static int set_text(char *dst, size_t cap, struct slice s)
{
    struct buf b = buf_over(dst, cap);
    put_unfolded(&b, s);
    return finish(&b);
}

/* "Name <uri>" without the tag and other header parameters (s.12.1.1, 12.1.2). */
static int set_address(char dst[DIALOG_URI_MAX], const struct sip_addr *a)
{
    struct buf b = buf_over(dst, DIALOG_URI_MAX);
    if (a->display.n) {
        put_unfolded(&b, a->display);
        buf_put_char(&b, ' ');
    }
    buf_put_char(&b, '<');
    put_unfolded(&b, a->uri.raw);
    buf_put_char(&b, '>');
    return finish(&b);
}

/* A Request-URI has no headers part (s.19.1.1, table 1). */
static struct slice callable(const struct sip_uri *u)
{
    struct slice s = u->raw;
    return u->headers.p && u->headers.n ? slice_take(s, (size_t)(u->headers.p - s.p) - 1) : s;
}

static int set_target(char dst[DIALOG_URI_MAX], struct slice contact)
{
    struct sip_addr a;
    if (sip_addr_parse(contact, &a) != SIP_PARSE_OK || a.is_star)
        return DIALOG_BAD_CONTACT;
    bool is_sip = a.uri.scheme == SIP_SCHEME_SIP || a.uri.scheme == SIP_SCHEME_SIPS;
    if (!is_sip || a.uri.host.n == 0)
        return DIALOG_BAD_CONTACT;
    return set_text(dst, DIALOG_URI_MAX, callable(&a.uri));
}

/* The first Contact, where there is one. */
static int refresh_target(char dst[DIALOG_URI_MAX], const struct sip_msg *m, bool is_required)
{
    struct sip_list_iter it = {0};
    struct slice contact;
    if (!sip_msg_list_next(m, SIP_HDR_CONTACT, &it, &contact))
        return is_required ? DIALOG_BAD_CONTACT : DIALOG_OK;
    return set_target(dst, contact);
}

/* --- route sets: kept as "<uri>,<uri>" --- */

static size_t quoted_end(struct slice s)
{
    size_t i = 1;
    while (i < s.n && s.p[i] != '"')
        i += s.p[i] == '\\' ? 2 : 1;
    return i;
}

/* Takes the first route off a list. False: something that is no <uri>. */
static bool route_take(struct slice *rest, struct slice *ret_uri)
{
    struct slice s = slice_trim(*rest);
    if (s.n && s.p[0] == '"')
        s = slice_skip(s, quoted_end(s));
    s = slice_skip(s, slice_find_char(s, '<'));
    size_t end = slice_find_char(s, '>');
    struct sip_uri u;
    if (end == s.n || sip_uri_parse(slice_from(s.p + 1, end - 1), &u) != SIP_URI_OK)
        return false;
    s = slice_skip(s, end);
    *rest = slice_skip(s, slice_find_char(s, ',') + 1);
    *ret_uri = u.raw;
    return true;
}

static void put_route(struct buf *b, struct slice uri)
{
    if (b->n)
        buf_put_char(b, ',');
    buf_put_char(b, '<');
    put_unfolded(b, uri);
    buf_put_char(b, '>');
}

static int set_routes(char dst[DIALOG_ROUTE_MAX], struct slice list)
{
    struct buf b = buf_over(dst, DIALOG_ROUTE_MAX);
    struct slice rest = slice_trim(list), uri;
    for (int n = 0; rest.n; n++) {
        if (n == DIALOG_ROUTES_MAX || !route_take(&rest, &uri))
            return DIALOG_BAD_ROUTE;
        put_route(&b, uri);
        rest = slice_trim(rest);
    }
    return finish(&b);
}

/* s.12.1.1: the UAS takes Record-Route in order, s.12.1.2: the UAC in reverse. */
static int take_record_route(char dst[DIALOG_ROUTE_MAX], const struct sip_msg *m, bool reverse)
{
    struct slice uris[DIALOG_ROUTES_MAX], element;
    struct sip_list_iter it = {0};
    int n = 0;
    while (sip_msg_list_next(m, SIP_HDR_RECORD_ROUTE, &it, &element)) {
        struct sip_addr a;
        if (n == DIALOG_ROUTES_MAX || sip_addr_parse(element, &a) != SIP_PARSE_OK || a.is_star)
            return DIALOG_BAD_ROUTE;
        uris[n++] = a.uri.raw;
    }
    struct buf b = buf_over(dst, DIALOG_ROUTE_MAX);
    for (int i = 0; i < n; i++)
        put_route(&b, uris[reverse ? n - 1 - i : i]);
    return finish(&b);
}

/* --- making --- */

static int first_of(const int *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (r[i] != DIALOG_OK)
            return r[i];
    }
    return DIALOG_OK;
}

/* `n` with its texts in place of what d was. */
static int become(struct dialog *d, struct dialog *n, struct dialog_texts *t)
{
    int r = dialog_texts_into(n, t);
    if (r == DIALOG_OK)
        *d = *n;
    return r;
}

int dialog_init_uac(struct dialog *d, struct slice call_id, struct slice local_tag,
                    struct slice local_uri, struct slice remote_uri, struct slice target,
                    struct slice routes, uint32_t cseq)
{
    struct dialog_texts t UNINITIALIZED;
    struct dialog n = {.state = DIALOG_NONE, .is_uac = true, .local_cseq = cseq, .texts = d->texts};
    if (local_tag.n == 0)
        return DIALOG_NO_TAG;
    t.remote_tag[0] = '\0';
    const int r[] = {
        set_text(t.call_id, sizeof(t.call_id), call_id),
        set_text(t.local_tag, sizeof(t.local_tag), local_tag),
        set_text(t.local_uri, sizeof(t.local_uri), local_uri),
        set_text(t.remote_uri, sizeof(t.remote_uri), remote_uri),
        set_text(t.remote_target, sizeof(t.remote_target), target),
        set_routes(t.routes, routes),
    };
    int verdict = first_of(r, ARRAY_LEN(r));
    if (verdict != DIALOG_OK)
        return verdict;
    n.secure = slice_starts_with_nocase(target, SLICE_LIT("sips:"));
    return become(d, &n, &t);
}

int dialog_set_local_name(struct dialog *d, struct slice local_uri)
{
    struct dialog_texts t UNINITIALIZED;
    dialog_texts_from(d, &t);
    int r = set_text(t.local_uri, sizeof(t.local_uri), local_uri);
    return r == DIALOG_OK ? dialog_texts_into(d, &t) : r;
}

int dialog_set_local_tag(struct dialog *d, struct slice tag)
{
    struct dialog_texts t UNINITIALIZED;
    dialog_texts_from(d, &t);
    int r = set_text(t.local_tag, sizeof(t.local_tag), tag);
    return r == DIALOG_OK ? dialog_texts_into(d, &t) : r;
}

int dialog_uac_on_response(struct dialog *d, const struct sip_msg *rsp)
{
    bool is_2xx = rsp->status >= 200 && rsp->status < 300;
    bool is_early = rsp->status > 100 && rsp->status < 200;
    /* RFC 2543: a 2xx may have no tag (s.12.1.2). */
    if (!is_2xx && (!is_early || rsp->to_tag.n == 0))
        return DIALOG_NO_TAG;
    struct dialog_texts t UNINITIALIZED;
    struct dialog n = *d;
    dialog_texts_from(d, &t);
    /* Many send 180 without the Contact that it ought to have: the first target stands. */
    const int r[] = {
        set_text(t.remote_tag, sizeof(t.remote_tag), rsp->to_tag),
        refresh_target(t.remote_target, rsp, is_2xx && rsp->method == SIP_INVITE),
        take_record_route(t.routes, rsp, true),
    };
    int verdict = first_of(r, ARRAY_LEN(r));
    if (verdict != DIALOG_OK)
        return verdict;
    if (is_2xx)
        n.state = DIALOG_CONFIRMED;
    else if (n.state == DIALOG_NONE)
        n.state = DIALOG_EARLY;
    return become(d, &n, &t);
}

int dialog_init_uas(struct dialog *d, const struct sip_msg *req, struct slice local_tag)
{
    struct dialog_texts t UNINITIALIZED;
    struct dialog n = {.state = DIALOG_EARLY,
                       .remote_cseq = req->cseq,
                       .has_remote_cseq = true,
                       .texts = d->texts};
    if (local_tag.n == 0)
        return DIALOG_NO_TAG;
    const int r[] = {
        set_text(t.call_id, sizeof(t.call_id), req->call_id),
        set_text(t.local_tag, sizeof(t.local_tag), local_tag),
        set_text(t.remote_tag, sizeof(t.remote_tag), req->from_tag),
        set_address(t.local_uri, &req->to),
        set_address(t.remote_uri, &req->from),
        set_text(t.remote_target, sizeof(t.remote_target), callable(&req->from.uri)),
        refresh_target(t.remote_target, req, req->method == SIP_INVITE),
        take_record_route(t.routes, req, false),
    };
    int verdict = first_of(r, ARRAY_LEN(r));
    if (verdict != DIALOG_OK)
        return verdict;
    n.secure = req->ruri.scheme == SIP_SCHEME_SIPS;
    return become(d, &n, &t);
}

void dialog_confirm(struct dialog *d)
{
    if (d->state != DIALOG_TERMINATED)
        d->state = DIALOG_CONFIRMED;
}

void dialog_terminate(struct dialog *d)
{
    d->state = DIALOG_TERMINATED;
}

/* --- requests within --- */

/* s.12.2: target refresh requests; RFC 3311 s.5.1, RFC 6665 s.4.4.1, RFC 3515 s.2.4. */
static bool refreshes_target(enum sip_method m)
{
    return m == SIP_INVITE || m == SIP_UPDATE || m == SIP_SUBSCRIBE || m == SIP_NOTIFY ||
           m == SIP_REFER;
}

/* The target that a message names, if it names another one. */
static int take_target(struct dialog *d, const struct sip_msg *m)
{
    char target[DIALOG_URI_MAX];
    struct sip_list_iter it = {0};
    struct slice contact;
    if (!refreshes_target(m->method) || !sip_msg_list_next(m, SIP_HDR_CONTACT, &it, &contact))
        return DIALOG_OK;
    int r = set_target(target, contact);
    if (r != DIALOG_OK || slice_eq_str(slice_from_str(target), d->remote_target))
        return r;
    struct dialog_texts t UNINITIALIZED;
    dialog_texts_from(d, &t);
    memcpy(t.remote_target, target, strlen(target) + 1);
    return dialog_texts_into(d, &t);
}

int dialog_on_request(struct dialog *d, const struct sip_msg *req)
{
    if (req->method == SIP_ACK || req->method == SIP_CANCEL)
        return DIALOG_OK; /* they bear their INVITE's number */
    if (d->has_remote_cseq && req->cseq < d->remote_cseq)
        return DIALOG_OLD_CSEQ;
    int r = take_target(d, req);
    if (r != DIALOG_OK)
        return r;
    d->remote_cseq = req->cseq;
    d->has_remote_cseq = true;
    return DIALOG_OK;
}

int dialog_on_response(struct dialog *d, const struct sip_msg *rsp)
{
    return rsp->status < 200 || rsp->status >= 300 ? DIALOG_OK : take_target(d, rsp);
}

bool dialog_is_same_remote_tag(const struct dialog *d, struct slice tag)
{
    return slice_eq_str(tag, d->remote_tag);
}

uint32_t dialog_next_cseq(struct dialog *d)
{
    return ++d->local_cseq;
}

/* --- printing, s.12.2.1.1 --- */

static struct slice first_route(const struct dialog *d, struct slice *ret_rest)
{
    struct slice rest = slice_from_str(d->routes), uri;
    if (!rest.n || !route_take(&rest, &uri))
        return SLICE_NONE;
    *ret_rest = rest;
    return uri;
}

static bool is_loose(struct slice route)
{
    struct sip_uri u;
    struct slice value;
    return sip_uri_parse(route, &u) == SIP_URI_OK && sip_param_find(u.params, "lr", &value);
}

static void put_request_line(struct buf *b, struct slice method, struct slice uri)
{
    buf_put_slice(b, method);
    buf_put_char(b, ' ');
    buf_put_slice(b, uri);
    BUF_PUT_LIT(b, " SIP/2.0\r\n");
}

static void put_routes(struct buf *b, struct slice list, struct slice last)
{
    if (!list.n && !last.n)
        return;
    BUF_PUT_LIT(b, "Route: ");
    buf_put_slice(b, list);
    if (last.n) {
        if (list.n)
            buf_put_char(b, ',');
        buf_put_char(b, '<');
        buf_put_slice(b, last);
        buf_put_char(b, '>');
    }
    BUF_PUT_LIT(b, "\r\n");
}

static void put_party(struct buf *b, const char *name, struct slice uri, struct slice tag)
{
    buf_put_str(b, name);
    buf_put_slice(b, uri);
    if (tag.n) {
        BUF_PUT_LIT(b, ";tag=");
        buf_put_slice(b, tag);
    }
    BUF_PUT_LIT(b, "\r\n");
}

void dialog_put_request(struct buf *b, const struct dialog *d, struct slice method, uint32_t cseq,
                        struct slice via, uint32_t max_forwards)
{
    struct slice target = slice_from_str(d->remote_target), rest = SLICE_NONE;
    struct slice first = first_route(d, &rest);
    bool is_strict = first.n && !is_loose(first);
    struct sip_uri u;
    if (is_strict && sip_uri_parse(first, &u) == SIP_URI_OK)
        first = callable(&u);
    put_request_line(b, method, is_strict ? first : target);
    buf_put_slice(b, via);
    BUF_PUT_LIT(b, "Max-Forwards: ");
    buf_put_u64(b, max_forwards);
    BUF_PUT_LIT(b, "\r\n");
    if (is_strict)
        put_routes(b, rest, target);
    else
        put_routes(b, slice_from_str(d->routes), SLICE_NONE);
    put_party(b, "From: ", slice_from_str(d->local_uri), slice_from_str(d->local_tag));
    put_party(b, "To: ", slice_from_str(d->remote_uri), slice_from_str(d->remote_tag));
    BUF_PUT_LIT(b, "Call-ID: ");
    buf_put_slice(b, slice_from_str(d->call_id));
    BUF_PUT_LIT(b, "\r\nCSeq: ");
    buf_put_u64(b, cseq);
    buf_put_char(b, ' ');
    buf_put_slice(b, method);
    BUF_PUT_LIT(b, "\r\n");
}

struct slice dialog_next_hop(const struct dialog *d)
{
    struct slice rest, first = first_route(d, &rest);
    return first.n ? first : slice_from_str(d->remote_target);
}
