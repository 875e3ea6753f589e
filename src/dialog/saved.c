/* A dialog as bytes: a fixed part, then the texts one behind the other. It never leaves the
 * machine, so numbers are as the machine has them. */
#include "dialog/texts.h"

#define VERSION 1
#define CSEQ_MAX 0x7fffffffu /* RFC 3261 8.1.1.5 */

enum { FLAG_UAC = 1, FLAG_SECURE = 2, FLAG_REMOTE_CSEQ = 4, FLAGS_ALL = 7 };

struct saved {
    uint8_t version, state, flags, zero;
    uint32_t local_cseq, remote_cseq;
    uint16_t len[DIALOG_TEXT_COUNT];
    uint16_t zero2;
};

size_t dialog_save(const struct dialog *d, void *dst, size_t cap)
{
    const char *const t[DIALOG_TEXT_COUNT] = {d->call_id,   d->local_tag,  d->remote_tag,
                                              d->local_uri, d->remote_uri, d->remote_target,
                                              d->routes};
    struct saved s = {.version = VERSION,
                      .state = d->state,
                      .flags =
                          (uint8_t)((d->is_uac ? FLAG_UAC : 0) | (d->secure ? FLAG_SECURE : 0) |
                                    (d->has_remote_cseq ? FLAG_REMOTE_CSEQ : 0)),
                      .local_cseq = d->local_cseq,
                      .remote_cseq = d->remote_cseq};
    struct buf b = buf_over(dst, cap);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        s.len[i] = (uint16_t)slice_from_str(t[i]).n;
    buf_put(&b, &s, sizeof(s));
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        buf_put_slice(&b, slice_from_str(t[i]));
    return b.overflow ? 0 : b.n;
}

static bool is_fixed_ok(const struct saved *s)
{
    return s->version == VERSION && s->state <= DIALOG_TERMINATED && s->zero == 0 &&
           s->zero2 == 0 && (s->flags & ~FLAGS_ALL) == 0 && s->local_cseq <= CSEQ_MAX &&
           s->remote_cseq <= CSEQ_MAX;
}

/* What is loaded is printed into messages: nothing may end a line there. */
static bool is_line(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_tag(const char *s)
{
    return !strpbrk(s, " \t;,\"");
}

static bool is_uri(struct slice s)
{
    struct sip_uri u;
    return sip_uri_parse(s, &u) == SIP_URI_OK && u.raw.n == s.n;
}

static bool is_address(const char *s)
{
    struct sip_addr a;
    return sip_addr_parse(slice_from_str(s), &a) == SIP_PARSE_OK && !a.is_star && !a.params.n;
}

/* "<uri>,<uri>" and nothing else. */
static bool are_routes(const char *s)
{
    struct slice rest = slice_from_str(s);
    for (int n = 0; rest.n; n++) {
        size_t end = slice_find_char(rest, '>');
        struct sip_uri u;
        if (n == DIALOG_ROUTES_MAX || rest.p[0] != '<' || end == rest.n ||
            sip_uri_parse(slice_from(rest.p + 1, end - 1), &u) != SIP_URI_OK)
            return false;
        rest = slice_skip(rest, end + 1);
        if (rest.n && (rest.n == 1 || rest.p[0] != ','))
            return false;
        rest = slice_skip(rest, 1);
    }
    return true;
}

static bool is_text_ok(const struct dialog_texts *d)
{
    return d->call_id[0] && !strpbrk(d->call_id, " \t") && d->local_tag[0] &&
           is_tag(d->local_tag) && is_tag(d->remote_tag) && is_address(d->local_uri) &&
           is_address(d->remote_uri) && is_uri(slice_from_str(d->remote_target)) &&
           are_routes(d->routes);
}

int dialog_load(struct dialog *d, const void *src, size_t n)
{
    struct saved s;
    struct dialog_texts all UNINITIALIZED;
    struct dialog_text t[DIALOG_TEXT_COUNT];
    struct slice rest = slice_from(src, n);
    if (n < sizeof(s))
        return -EINVAL;
    memcpy(&s, src, sizeof(s));
    if (!is_fixed_ok(&s))
        return -EINVAL;
    struct dialog out = {.state = s.state,
                         .is_uac = (s.flags & FLAG_UAC) != 0,
                         .secure = (s.flags & FLAG_SECURE) != 0,
                         .has_remote_cseq = (s.flags & FLAG_REMOTE_CSEQ) != 0,
                         .local_cseq = s.local_cseq,
                         .remote_cseq = s.remote_cseq,
                         .texts = d->texts};
    dialog_texts_each(&all, t);
    rest = slice_skip(rest, sizeof(s));
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct slice one = slice_take(rest, s.len[i]);
        if (one.n != s.len[i] || !is_line(one) || !slice_to_str(one, t[i].p, t[i].cap))
            return -EINVAL;
        rest = slice_skip(rest, one.n);
    }
    if (rest.n || !is_text_ok(&all))
        return -EINVAL;
    if (dialog_texts_into(&out, &all) != DIALOG_OK)
        return -ENOMEM;
    *d = out;
    return 0;
}
