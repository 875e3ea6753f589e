/* Certificates from elsewhere, in whatever layout their issuer or its tools left them. */
#include "cert/cert_priv.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cert/domains.h"

enum { DAY = 86400, RSA_BITS_MIN = 2048, NAME_ROOM = 256 };

/* The files that an import reads. */
struct files {
    size_t n;
    char path[CERT_FILES_MAX][CERT_PATH_MAX];
    const char *name[CERT_FILES_MAX]; /* = path[i] */
};

static void add_file(struct files *f, const char *folder, const char *name)
{
    (void)snprintf(f->path[f->n], CERT_PATH_MAX, "%s%s%s", folder, *folder ? "/" : "", name);
    f->name[f->n] = f->path[f->n];
    f->n++;
}

static bool is_file(const char *folder, const char *name)
{
    char path[CERT_PATH_MAX];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int is_wanted(const struct dirent *e)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".key", ".cert", ".ca-bundle"};
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (slice_ends_with_nocase(slice_from_str(e->d_name), slice_from_str(endings[i])))
            return 1;
    return 0;
}

static int add_all(const char *folder, struct files *f, struct cert_report *report)
{
    struct dirent **list = NULL;
    int n = scandir(folder, &list, is_wanted, alphasort);
    int r = n < 0 ? cert_fail(report, -errno, "cannot read the folder %s: %s", folder,
                              log_strerror(errno))
                  : 0;
    for (int i = 0; i < n; i++) {
        if (r == 0 && is_file(folder, list[i]->d_name)) {
            if (f->n == CERT_FILES_MAX)
                r = cert_fail(report, CERT_REFUSED,
                              "%s holds more than %d key and certificate files: name the one file "
                              "to import, or a folder with those of this server alone",
                              folder, CERT_FILES_MAX);
            else
                add_file(f, folder, list[i]->d_name);
        }
        free(list[i]);
    }
    free(list);
    return r;
}

static int list_files(const char *path, struct files *f, struct cert_report *report)
{
    static const char *const letsencrypt[] = {"privkey.pem", "fullchain.pem", "cert.pem",
                                              "chain.pem"};
    struct stat st;
    if (strlen(path) >= PATH_MAX - NAME_ROOM)
        return cert_fail(report, -ENAMETOOLONG, "the path to import is too long");
    if (stat(path, &st))
        return cert_fail(report, errno == ENOENT ? CERT_REFUSED : -errno, "cannot read %s: %s",
                         path, log_strerror(errno));
    if (!S_ISDIR(st.st_mode)) {
        add_file(f, "", path);
        return 0;
    }
    if (!is_file(path, "privkey.pem") || !is_file(path, "fullchain.pem"))
        return add_all(path, f, report);
    for (size_t i = 0; i < ARRAY_LEN(letsencrypt); i++)
        if (is_file(path, letsencrypt[i]))
            add_file(f, path, letsencrypt[i]);
    return 0;
}

static int read_files(const struct files *f, struct cert_bundle *b, struct cert_report *report)
{
    int r = 0;
    for (size_t i = 0; i < f->n && r == 0; i++) {
        CLEANUP(cert_text_fini) struct cert_text text = {0};
        r = cert_file_read(f->path[i], report, &text);
        if (r == 0)
            r = cert_bundle_add(b, (uint8_t)i, f->path[i], slice_from(text.p, text.n), report);
    }
    return r;
}

/* --- choosing --- */

static const struct cert_block *first_of(const struct cert_bundle *b, enum cert_block_kind kind)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->blocks[i].kind == kind)
            return &b->blocks[i];
    return NULL;
}

/* Of several certificates for one key the one that lasts longest: an old one lies about often. */
static void find_leaf(const struct cert_bundle *b, struct cert_choice *c)
{
    int64_t best = INT64_MIN;
    for (size_t k = 0; k < b->n; k++) {
        for (size_t i = 0; b->blocks[k].key && i < b->n; i++) {
            int64_t before, after;
            X509 *x = b->blocks[i].cert;
            if (!x || EVP_PKEY_eq(X509_get0_pubkey(x), b->blocks[k].key) != 1)
                continue;
            cert_x509_times(x, &before, &after);
            if (after <= best)
                continue;
            best = after;
            c->leaf = x;
            c->key = b->blocks[k].key;
        }
    }
}

static X509 *find_issuer(const struct cert_bundle *b, X509 *x)
{
    for (size_t i = 0; i < b->n; i++) {
        X509 *y = b->blocks[i].cert;
        if (y && X509_cmp(x, y) != 0 && cert_x509_is_issued_by(x, y))
            return y;
    }
    return NULL;
}

static bool is_root(X509 *x)
{
    return cert_x509_is_issued_by(x, x);
}

/* Bounded by the room for the chain, so that two that signed each other are no harm. */
static void find_chain(const struct cert_bundle *b, struct cert_choice *c)
{
    X509 *x = c->leaf;
    c->self_signed = is_root(x);
    c->chain[c->chain_n++] = x;
    while (!c->self_signed && c->chain_n < CERT_CHAIN_MAX && (x = find_issuer(b, x)) != NULL) {
        if (is_root(x)) {
            c->complete = true;
            return;
        }
        c->chain[c->chain_n++] = x;
    }
}

int cert_bundle_choose(const struct cert_bundle *b, const char *const *files,
                       struct cert_report *report, struct cert_choice *ret)
{
    struct cert_choice c = {0};
    const struct cert_block *key = first_of(b, CERT_BLOCK_KEY);
    const struct cert_block *cert = first_of(b, CERT_BLOCK_CERT);
    if (!key && !cert)
        return cert_fail(report, CERT_REFUSED,
                         "%s holds neither key nor certificate; expected are blocks BEGIN PRIVATE "
                         "KEY and BEGIN CERTIFICATE",
                         files[0]);
    if (!key)
        return cert_fail(report, CERT_REFUSED,
                         "there is a certificate (%s line %u), but no private key with it; "
                         "expected is a block BEGIN PRIVATE KEY, EC or RSA PRIVATE KEY",
                         files[cert->file], cert->line);
    if (!cert)
        return cert_fail(report, CERT_REFUSED,
                         "there is a private key (%s line %u), but no certificate with it; "
                         "expected is a block BEGIN CERTIFICATE",
                         files[key->file], key->line);
    find_leaf(b, &c);
    if (!c.leaf) {
        char subject[128];
        cert_x509_subject(cert->cert, subject, sizeof(subject));
        return cert_fail(report, CERT_REFUSED,
                         "the private key (%s line %u) belongs to none of the certificates; the "
                         "first is %s (%s line %u). Take the key that the certificate was ordered "
                         "with",
                         files[key->file], key->line, subject, files[cert->file], cert->line);
    }
    find_chain(b, &c);
    *ret = c;
    return 0;
}

/* --- judging --- */

static void date(int64_t t, char dst[16])
{
    struct tm tm;
    time_t when = (time_t)t;
    if (!gmtime_r(&when, &tm) || strftime(dst, 16, "%Y-%m-%d", &tm) == 0)
        (void)snprintf(dst, 16, "?");
}

static int check_dates(const struct cert_choice *c, int64_t now, struct cert_report *report)
{
    for (size_t i = 0; i < c->chain_n; i++) {
        int64_t before, after;
        char subject[128], day[16];
        cert_x509_times(c->chain[i], &before, &after);
        cert_x509_subject(c->chain[i], subject, sizeof(subject));
        date(after <= now ? after : before, day);
        if (after <= now)
            return cert_fail(report, CERT_REFUSED,
                             "the certificate of %s ended on %s: have it renewed first", subject,
                             day);
        if (before > now)
            return cert_fail(report, CERT_REFUSED,
                             "the certificate of %s starts on %s only; if that is past, this "
                             "machine's clock is wrong",
                             subject, day);
    }
    return 0;
}

static int check_strength(const struct cert_choice *c, struct cert_report *report)
{
    int kind = EVP_PKEY_get_base_id(c->key), bits = EVP_PKEY_get_bits(c->key);
    if (kind == EVP_PKEY_RSA && bits < RSA_BITS_MIN)
        return cert_fail(report, CERT_REFUSED,
                         "the key is RSA with %d bits, which can be broken; order a certificate "
                         "for an ECDSA P-256 or RSA 2048 key",
                         bits);
    if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC && kind != EVP_PKEY_ED25519)
        return cert_fail(report, CERT_REFUSED,
                         "the key is of a kind that TLS cannot use here; expected is ECDSA, RSA or "
                         "Ed25519");
    if (kind == EVP_PKEY_ED25519)
        cert_warn(report, "the key is Ed25519: many phones cannot verify that");
    return 0;
}

static int check_purpose(const struct cert_choice *c, struct cert_report *report)
{
    uint32_t use = X509_get_extended_key_usage(c->leaf); /* all bits where there is none */
    if (!(use & XKU_SSL_SERVER) && !(use & XKU_ANYEKU))
        return cert_fail(report, CERT_REFUSED,
                         "the certificate is not for servers: its extended key usage lacks "
                         "serverAuth");
    if (X509_check_ca(c->leaf) == 1 && !c->self_signed)
        cert_warn(report, "the certificate is a CA's own; a CA's key should not lie on a server");
    return 0;
}

static int refuse_names(const struct cert_import_order *o, const struct cert_names *sans,
                        struct cert_report *report)
{
    const char *first = sans->n ? sans->name[0] : "no name at all";
    const char *comma = sans->n > 1 ? ", " : "", *second = sans->n > 1 ? sans->name[1] : "";
    if (o->domain)
        return cert_fail(report, CERT_REFUSED,
                         "the certificate is for %s%s%s, not for %s: phones of that domain would "
                         "refuse it. Order one for this name, or say --force if they reach this "
                         "server by another name",
                         first, comma, second, o->domain);
    return cert_fail(report, CERT_REFUSED,
                     "the certificate is for %s%s%s, none of this server's domains (%s%s): phones "
                     "would refuse it. Order one for these names, or say --force if phones reach "
                     "this server by another name",
                     first, comma, second, o->domains->name[0],
                     o->domains->n > 1 ? " and others" : "");
}

static int check_names(const struct cert_choice *c, const struct cert_import_order *o,
                       struct cert_report *report)
{
    const struct cert_names *domains = o->domains;
    struct cert_names sans;
    size_t covered = 0;
    for (size_t i = 0; i < domains->n; i++)
        covered += cert_x509_covers(c->leaf, domains->name[i]);
    cert_x509_sans(c->leaf, &sans);
    if (covered == 0 && domains->n && !o->force)
        return refuse_names(o, &sans, report);
    for (size_t i = 0; i < domains->n; i++)
        if (!cert_x509_covers(c->leaf, domains->name[i]) &&
            (o->domain || !cert_domain_has(o->data, domains->name[i])))
            cert_warn(report,
                      "the certificate is not for %s: phones that call this server by "
                      "that name will refuse it",
                      domains->name[i]);
    return 0;
}

static void judge_chain(const struct cert_choice *c, struct cert_report *report)
{
    if (c->self_signed)
        cert_warn(report, "the certificate is signed by itself: every phone must be given it");
    else if (!c->complete && c->chain_n == 1)
        cert_warn(report, "no certificate of the issuer came with it: if it was issued by an "
                          "intermediate CA, phones will refuse it; add the issuer's chain");
}

static int judge(const struct cert_choice *c, const struct cert_import_order *o,
                 struct cert_report *report)
{
    int r = check_dates(c, o->now, report);
    if (r == 0)
        r = check_strength(c, report);
    if (r == 0)
        r = check_purpose(c, report);
    if (r == 0)
        r = check_names(c, o, report);
    if (r == 0)
        judge_chain(c, report);
    return r;
}

/* --- taking --- */

static int take(const struct cert_import_order *o, const struct cert_choice *c,
                struct cert_report *report)
{
    CLEANUP(cert_unlock) int lock = -1;
    char *pem = malloc(CERT_FILE_MAX);
    if (!pem)
        return -ENOMEM;
    struct buf b = buf_over(pem, CERT_FILE_MAX);
    int r = 0;
    for (size_t i = 0; i < c->chain_n && r == 0; i++)
        r = cert_x509_to_pem(c->chain[i], &b);
    if (r)
        r = cert_fail_openssl(report, "write the chain as PEM");
    else if (b.n > o->chain_max)
        r = cert_fail(report, CERT_REFUSED,
                      "the certificate and its chain are longer than %zu KiB: no phone would take "
                      "that",
                      o->chain_max >> 10);
    else
        r = cert_lock(o->data, report, &lock);
    if (r == 0 && o->make_room)
        r = o->make_room(o->data, o->domain, report);
    if (r == 0)
        r = cert_pair_write(o->data, o->pair, c->key, buf_slice(&b), report);
    free(pem);
    return r;
}

int cert_import_pair(const struct cert_import_order *o, struct cert_report *report)
{
    CLEANUP(cert_bundle_fini) struct cert_bundle b = {0};
    struct cert_choice c = {0};
    struct files *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    int r = list_files(o->path, f, report);
    if (r == 0 && f->n == 0)
        r = cert_fail(report, CERT_REFUSED,
                      "%s holds no key or certificate files; expected are fullchain.pem and "
                      "privkey.pem, or files that end in .pem, .crt, .cer or .key",
                      o->path);
    if (r == 0)
        r = read_files(f, &b, report);
    if (r == 0)
        r = cert_bundle_choose(&b, f->name, report, &c);
    free(f);
    if (r == 0)
        r = judge(&c, o, report);
    if (r == 0)
        r = take(o, &c, report);
    ERR_clear_error();
    return r;
}

int cert_import(const char *data, const char *path, const struct cert_names *domains, bool force,
                int64_t now, struct cert_report *report)
{
    const struct cert_import_order o = {.data = data,
                                        .path = path,
                                        .pair = "server",
                                        .domains = domains,
                                        .force = force,
                                        .now = now,
                                        .chain_max = CERT_FILE_MAX};
    *report = (struct cert_report){0};
    int r = cert_import_pair(&o, report);
    if (r == 0)
        report->made_server = true;
    return r;
}
