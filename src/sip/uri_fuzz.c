/* Two URIs, a line apart: parse, compare both ways, print their keys, decode and escape again. */
#include "sip/uri.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char key[8192], user[8192], escaped[3 * 8192];

static void look_at(const struct sip_uri *u)
{
    struct buf b = buf_over(key, sizeof(key));
    struct slice v;
    size_t n;

    assert(sip_uri_eq(u, u));
    assert(u->scheme == SIP_SCHEME_OTHER || u->user.n || u->host.n);
    sip_put_aor(&b, u);
    for (size_t i = 0; i < b.n; i++)
        assert((unsigned char)b.p[i] > ' ' && b.p[i] != 0x7f);
    if (sip_param_find(u->params, "lr", &v))
        assert(v.p >= u->params.p && v.p + v.n <= u->params.p + u->params.n);
    if (sip_unescape(u->user, user, sizeof(user), &n) == 0) {
        struct buf e = buf_over(escaped, sizeof(escaped));
        char back[sizeof(user)];
        size_t m;
        sip_put_escaped_user(&e, slice_from(user, n));
        int r = sip_unescape(buf_slice(&e), back, sizeof(back), &m);
        assert(r == 0 && m == n && memcmp(back, user, n) == 0);
    }
}

static void quote(struct slice in)
{
    struct buf b = buf_over(escaped, sizeof(escaped));
    size_t n, m;

    if (sip_unquote(in, user, sizeof(user), &n) < 0)
        return;
    sip_put_quoted(&b, slice_from(user, n));
    assert(!b.overflow);
    int r = sip_unquote(buf_slice(&b), key, sizeof(key), &m);
    assert(r == 0 && m <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_from(data, size > 4096 ? 4096 : size);
    struct slice first = slice_cut(&rest, '\n');
    struct sip_uri a, b;
    bool has_a = sip_uri_parse(first, &a) == SIP_URI_OK;
    bool has_b = sip_uri_parse(rest, &b) == SIP_URI_OK;

    if (has_a)
        look_at(&a);
    if (has_b)
        look_at(&b);
    if (has_a && has_b)
        assert(sip_uri_eq(&a, &b) == sip_uri_eq(&b, &a));
    quote(first);
    return 0;
}
