/* The pieces of X.509 (RFC 5280) that we make and read. */
#include "cert/cert_priv.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/addr.h"
#include "crypto/hash.h"

enum { DAY = 86400, SERIAL_LEN = 16, CN_MAX = 64 /* RFC 5280 ub-common-name */ };

/* Phones' clocks are often a little behind. */
#define CERT_BACKDATE 3600

void cert_key_free(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}

void cert_x509_free(X509 **x)
{
    X509_free(*x);
}

int cert_key_new(EVP_PKEY **ret)
{
    EVP_PKEY *k = EVP_EC_gen("P-256");
    if (!k)
        return -EIO;
    *ret = k;
    return 0;
}

int cert_key_new_rsa(EVP_PKEY **ret)
{
    EVP_PKEY *k = EVP_RSA_gen(CERT_RSA_BITS);
    if (!k)
        return -EIO;
    *ret = k;
    return 0;
}

static bool set_serial(X509 *x)
{
    uint8_t raw[SERIAL_LEN];
    crypto_random(raw, sizeof(raw));
    raw[0] = (uint8_t)((raw[0] & 0x7f) | 0x40); /* positive, and of one length */
    BIGNUM *n = BN_bin2bn(raw, sizeof(raw), NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
    BN_free(n);
    return ok;
}

static bool set_times(X509 *x, const struct cert_order *o)
{
    time_t from = (time_t)(o->now - CERT_BACKDATE);
    /* Both ends count (RFC 5280 s.4.1.2.5). */
    time_t to = from + (time_t)o->days * DAY - 1;
    return ASN1_TIME_set(X509_getm_notBefore(x), from) && ASN1_TIME_set(X509_getm_notAfter(x), to);
}

static bool set_names(X509 *x, const struct cert_order *o)
{
    X509_NAME *subject = X509_get_subject_name(x);
    /* What is too long for a CN stands in the SAN, which is what counts (RFC 6125 s.6.4.4). */
    const char *cn = strlen(o->cn) <= CN_MAX ? o->cn : "sotto";
    if (!X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0))
        return false;
    return X509_set_issuer_name(x, o->issuer ? X509_get_subject_name(o->issuer) : subject);
}

static bool add_conf(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    bool ok = e && X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    return ok;
}

/* Built without OpenSSL's configuration text: a name must not be able to add another one. */
static bool push_san(GENERAL_NAMES *all, int type, const void *p, size_t n)
{
    GENERAL_NAME *g = GENERAL_NAME_new();
    ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (!g || !s || !ASN1_STRING_set(s, p, (int)n)) {
        GENERAL_NAME_free(g);
        ASN1_STRING_free(s);
        return false;
    }
    GENERAL_NAME_set0_value(g, type, s);
    if (sk_GENERAL_NAME_push(all, g))
        return true;
    GENERAL_NAME_free(g);
    return false;
}

static bool push_name(GENERAL_NAMES *all, const char *name)
{
    struct addr a;
    if (addr_parse(slice_from_str(name), 0, &a))
        return push_san(all, GEN_DNS, name, strlen(name));
    if (addr_family(&a) == AF_INET)
        return push_san(all, GEN_IPADD, &a.in.sin_addr, 4);
    return push_san(all, GEN_IPADD, &a.in6.sin6_addr, 16);
}

static bool add_sans(X509 *x, const struct cert_order *o)
{
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool ok = all != NULL;
    for (size_t i = 0; ok && o->names && i < o->names->n; i++)
        ok = push_name(all, o->names->name[i]);
    if (ok && o->uri)
        ok = push_san(all, GEN_URI, o->uri, strlen(o->uri));
    ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1;
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
    return ok;
}

static bool add_extensions(X509 *x, const struct cert_order *o)
{
    static const struct {
        const char *constraints, *usage, *extended;
    } profiles[] = {
        [CERT_PROFILE_CA] = {"critical,CA:TRUE,pathlen:0", "critical,keyCertSign,cRLSign", NULL},
        /* The server is a client too, towards its carriers. */
        [CERT_PROFILE_SERVER] = {"critical,CA:FALSE", "critical,digitalSignature",
                                 "serverAuth,clientAuth"},
        /* Signs and is encrypted to, as in S/MIME. Without serverAuth: whoever has its key must not
         * be able to stand for the TLS server. */
        [CERT_PROFILE_MIKEY] = {"critical,CA:FALSE", "critical,digitalSignature,keyEncipherment",
                                "emailProtection"},
        [CERT_PROFILE_CLIENT] = {"critical,CA:FALSE", "critical,digitalSignature", "clientAuth"},
        [CERT_PROFILE_CLIENT_RSA] = {"critical,CA:FALSE",
                                     "critical,digitalSignature,keyEncipherment",
                                     "clientAuth,emailProtection"},
    };
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, o->issuer ? o->issuer : x, x, NULL, NULL, 0);
    const char *extended = profiles[o->profile].extended;
    return add_conf(x, &ctx, NID_basic_constraints, profiles[o->profile].constraints) &&
           add_conf(x, &ctx, NID_key_usage, profiles[o->profile].usage) &&
           (!extended || add_conf(x, &ctx, NID_ext_key_usage, extended)) &&
           add_conf(x, &ctx, NID_subject_key_identifier, "hash") &&
           add_conf(x, &ctx, NID_authority_key_identifier, "keyid:always") &&
           (o->profile == CERT_PROFILE_CA || add_sans(x, o));
}

int cert_x509_new(const struct cert_order *o, X509 **ret)
{
    X509 *x = X509_new();
    bool ok = x && X509_set_version(x, X509_VERSION_3) && set_serial(x) && set_times(x, o) &&
              set_names(x, o) && X509_set_pubkey(x, o->key) && add_extensions(x, o) &&
              X509_sign(x, o->issuer_key, EVP_sha256()) > 0;
    if (!ok) {
        X509_free(x);
        return -EIO;
    }
    *ret = x;
    return 0;
}

static int64_t to_unix(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : 0; /* unreadable: long ago */
}

void cert_x509_times(const X509 *x, int64_t *ret_before, int64_t *ret_after)
{
    *ret_before = to_unix(X509_get0_notBefore(x));
    *ret_after = to_unix(X509_get0_notAfter(x));
}

bool cert_x509_covers(X509 *x, const char *name)
{
    struct addr a;
    if (addr_parse(slice_from_str(name), 0, &a) == 0)
        return X509_check_ip_asc(x, name, 0) == 1;
    if (name[0] == '*') { /* a wildcard as the name itself */
        struct cert_names sans;
        cert_x509_sans(x, &sans);
        for (size_t i = 0; i < sans.n; i++)
            if (strcmp(sans.name[i], name) == 0)
                return true;
        return false;
    }
    /* A CN does not count: phones have stopped to look at it (RFC 6125 s.6.4.4). */
    return X509_check_host(x, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

bool cert_x509_is_issued_by(X509 *x, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return key && X509_check_issued(issuer, x) == X509_V_OK && X509_verify(x, key) == 1;
}

void cert_x509_sans(X509 *x, struct cert_names *ret)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    ret->n = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        int type;
        char text[ADDR_STR_MAX];
        ASN1_STRING *v = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all, i), &type);
        struct slice s = {0};
        if (type == GEN_DNS)
            s = slice_from(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v));
        struct addr a = {0};
        if (type == GEN_IPADD && ASN1_STRING_length(v) == 4) {
            a.in.sin_family = AF_INET;
            memcpy(&a.in.sin_addr, ASN1_STRING_get0_data(v), 4);
        } else if (type == GEN_IPADD && ASN1_STRING_length(v) == 16) {
            a.in6.sin6_family = AF_INET6;
            memcpy(&a.in6.sin6_addr, ASN1_STRING_get0_data(v), 16);
        }
        struct buf b = buf_over(text, sizeof(text));
        if (addr_family(&a)) {
            addr_put_host(&b, &a);
            s = buf_slice(&b);
        }
        if (s.n)
            (void)cert_names_add(ret, s); /* for show: what is strange or too much is left out */
    }
    sk_GENERAL_NAME_pop_free(all, GENERAL_NAME_free);
}

void cert_x509_subject(X509 *x, char *dst, size_t cap)
{
    X509_NAME *name = X509_get_subject_name(x);
    int n = X509_NAME_get_text_by_NID(name, NID_commonName, dst, (int)cap);
    if (n <= 0)
        (void)snprintf(dst, cap, "(no CN)");
    for (char *p = dst; *p; p++)
        if ((uint8_t)*p < 0x20 || *p == 0x7f)
            *p = '?'; /* it ends on someone's terminal */
}

void cert_key_type(EVP_PKEY *k, char *dst, size_t cap)
{
    char group[24] = "";
    int bits = EVP_PKEY_get_bits(k);
    switch (EVP_PKEY_get_base_id(k)) {
    case EVP_PKEY_EC:
        (void)EVP_PKEY_get_group_name(k, group, sizeof(group), NULL);
        (void)snprintf(dst, cap, "ECDSA %s",
                       strcmp(group, "prime256v1") == 0  ? "P-256"
                       : strcmp(group, "secp384r1") == 0 ? "P-384"
                                                         : group);
        return;
    case EVP_PKEY_RSA:
        (void)snprintf(dst, cap, "RSA %d", bits);
        return;
    case EVP_PKEY_ED25519:
        (void)snprintf(dst, cap, "Ed25519");
        return;
    }
    (void)snprintf(dst, cap, "%s", EVP_PKEY_get0_type_name(k) ? EVP_PKEY_get0_type_name(k) : "?");
}
