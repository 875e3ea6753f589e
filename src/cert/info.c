#include "cert/cert_priv.h"

#include <openssl/err.h>

enum { DAY = 86400 };

static void put_name(X509_NAME *name, char *dst, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    dst[0] = '\0';
    /* RFC2253 escapes control characters: it ends on someone's terminal. */
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
        char *p;
        long n = BIO_get_mem_data(bio, &p);
        if (n > 0 && !slice_to_str(slice_take(slice_from(p, (size_t)n), cap - 1), dst, cap))
            dst[0] = '\0';
    }
    BIO_free(bio);
}

static void put_serial(X509 *x, char *dst, size_t cap)
{
    struct buf b = buf_over(dst, cap - 1);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    buf_put_hex(&b, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    dst[b.n] = '\0';
}

static void put_fingerprint(X509 *x, char *dst, size_t cap)
{
    uint8_t md[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct buf b = buf_over(dst, cap - 1);
    if (X509_digest(x, EVP_sha256(), md, &n) == 1)
        for (unsigned i = 0; i < n; i++)
            buf_printf(&b, "%s%02X", i ? ":" : "", md[i]);
    dst[b.n] = '\0';
}

static size_t count_chain(const char *path)
{
    CLEANUP(cert_text_fini) struct cert_text text = {0};
    CLEANUP(cert_bundle_fini) struct cert_bundle b = {0};
    struct cert_report unheard = {0}; /* the leaf was read; that is what matters */
    if (cert_file_read(path, &unheard, &text) ||
        cert_bundle_add(&b, 0, path, slice_from(text.p, text.n), &unheard))
        return 0;
    return b.n ? b.n - 1 : 0;
}

int cert_info_of(const char *data, const char *pair, int64_t now, struct cert_report *report,
                 struct cert_info *ret)
{
    CERT_X509 x = NULL;
    CERT_X509 ca = NULL;
    struct cert_info i = {0};
    char path[CERT_PATH_MAX];
    bool is_ca = strcmp(pair, "ca") == 0;
    int r = cert_pair_read(data, pair, report, &x, NULL);
    if (r == 0 && !is_ca)
        r = cert_pair_read(data, "ca", report, &ca, NULL);
    if (r && r != -ENOENT)
        return r;
    if (!x)
        return r;
    (void)snprintf(path, sizeof(path), "%s/tls/%s.crt", data, pair);
    (void)!slice_to_str(slice_take(slice_from_str(path), sizeof(i.file) - 1), i.file,
                        sizeof(i.file));
    put_name(X509_get_subject_name(x), i.subject, sizeof(i.subject));
    put_name(X509_get_issuer_name(x), i.issuer, sizeof(i.issuer));
    put_serial(x, i.serial, sizeof(i.serial));
    put_fingerprint(x, i.fingerprint, sizeof(i.fingerprint));
    cert_key_type(X509_get0_pubkey(x), i.key_type, sizeof(i.key_type));
    cert_x509_times(x, &i.not_before, &i.not_after);
    cert_x509_sans(x, &i.sans);
    i.days_left = (i.not_after - now) / DAY;
    i.chain = count_chain(path);
    i.source =
        is_ca || (ca && cert_x509_is_issued_by(x, ca)) ? CERT_SOURCE_OWN_CA : CERT_SOURCE_IMPORTED;
    *ret = i;
    ERR_clear_error();
    return 0;
}

int cert_info_read(const char *data, enum cert_which which, int64_t now, struct cert_report *report,
                   struct cert_info *ret)
{
    static const char *const pairs[] = {
        [CERT_SERVER] = "server", [CERT_CA] = "ca", [CERT_MIKEY] = "mikey"};
    *report = (struct cert_report){0};
    return cert_info_of(data, pairs[which], now, report, ret);
}
