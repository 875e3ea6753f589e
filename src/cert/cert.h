/* Certificates of the server: our own CA and what it signs, and certificates that come from
 * elsewhere.
 *
 *   DATA/tls/ca.crt, ca.key          our CA: ECDSA P-256, ten years, signs end entities only
 *   DATA/tls/server.crt, server.key  in force: of our CA, or imported; .crt: leaf first, then chain
 *   DATA/tls/mikey.crt, mikey.key    of our CA, RSA: MIKEY signs and opens envelopes with it (RFC 3830
 *                                    s.3.2). Not good for TLS: another role has its key
 *
 * Which of the two a server.crt is, its signature tells; nothing else remembers it. Files are
 * written beside their place, synced and renamed. A pair is two renames, key first: a start that
 * finds the key of a pair whose certificate is still beside its place finishes that.
 *
 * Functions return 0, -errno, or CERT_REFUSED: what was given (or lies in the folder) cannot be
 * used. After both kinds of failure report->error is a sentence that names the file, what is wrong
 * and how to mend it, and what was in force stays in force. Time comes from the caller. */
#ifndef SOTTO_CERT_CERT_H
#define SOTTO_CERT_CERT_H

#include "base/secret.h"
#include "base/slice.h"

#define CERT_NAME_MAX 253 /* a DNS name, or an IP address as text */
#define CERT_NAMES_MAX 64 /* SANs in one certificate */
#define CERT_FILE_MAX (256u << 10)
#define CERT_FILES_MAX 32  /* files read from an imported folder */
#define CERT_BLOCKS_MAX 64 /* PEM blocks in one import */
#define CERT_CHAIN_MAX 8   /* certificates that are sent in a handshake */
#define CERT_ERROR_MAX 768
#define CERT_WARNINGS_MAX 8
#define CERT_WARNING_MAX 384
#define CERT_PEM_MAX 8192 /* one key or certificate that we make */
#define CERT_P12_MAX 16384

#define CERT_CA_DAYS 3650
#define CERT_SERVER_DAYS 398
#define CERT_CLIENT_DAYS 825
#define CERT_RSA_BITS 2048

enum cert_verdict { CERT_OK = 0, CERT_REFUSED = 1 };

struct cert_report {
    char error[CERT_ERROR_MAX];
    size_t warning_count;
    char warnings[CERT_WARNINGS_MAX][CERT_WARNING_MAX]; /* sentences; done all the same */
    bool made_ca;
    bool made_server, made_mikey; /* server.crt, mikey.crt is new: whoever uses it should reload */
};

/* --- the names that a server certificate must bear --- */
struct cert_names {
    size_t n;
    char name[CERT_NAMES_MAX][CERT_NAME_MAX + 1];
};

/* Folds to lower case, drops duplicates. False: full, or no DNS name and no address. */
bool cert_names_add(struct cert_names *names, struct slice name);
/* localhost, the host's name, every address of an interface that others can reach or that is
 * loopback's. What no longer fits is left out: add the domains first. */
void cert_names_add_local(struct cert_names *names);

/* --- own CA --- */
/* At every start, once a day and when a domain is new: makes what is missing (DATA must be there),
 * renews a server or MIKEY certificate of our CA when less than a third of its life is left or a name
 * is missing from it. Warns of an imported one that runs out or lacks a domain, and of a CA near its
 * end. `domains` (and other names by which phones call this server) are in order of importance:
 * the first becomes the CN; cert_names_add_local's are added to them. */
int cert_ensure(const char *data, const struct cert_names *domains, int64_t now,
                struct cert_report *report) MUST_CHECK;
/* A new server certificate of our CA, whatever there is. With `replace_imported` false an imported
 * one is refused. */
int cert_renew(const char *data, const struct cert_names *domains, bool replace_imported,
               int64_t now, struct cert_report *report) MUST_CHECK;

/* A certificate for a phone or user: CN and SAN URI sip:NAME, EKU clientAuth. `aor`: user@domain. */
struct cert_client {
    char key[CERT_PEM_MAX]; /* PEM, PKCS#8 */
    char cert[CERT_PEM_MAX];
    char ca[CERT_PEM_MAX]; /* the CA's certificate; its key goes nowhere */
    uint8_t p12[CERT_P12_MAX];
    size_t p12_n; /* 0 where no password was given */
};
/* With a password (NUL-terminated) also as PKCS#12: client key, client and CA certificate. `rsa`: good
 * for MIKEY too, which knows no other; else ECDSA. */
int cert_client_make(const char *data, const char *aor, bool rsa, const char *p12_password,
                     int64_t now, struct cert_report *report, struct cert_client *ret) MUST_CHECK;
void cert_client_fini(struct cert_client *c); /* wipes */

/* --- from elsewhere --- */
/* A file, or a folder (Let's Encrypt's names, else every .pem .crt .cer .key in it), in any layout:
 * key first or last, bundles, any order. What is checked: the key belongs to the certificate, the
 * chain (put in order; a root is left out), dates, strength, purpose, and that it bears one of
 * `domains` at least (with `force` that is but a warning). */
int cert_import(const char *data, const char *path, const struct cert_names *domains, bool force,
                int64_t now, struct cert_report *report) MUST_CHECK;

/* --- what there is --- */
enum cert_which { CERT_SERVER, CERT_CA, CERT_MIKEY };
enum cert_source { CERT_SOURCE_OWN_CA, CERT_SOURCE_IMPORTED };

struct cert_info {
    char file[512];
    char subject[256], issuer[256];
    char serial[64];      /* hex */
    char key_type[32];    /* "ECDSA P-256", "RSA 2048" */
    char fingerprint[96]; /* SHA-256, AB:CD:… */
    int64_t not_before, not_after;
    int64_t days_left; /* below zero: it has ended */
    enum cert_source source;
    size_t chain; /* certificates behind the leaf */
    struct cert_names sans;
};
int cert_info_read(const char *data, enum cert_which which, int64_t now, struct cert_report *report,
                   struct cert_info *ret) MUST_CHECK;

#endif
