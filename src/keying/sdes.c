/* One a=crypto line: text to keys and back (RFC 4568 s.9.1 has the grammar). */
#include "keying/sdes.h"

#include "crypto/hash.h"

static const char *const verdict_why[SDES_VERDICT_COUNT] = {
    [SDES_OK] = "fine",
    [SDES_BAD_TAG] = "a crypto line has no tag of one to nine digits",
    [SDES_UNKNOWN_SUITE] = "a crypto line names a suite that is not known here",
    [SDES_BAD_KEY] = "the key of a crypto line cannot be read or is not as long as its suite needs",
    [SDES_BAD_LIFETIME] = "the key lifetime of a crypto line cannot be read",
    [SDES_MKI] = "the crypto lines need a master key identifier, which is not supported",
    [SDES_SESSION_PARAM] = "a crypto line has a session parameter that is not supported",
};

const char *sdes_verdict_why(enum sdes_verdict v)
{
    return verdict_why[v];
}

static struct slice next_token(struct slice *rest)
{
    *rest = slice_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    struct slice token = slice_take(*rest, n);
    *rest = slice_skip(*rest, n);
    return token;
}

static bool is_digits(struct slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.n > 0;
}

/* Decimal or 2^n, of any size: 2^48 packets are two thousand years, and phones send 2^20, 2^31,
 * 2^32, 2^48 without thought. */
static bool is_lifetime(struct slice s)
{
    return is_digits(slice_starts_with(s, SLICE_LIT("2^")) ? slice_skip(s, 2) : s);
}

static int key_parse(struct slice text, enum srtp_suite suite, struct srtp_keys *ret)
{
    const struct srtp_suite_info *info = srtp_suite_info(suite);
    struct srtp_keys keys = {.suite = suite};
    size_t n = 0;
    int r = SDES_OK;

    if (crypto_base64_get(text, keys.master.b, sizeof(keys.master.b), &n) != 0 ||
        n != (size_t)info->key_len + info->salt_len) {
        r = SDES_BAD_KEY;
    } else {
        keys.master.n = n;
        *ret = keys;
    }
    secret_fini(&keys.master);
    return r;
}

/* "inline:KEY[|lifetime][|MKI:length]", several joined by ";". */
static int key_params_parse(struct slice params, enum srtp_suite suite, struct srtp_keys *ret)
{
    const struct slice method = SLICE_LIT("inline:");

    if (!slice_starts_with_nocase(params, method))
        return SDES_BAD_KEY;
    if (slice_find_char(params, ';') < params.n)
        return SDES_MKI; /* several keys are told apart by nothing else (s.6.1) */
    params = slice_skip(params, method.n);
    struct slice key = slice_cut(&params, '|');
    while (params.n) {
        struct slice field = slice_cut(&params, '|');
        if (slice_find_char(field, ':') < field.n)
            return SDES_MKI;
        if (field.n && !is_lifetime(field))
            return SDES_BAD_LIFETIME;
    }
    return key_parse(key, suite, ret);
}

/* Those that change nothing of what we do: a window hint, a derivation rate of zero, and what the
 * peer itself marks as optional (s.6.3.7). */
static bool is_harmless(struct slice param)
{
    return slice_starts_with_nocase(param, SLICE_LIT("WSH=")) ||
           slice_eq_nocase(param, SLICE_LIT("KDR=0")) || slice_starts_with(param, SLICE_LIT("-"));
}

int sdes_line_parse(struct slice value, struct sdes_line *ret)
{
    struct slice tag = next_token(&value);
    struct sdes_line line = {.suite_name = next_token(&value)};
    struct slice params = next_token(&value);

    if (tag.n > 9 || slice_to_u32(tag, &line.tag) != 0)
        return SDES_BAD_TAG;
    enum srtp_suite suite = srtp_suite_from_name(line.suite_name);
    if (suite == SRTP_SUITE_NONE)
        return SDES_UNKNOWN_SUITE;
    for (struct slice p = next_token(&value); p.n; p = next_token(&value)) {
        if (!is_harmless(p))
            return SDES_SESSION_PARAM;
    }
    int r = key_params_parse(params, suite, &line.keys);
    if (r == SDES_OK)
        *ret = line;
    secret_fini(&line.keys.master);
    return r;
}

void sdes_line_print(struct buf *b, uint32_t tag, struct slice suite_name,
                     const struct srtp_keys *keys)
{
    char key[SECRET_CAP / 3 * 4 + 8];
    size_t n = 0;

    crypto_base64_put(slice_from(keys->master.b, keys->master.n), key, sizeof(key), &n);
    BUF_PUT_LIT(b, "a=crypto:");
    buf_put_u64(b, tag);
    buf_put_char(b, ' ');
    buf_put_slice(b, suite_name);
    BUF_PUT_LIT(b, " inline:");
    buf_put(b, key, n);
    BUF_PUT_LIT(b, "\r\n");
    secret_wipe(key, sizeof(key));
}
