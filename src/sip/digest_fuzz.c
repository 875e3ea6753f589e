/* Values of the four authentication headers: parse, print, parse again: equal. */
#include "sip/digest.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char out[1 << 18];

static struct slice value(const struct buf *b)
{
    struct slice s = buf_slice(b);

    assert(!b->overflow && slice_find(s, SLICE_LIT("\r\n")) == s.n - 2);
    (void)slice_cut(&s, ':');
    return slice_trim(s);
}

/* They are not printed, so that a value may come back shorter, or empty. */
static bool has_line_breaks(struct slice in)
{
    return slice_find_char(in, '\r') < in.n || slice_find_char(in, '\n') < in.n;
}

static void challenge(struct slice in)
{
    struct sip_digest_challenge c, d;
    struct buf b = buf_over(out, sizeof(out));

    if (sip_digest_challenge_parse(in, &c) != SIP_DIGEST_OK)
        return;
    sip_digest_put_challenge(&b, SIP_HDR_WWW_AUTHENTICATE, &c);
    int r = sip_digest_challenge_parse(value(&b), &d);
    if (has_line_breaks(in))
        return;
    assert(r == SIP_DIGEST_OK && c.alg == d.alg && c.qop == d.qop && c.stale == d.stale);
    assert(c.realm.n >= d.realm.n || memchr(c.realm.p, '\\', c.realm.n));
}

static void credentials(struct slice in)
{
    struct sip_digest_credentials c, d;
    struct sip_digest_hash ha1, response;
    struct buf b = buf_over(out, sizeof(out));

    if (sip_digest_credentials_parse(in, &c) != SIP_DIGEST_OK)
        return;
    sip_digest_ha1(c.alg, c.username, c.realm, SLICE_LIT("secret"), &ha1);
    (void)sip_digest_check(&ha1, SLICE_LIT("INVITE"), &c);
    sip_digest_response(&ha1, SLICE_LIT("INVITE"), &c, &response);
    assert(response.n == (c.alg == SIP_DIGEST_MD5 ? 32u : 64u));
    sip_digest_put_credentials(&b, SIP_HDR_AUTHORIZATION, &c, &response);
    int r = sip_digest_credentials_parse(value(&b), &d);
    if (has_line_breaks(in))
        return;
    assert(r == SIP_DIGEST_OK && c.alg == d.alg && c.qop == d.qop && c.nc == d.nc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_from(data, size > SIP_LINE_MAX ? SIP_LINE_MAX : size);

    challenge(in);
    credentials(in);
    return 0;
}
