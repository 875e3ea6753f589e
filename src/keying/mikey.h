/* MIKEY (RFC 3830) in descriptions (RFC 4567: "a=key-mgmt:mikey <base64>"): bytes to struct and back,
 * and keys from what a message brings. Pure.
 *
 * A message is a header and a chain of payloads. Modes:
 *
 *   pre-shared key (s.3.1)   the key that a message brings is encrypted (AES-CM-128) and all of it
 *                            authenticated (HMAC-SHA-1-160). Without such a key it stands in clear, as
 *                            GStreamer and cameras write it, which is what SDES is: a key that
 *                            signalling has to protect
 *   public key (s.3.2)       the same under a key of the initiator's making, which travels in an
 *                            envelope for the responder's RSA certificate; the initiator signs
 *   RSA-R (RFC 4738)         the responder brings key and envelope, and the initiator needs no
 *                            certificate of its beforehand; both sign
 *
 * The parser knows every payload of RFC 3830, so that a message of another mode is declined by name
 * and not as garbage. */
#ifndef SOTTO_KEYING_MIKEY_H
#define SOTTO_KEYING_MIKEY_H

#include "base/buf.h"
#include "crypto/rsa.h"
#include "crypto/srtp.h"

#define MIKEY_MESSAGE_MAX 4096 /* with certificates */
#define MIKEY_CS_MAX 16        /* crypto sessions of a message; more are refused */
#define MIKEY_POLICIES_MAX 4   /* SP payloads of a message; more are refused */
#define MIKEY_IDS_MAX 2        /* ID payloads: the initiator's, the responder's */
#define MIKEY_RAND_MIN 16      /* s.6.11 */
#define MIKEY_KEY_MAX 64       /* of key data that we use; longer is refused */
#define MIKEY_PSK_MIN 16       /* bytes of a pre-shared key; at most SECRET_CAP */
#define MIKEY_MAC_LEN 20       /* HMAC-SHA-1-160 */

enum mikey_type { /* s.6.1; RFC 4650 and 4738 */
                  MIKEY_PSK_INIT,
                  MIKEY_PSK_RESP,
                  MIKEY_PK_INIT,
                  MIKEY_PK_RESP,
                  MIKEY_DH_INIT,
                  MIKEY_DH_RESP,
                  MIKEY_ERROR,
                  MIKEY_DHHMAC_INIT,
                  MIKEY_DHHMAC_RESP,
                  MIKEY_RSA_R_INIT,
                  MIKEY_RSA_R_RESP,
                  MIKEY_TYPE_COUNT
};

enum mikey_key_kind { MIKEY_TGK, MIKEY_TGK_SALT, MIKEY_TEK, MIKEY_TEK_SALT, MIKEY_KEY_KINDS };

enum mikey_id_type { MIKEY_ID_NAI, MIKEY_ID_URI };          /* s.6.7 */
enum mikey_encr { MIKEY_ENCR_NULL, MIKEY_ENCR_AES_CM_128 }; /* s.6.2; key wrapping is declined */
enum mikey_mac { MIKEY_MAC_NULL, MIKEY_MAC_HMAC_SHA1 };
enum mikey_sign { MIKEY_SIGN_PKCS1, MIKEY_SIGN_PSS }; /* s.6.5 */

/* One security policy (s.6.10.1; GCM: RFC 7714 s.14): 0xff where it was not said. */
struct mikey_policy {
    uint8_t number;
    uint8_t encr, encr_key_len, auth, salt_len, auth_tag_len, srtp_encr, srtcp_encr, srtp_auth;
    uint8_t kdr, aead_tag_len;
};

struct mikey_cs {
    uint8_t policy_no;
    uint32_t ssrc, roc; /* SSRC 0: any */
};

struct mikey_id {
    uint8_t type; /* enum mikey_id_type */
    struct slice data;
};

struct mikey_msg {
    uint8_t type; /* enum mikey_type */
    bool wants_verification;
    uint8_t prf;
    uint32_t csb_id;
    uint8_t cs_count, policy_count, id_count;
    struct mikey_cs cs[MIKEY_CS_MAX]; /* crypto session 1 is cs[0] */
    struct mikey_policy policy[MIKEY_POLICIES_MAX];
    struct mikey_id id[MIKEY_IDS_MAX];
    bool has_time, time_is_counter;
    uint64_t time; /* NTP */
    struct slice rand;
    bool has_kemac;
    uint8_t kemac_encr, kemac_mac;
    struct slice kemac_data;     /* as it stands there, encrypted or not */
    struct slice kemac;          /* the payload, up to its MAC */
    uint8_t key_count, key_kind; /* of the first key */
    struct slice key, salt;
    bool has_key_validity; /* an SPI (MKI) or interval, which we do not do */
    bool has_v;
    uint8_t v_mac;
    struct slice mac;         /* of KEMAC or V, whichever came last; empty: none … */
    struct slice covered;     /* … and what of the message it is made over */
    struct slice cert;        /* the first in DER: the sender's own; empty: none */
    struct slice pke;         /* the envelope; empty: none */
    uint8_t sign_type;        /* enum mikey_sign */
    struct slice sign;        /* empty: not signed */
    struct slice signed_part; /* what of the message the signature is over */
    bool has_error;
    uint8_t error; /* s.6.12 */
};

/* What protects a message of ours. All zero: nothing. */
struct mikey_seal {
    const struct secret *key;           /* pre-shared, or of the envelope */
    const struct mikey_msg *init;       /* of an answer: the message that it answers */
    const struct crypto_rsa *own;       /* whose signature it gets */
    const struct crypto_rsa_peer *peer; /* whom the envelope is for */
};

enum mikey_verdict {
    MIKEY_OK = 0,
    MIKEY_BAD_LENGTH,
    MIKEY_BAD_VERSION,
    MIKEY_BAD_TYPE,
    MIKEY_BAD_PAYLOAD, /* of an unknown kind, or with a value that it may not have */
    MIKEY_TOO_MANY,    /* crypto sessions, policies, identities or keys */
    MIKEY_VERDICT_COUNT
};

/* 0 or enum mikey_verdict. Slices borrow from `data`. */
int mikey_parse(struct slice data, struct mikey_msg *ret) MUST_CHECK;
/* Key data sub-payloads (s.6.13) that were decrypted, into m->key and what stands beside it; they
 * borrow from `data`. */
int mikey_keys_parse(struct slice data, struct mikey_msg *m) MUST_CHECK;
/* The same behind an identity (s.3.2), as they stand in an envelope's KEMAC. */
int mikey_named_keys_parse(struct slice data, struct mikey_msg *m, struct mikey_id *ret) MUST_CHECK;
/* What we send: of m are used, as the mode has them, the bundle, time, RAND, IDs, first policy and
 * m->key as TGK. PSK_INIT: under a key encrypted and authenticated. PSK_RESP, PK_RESP: under a key
 * with a V payload, made over `init` too. PK_INIT and both of RSA-R: signed; id[0] is who signs. */
void mikey_print(const struct mikey_msg *m, const struct mikey_seal *seal, struct buf *b);
const char *mikey_verdict_why(enum mikey_verdict v);
const char *mikey_type_name(enum mikey_type t);
/* "1000@example.org" as NAI or as the same with "sip:" before it? */
bool mikey_id_is(const struct mikey_id *id, const char *name);
const char *mikey_error_name(uint8_t error); /* of s.6.12, in words */

/* --- under a pre-shared key, or an envelope's (s.4.1.4, 4.2.3, 5.2) ------------------------------- */

/* Is m's MAC the one that this key makes? `init`: of a PSK_RESP, the message that it answers. A
 * message without a MAC has none that fits. */
bool mikey_mac_fits(const struct mikey_msg *m, const struct secret *psk,
                    const struct mikey_msg *init);
/* Decrypts m's key data into `room` (as long as kemac_data) and parses it. 0, enum mikey_verdict
 * (which means another key, where the MAC was not asked), or -EIO. */
int mikey_kemac_open(struct mikey_msg *m, const struct secret *psk, uint8_t *room) MUST_CHECK;
/* With an envelope: is the MAC of the KEMAC payload alone the one that its key makes? */
bool mikey_kemac_fits(const struct mikey_msg *m, const struct secret *env);
/* The same as mikey_kemac_open, with the sender's identity before the keys. */
int mikey_envelope_open(struct mikey_msg *m, const struct secret *env, uint8_t *room,
                        struct mikey_id *ret) MUST_CHECK;
/* Has `peer` signed m? `init`: of an answer, whose identities and time are signed too (s.5.2). */
bool mikey_sign_fits(const struct mikey_msg *m, const struct crypto_rsa_peer *peer,
                     const struct mikey_msg *init);

/* --- policies and keys --------------------------------------------------------------------------- */

/* The suite of crypto session `cs` (from 1) by its policy; SRTP_SUITE_NONE: none of ours, or it has
 * no policy. */
enum srtp_suite mikey_suite_of(const struct mikey_msg *m, size_t cs);
/* False: SRTP_SUITE_NONE. */
bool mikey_policy_of(enum srtp_suite s, struct mikey_policy *ret);

/* s.4.1.2: PRF-MIKEY-1. n <= SECRET_CAP. */
void mikey_prf(struct slice key, struct slice label, size_t n, uint8_t *ret);
/* s.4.1.3: what crypto session cs_id (from 1) of a bundle sends with: of m are used csb_id, rand, key
 * and, where it has one, the salt. */
void mikey_srtp_keys(const struct mikey_msg *m, enum srtp_suite suite, uint8_t cs_id,
                     struct srtp_keys *ret);

#endif
