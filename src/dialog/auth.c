#include "dialog/auth.h"

#include "crypto/hash.h"
#include "dialog/nonce.h"
#include "sip/digest.h"

struct dialog_auth {
    struct crypto_hmac_key secret;
    bool offer_md5;
    struct nonce_table *used;
    struct dialog_ha1 nobody; /* for users who do not exist */
};

int dialog_auth_new(const uint8_t secret[32], bool offer_md5, struct dialog_auth **ret)
{
    struct dialog_auth *a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->offer_md5 = offer_md5;
    struct buf b = buf_over(a->nobody.sha256, sizeof(a->nobody.sha256));
    uint8_t random[32];
    crypto_random(random, sizeof(random));
    buf_put_hex(&b, random, sizeof(random));
    memcpy(a->nobody.md5, a->nobody.sha256, sizeof(a->nobody.md5));
    a->nobody.has_md5 = a->nobody.has_sha256 = true;
    crypto_hmac_key_init(&a->secret, slice_from(secret, 32));
    int r = nonce_table_new(DIALOG_AUTH_REPLAY_MAX, &a->used);
    if (r < 0) {
        (void)dialog_auth_free(a);
        return r;
    }
    *ret = a;
    return 0;
}

struct dialog_auth *dialog_auth_free(struct dialog_auth *a)
{
    if (!a)
        return NULL;
    (void)nonce_table_free(a->used);
    secret_wipe(a, sizeof(*a));
    free(a);
    return NULL;
}

/* --- server --- */

static bool is_done_here(const struct dialog_auth *a, enum sip_digest_alg alg)
{
    return alg == SIP_DIGEST_SHA256 || (alg == SIP_DIGEST_MD5 && a->offer_md5);
}

/* The first set of credentials for this realm that we can check. DIALOG_AUTH_OK: there is one. */
static int credentials_find(const struct dialog_auth *a, const struct sip_msg *req, bool proxy,
                            struct slice realm, struct sip_digest_credentials *ret)
{
    enum sip_hdr_id id = proxy ? SIP_HDR_PROXY_AUTHORIZATION : SIP_HDR_AUTHORIZATION;
    for (const struct sip_hdr *h = sip_msg_hdr(req, id); h; h = sip_msg_hdr_next(req, h)) {
        int r = sip_digest_credentials_parse(h->value, ret);
        if (r == SIP_DIGEST_BAD)
            return DIALOG_AUTH_MALFORMED;
        if (r == SIP_DIGEST_OK && slice_eq(ret->realm, realm) && is_done_here(a, ret->alg))
            return DIALOG_AUTH_OK;
    }
    return DIALOG_AUTH_NONE;
}

static bool ha1_of(const struct dialog_ha1 *h, enum sip_digest_alg alg, struct sip_digest_hash *ret)
{
    bool is_md5 = alg == SIP_DIGEST_MD5;
    ret->n = is_md5 ? sizeof(h->md5) : sizeof(h->sha256);
    memcpy(ret->hex, is_md5 ? h->md5 : h->sha256, ret->n);
    return is_md5 ? h->has_md5 : h->has_sha256;
}

/* The work is the same whether the user exists, and has a secret for this algorithm, or not. */
static bool is_right(const struct dialog_auth *a, const struct sip_msg *req,
                     const struct sip_digest_credentials *c,
                     int (*lookup)(void *, struct slice, struct dialog_ha1 *), void *arg)
{
    struct dialog_ha1 found = a->nobody;
    struct sip_digest_hash ha1, nobody;
    bool exists = lookup(arg, c->username, &found) == 0;
    (void)ha1_of(&a->nobody, c->alg, &nobody);
    if (!ha1_of(&found, c->alg, &ha1) || !exists) {
        ha1 = nobody;
        exists = false;
    }
    bool matches = sip_digest_check(&ha1, req->method_name, c);
    secret_wipe(&found, sizeof(found));
    secret_wipe(&ha1, sizeof(ha1));
    return matches && exists;
}

/* The password is looked at before the nonce: only who knows it learns that the nonce was stale
 * (RFC 7616 s.3.3) and gets into the table. The digest's uri is not compared with the Request-URI:
 * phones behind an outbound proxy, and test tools, name another host there (RFC 3261 22.4). */
int dialog_auth_check(struct dialog_auth *a, const struct sip_msg *req, bool proxy,
                      struct slice realm, uint64_t now_unix,
                      int (*lookup)(void *arg, struct slice username, struct dialog_ha1 *ret),
                      void *arg, struct slice *ret_username)
{
    struct sip_digest_credentials c;
    struct nonce n;
    int r = credentials_find(a, req, proxy, realm, &c);
    if (r != DIALOG_AUTH_OK)
        return r;
    bool is_ours = nonce_read(&a->secret, realm, c.nonce, &n);
    *ret_username = c.username;
    if (!is_right(a, req, &c, lookup, arg))
        return DIALOG_AUTH_WRONG;
    /* A clock that was set back must not make nonces live for ever. */
    if (!is_ours || n.issued > now_unix || now_unix - n.issued > DIALOG_AUTH_NONCE_S)
        return DIALOG_AUTH_STALE;
    /* Without qop there is no count (RFC 2069): the nonce is good once. */
    uint32_t nc = c.qop == SIP_DIGEST_QOP_AUTH ? c.nc : 1;
    return nonce_table_use(a->used, &n, nc) ? DIALOG_AUTH_OK : DIALOG_AUTH_STALE;
}

/* As it stands in most requests; where it is written in another way, nothing comes nearer. */
static struct slice nonce_at_a_glance(struct slice credentials)
{
    const struct slice name = SLICE_LIT("nonce=\"");
    size_t at = slice_find(credentials, name);
    if (at > 0 && at < credentials.n && credentials.p[at - 1] == 'c') { /* cnonce */
        credentials = slice_skip(credentials, at + name.n);
        at = slice_find(credentials, name);
    }
    return slice_take(slice_skip(credentials, at + name.n), NONCE_LEN);
}

uint64_t dialog_auth_ahead(const struct dialog_auth *a, const struct sip_msg *req)
{
    struct slice v = sip_msg_value(req, SIP_HDR_AUTHORIZATION);
    return v.n ? nonce_table_ahead(a->used, nonce_at_a_glance(v)) : 0;
}

void dialog_auth_ahead_again(const struct dialog_auth *a, uint64_t note)
{
    nonce_table_ahead_again(a->used, note);
}

void dialog_auth_put_challenge(struct buf *b, struct dialog_auth *a,
                               const struct dialog_auth_challenge *ch)
{
    static const enum sip_digest_alg orders[][2] = {
        [DIALOG_AUTH_SHA256_FIRST] = {SIP_DIGEST_SHA256, SIP_DIGEST_MD5},
        [DIALOG_AUTH_MD5_FIRST] = {SIP_DIGEST_MD5, SIP_DIGEST_SHA256},
        [DIALOG_AUTH_MD5_ONLY] = {SIP_DIGEST_MD5, SIP_DIGEST_MD5},
    };
    enum sip_hdr_id id = ch->proxy ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE;
    const enum sip_digest_alg *order = orders[a->offer_md5 ? ch->order : DIALOG_AUTH_SHA256_FIRST];
    char nonce[NONCE_LEN];
    nonce_make(&a->secret, ch->realm, ch->now_unix, nonce);
    struct sip_digest_challenge c = {.realm = ch->realm,
                                     .nonce = slice_from(nonce, sizeof(nonce)),
                                     .alg = order[0],
                                     .qop = SIP_DIGEST_QOP_AUTH,
                                     .stale = ch->stale};
    sip_digest_put_challenge(b, id, &c);
    if (!a->offer_md5 || order[1] == order[0])
        return;
    c.alg = order[1];
    sip_digest_put_challenge(b, id, &c);
}

/* --- client --- */

static bool has_secret(const struct dialog_credentials *c, enum sip_digest_alg alg)
{
    if (alg != SIP_DIGEST_SHA256 && alg != SIP_DIGEST_MD5)
        return false;
    return !c->ha1 || (alg == SIP_DIGEST_MD5 ? c->ha1->has_md5 : c->ha1->has_sha256);
}

/* RFC 8760 s.2.4: the topmost that we support would do; the strongest is never worse. */
static bool challenge_find(const struct dialog_credentials *cred, const struct sip_msg *rsp,
                           enum sip_hdr_id id, struct sip_digest_challenge *ret)
{
    bool found = false;
    for (const struct sip_hdr *h = sip_msg_hdr(rsp, id); h; h = sip_msg_hdr_next(rsp, h)) {
        struct sip_digest_challenge c;
        if (sip_digest_challenge_parse(h->value, &c) != SIP_DIGEST_OK ||
            c.qop == SIP_DIGEST_QOP_OTHER || !has_secret(cred, c.alg) ||
            c.nonce.n >= sizeof(cred->nonce))
            continue;
        if (!found || (c.alg == SIP_DIGEST_SHA256 && ret->alg != SIP_DIGEST_SHA256))
            *ret = c;
        found = true;
    }
    return found;
}

static bool count_nonce(struct dialog_credentials *c, struct slice nonce)
{
    if (slice_eq_str(nonce, c->nonce)) {
        c->nc++;
        return true;
    }
    c->nc = 1;
    return slice_to_str(nonce, c->nonce, sizeof(c->nonce));
}

int dialog_auth_answer(struct dialog_credentials *c, const struct sip_msg *rsp, struct slice method,
                       struct slice uri, struct buf *b)
{
    bool is_proxy = rsp->status == 407;
    struct sip_digest_challenge ch = {0};
    if (!challenge_find(c, rsp, is_proxy ? SIP_HDR_PROXY_AUTHENTICATE : SIP_HDR_WWW_AUTHENTICATE,
                        &ch) ||
        !count_nonce(c, ch.nonce))
        return -EINVAL;
    char cnonce[33];
    crypto_random_hex(cnonce, 16);
    struct sip_digest_credentials out = {.username = c->username,
                                         .realm = ch.realm,
                                         .nonce = ch.nonce,
                                         .uri = uri,
                                         .opaque = ch.opaque,
                                         .alg = ch.alg,
                                         .qop = ch.qop};
    if (ch.qop == SIP_DIGEST_QOP_AUTH) {
        out.cnonce = slice_from_str(cnonce);
        out.nc = c->nc;
    }
    struct sip_digest_hash ha1, response;
    if (c->ha1)
        (void)ha1_of(c->ha1, ch.alg, &ha1);
    else
        sip_digest_ha1(ch.alg, c->username, ch.realm, c->password, &ha1);
    sip_digest_response(&ha1, method, &out, &response);
    sip_digest_put_credentials(b, is_proxy ? SIP_HDR_PROXY_AUTHORIZATION : SIP_HDR_AUTHORIZATION,
                               &out, &response);
    secret_wipe(&ha1, sizeof(ha1));
    return 0;
}
