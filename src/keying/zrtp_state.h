/* ZRTP (RFC 6189 s.8) in descriptions: "a=zrtp-hash:1.10 <hex>" binds the Hello of the media path to
 * signalling. What an endpoint remembers of it; the machine is keying/zrtp/, the text zrtp_ops.c,
 * and what joins the two zrtp_engine.c.
 *
 *   our Hello    is fixed by `h0`, the server's ZID and the suites, so that its hash can be told
 *                before an engine runs, and an engine that is begun again says the same
 *   association  goes on as long as both Hellos are the same; another hash of the peer's, or other
 *                suites of ours, ask for another exchange
 *
 * A peer that announces no hash speaks ZRTP all the same, maybe; that is tried only where the policy
 * knows no other keying. */
#ifndef SOTTO_KEYING_ZRTP_STATE_H
#define SOTTO_KEYING_ZRTP_STATE_H

#include "crypto/hash.h"
#include "keying/zrtp/zrtp.h"

#define ZRTP_SUITES_MAX 6 /* AES-128, 192, 256 with both tags */

/* What of ours is the same for all endpoints of a process. */
struct zrtp_local {
    uint8_t zid[ZRTP_ZID_LEN];
    bool is_mitm;       /* we relay calls, and say so (s.7.3) */
    bool accept_enroll; /* a phone whose user wants to be enrolled */
};

/* What an exchange told beside the keys. */
struct zrtp_told {
    uint8_t sas_kind;  /* enum zrtp_sas */
    uint8_t agreement; /* enum zrtp_key_agreement */
    bool cache_mismatch, pbx_matched, enroll_offered;
    uint8_t sas_hash[ZRTP_SAS_HASH_LEN];
    uint8_t session_n; /* ZRTPSess, from which further streams have their keys (s.4.4.3) */
    uint8_t session[CRYPTO_DIGEST_MAX];
};

struct zrtp_state {
    bool has_self, has_peer_hash;
    uint8_t h0[ZRTP_IMAGE_LEN];
    uint8_t peer_hash[CRYPTO_SHA256_LEN];
    uint8_t suite_count;
    uint8_t suites[ZRTP_SUITES_MAX]; /* enum srtp_suite, best first */
    struct zrtp_told told;
};

/* The configuration from which both the description's hash and the engine's Hello come. */
void zrtp_config_of(const struct zrtp_local *l, const struct zrtp_state *s,
                    struct zrtp_config *ret);

/* One a=zrtp-hash value. 0; -ENOTSUP: of another version than 1.1x; -EINVAL. */
int zrtp_hash_parse(struct slice value, uint8_t ret[CRYPTO_SHA256_LEN]) MUST_CHECK;

#endif
