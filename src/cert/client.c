/* Certificates for phones. Nothing of them is kept here. */
#include "cert/cert_priv.h"

#include <openssl/pkcs12.h>

/* Key and certificate of the client, the CA's certificate beside them; never the CA's key. */
static int client_p12(const struct cert_ca *ca, EVP_PKEY *key, X509 *x, const char *aor,
                      const char *password, struct cert_client *ret)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    PKCS12 *p12 = chain && sk_X509_push(chain, ca->x)
                      ? PKCS12_create(password, aor, key, x, chain, 0, 0, 0, 0, 0)
                      : NULL;
    uint8_t *p = ret->p12;
    int n = p12 ? i2d_PKCS12(p12, NULL) : -1;
    bool ok = n > 0 && n <= CERT_P12_MAX && i2d_PKCS12(p12, &p) == n;
    if (ok)
        ret->p12_n = (size_t)n;
    PKCS12_free(p12);
    sk_X509_free(chain); /* its certificate is the CA's own */
    return ok ? 0 : -EIO;
}

static int client_pack(const struct cert_ca *ca, EVP_PKEY *key, X509 *x, const char *aor,
                       const char *password, struct cert_client *ret)
{
    size_t n;
    struct buf cert = buf_over(ret->cert, sizeof(ret->cert) - 1);
    struct buf root = buf_over(ret->ca, sizeof(ret->ca) - 1);
    int r = cert_key_to_pem(key, ret->key, sizeof(ret->key), &n);
    if (r == 0)
        r = cert_x509_to_pem(x, &cert);
    if (r == 0)
        r = cert_x509_to_pem(ca->x, &root);
    if (r)
        return r;
    ret->cert[cert.n] = '\0';
    ret->ca[root.n] = '\0';
    return password ? client_p12(ca, key, x, aor, password, ret) : 0;
}

int cert_client_make(const char *data, const char *aor, bool rsa, const char *p12_password,
                     int64_t now, struct cert_report *report, struct cert_client *ret)
{
    CLEANUP(cert_unlock) int lock = -1;
    CLEANUP(cert_ca_fini) struct cert_ca ca = {0};
    CLEANUP(cert_client_fini) struct cert_client made = {0};
    CERT_KEY key = NULL;
    CERT_X509 x = NULL;
    char uri[512];
    *report = (struct cert_report){0};
    (void)snprintf(uri, sizeof(uri), "sip:%s", aor);
    int r = cert_lock(data, report, &lock);
    if (r == 0)
        r = cert_ca_get(data, now, report, &ca);
    if (r == 0)
        r = cert_ca_need_key(data, &ca, report);
    if (r)
        return r;
    struct cert_order o = {.profile = rsa ? CERT_PROFILE_CLIENT_RSA : CERT_PROFILE_CLIENT,
                           .cn = aor,
                           .uri = uri,
                           .days = CERT_CLIENT_DAYS,
                           .now = now,
                           .issuer = ca.x,
                           .issuer_key = ca.key};
    if (rsa ? cert_key_new_rsa(&key) : cert_key_new(&key))
        return cert_fail_openssl(report, "make a key");
    o.key = key;
    if (cert_x509_new(&o, &x) || client_pack(&ca, key, x, aor, p12_password, &made))
        return cert_fail_openssl(report, "make a client certificate");
    *ret = made;
    return 0;
}

void cert_client_fini(struct cert_client *c)
{
    secret_wipe(c, sizeof(*c));
}
