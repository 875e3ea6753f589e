/* Inside of cert: files, PEM, X.509 pieces. */
#ifndef SOTTO_CERT_CERT_PRIV_H
#define SOTTO_CERT_CERT_PRIV_H

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "cert/cert.h"

#define CERT_PATH_MAX (PATH_MAX + 320) /* with a domain's name in it */

/* Sets the sentence; returns r. */
int cert_fail(struct cert_report *report, int r, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;
void cert_warn(struct cert_report *report, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* -EIO with OpenSSL's own words; empties its queue. */
int cert_fail_openssl(struct cert_report *report, const char *doing) MUST_CHECK;

void cert_key_free(EVP_PKEY **k);
void cert_x509_free(X509 **x);
#define CERT_KEY CLEANUP(cert_key_free) EVP_PKEY *
#define CERT_X509 CLEANUP(cert_x509_free) X509 *

/* --- files.c --- */
struct cert_text {
    char *p; /* wiped by fini: it may be a key */
    size_t n;
};
void cert_text_fini(struct cert_text *t);
/* -ENOENT is the caller's to tell; other errors have their sentence. CERT_REFUSED: too long. */
int cert_file_read(const char *path, struct cert_report *report, struct cert_text *ret) MUST_CHECK;
/* Whole and synced, mode 0600 for keys and 0644 else, at `path` + ".new". */
int cert_file_stage(const char *path, struct slice text, bool secret,
                    struct cert_report *report) MUST_CHECK;
int cert_file_commit(const char *path, struct cert_report *report) MUST_CHECK; /* renames */
const char *cert_path(char dst[CERT_PATH_MAX], const char *data, const char *name);
/* A folder, made (0700) where it is missing; the descriptor is closed by cert_unlock. */
int cert_folder_open(const char *path, struct cert_report *report, int *ret_fd) MUST_CHECK;
/* One process at a time changes DATA/tls; makes the folder. The lock ends with cert_unlock. */
int cert_lock(const char *data, struct cert_report *report, int *ret_fd) MUST_CHECK;
void cert_unlock(int *fd);

/* --- pem.c --- */
enum cert_block_kind { CERT_BLOCK_CERT, CERT_BLOCK_KEY };
struct cert_block {
    enum cert_block_kind kind;
    uint8_t file; /* index into the names given to parse */
    uint32_t line;
    X509 *cert;
    EVP_PKEY *key;
};
struct cert_bundle {
    size_t n;
    struct cert_block blocks[CERT_BLOCKS_MAX];
};
void cert_bundle_fini(struct cert_bundle *b);
/* Adds what one file holds. `name` is for sentences. CERT_REFUSED, -ENOMEM. */
int cert_bundle_add(struct cert_bundle *b, uint8_t file, const char *name, struct slice text,
                    struct cert_report *report) MUST_CHECK;
int cert_key_to_pem(EVP_PKEY *key, char *dst, size_t cap, size_t *ret_n) MUST_CHECK; /* -EIO */
int cert_x509_to_pem(X509 *x, struct buf *b) MUST_CHECK;                             /* -EIO */

/* --- x509.c --- */
enum cert_profile {
    CERT_PROFILE_CA,
    CERT_PROFILE_SERVER,
    CERT_PROFILE_MIKEY,
    CERT_PROFILE_CLIENT,
    CERT_PROFILE_CLIENT_RSA
};
struct cert_order {
    enum cert_profile profile;
    const char *cn;
    const struct cert_names *names; /* SANs of a server */
    const char *uri;                /* SAN of a client */
    int days;
    int64_t now;
    EVP_PKEY *key; /* whose certificate it is */
    X509 *issuer;  /* NULL: itself */
    EVP_PKEY *issuer_key;
};
int cert_key_new(EVP_PKEY **ret) MUST_CHECK;                          /* ECDSA P-256 */
int cert_key_new_rsa(EVP_PKEY **ret) MUST_CHECK;                      /* of CERT_RSA_BITS */
int cert_x509_new(const struct cert_order *o, X509 **ret) MUST_CHECK; /* -EIO, OpenSSL's queue */
void cert_x509_times(const X509 *x, int64_t *ret_before, int64_t *ret_after);
bool cert_x509_covers(X509 *x, const char *name); /* a DNS name, wildcards too, or an address */
bool cert_x509_is_issued_by(X509 *x, X509 *issuer);
void cert_x509_sans(X509 *x, struct cert_names *ret);
void cert_x509_subject(X509 *x, char *dst, size_t cap);
void cert_key_type(EVP_PKEY *k, char *dst, size_t cap);

/* --- own.c --- */
/* The leaf and (where asked for) the key of a pair in DATA/tls. -ENOENT; CERT_REFUSED: cannot be
 * read, or do not belong together. */
int cert_pair_read(const char *data, const char *name, struct cert_report *report, X509 **ret_x,
                   EVP_PKEY **ret_key) MUST_CHECK;
/* Puts a pair in force. `chain`: PEM, leaf first. */
int cert_pair_write(const char *data, const char *name, EVP_PKEY *key, struct slice chain,
                    struct cert_report *report) MUST_CHECK;
/* A pair whose key is in place and whose certificate still waits beside it: see cert.h. */
void cert_pair_finish(const char *data, const char *name);

struct cert_ca {
    X509 *x;
    EVP_PKEY *key; /* NULL: kept elsewhere, as some do with a CA */
};
void cert_ca_fini(struct cert_ca *ca);
/* Reads it, or makes it where there is none. Under cert_lock. */
int cert_ca_get(const char *data, int64_t now, struct cert_report *report,
                struct cert_ca *ret) MUST_CHECK;
int cert_ca_need_key(const char *data, const struct cert_ca *ca,
                     struct cert_report *report) MUST_CHECK;

/* --- import.c --- */
/* What a bundle is good for: a key, its certificate, and the chain that leads up from it. Borrowed
 * from the bundle. */
struct cert_choice {
    EVP_PKEY *key;
    X509 *leaf;
    size_t chain_n;
    X509 *chain[CERT_CHAIN_MAX]; /* leaf first, no root */
    bool self_signed, complete;  /* complete: up to the last before a root that was given */
};
int cert_bundle_choose(const struct cert_bundle *b, const char *const *files,
                       struct cert_report *report, struct cert_choice *ret) MUST_CHECK;

struct cert_import_order {
    const char *data, *path;
    const char *pair;                 /* "server", "domains/example.org" */
    const char *domain;               /* whose it is to be; NULL: the server's */
    const struct cert_names *domains; /* whose names it should bear */
    bool force;
    int64_t now;
    size_t chain_max; /* bytes of PEM */
    /* Called under cert_lock before anything is written; or NULL. */
    int (*make_room)(const char *data, const char *domain, struct cert_report *report);
};
int cert_import_pair(const struct cert_import_order *o, struct cert_report *report) MUST_CHECK;

/* --- info.c --- */
int cert_info_of(const char *data, const char *pair, int64_t now, struct cert_report *report,
                 struct cert_info *ret) MUST_CHECK;

#endif
