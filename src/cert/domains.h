/* Certificates of single domains beside the server's, for administrators who have one for each:
 * TLS chooses by the name that a client asks for (SNI, RFC 6066 s.3), and takes the server's where
 * none is for that name.
 *
 *   DATA/tls/domains/NAME.crt, NAME.key   as server.crt and server.key, for the domain NAME
 *
 * What lies there is in force: nothing else remembers it. Whoever serves with them gets all in one
 * pack, plain bytes that can lie in shared memory: one descriptor, however many domains there are.
 *
 * Return values are those of cert.h. */
#ifndef SOTTO_CERT_DOMAINS_H
#define SOTTO_CERT_DOMAINS_H

#include "cert/cert.h"

#define CERT_DOMAINS_MAX 64
#define CERT_DOMAIN_NAME_MAX 247 /* with .crt.new behind it one file's name, 255 bytes */
#define CERT_DOMAIN_CHAIN_MAX (64u << 10)

struct cert_domains {
    size_t n;
    size_t left_out; /* more than CERT_DOMAINS_MAX lie there; those are not used */
    char name[CERT_DOMAINS_MAX][CERT_DOMAIN_NAME_MAX + 1]; /* in alphabetical order */
};
int cert_domains_list(const char *data, struct cert_report *report,
                      struct cert_domains *ret) MUST_CHECK;
bool cert_domain_has(const char *data, const char *domain);

/* As cert_import, for one domain: the certificate must bear that name, or a wildcard for it. */
int cert_domain_import(const char *data, const char *path, const char *domain, bool force,
                       int64_t now, struct cert_report *report) MUST_CHECK;
/* CERT_REFUSED: there is none. */
int cert_domain_delete(const char *data, const char *domain, struct cert_report *report) MUST_CHECK;
int cert_domain_info(const char *data, const char *domain, int64_t now, struct cert_report *report,
                     struct cert_info *ret) MUST_CHECK;

/* Told of every domain that needs the administrator; `says` is a sentence. */
typedef void cert_domain_say_fn(void *arg, const char *domain, const char *says);
/* Tells of certificates that have ended or soon will, or are not for their domain. */
void cert_domains_judge(const char *data, int64_t now, cert_domain_say_fn *say, void *arg);

/* --- the pack --- */
struct cert_domain {
    struct slice name, chain, key; /* PEM; the chain's leaf comes first */
};
struct cert_pack {
    char *p; /* owned; wiped by fini */
    size_t n, cap;
};
#define CERT_PACK_MAX   \
    (CERT_DOMAINS_MAX * \
     (3 * sizeof(uint32_t) + CERT_DOMAIN_NAME_MAX + CERT_DOMAIN_CHAIN_MAX + CERT_PEM_MAX))

/* What lies in the folder and can be served with. Where one cannot, `say` is told, and that of
 * `old` (an earlier pack, or empty) is taken in its place, if it has one. */
int cert_domains_pack(const char *data, struct slice old, cert_domain_say_fn *say, void *arg,
                      struct cert_report *report, struct cert_pack *ret) MUST_CHECK;
/* CERT_REFUSED: past one of the limits above. */
int cert_pack_add(struct cert_pack *k, const struct cert_domain *d) MUST_CHECK;
/* Takes the next one off `rest`; false: no more, or what follows is no pack. */
bool cert_pack_next(struct slice *rest, struct cert_domain *ret);
void cert_pack_fini(struct cert_pack *k);

#endif
