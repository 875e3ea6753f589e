/* MIKEY (RFC 3830) in descriptions (RFC 4567: "a=key-mgmt:mikey <base64>"): bytes to struct and back,
 * and keys from what a message brings. Pure.
 *
 * A message is a header and a chain of payloads. Of the modes one is used: pre-shared key with
 * neither encryption nor MAC (s.4.2.3, as GStreamer and cameras write it), which makes it what SDES
 * is: a key in a description that signalling protects. The parser knows every payload of RFC 3830,
 * so that a message of another mode is declined by name and not as garbage. */
#ifndef SOTTO_KEYING_MIKEY_H
#define SOTTO_KEYING_MIKEY_H

#include "base/buf.h"
#include "crypto/srtp.h"

#define MIKEY_MESSAGE_MAX 4096 /* with certificates */
#define MIKEY_CS_MAX 16        /* crypto sessions of a message; more are refused */
#define MIKEY_RAND_MIN 16      /* s.6.11 */
#define MIKEY_KEY_MAX 64       /* of key data that we use; longer is refused */

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

/* One security policy (s.6.10.1): 0xff where it was not said. */
struct mikey_policy {
    bool is_there;
    uint8_t encr, encr_key_len, auth, salt_len, auth_tag_len, srtp_encr, srtcp_encr, srtp_auth;
};

struct mikey_msg {
    uint8_t type; /* enum mikey_type */
    bool wants_verification;
    uint8_t prf;
    uint32_t csb_id;
    uint8_t cs_count;
    uint8_t policy_no[MIKEY_CS_MAX];
    struct mikey_policy policy; /* of number 0 */
    bool has_time;
    uint64_t time; /* NTP */
    struct slice rand;
    bool has_kemac;
    uint8_t kemac_encr, kemac_mac; /* 0: none */
    uint8_t key_count, key_kind;   /* of the first key */
    struct slice key, salt;
    bool has_key_validity; /* an SPI (MKI) or interval, which we do not do */
    bool has_error;
    uint8_t error; /* s.6.12 */
};

enum mikey_verdict {
    MIKEY_OK = 0,
    MIKEY_BAD_LENGTH,
    MIKEY_BAD_VERSION,
    MIKEY_BAD_TYPE,
    MIKEY_BAD_PAYLOAD, /* of an unknown kind, or with a value that it may not have */
    MIKEY_TOO_MANY,    /* crypto sessions */
    MIKEY_VERDICT_COUNT
};

/* 0 or enum mikey_verdict. Slices borrow from `data`. */
int mikey_parse(struct slice data, struct mikey_msg *ret) MUST_CHECK;
/* What we send: a PSK_INIT with policy, RAND and a TGK in clear, or a PSK_RESP. */
void mikey_print(const struct mikey_msg *m, struct buf *b);
const char *mikey_verdict_why(enum mikey_verdict v);
const char *mikey_type_name(enum mikey_type t);

/* The suite that a policy means; SRTP_SUITE_NONE: none of ours. */
enum srtp_suite mikey_suite_of(const struct mikey_policy *p);
/* False: MIKEY cannot say that one here (GCM). */
bool mikey_policy_of(enum srtp_suite s, struct mikey_policy *ret);

/* s.4.1.2: PRF-MIKEY-1. n <= SECRET_CAP. */
void mikey_prf(struct slice key, struct slice label, size_t n, uint8_t *ret);
/* s.4.1.3: what crypto session cs_id (from 1) sends with. */
void mikey_srtp_keys(enum srtp_suite suite, struct slice tgk, uint8_t cs_id, uint32_t csb_id,
                     struct slice rand, struct srtp_keys *ret);

#endif
