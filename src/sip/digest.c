#include "sip/digest.h"

#include "base/secret.h"
#include "crypto/hash.h"
#include "sip/lex.h"

/* The parameters of either header. Those that `seen` counts may come once. */
enum field {
    FIELD_USERNAME,
    FIELD_REALM,
    FIELD_NONCE,
    FIELD_URI,
    FIELD_RESPONSE,
    FIELD_CNONCE,
    FIELD_OPAQUE,
    FIELD_NC,
    FIELD_QOP,
    FIELD_ALGORITHM,
    FIELD_STALE,
    FIELD_USERHASH,
    FIELD_COUNT
};

#define NAME(s)            \
    {                      \
        (s), sizeof(s) - 1 \
    }
static const struct slice field_names[FIELD_COUNT] = {
    [FIELD_USERNAME] = NAME("username"),
    [FIELD_REALM] = NAME("realm"),
    [FIELD_NONCE] = NAME("nonce"),
    [FIELD_URI] = NAME("uri"),
    [FIELD_RESPONSE] = NAME("response"),
    [FIELD_CNONCE] = NAME("cnonce"),
    [FIELD_OPAQUE] = NAME("opaque"),
    [FIELD_NC] = NAME("nc"),
    [FIELD_QOP] = NAME("qop"),
    [FIELD_STALE] = NAME("stale"),
    [FIELD_ALGORITHM] = NAME("algorithm"),
    [FIELD_USERHASH] = NAME("userhash"),
};

struct fields {
    struct slice value[FIELD_COUNT]; /* without quotes; p == NULL: absent */
};

static enum field field_of(struct slice name)
{
    int f = 0;

    while (f < FIELD_COUNT &&
           (name.n != field_names[f].n || !slice_eq_nocase(name, field_names[f])))
        f++;
    return (enum field)f;
}

static struct slice without_quotes(struct slice s)
{
    return s.n >= 2 && s.p[0] == '"' ? slice_from(s.p + 1, s.n - 2) : s;
}

/* "Digest" and a comma-separated list. */
static int split(struct slice in, struct fields *ret)
{
    struct fields f = {.value = {{NULL, 0}}};

    in = slice_trim(in);
    const char *end = in.p ? in.p + in.n : NULL;
    const char *p = lex_run(in.p, end, LEX_TOKEN);
    if (p == in.p)
        return SIP_DIGEST_BAD;
    if (!slice_eq_nocase(lex_between(in.p, p), SLICE_LIT("Digest")))
        return SIP_DIGEST_OTHER_SCHEME;
    if (p == end || !lex_is_ws(*p))
        return SIP_DIGEST_BAD;
    struct slice rest = lex_between(p, end);
    while (rest.p) {
        struct lex_param param;
        if (!lex_auth_param_next(&rest, &param) || !param.value.p)
            return SIP_DIGEST_BAD;
        enum field id = field_of(param.name);
        if (id == FIELD_COUNT)
            continue;
        if (f.value[id].p)
            return SIP_DIGEST_BAD;
        f.value[id] = without_quotes(param.value);
    }
    *ret = f;
    return SIP_DIGEST_OK;
}

/* RFC 7616 s.3.3: MD5 where none is named. */
static enum sip_digest_alg alg_of(struct slice name)
{
    if (!name.p || slice_eq_nocase(name, SLICE_LIT("MD5")))
        return SIP_DIGEST_MD5;
    if (slice_eq_nocase(name, SLICE_LIT("SHA-256")))
        return SIP_DIGEST_SHA256;
    return SIP_DIGEST_ALG_OTHER;
}

/* A list in challenges, one word in credentials. */
static enum sip_digest_qop qop_of(struct slice list)
{
    if (!list.p)
        return SIP_DIGEST_QOP_NONE;
    while (list.p && list.n) {
        if (slice_eq_nocase(lex_list_cut(&list), SLICE_LIT("auth")))
            return SIP_DIGEST_QOP_AUTH;
    }
    return SIP_DIGEST_QOP_OTHER;
}

int sip_digest_challenge_parse(struct slice in, struct sip_digest_challenge *ret)
{
    struct fields f;
    int r = split(in, &f);

    if (r != SIP_DIGEST_OK)
        return r;
    if (!f.value[FIELD_REALM].p || f.value[FIELD_NONCE].n == 0)
        return SIP_DIGEST_BAD;
    *ret = (struct sip_digest_challenge){
        .realm = f.value[FIELD_REALM],
        .nonce = f.value[FIELD_NONCE],
        .opaque = f.value[FIELD_OPAQUE],
        .alg = alg_of(f.value[FIELD_ALGORITHM]),
        .qop = qop_of(f.value[FIELD_QOP]),
        .stale = slice_eq_nocase(f.value[FIELD_STALE], SLICE_LIT("true")),
    };
    bool unsupported = ret->alg == SIP_DIGEST_ALG_OTHER || ret->qop == SIP_DIGEST_QOP_OTHER;
    return unsupported ? SIP_DIGEST_UNSUPPORTED : SIP_DIGEST_OK;
}

static bool is_hex(struct slice s)
{
    return s.n > 0 && lex_run(s.p, s.p + s.n, LEX_HEX) == s.p + s.n;
}

/* Exactly eight hex digits, not all 0 (RFC 7616 s.3.4). */
static bool nc_of(struct slice s, uint32_t *ret)
{
    uint32_t v = 0;

    if (s.n != 8 || !is_hex(s))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        v = v << 4 | (uint32_t)(lex_is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    *ret = v;
    return v != 0;
}

static bool is_complete(const struct fields *f)
{
    static const enum field needed[] = {FIELD_USERNAME, FIELD_REALM, FIELD_NONCE, FIELD_URI,
                                        FIELD_RESPONSE};

    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (!f->value[needed[i]].p)
            return false;
    }
    return f->value[FIELD_NONCE].n > 0 && f->value[FIELD_URI].n > 0;
}

int sip_digest_credentials_parse(struct slice in, struct sip_digest_credentials *ret)
{
    struct fields f;
    int r = split(in, &f);

    if (r != SIP_DIGEST_OK)
        return r;
    if (!is_complete(&f))
        return SIP_DIGEST_BAD;
    struct sip_digest_credentials c = {
        .username = f.value[FIELD_USERNAME],
        .realm = f.value[FIELD_REALM],
        .nonce = f.value[FIELD_NONCE],
        .uri = f.value[FIELD_URI],
        .response = f.value[FIELD_RESPONSE],
        .cnonce = f.value[FIELD_CNONCE],
        .opaque = f.value[FIELD_OPAQUE],
        .nc_text = f.value[FIELD_NC],
        .alg = alg_of(f.value[FIELD_ALGORITHM]),
        .qop = qop_of(f.value[FIELD_QOP]),
    };
    if (c.qop != SIP_DIGEST_QOP_NONE && (c.cnonce.n == 0 || !nc_of(f.value[FIELD_NC], &c.nc)))
        return SIP_DIGEST_BAD;
    bool unsupported = c.alg == SIP_DIGEST_ALG_OTHER || c.qop == SIP_DIGEST_QOP_OTHER ||
                       slice_eq_nocase(f.value[FIELD_USERHASH], SLICE_LIT("true"));
    if (!unsupported &&
        (!is_hex(c.response) || c.response.n != (c.alg == SIP_DIGEST_MD5 ? 32 : 64)))
        return SIP_DIGEST_BAD;
    *ret = c;
    return unsupported ? SIP_DIGEST_UNSUPPORTED : SIP_DIGEST_OK;
}

/* --- arithmetic --- */

static void hash(enum sip_digest_alg alg, const struct slice *parts, size_t n,
                 struct sip_digest_hash *ret)
{
    uint8_t raw[CRYPTO_SHA256_LEN];
    size_t len = alg == SIP_DIGEST_MD5 ? CRYPTO_MD5_LEN : CRYPTO_SHA256_LEN;
    struct buf b = buf_over(ret->hex, sizeof(ret->hex));

    if (alg == SIP_DIGEST_MD5)
        crypto_md5(parts, n, raw);
    else
        crypto_sha256(parts, n, raw);
    buf_put_hex(&b, raw, len);
    ret->n = b.n;
    secret_wipe(raw, sizeof(raw));
}

static struct slice hex_of(const struct sip_digest_hash *h)
{
    return slice_from(h->hex, h->n);
}

void sip_digest_ha1(enum sip_digest_alg alg, struct slice username, struct slice realm,
                    struct slice password, struct sip_digest_hash *ret)
{
    const struct slice colon = SLICE_LIT(":");
    const struct slice parts[] = {username, colon, realm, colon, password};

    hash(alg, parts, ARRAY_LEN(parts), ret);
}

void sip_digest_response(const struct sip_digest_hash *ha1, struct slice method,
                         const struct sip_digest_credentials *c, struct sip_digest_hash *ret)
{
    const struct slice colon = SLICE_LIT(":");
    const struct slice a2[] = {method, colon, c->uri};
    struct sip_digest_hash ha2;
    char nc[9] = "";

    hash(c->alg, a2, ARRAY_LEN(a2), &ha2);
    if (c->qop == SIP_DIGEST_QOP_NONE) { /* RFC 2617 s.3.2.2.1 */
        const struct slice parts[] = {hex_of(ha1), colon, c->nonce, colon, hex_of(&ha2)};
        hash(c->alg, parts, ARRAY_LEN(parts), ret);
        return;
    }
    if (!c->nc_text.n)
        (void)snprintf(nc, sizeof(nc), "%08x", c->nc);
    const struct slice nc_part = c->nc_text.n ? c->nc_text : slice_from(nc, 8);
    const struct slice parts[] = {hex_of(ha1), colon, c->nonce,          colon, nc_part,     colon,
                                  c->cnonce,   colon, SLICE_LIT("auth"), colon, hex_of(&ha2)};
    hash(c->alg, parts, ARRAY_LEN(parts), ret);
}

bool sip_digest_check(const struct sip_digest_hash *ha1, struct slice method,
                      const struct sip_digest_credentials *c)
{
    struct sip_digest_hash wanted;
    char got[SIP_DIGEST_HEX_MAX];

    sip_digest_response(ha1, method, c, &wanted);
    if (c->response.n != wanted.n)
        return false;
    for (size_t i = 0; i < wanted.n; i++)
        got[i] = slice_lower(c->response.p[i]);
    return secret_eq(got, wanted.hex, wanted.n);
}

/* --- printing --- */

/* ", name="value"": escapes are there already; what would end the string or the line is not let
 * through. */
static void put_quoted_field(struct buf *b, const char *name, struct slice value)
{
    size_t plain = 0; /* characters that need no look at what stands before them */
    buf_put_str(b, name);
    BUF_PUT_LIT(b, "=\"");
    while (plain < value.n && value.p[plain] != '"' && value.p[plain] != '\\' &&
           value.p[plain] != '\r' && value.p[plain] != '\n')
        plain++;
    buf_put(b, value.p, plain);
    bool escaped = false; /* by the backslash before it */
    for (size_t i = plain; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\r' || c == '\n')
            continue;
        if (c == '"' && !escaped)
            buf_put_char(b, '\\');
        buf_put_char(b, c);
        escaped = c == '\\' && !escaped;
    }
    if (escaped)
        buf_put_char(b, '\\');
    buf_put_char(b, '"');
}

static const char *alg_name(enum sip_digest_alg alg)
{
    return alg == SIP_DIGEST_MD5 ? "MD5" : "SHA-256";
}

static void put_start(struct buf *b, enum sip_hdr_id id)
{
    buf_put_str(b, sip_hdr_name(id));
    BUF_PUT_LIT(b, ": Digest ");
}

void sip_digest_put_challenge(struct buf *b, enum sip_hdr_id id,
                              const struct sip_digest_challenge *c)
{
    if (c->alg == SIP_DIGEST_ALG_OTHER || c->qop == SIP_DIGEST_QOP_OTHER) {
        b->overflow = true;
        return;
    }
    put_start(b, id);
    put_quoted_field(b, "realm", c->realm);
    put_quoted_field(b, ", nonce", c->nonce);
    if (c->opaque.p)
        put_quoted_field(b, ", opaque", c->opaque);
    if (c->stale)
        BUF_PUT_LIT(b, ", stale=true");
    BUF_PUT_LIT(b, ", algorithm=");
    buf_put_str(b, alg_name(c->alg));
    if (c->qop == SIP_DIGEST_QOP_AUTH)
        BUF_PUT_LIT(b, ", qop=\"auth\"");
    BUF_PUT_LIT(b, "\r\n");
}

void sip_digest_put_credentials(struct buf *b, enum sip_hdr_id id,
                                const struct sip_digest_credentials *c,
                                const struct sip_digest_hash *response)
{
    if (c->alg == SIP_DIGEST_ALG_OTHER || c->qop == SIP_DIGEST_QOP_OTHER) {
        b->overflow = true;
        return;
    }
    put_start(b, id);
    put_quoted_field(b, "username", c->username);
    put_quoted_field(b, ", realm", c->realm);
    put_quoted_field(b, ", nonce", c->nonce);
    put_quoted_field(b, ", uri", c->uri);
    put_quoted_field(b, ", response", hex_of(response));
    BUF_PUT_LIT(b, ", algorithm=");
    buf_put_str(b, alg_name(c->alg));
    if (c->qop == SIP_DIGEST_QOP_AUTH) {
        put_quoted_field(b, ", cnonce", c->cnonce);
        buf_printf(b, ", qop=auth, nc=%08x", c->nc);
    }
    if (c->opaque.p)
        put_quoted_field(b, ", opaque", c->opaque);
    BUF_PUT_LIT(b, "\r\n");
}
