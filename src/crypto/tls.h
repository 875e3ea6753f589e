/* TLS 1.2 and 1.3 over memory buffers. OpenSSL makes the handshake; after it the keys and counters
 * move into struct crypto_tls_record and OpenSSL's object goes.
 *
 * Why a record layer of our own: an idle connection costs a few hundred bytes instead of
 * 15-47 KiB, and since the record state is plain data, it can lie in shared memory and outlive the
 * process: whoever maps it goes on in the same TLS session.
 *
 *   struct crypto_tls         contexts: certificates by name, tickets, trust. One per worker
 *   struct crypto_tls_aead    cipher contexts of one worker, a cache over the keys in use
 *   struct crypto_tls_hs      one handshake under way; owned by its connection
 *   struct crypto_tls_record  an established connection
 *
 * None of them locks: all of one worker are used by that worker's thread only. Only AEAD suites
 * (RFC 8446, RFC 5288, RFC 7905); no early data, no renegotiation, no compression. */
#ifndef SOTTO_CRYPTO_TLS_H
#define SOTTO_CRYPTO_TLS_H

#include "base/buf.h"

/* --- contexts ---------------------------------------------------------------------------------- */

enum crypto_tls_client_cert {
    CRYPTO_TLS_CERT_NONE,
    CRYPTO_TLS_CERT_OPTIONAL,
    CRYPTO_TLS_CERT_REQUIRED
};

#define CRYPTO_TLS_12 12
#define CRYPTO_TLS_13 13

/* A chain and its key, as PEM files or, where the slices are not empty, as PEM text (files are then
 * for messages). A client's SNI selects by `domain`; where none is that, by the certificates' SANs. */
struct crypto_tls_cert {
    const char *domain; /* SNI that selects it ("*.example.org" for one label); NULL: the default */
    const char *cert_file, *key_file;
    struct slice cert_pem, key_pem;
};

struct crypto_tls_config {
    const struct crypto_tls_cert *certs;
    size_t cert_count;   /* 0: outgoing connections only */
    const char *ca_file; /* whom we believe; NULL: what the system trusts */
    struct slice ca_pem; /* instead of ca_file, where not empty */
    enum crypto_tls_client_cert client_cert;
    int min_version;      /* 0: CRYPTO_TLS_12 */
    bool allow_wildcards; /* a wildcard certificate may prove a peer's name (not RFC 5922 s.7.2) */
};

struct crypto_tls_error {
    char text[200]; /* a sentence: what is wrong */
    char file[200]; /* in which file; may be empty */
    char mend[160]; /* what to do */
};

struct crypto_tls;
/* -EINVAL with *ret_err filled in (always, on failure), -ENOMEM. */
int crypto_tls_new(const struct crypto_tls_config *cfg, struct crypto_tls_error *ret_err,
                   struct crypto_tls **ret) MUST_CHECK;
struct crypto_tls *crypto_tls_free(struct crypto_tls *t);
/* New handshakes use the new files; those under way and all connections stay. On failure the old
 * contexts stay in force. */
int crypto_tls_reload(struct crypto_tls *t, const struct crypto_tls_config *cfg,
                      struct crypto_tls_error *ret_err) MUST_CHECK;

/* Tickets (RFC 5077, RFC 8446 s.4.6.1) are sealed with keys[0]; the others still open older ones.
 * Without a call the keys are random and end with the process. */
#define CRYPTO_TLS_TICKET_KEYS 3
struct crypto_tls_ticket_key {
    uint8_t name[16], aes[32], hmac[32];
};
void crypto_tls_set_ticket_keys(struct crypto_tls *t, const struct crypto_tls_ticket_key *keys,
                                size_t n);
/* A new key in front of `keys` (n in use, the oldest falls out); *ret_n is the new count. */
void crypto_tls_rotate_ticket_keys(struct crypto_tls_ticket_key keys[CRYPTO_TLS_TICKET_KEYS],
                                   size_t n, size_t *ret_n);

/* RFC 5922 s.7.1: does the certificate prove the SIP domain (or IP address) `name`? */
struct x509_st;
bool crypto_tls_cert_names(struct x509_st *cert, struct slice name, bool allow_wildcards);

/* --- records ----------------------------------------------------------------------------------- */

enum crypto_tls_suite {
    CRYPTO_TLS_AES_128_GCM,
    CRYPTO_TLS_AES_256_GCM,
    CRYPTO_TLS_CHACHA20,
    CRYPTO_TLS_SUITE_COUNT
};

struct crypto_tls_keys { /* one direction */
    uint64_t seq;        /* of the next record; sending: advanced before the record is made */
    uint8_t key[32];
    uint8_t iv[12];     /* TLS 1.2 GCM: the first 4 bytes are the salt */
    uint8_t secret[48]; /* TLS 1.3 traffic secret, for KeyUpdate */
};

/* Plain data, no pointers: may lie in shared memory and be copied. */
struct crypto_tls_record {
    uint8_t version; /* CRYPTO_TLS_12, CRYPTO_TLS_13; 0: none */
    uint8_t suite;   /* enum crypto_tls_suite */
    uint8_t cipher;  /* index for crypto_tls_record_cipher */
    bool is_client;
    bool update_due; /* the peer asked for our KeyUpdate: it goes before our next record */
    uint8_t control; /* records without data in a row */
    uint8_t msg_n;   /* bytes of a post-handshake message's head that have come */
    uint8_t msg[5];
    uint16_t fragment; /* most bytes of plain text that we put into one record */
    uint32_t msg_skip; /* bytes of an ignored message still to come */
    struct crypto_tls_keys rx, tx;
};

/* Whether every field lies where this module would put it. */
bool crypto_tls_record_is_sound(const struct crypto_tls_record *r);

#define CRYPTO_TLS_RECORD_MAX (5 + 16384 + 256) /* of ciphertext, head included */
#define CRYPTO_TLS_CONTROL_MAX 32               /* records without data in a row */

struct crypto_tls_aead;
int crypto_tls_aead_new(struct crypto_tls_aead **ret) MUST_CHECK;
struct crypto_tls_aead *crypto_tls_aead_free(struct crypto_tls_aead *a); /* wipes */

/* What a record was. Those from CRYPTO_TLS_CLOSED on end the connection; where `alert` of the
 * verdict is not 0 the peer is told (crypto_tls_seal_alert). */
enum crypto_tls_verdict {
    CRYPTO_TLS_DATA = 0, /* *ret_data, empty where the record held none */
    CRYPTO_TLS_MORE,     /* the record is not complete */
    CRYPTO_TLS_CLOSED,   /* close_notify */
    CRYPTO_TLS_ALERTED,  /* the peer ended it with an alert */
    CRYPTO_TLS_FORGED,   /* authentication failed */
    CRYPTO_TLS_OVERSIZED,
    CRYPTO_TLS_UNEXPECTED, /* a record or message that has no place here */
    CRYPTO_TLS_RENEGOTIATES,
    CRYPTO_TLS_FLOODS, /* CRYPTO_TLS_CONTROL_MAX records without data */
    CRYPTO_TLS_VERDICT_COUNT
};
const char *crypto_tls_verdict_text(enum crypto_tls_verdict v); /* a plain sentence */
uint8_t crypto_tls_verdict_alert(enum crypto_tls_verdict v);    /* RFC 8446 s.6; 0: say nothing */

/* Opens the first record of in[0..n) in place. DATA: *ret_used bytes are done with. Returns enum
 * crypto_tls_verdict, or -EIO where the library fails. */
int crypto_tls_open(struct crypto_tls_aead *a, struct crypto_tls_record *r, uint8_t *in, size_t n,
                    size_t *ret_used, struct slice *ret_data) MUST_CHECK;

/* Bytes that crypto_tls_seal may write for n bytes of data. */
size_t crypto_tls_seal_room(const struct crypto_tls_record *r, size_t n);
/* Writes the records for `data` to out. -EOVERFLOW: TLS 1.2 and the key is used up; -EIO. */
int crypto_tls_seal(struct crypto_tls_aead *a, struct crypto_tls_record *r, struct slice data,
                    uint8_t *out, size_t *ret_n) MUST_CHECK;
/* An alert record: description 0 is close_notify (a warning), others are fatal. */
#define CRYPTO_TLS_ALERT_ROOM 64
int crypto_tls_seal_alert(struct crypto_tls_aead *a, struct crypto_tls_record *r, uint8_t alert,
                          uint8_t out[CRYPTO_TLS_ALERT_ROOM], size_t *ret_n) MUST_CHECK;

const char *crypto_tls_record_version(const struct crypto_tls_record *r); /* "TLSv1.3" */
const char *crypto_tls_record_cipher(const struct crypto_tls_record *r);  /* OpenSSL's name */

/* --- handshakes -------------------------------------------------------------------------------- */

enum crypto_tls_fault {
    CRYPTO_TLS_FAULT_NONE = 0,
    CRYPTO_TLS_FAULT_PLAIN_TEXT,   /* not TLS at all */
    CRYPTO_TLS_FAULT_VERSION,      /* TLS older than allowed */
    CRYPTO_TLS_FAULT_CIPHER,       /* nothing in common */
    CRYPTO_TLS_FAULT_DISTRUSTED,   /* the peer does not accept our certificate */
    CRYPTO_TLS_FAULT_NO_CERT,      /* we require a certificate, the peer has none */
    CRYPTO_TLS_FAULT_CERT_UNKNOWN, /* the peer's certificate: nobody whom we trust signed it */
    CRYPTO_TLS_FAULT_CERT_EXPIRED,
    CRYPTO_TLS_FAULT_CERT_NAME, /* it names someone else */
    CRYPTO_TLS_FAULT_CERT_OTHER,
    CRYPTO_TLS_FAULT_PROTOCOL, /* all else */
    CRYPTO_TLS_FAULT_COUNT
};
const char *crypto_tls_fault_name(enum crypto_tls_fault f); /* "plain-text", for metrics */
const char *crypto_tls_fault_text(enum crypto_tls_fault f); /* a plain sentence */

#define CRYPTO_TLS_NAME_MAX 96
struct crypto_tls_info {
    bool peer_verified;
    char sni[CRYPTO_TLS_NAME_MAX];     /* as the client named it; cut to fit */
    char subject[CRYPTO_TLS_NAME_MAX]; /* SAN or CN of the peer's certificate, empty: none */
};

struct crypto_tls_hs;
int crypto_tls_hs_accept(struct crypto_tls *t, struct crypto_tls_hs **ret) MUST_CHECK;
/* `name`: SNI, and what the peer's certificate must prove; empty: neither. */
int crypto_tls_hs_connect(struct crypto_tls *t, struct slice name,
                          struct crypto_tls_hs **ret) MUST_CHECK;
struct crypto_tls_hs *crypto_tls_hs_free(struct crypto_tls_hs *h);

enum crypto_tls_hs_verdict { CRYPTO_TLS_HS_DONE = 0, CRYPTO_TLS_HS_MORE, CRYPTO_TLS_HS_FAILED };
/* Takes what the peer sent (a client starts with an empty slice). Afterwards send what
 * crypto_tls_hs_output gives, whatever the verdict. DONE: *ret_used bytes of `in` were the
 * handshake's; what follows are records. */
int crypto_tls_hs_feed(struct crypto_tls_hs *h, struct slice in, size_t *ret_used) MUST_CHECK;
/* What has to go out; valid until the next feed of any handshake of this worker. */
struct slice crypto_tls_hs_output(struct crypto_tls_hs *h);
enum crypto_tls_fault crypto_tls_hs_fault(const struct crypto_tls_hs *h);
/* After DONE: the record state. -EPROTO: OpenSSL did not do what this module builds upon; the
 * connection must be closed. */
int crypto_tls_hs_export(struct crypto_tls_hs *h, struct crypto_tls_record *ret,
                         struct crypto_tls_info *ret_info) MUST_CHECK;

#endif
