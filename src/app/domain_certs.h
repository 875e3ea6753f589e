/* Certificates of single domains on their way from the supervisor, which may read the files, to the
 * signal role, which serves with them: one memfd with a cert_pack in it. */
#ifndef SOTTO_APP_DOMAIN_CERTS_H
#define SOTTO_APP_DOMAIN_CERTS_H

#include "cert/domains.h"
#include "crypto/tls.h"

#define DOMAIN_CERTS_FILE_MAX (CERT_DOMAIN_NAME_MAX + 24)

/* A new memfd of what lies in DATA/tls/domains. What cannot be used is logged, and where old_fd (of
 * an earlier call, or -1) has one for that domain it stays in force. 0; -errno, or CERT_REFUSED,
 * with a sentence in why. */
int domain_certs_share(const char *data, int old_fd, char why[CERT_ERROR_MAX],
                       int *ret_fd) MUST_CHECK;

/* Logs those that have ended or soon will. */
void domain_certs_judge(const char *data, int64_t now);

/* For the TLS engine: certs[0] is left for the default certificate. */
struct domain_certs {
    struct cert_pack pack;
    size_t count; /* with the default one */
    struct crypto_tls_cert certs[1 + CERT_DOMAINS_MAX];
    char names[CERT_DOMAINS_MAX][CERT_DOMAIN_NAME_MAX + 1];
    char crt[CERT_DOMAINS_MAX][DOMAIN_CERTS_FILE_MAX]; /* for messages, below DATA */
    char key[CERT_DOMAINS_MAX][DOMAIN_CERTS_FILE_MAX];
};
/* fd -1: none. Its slices are good until domain_certs_fini, which wipes. */
int domain_certs_read(int fd, struct domain_certs *ret) MUST_CHECK;
void domain_certs_fini(struct domain_certs *d);

#endif
