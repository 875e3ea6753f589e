/* ZRTP's key derivation (RFC 6189 s.4.3 - 4.5): pure functions over what the messages brought.
 *
 *   retained secrets --IDs--> which of them both have: s1 (rs1 or rs2), s2 (aux), s3 (pbx)
 *   DH:     s0 = hash(1, DHResult, ..., s1, s2, s3)
 *   Mult:   s0 = KDF(ZRTPSess, "ZRTP MSK", ...)      Prsh: s0 = KDF(preshared key, "ZRTP PSK", ...)
 *   s0 --KDF--> SRTP keys and salts, MAC and cipher keys of Confirm, SAS, next rs1, ZRTPSess */
#ifndef SOTTO_KEYING_ZRTP_KEYS_H
#define SOTTO_KEYING_ZRTP_KEYS_H

#include "crypto/srtp.h"
#include "keying/zrtp/msg.h"
#include "keying/zrtp/sas.h"

#define ZRTP_SECRET_LEN 32
#define ZRTP_SALT_LEN 14
#define ZRTP_AUX_MAX SECRET_CAP

enum zrtp_role { ZRTP_INITIATOR, ZRTP_RESPONDER, ZRTP_ROLE_COUNT };

/* What is kept of a pair of ZIDs between calls; n == 0: that one is not there. */
struct zrtp_secrets {
    struct secret of[ZRTP_SECRET_KINDS];
    bool verified; /* the SAS was compared by people, once, and no key has changed since */
};

/* Computed once both sides' contributions are known. Wipe with zrtp_keys_wipe. */
struct zrtp_keys {
    uint8_t zids[ZRTP_ROLE_COUNT][ZRTP_ZID_LEN];
    uint8_t total_hash[CRYPTO_DIGEST_MAX];
    struct zrtp_choice choice;
    struct secret s0;
    struct secret mac_key[ZRTP_ROLE_COUNT], cfb_key[ZRTP_ROLE_COUNT];
    struct secret srtp_key[ZRTP_ROLE_COUNT], srtp_salt[ZRTP_ROLE_COUNT];
    struct secret session; /* ZRTPSess */
    uint8_t sas_hash[ZRTP_SAS_HASH_LEN];
};

void zrtp_keys_wipe(struct zrtp_keys *k);

/* The ID by which `role` names a secret (s.4.3.1); `h3` is that role's, for aux. A secret that is
 * not there gets a random ID. */
void zrtp_secret_id(enum crypto_digest_kind d, enum zrtp_secret_kind kind, const struct secret *s,
                    enum zrtp_role role, const uint8_t h3[ZRTP_IMAGE_LEN],
                    uint8_t ret[ZRTP_ID_LEN]);

/* s.4.4.1.4; the matched secrets are NULL or empty where nothing matched. */
void zrtp_keys_from_dh(struct zrtp_keys *k, struct slice dh_result, const struct secret *s1,
                       const struct secret *s2, const struct secret *s3);
/* s.4.4.3.2 */
void zrtp_keys_from_session(struct zrtp_keys *k, const struct secret *session);
/* s.4.4.2 */
void zrtp_preshared_key(enum crypto_digest_kind d, const struct zrtp_secrets *s,
                        struct secret *ret);
void zrtp_preshared_id(enum crypto_digest_kind d, const struct secret *preshared,
                       uint8_t ret[ZRTP_ID_LEN]);
void zrtp_keys_from_preshared(struct zrtp_keys *k, const struct secret *preshared);

/* From ZIDs, total_hash, choice and s0 to all the rest (s.4.5). The session key is computed where
 * there is none yet. */
void zrtp_keys_derive(struct zrtp_keys *k);
void zrtp_next_secret(const struct zrtp_keys *k, struct secret *ret); /* s.4.6.1 */
void zrtp_pbx_secret(const struct zrtp_keys *k, struct secret *ret);  /* s.7.3.1 */
/* What `role` sends with; suite SRTP_SUITE_NONE where our engine has none for it. */
void zrtp_keys_srtp(const struct zrtp_keys *k, enum zrtp_role role, struct srtp_keys *ret);

#endif
