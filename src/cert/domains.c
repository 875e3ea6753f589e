#include "cert/domains.h"

#include <dirent.h>
#include <openssl/err.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "cert/cert_priv.h"
#include "crypto/tls.h"

enum { DAY = 86400, DOMAIN_WARN_DAYS = 14 };

#define FOLDER "domains/"
#define PAIR_ROOM (sizeof(FOLDER) + CERT_DOMAIN_NAME_MAX)

/* --- names and files --- */

/* Folded; nothing that this lets through can leave the folder: there is no slash in it, and no
 * label is empty. */
static bool is_name(struct slice s, char ret[CERT_DOMAIN_NAME_MAX + 1])
{
    struct cert_names names = {0};
    struct addr a;
    return s.n <= CERT_DOMAIN_NAME_MAX && !slice_starts_with(s, SLICE_LIT("*")) &&
           addr_parse(s, 0, &a) != 0 && cert_names_add(&names, s) &&
           slice_to_str(slice_from_str(names.name[0]), ret, CERT_DOMAIN_NAME_MAX + 1);
}

/* "domains/NAME", as cert_pair_read and its like call a pair. */
static int pair_of(const char *domain, struct cert_report *report, char ret[PAIR_ROOM])
{
    char name[CERT_DOMAIN_NAME_MAX + 1];
    if (!is_name(slice_from_str(domain), name))
        return cert_fail(report, CERT_REFUSED,
                         "%.100s cannot have a certificate of its own: a name of at most %d "
                         "characters is expected, for phones ask for no addresses and no wildcards "
                         "(RFC 6066 s.3). Import it without --domain",
                         domain, CERT_DOMAIN_NAME_MAX);
    (void)snprintf(ret, PAIR_ROOM, FOLDER "%s", name);
    return 0;
}

static void pair_path(char dst[CERT_PATH_MAX], const char *data, const char *pair,
                      const char *ending)
{
    (void)snprintf(dst, CERT_PATH_MAX, "%s/tls/%s%s", data, pair, ending);
}

static bool stem_of(const char *file, char ret[CERT_DOMAIN_NAME_MAX + 1])
{
    struct slice s = slice_from_str(file);
    return slice_ends_with_nocase(s, SLICE_LIT(".crt")) && s.n > 4 &&
           is_name(slice_take(s, s.n - 4), ret) && slice_eq_str(slice_take(s, s.n - 4), ret);
}

static int is_cert(const struct dirent *e)
{
    char unused[CERT_DOMAIN_NAME_MAX + 1];
    return stem_of(e->d_name, unused);
}

int cert_domains_list(const char *data, struct cert_report *report, struct cert_domains *ret)
{
    char path[CERT_PATH_MAX];
    struct dirent **list = NULL;
    int n = scandir(cert_path(path, data, FOLDER), &list, is_cert, alphasort);
    if (n < 0 && errno != ENOENT)
        return cert_fail(report, -errno, "cannot read the folder %s: %s", path,
                         log_strerror(errno));
    ret->n = ret->left_out = 0;
    for (int i = 0; i < n; i++) {
        if (ret->n == CERT_DOMAINS_MAX)
            ret->left_out++;
        else if (stem_of(list[i]->d_name, ret->name[ret->n]))
            ret->n++;
        free(list[i]);
    }
    free(list);
    return 0;
}

bool cert_domain_has(const char *data, const char *domain)
{
    char pair[PAIR_ROOM], path[CERT_PATH_MAX];
    struct cert_report unheard;
    if (pair_of(domain, &unheard, pair))
        return false;
    pair_path(path, data, pair, ".crt");
    return access(path, F_OK) == 0;
}

/* --- import, delete, show --- */

/* Under cert_lock: whether one more goes into the folder, which is made. */
static int make_room(const char *data, const char *domain, struct cert_report *report)
{
    CLEANUP(cert_unlock) int folder = -1;
    struct cert_domains there;
    char path[CERT_PATH_MAX];
    int r = cert_folder_open(cert_path(path, data, "domains"), report, &folder);
    if (r == 0)
        r = cert_domains_list(data, report, &there);
    if (r == 0 && there.n == CERT_DOMAINS_MAX && !cert_domain_has(data, domain))
        r = cert_fail(report, CERT_REFUSED,
                      "%d domains have a certificate of their own already, and no more can: take "
                      "one away with `sotto cert del --domain NAME`, or import one that is for "
                      "several domains without --domain",
                      CERT_DOMAINS_MAX);
    return r;
}

int cert_domain_import(const char *data, const char *path, const char *domain, bool force,
                       int64_t now, struct cert_report *report)
{
    char pair[PAIR_ROOM];
    struct cert_names names = {0};
    *report = (struct cert_report){0};
    int r = pair_of(domain, report, pair);
    if (r)
        return r;
    (void)cert_names_add(&names, slice_from_str(domain));
    const struct cert_import_order o = {.data = data,
                                        .path = path,
                                        .pair = pair,
                                        .domain = names.name[0],
                                        .domains = &names,
                                        .force = force,
                                        .now = now,
                                        .chain_max = CERT_DOMAIN_CHAIN_MAX,
                                        .make_room = make_room};
    return cert_import_pair(&o, report);
}

int cert_domain_delete(const char *data, const char *domain, struct cert_report *report)
{
    /* The certificate first: a key alone is taken for nothing. */
    static const char *const endings[] = {".crt", ".crt.new", ".key", ".key.new"};
    CLEANUP(cert_unlock) int lock = -1;
    char pair[PAIR_ROOM], path[CERT_PATH_MAX];
    *report = (struct cert_report){0};
    int r = pair_of(domain, report, pair);
    if (r == 0 && !cert_domain_has(data, domain))
        r = cert_fail(report, CERT_REFUSED,
                      "the domain %s has no certificate of its own; `sotto cert show` lists those "
                      "that have",
                      domain);
    if (r == 0)
        r = cert_lock(data, report, &lock);
    for (size_t i = 0; i < ARRAY_LEN(endings) && r == 0; i++) {
        pair_path(path, data, pair, endings[i]);
        if (unlink(path) && errno != ENOENT)
            r = cert_fail(report, -errno, "cannot delete %s: %s", path, log_strerror(errno));
    }
    return r;
}

int cert_domain_info(const char *data, const char *domain, int64_t now, struct cert_report *report,
                     struct cert_info *ret)
{
    char pair[PAIR_ROOM];
    *report = (struct cert_report){0};
    int r = pair_of(domain, report, pair);
    return r ? r : cert_info_of(data, pair, now, report, ret);
}

/* --- judging --- */

static void judge_one(const char *data, const char *domain, int64_t now, cert_domain_say_fn *say,
                      void *arg)
{
    CERT_X509 x = NULL;
    char pair[PAIR_ROOM], text[CERT_WARNING_MAX];
    struct cert_report unheard = {0}; /* what cannot be read, cert_domains_pack tells */
    int64_t before, after;
    if (pair_of(domain, &unheard, pair) || cert_pair_read(data, pair, &unheard, &x, NULL))
        return;
    cert_x509_times(x, &before, &after);
    if (after <= now)
        (void)snprintf(text, sizeof(text),
                       "the certificate of the domain has ended: its phones will refuse this "
                       "server; import a newer one");
    else
        (void)snprintf(text, sizeof(text),
                       "the certificate of the domain ends in %lld days; import a newer one",
                       (long long)((after - now) / DAY));
    if (after - now < (int64_t)DOMAIN_WARN_DAYS * DAY)
        say(arg, domain, text);
    if (!cert_x509_covers(x, domain))
        say(arg, domain,
            "the certificate of the domain is not for its name: its phones will refuse this "
            "server; import one that is");
}

void cert_domains_judge(const char *data, int64_t now, cert_domain_say_fn *say, void *arg)
{
    struct cert_domains all;
    struct cert_report unheard = {0}; /* a folder that cannot be read, cert_domains_pack tells */
    if (cert_domains_list(data, &unheard, &all))
        return;
    for (size_t i = 0; i < all.n; i++)
        judge_one(data, all.name[i], now, say, arg);
    ERR_clear_error();
}

/* --- packing --- */

/* By the very engine that will serve with it: what passes here cannot fail there. */
static int try_out(const struct cert_domain *d, const char *crt, const char *key,
                   struct cert_report *report)
{
    const struct crypto_tls_cert cert = {
        .cert_file = crt, .key_file = key, .cert_pem = d->chain, .key_pem = d->key};
    const struct crypto_tls_config cfg = {.certs = &cert, .cert_count = 1, .ca_pem = d->chain};
    struct crypto_tls_error err = {0};
    struct crypto_tls *t = NULL;
    int r = crypto_tls_new(&cfg, &err, &t);
    crypto_tls_free(t);
    return r ? cert_fail(report, CERT_REFUSED, "%s: %s; %s", err.file[0] ? err.file : crt, err.text,
                         err.mend)
             : 0;
}

/* 0, or the sentence is in the report. */
static int pack_one(const char *data, const char *domain, struct cert_report *report,
                    struct cert_pack *k)
{
    CLEANUP(cert_text_fini) struct cert_text chain = {0};
    CLEANUP(cert_text_fini) struct cert_text key = {0};
    CERT_X509 x = NULL;
    CERT_KEY pkey = NULL;
    char pair[PAIR_ROOM], crt_path[CERT_PATH_MAX], key_path[CERT_PATH_MAX];
    int r = pair_of(domain, report, pair);
    if (r)
        return r;
    pair_path(crt_path, data, pair, ".crt");
    pair_path(key_path, data, pair, ".key");
    cert_pair_finish(data, pair);
    /* Its sentences say more than the engine's. */
    r = cert_pair_read(data, pair, report, &x, &pkey);
    if (r == 0)
        r = cert_file_read(crt_path, report, &chain);
    if (r == 0)
        r = cert_file_read(key_path, report, &key);
    const struct cert_domain d = {slice_from_str(domain), slice_from(chain.p, chain.n),
                                  slice_from(key.p, key.n)};
    if (r == 0)
        r = try_out(&d, crt_path, key_path, report);
    if (r)
        return r;
    r = cert_pack_add(k, &d);
    return r ? cert_fail(report, r,
                         "%s and its key are too large (%u and %u KiB are allowed): leave out what "
                         "is not of the chain",
                         crt_path, CERT_DOMAIN_CHAIN_MAX >> 10, CERT_PEM_MAX >> 10)
             : 0;
}

static bool find(struct slice pack, const char *domain, struct cert_domain *ret)
{
    while (cert_pack_next(&pack, ret))
        if (slice_eq_str(ret->name, domain))
            return true;
    return false;
}

static int pack_or_keep(const char *data, const char *domain, struct slice old,
                        cert_domain_say_fn *say, void *arg, struct cert_pack *k)
{
    struct cert_report why = {0};
    struct cert_domain kept;
    char text[CERT_ERROR_MAX + 200];
    int r = pack_one(data, domain, &why, k);
    if (r == 0 || r == -ENOMEM)
        return r;
    bool has = find(old, domain, &kept);
    (void)snprintf(text, sizeof(text),
                   "%s. Mend it, or import one with `sotto cert import PATH --domain %s`; until "
                   "then %s serves this domain",
                   why.error, domain, has ? "the old one" : "the server's default one");
    say(arg, domain, text);
    return has ? cert_pack_add(k, &kept) : 0;
}

int cert_domains_pack(const char *data, struct slice old, cert_domain_say_fn *say, void *arg,
                      struct cert_report *report, struct cert_pack *ret)
{
    CLEANUP(cert_unlock) int lock = -1;
    struct cert_domains all;
    struct cert_pack k = {0};
    *report = (struct cert_report){0};
    all.n = all.left_out = 0;
    int r = cert_lock(data, report, &lock); /* not in the middle of an import */
    if (r == 0)
        r = cert_domains_list(data, report, &all);
    for (size_t i = 0; r == 0 && i < all.n; i++)
        r = pack_or_keep(data, all.name[i], old, say, arg, &k);
    ERR_clear_error();
    if (r) {
        cert_pack_fini(&k);
        return report->error[0] ? r : cert_fail(report, r, "no memory");
    }
    if (all.left_out)
        say(arg, all.name[CERT_DOMAINS_MAX - 1],
            "only 64 domains can have a certificate of their own: those behind this one, in "
            "alphabetical order, are served with the default one");
    *ret = k;
    return 0;
}
