/* Our CA, and the server certificate that it signs. */
#include "cert/cert_priv.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "cert/domains.h"
#include "crypto/hash.h"

enum { DAY = 86400, CA_WARN_DAYS = 365, IMPORTED_WARN_DAYS = 14 };

/* --- pairs --- */

/* The first certificate, or the key, of one file. */
static int read_block(const char *path, enum cert_block_kind kind, struct cert_report *report,
                      struct cert_block *ret)
{
    CLEANUP(cert_text_fini) struct cert_text text = {0};
    CLEANUP(cert_bundle_fini) struct cert_bundle b = {0};
    int r = cert_file_read(path, report, &text);
    if (r == 0)
        r = cert_bundle_add(&b, 0, path, slice_from(text.p, text.n), report);
    if (r)
        return r;
    for (size_t i = 0; i < b.n; i++) {
        if (b.blocks[i].kind != kind)
            continue;
        *ret = b.blocks[i];
        b.blocks[i].cert = NULL; /* taken */
        b.blocks[i].key = NULL;
        return 0;
    }
    return cert_fail(report, CERT_REFUSED, "%s holds no %s", path,
                     kind == CERT_BLOCK_KEY ? "private key (BEGIN PRIVATE KEY)"
                                            : "certificate (BEGIN CERTIFICATE)");
}

static int read_cert(const char *data, const char *name, const char *ending,
                     struct cert_report *report, X509 **ret)
{
    char path[CERT_PATH_MAX];
    struct cert_block block = {0};
    (void)snprintf(path, sizeof(path), "%s/tls/%s%s", data, name, ending);
    int r = read_block(path, CERT_BLOCK_CERT, report, &block);
    if (r == 0)
        *ret = block.cert;
    return r;
}

static int read_key(const char *data, const char *name, struct cert_report *report, EVP_PKEY **ret)
{
    char path[CERT_PATH_MAX];
    struct cert_block block = {0};
    (void)snprintf(path, sizeof(path), "%s/tls/%s.key", data, name);
    int r = read_block(path, CERT_BLOCK_KEY, report, &block);
    if (r == 0)
        *ret = block.key;
    return r;
}

int cert_pair_read(const char *data, const char *name, struct cert_report *report, X509 **ret_x,
                   EVP_PKEY **ret_key)
{
    CERT_X509 x = NULL;
    int r = read_cert(data, name, ".crt", report, &x);
    if (r)
        return r;
    if (ret_key) {
        CERT_KEY key = NULL;
        r = read_key(data, name, report, &key);
        if (r == -ENOENT)
            return cert_fail(report, CERT_REFUSED,
                             "%s/tls/%s.key is missing, while its certificate is there: put it "
                             "back from a backup",
                             data, name);
        if (r)
            return r;
        if (EVP_PKEY_eq(X509_get0_pubkey(x), key) != 1)
            return cert_fail(report, CERT_REFUSED,
                             "%s/tls/%s.key does not belong to %s.crt beside it", data, name, name);
        *ret_key = key;
        key = NULL;
    }
    *ret_x = x;
    x = NULL;
    return 0;
}

int cert_pair_write(const char *data, const char *name, EVP_PKEY *key, struct slice chain,
                    struct cert_report *report)
{
    char key_path[CERT_PATH_MAX], crt_path[CERT_PATH_MAX], pem[CERT_PEM_MAX];
    size_t n;
    (void)snprintf(key_path, sizeof(key_path), "%s/tls/%s.key", data, name);
    (void)snprintf(crt_path, sizeof(crt_path), "%s/tls/%s.crt", data, name);
    if (cert_key_to_pem(key, pem, sizeof(pem), &n))
        return cert_fail_openssl(report, "write a private key as PEM");
    int r = cert_file_stage(key_path, slice_from(pem, n), true, report);
    secret_wipe(pem, sizeof(pem));
    if (r == 0)
        r = cert_file_stage(crt_path, chain, false, report);
    if (r == 0)
        r = cert_file_commit(key_path, report);
    return r ? r : cert_file_commit(crt_path, report);
}

void cert_pair_finish(const char *data, const char *name)
{
    char path[CERT_PATH_MAX];
    CERT_X509 x = NULL;
    CERT_KEY key = NULL;
    struct cert_report unheard = {0};
    (void)snprintf(path, sizeof(path), "%s/tls/%s.crt", data, name);
    if (read_cert(data, name, ".crt.new", &unheard, &x) || read_key(data, name, &unheard, &key) ||
        EVP_PKEY_eq(X509_get0_pubkey(x), key) != 1)
        return; /* nothing to finish; what is in place is judged next */
    (void)!cert_file_commit(path, &unheard); /* what is then in place is judged next */
}

/* --- the CA --- */

void cert_ca_fini(struct cert_ca *ca)
{
    X509_free(ca->x);
    EVP_PKEY_free(ca->key);
}

static int write_new(const char *data, const char *name, const struct cert_order *o,
                     struct cert_report *report, X509 **ret)
{
    char pem[CERT_PEM_MAX * 2];
    struct buf b = buf_over(pem, sizeof(pem));
    CERT_X509 x = NULL;
    if (cert_x509_new(o, &x) || cert_x509_to_pem(x, &b))
        return cert_fail_openssl(report, "make a certificate");
    int r = cert_pair_write(data, name, o->key, buf_slice(&b), report);
    if (r == 0 && ret) {
        *ret = x;
        x = NULL;
    }
    return r;
}

static int ca_make(const char *data, int64_t now, struct cert_report *report, struct cert_ca *ret)
{
    char cn[64] = "sotto CA ";
    CERT_KEY key = NULL;
    /* Its own name for each, so that a phone with an older one does not take one for the other. */
    crypto_random_hex(cn + strlen(cn), 4);
    if (cert_key_new(&key))
        return cert_fail_openssl(report, "make a key");
    struct cert_order o = {.profile = CERT_PROFILE_CA,
                           .cn = cn,
                           .days = CERT_CA_DAYS,
                           .now = now,
                           .key = key,
                           .issuer_key = key};
    int r = write_new(data, "ca", &o, report, &ret->x);
    if (r)
        return r;
    ret->key = key;
    key = NULL;
    report->made_ca = true;
    return 0;
}

static int ca_read(const char *data, struct cert_report *report, struct cert_ca *ret)
{
    char path[CERT_PATH_MAX];
    bool has_key = access(cert_path(path, data, "ca.key"), F_OK) == 0;
    return cert_pair_read(data, "ca", report, &ret->x, has_key ? &ret->key : NULL);
}

int cert_ca_get(const char *data, int64_t now, struct cert_report *report, struct cert_ca *ret)
{
    char path[CERT_PATH_MAX];
    cert_pair_finish(data, "ca");
    int r = ca_read(data, report, ret);
    if (r == -ENOENT && access(cert_path(path, data, "ca.key"), F_OK) == 0)
        return cert_fail(report, CERT_REFUSED,
                         "%s/tls/ca.crt is missing, while its key is there: put it back from a "
                         "backup; phones trust that very certificate",
                         data);
    if (r == -ENOENT)
        return ca_make(data, now, report, ret);
    if (r)
        return r;
    int64_t before, after;
    cert_x509_times(ret->x, &before, &after);
    if (after - now < (int64_t)CA_WARN_DAYS * DAY)
        cert_warn(report,
                  "the CA %s in %lld days: every phone needs a new ca.crt by then; move ca.crt and "
                  "ca.key away, run `sotto cert renew`, and hand out the new ca.crt",
                  after < now ? "has ended, counted" : "ends", (long long)((after - now) / DAY));
    return 0;
}

int cert_ca_need_key(const char *data, const struct cert_ca *ca, struct cert_report *report)
{
    if (ca->key)
        return 0;
    return cert_fail(report, CERT_REFUSED,
                     "%s/tls/ca.key is not there, so nothing can be signed: put it back, or import "
                     "a certificate",
                     data);
}

/* One of the server's own, in place of the one before. */
static int write_own(const char *data, const char *name, enum cert_profile profile,
                     const struct cert_ca *ca, EVP_PKEY *key, const struct cert_names *names,
                     int64_t now, struct cert_report *report)
{
    struct cert_order o = {.profile = profile,
                           .cn = names->name[0],
                           .names = names,
                           .days = CERT_SERVER_DAYS,
                           .now = now,
                           .key = key,
                           .issuer = ca->x,
                           .issuer_key = ca->key};
    return write_new(data, name, &o, report, NULL);
}

/* --- the server's --- */

static int server_make(const char *data, const struct cert_ca *ca, EVP_PKEY *old_key,
                       const struct cert_names *names, int64_t now, struct cert_report *report)
{
    CERT_KEY key = NULL;
    int r = cert_ca_need_key(data, ca, report);
    if (r)
        return r;
    /* The key is kept: a renewal is then one rename, and no loader ever sees half a pair. */
    if (old_key && EVP_PKEY_up_ref(old_key))
        key = old_key;
    else if (cert_key_new(&key))
        return cert_fail_openssl(report, "make a key");
    r = write_own(data, "server", CERT_PROFILE_SERVER, ca, key, names, now, report);
    if (r == 0)
        report->made_server = true;
    return r;
}

static bool covers_all(X509 *x, const struct cert_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (!cert_x509_covers(x, names->name[i]))
            return false;
    return true;
}

static void judge_imported(const char *data, X509 *x, const struct cert_names *domains, int64_t now,
                           struct cert_report *report)
{
    int64_t before, after;
    cert_x509_times(x, &before, &after);
    if (after <= now)
        cert_warn(report, "the imported certificate has ended: phones will refuse this server; "
                          "import a newer one");
    else if (after - now < (int64_t)IMPORTED_WARN_DAYS * DAY)
        cert_warn(report, "the imported certificate ends in %lld days; import a newer one",
                  (long long)((after - now) / DAY));
    for (size_t i = 0; i < domains->n; i++)
        if (!cert_x509_covers(x, domains->name[i]) && !cert_domain_has(data, domains->name[i]))
            cert_warn(report,
                      "the imported certificate is not for %s: phones of that name will "
                      "refuse this server",
                      domains->name[i]);
}

static int server_get(const char *data, const struct cert_ca *ca, const struct cert_names *domains,
                      const struct cert_names *names, int64_t now, struct cert_report *report)
{
    CERT_X509 x = NULL;
    CERT_KEY key = NULL;
    int64_t before, after;
    cert_pair_finish(data, "server");
    int r = cert_pair_read(data, "server", report, &x, &key);
    if (r == -ENOENT)
        return server_make(data, ca, NULL, names, now, report);
    if (r)
        return r;
    if (!cert_x509_is_issued_by(x, ca->x)) {
        judge_imported(data, x, domains, now, report);
        return 0;
    }
    cert_x509_times(x, &before, &after);
    if (after - now >= (after - before) / 3 && covers_all(x, names))
        return 0;
    return server_make(data, ca, key, names, now, report);
}

/* --- MIKEY's --- */

static int mikey_make(const char *data, const struct cert_ca *ca, const struct cert_names *names,
                      int64_t now, struct cert_report *report)
{
    CERT_KEY key = NULL;
    if (cert_key_new_rsa(&key))
        return cert_fail_openssl(report, "make an RSA key");
    int r = write_own(data, "mikey", CERT_PROFILE_MIKEY, ca, key, names, now, report);
    if (r == 0)
        report->made_mikey = true;
    return r;
}

/* Without the CA's key there is none, or the one that is there goes on until it ends: MIKEY has other
 * ways, and TLS is not touched. */
static int mikey_get(const char *data, const struct cert_ca *ca, const struct cert_names *names,
                     int64_t now, struct cert_report *report)
{
    CERT_X509 x = NULL;
    CERT_KEY key = NULL;
    int64_t before, after;
    cert_pair_finish(data, "mikey");
    int r = cert_pair_read(data, "mikey", report, &x, &key);
    if (r && r != -ENOENT)
        return r;
    bool good = r == 0 && cert_x509_is_issued_by(x, ca->x) && covers_all(x, names);
    if (good)
        cert_x509_times(x, &before, &after);
    if (!ca->key || (good && after - now >= (after - before) / 3))
        return 0;
    return mikey_make(data, ca, names, now, report);
}

static void all_names(const struct cert_names *domains, struct cert_names *ret)
{
    *ret = *domains;
    cert_names_add_local(ret);
}

int cert_ensure(const char *data, const struct cert_names *domains, int64_t now,
                struct cert_report *report)
{
    CLEANUP(cert_unlock) int lock = -1;
    CLEANUP(cert_ca_fini) struct cert_ca ca = {0};
    struct cert_names names;
    *report = (struct cert_report){0};
    all_names(domains, &names);
    int r = cert_lock(data, report, &lock);
    if (r == 0)
        r = cert_ca_get(data, now, report, &ca);
    if (r == 0)
        r = server_get(data, &ca, domains, &names, now, report);
    return r ? r : mikey_get(data, &ca, &names, now, report);
}

int cert_renew(const char *data, const struct cert_names *domains, bool replace_imported,
               int64_t now, struct cert_report *report)
{
    CLEANUP(cert_unlock) int lock = -1;
    CLEANUP(cert_ca_fini) struct cert_ca ca = {0};
    CERT_X509 x = NULL;
    struct cert_names names;
    *report = (struct cert_report){0};
    all_names(domains, &names);
    int r = cert_lock(data, report, &lock);
    if (r == 0)
        r = cert_ca_get(data, now, report, &ca);
    if (r)
        return r;
    /* What cannot be read is replaced, for that is what renewing is for. Not so what is imported. */
    struct cert_report unheard = {0};
    if (!replace_imported && cert_pair_read(data, "server", &unheard, &x, NULL) == 0 &&
        !cert_x509_is_issued_by(x, ca.x))
        return cert_fail(report, CERT_REFUSED,
                         "the certificate in force was imported; its issuer renews it. Say --force "
                         "to replace it by one of sotto's own CA");
    return server_make(data, &ca, NULL, &names, now, report);
}
