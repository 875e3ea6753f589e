/* Faults of a handshake in words, and whose name a certificate proves. */
#include "crypto/tls_internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

struct fault_row {
    const char *name, *text;
};

static const struct fault_row faults[CRYPTO_TLS_FAULT_COUNT] = {
    [CRYPTO_TLS_FAULT_NONE] = {"none", "no fault"},
    [CRYPTO_TLS_FAULT_PLAIN_TEXT] = {"plain-text",
                                     "the peer speaks plain text to a port that expects TLS"},
    [CRYPTO_TLS_FAULT_VERSION] = {"version", "the peer speaks only TLS versions that are too old"},
    [CRYPTO_TLS_FAULT_CIPHER] = {"cipher", "no TLS cipher or key exchange in common with the peer"},
    [CRYPTO_TLS_FAULT_DISTRUSTED] = {"distrusted",
                                     "the peer does not accept our certificate: does it know our "
                                     "CA, and the name that it dials?"},
    [CRYPTO_TLS_FAULT_NO_CERT] = {"no-certificate",
                                  "a client certificate is required and the peer sent none"},
    [CRYPTO_TLS_FAULT_CERT_UNKNOWN] =
        {"certificate-unknown", "the peer's certificate is not signed by a CA that we trust"},
    [CRYPTO_TLS_FAULT_CERT_EXPIRED] = {"certificate-expired",
                                       "the peer's certificate has expired or is not valid yet"},
    [CRYPTO_TLS_FAULT_CERT_NAME] = {"certificate-name",
                                    "the peer's certificate is for another name"},
    [CRYPTO_TLS_FAULT_CERT_OTHER] = {"certificate-bad",
                                     "the peer's certificate cannot be accepted"},
    [CRYPTO_TLS_FAULT_PROTOCOL] = {"protocol", "the TLS handshake failed"},
};

const char *crypto_tls_fault_name(enum crypto_tls_fault f)
{
    return faults[f].name;
}

const char *crypto_tls_fault_text(enum crypto_tls_fault f)
{
    return faults[f].text;
}

static enum crypto_tls_fault fault_of_certificate(long verify_result)
{
    switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return CRYPTO_TLS_FAULT_CERT_EXPIRED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return CRYPTO_TLS_FAULT_CERT_NAME;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return CRYPTO_TLS_FAULT_CERT_UNKNOWN;
    default: /* a library's codes, not an enum of ours */
        return CRYPTO_TLS_FAULT_CERT_OTHER;
    }
}

struct reason_row {
    int reason;
    enum crypto_tls_fault fault;
};

static const struct reason_row reasons[] = {
    {SSL_R_UNSUPPORTED_PROTOCOL, CRYPTO_TLS_FAULT_VERSION},
    {SSL_R_VERSION_TOO_LOW, CRYPTO_TLS_FAULT_VERSION},
    {SSL_R_WRONG_SSL_VERSION, CRYPTO_TLS_FAULT_VERSION},
    {SSL_R_UNKNOWN_PROTOCOL, CRYPTO_TLS_FAULT_VERSION},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, CRYPTO_TLS_FAULT_VERSION},
    {SSL_R_HTTP_REQUEST, CRYPTO_TLS_FAULT_PLAIN_TEXT},
    {SSL_R_WRONG_VERSION_NUMBER, CRYPTO_TLS_FAULT_PLAIN_TEXT},
    {SSL_R_NO_SHARED_CIPHER, CRYPTO_TLS_FAULT_CIPHER},
    {SSL_R_NO_SHARED_GROUPS, CRYPTO_TLS_FAULT_CIPHER},
    {SSL_R_NO_SUITABLE_KEY_SHARE, CRYPTO_TLS_FAULT_CIPHER},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, CRYPTO_TLS_FAULT_CIPHER},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, CRYPTO_TLS_FAULT_CIPHER},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, CRYPTO_TLS_FAULT_CIPHER},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, CRYPTO_TLS_FAULT_DISTRUSTED},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, CRYPTO_TLS_FAULT_DISTRUSTED},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, CRYPTO_TLS_FAULT_DISTRUSTED},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, CRYPTO_TLS_FAULT_DISTRUSTED},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, CRYPTO_TLS_FAULT_DISTRUSTED},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, CRYPTO_TLS_FAULT_DISTRUSTED},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, CRYPTO_TLS_FAULT_NO_CERT},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, CRYPTO_TLS_FAULT_NO_CERT},
};

enum crypto_tls_fault tls_fault_from_library(long verify_result)
{
    unsigned long e = ERR_peek_error();
    int reason = ERR_GET_REASON(e);

    if (ERR_GET_LIB(e) != ERR_LIB_SSL)
        return CRYPTO_TLS_FAULT_PROTOCOL;
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return fault_of_certificate(verify_result);
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].reason == reason)
            return reasons[i].fault;
    }
    return CRYPTO_TLS_FAULT_PROTOCOL;
}

/* --- whose certificate ------------------------------------------------------------------------- */

static struct slice asn1(const ASN1_STRING *s)
{
    return slice_from(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static bool name_matches(struct slice have, struct slice want, bool allow_wildcards)
{
    if (want.n && want.p[want.n - 1] == '.')
        want.n--;
    if (allow_wildcards && slice_starts_with(have, SLICE_LIT("*."))) {
        size_t dot = slice_find_char(want, '.');
        return dot > 0 && dot < want.n &&
               slice_eq_nocase(slice_skip(want, dot), slice_skip(have, 1));
    }
    return have.n && slice_eq_nocase(have, want);
}

/* RFC 5922 s.7.1: only sip URIs without a user prove a domain. */
static bool uri_matches(struct slice uri, struct slice want)
{
    if (!slice_starts_with_nocase(uri, SLICE_LIT("sip:")))
        return false;
    return name_matches(slice_skip(uri, 4), want, false);
}

static bool ip_matches(const ASN1_STRING *ip, struct slice want)
{
    char text[64];
    uint8_t a[16];
    int n = ASN1_STRING_length(ip);

    if (want.n > 1 && want.p[0] == '[' && want.p[want.n - 1] == ']')
        want = slice_from(want.p + 1, want.n - 2);
    if ((n != 4 && n != 16) || !slice_to_str(want, text, sizeof(text)))
        return false;
    return inet_pton(n == 4 ? AF_INET : AF_INET6, text, a) == 1 &&
           memcmp(a, ASN1_STRING_get0_data(ip), (size_t)n) == 0;
}

/* Whether this entry is the name; *io_named: the certificate names somebody by SAN. */
static bool entry_matches(const GENERAL_NAME *g, struct slice want, bool wild, bool *io_named)
{
    switch (g->type) {
    case GEN_URI:
        *io_named = true;
        return uri_matches(asn1(g->d.uniformResourceIdentifier), want);
    case GEN_DNS:
        *io_named = true;
        return name_matches(asn1(g->d.dNSName), want, wild);
    case GEN_IPADD:
        *io_named = true;
        return ip_matches(g->d.iPAddress, want);
    default: /* a library's codes */
        return false;
    }
}

static struct slice common_name(X509 *cert)
{
    X509_NAME *n = X509_get_subject_name(cert);
    int i = n ? X509_NAME_get_index_by_NID(n, NID_commonName, -1) : -1;

    return i < 0 ? SLICE_NONE : asn1(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(n, i)));
}

bool crypto_tls_cert_names(X509 *cert, struct slice name, bool allow_wildcards)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool named = false, found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
        found = entry_matches(sk_GENERAL_NAME_value(names, i), name, allow_wildcards, &named);
    GENERAL_NAMES_free(names);
    /* The common name counts only where there is no other (RFC 5922 s.7.1, step 2). */
    return found || (!named && name_matches(common_name(cert), name, allow_wildcards));
}

static struct slice first_alt_name(const GENERAL_NAMES *names)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
        if (g->type == GEN_URI || g->type == GEN_DNS || g->type == GEN_EMAIL)
            return asn1(g->d.ia5);
    }
    return SLICE_NONE;
}

void tls_subject_of(X509 *cert, char dst[CRYPTO_TLS_NAME_MAX])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    struct slice s = common_name(cert);

    if (s.n == 0)
        s = first_alt_name(names);
    /* False (a NUL inside, which only a forger writes) leaves it empty. */
    if (!slice_to_str(slice_take(s, CRYPTO_TLS_NAME_MAX - 1), dst, CRYPTO_TLS_NAME_MAX))
        dst[0] = '\0';
    GENERAL_NAMES_free(names);
}
