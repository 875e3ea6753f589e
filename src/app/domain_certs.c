#include "app/domain_certs.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/role.h"
#include "ipc/ipc.h"

static int pack_read(int fd, struct cert_pack *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size < 0 || (uint64_t)st.st_size > CERT_PACK_MAX)
        return -EMSGSIZE;
    struct cert_pack k = {.cap = (size_t)st.st_size};
    if (k.cap == 0) {
        *ret = k;
        return 0;
    }
    k.p = malloc(k.cap);
    int r = k.p ? role_read_fd(fd, k.p, k.cap, &k.n) : -ENOMEM;
    if (r < 0) {
        k.n = k.cap; /* a part of it may be there */
        cert_pack_fini(&k);
        return r;
    }
    *ret = k;
    return 0;
}

/* --- the supervisor's end --- */

static void on_unusable(void *arg, const char *domain, const char *says)
{
    (void)arg;
    log_event(LOG_ERROR, "domain_certificate_unusable", LOG_STR("domain", domain),
              LOG_STR("says", says));
}

int domain_certs_share(const char *data, int old_fd, char why[CERT_ERROR_MAX], int *ret_fd)
{
    CLEANUP(cert_pack_fini) struct cert_pack old = {0};
    CLEANUP(cert_pack_fini) struct cert_pack k = {0};
    struct cert_report report;
    int r = old_fd >= 0 ? pack_read(old_fd, &old) : 0;
    if (r == 0) {
        r = cert_domains_pack(data, slice_from(old.p, old.n), on_unusable, NULL, &report, &k);
        if (r != 0) {
            snprintf(why, CERT_ERROR_MAX, "%s", report.error);
            return r;
        }
        r = ipc_memfd_of("sotto-domain-certs", k.p ? k.p : "", k.n, ret_fd);
    }
    if (r < 0)
        snprintf(why, CERT_ERROR_MAX, "cannot share the certificates of domains: %s",
                 log_strerror(r));
    return r;
}

static void on_doubt(void *arg, const char *domain, const char *says)
{
    (void)arg;
    log_event(LOG_WARN, "certificate", LOG_STR("domain", domain), LOG_STR("says", says));
}

void domain_certs_judge(const char *data, int64_t now)
{
    cert_domains_judge(data, now, on_doubt, NULL);
}

/* --- the signal role's end --- */

static void put(struct domain_certs *d, const struct cert_domain *one)
{
    size_t i = d->count - 1;
    if (!slice_to_str(one->name, d->names[i], sizeof(d->names[i])))
        return; /* a NUL: the supervisor writes none */
    snprintf(d->crt[i], sizeof(d->crt[i]), "tls/domains/" SLICE_FMT ".crt", SLICE_ARG(one->name));
    snprintf(d->key[i], sizeof(d->key[i]), "tls/domains/" SLICE_FMT ".key", SLICE_ARG(one->name));
    d->certs[d->count++] = (struct crypto_tls_cert){.domain = d->names[i],
                                                    .cert_file = d->crt[i],
                                                    .key_file = d->key[i],
                                                    .cert_pem = one->chain,
                                                    .key_pem = one->key};
}

int domain_certs_read(int fd, struct domain_certs *ret)
{
    struct cert_domain one;
    ret->pack = (struct cert_pack){0};
    ret->count = 1;
    int r = fd >= 0 ? pack_read(fd, &ret->pack) : 0;
    if (r < 0)
        return r;
    struct slice rest = slice_from(ret->pack.p, ret->pack.n);
    while (ret->count < ARRAY_LEN(ret->certs) && cert_pack_next(&rest, &one))
        put(ret, &one);
    return 0;
}

void domain_certs_fini(struct domain_certs *d)
{
    cert_pack_fini(&d->pack);
    d->count = 0;
}
