/* The words in which both towers, signalling and media, speak of how a call is protected: one
 * vocabulary, so that CLI, API, CDR, log and the phones' displays all tell the same. */
#ifndef SOTTO_BASE_PROTECTION_H
#define SOTTO_BASE_PROTECTION_H

#include "base/slice.h"

enum keying_kind {
    KEYING_NONE,  /* RTP in clear */
    KEYING_SDES,  /* RFC 4568 */
    KEYING_DTLS,  /* RFC 5763, 5764 */
    KEYING_ZRTP,  /* RFC 6189 */
    KEYING_MIKEY, /* RFC 3830 */
    KEYING_PASS,  /* opaque relay: the phones have the keys, we have not */
    KEYING_COUNT
};

/* Why a handshake in the media path has failed, as it is counted; a sentence tells more. */
enum keying_fault {
    KEYING_FAULT_PEER,     /* another certificate than the signalled one */
    KEYING_FAULT_FORGED,   /* a proof that was wrong: someone may be between us */
    KEYING_FAULT_SUITE,    /* it would have ended in one that is not allowed */
    KEYING_FAULT_TIMEOUT,  /* not complete in time, whoever is to blame */
    KEYING_FAULT_INTERNAL, /* ours */
    KEYING_FAULT_COUNT
};

enum protection_policy {
    PROTECTION_REQUIRED,  /* never a clear packet, in or out */
    PROTECTION_PREFERRED, /* encrypted where the peer can */
    PROTECTION_OFF,       /* clear; a peer that insists on encryption gets 488 */
    PROTECTION_POLICY_COUNT
};

enum srtp_suite {
    SRTP_SUITE_NONE = 0,
    SRTP_AES_CM_128_HMAC_SHA1_80,
    SRTP_AES_CM_128_HMAC_SHA1_32,
    SRTP_AES_192_CM_HMAC_SHA1_80,
    SRTP_AES_192_CM_HMAC_SHA1_32,
    SRTP_AES_256_CM_HMAC_SHA1_80,
    SRTP_AES_256_CM_HMAC_SHA1_32,
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_SUITE_COUNT
};

enum media_path { MEDIA_PATH_RELAY, MEDIA_PATH_DIRECT, MEDIA_PATH_PASS, MEDIA_PATH_COUNT };

#define PROTECTION_SAS_MAX 40

/* How one leg's media is protected now. Fixed size: it travels between roles and lies in memfds. */
struct media_protection {
    uint8_t keying;   /* enum keying_kind */
    uint8_t suite;    /* enum srtp_suite, of what we send */
    uint8_t path;     /* enum media_path */
    bool established; /* keys are there in both directions */
    bool sas_verified;
    bool trusted_mitm;
    bool end_to_end;
    uint8_t passes;      /* with KEYING_PASS: enum keying_kind that the phones agree by, as far as
                            can be seen from outside */
    bool cache_mismatch; /* ZRTP: what is kept of earlier calls does not fit; compare the SAS */
    char agreement
        [5]; /* ZRTP's key agreement, "X255"; MIKEY's "PSK", "PK", "RSAR"; empty: not told, none */
    char sas[PROTECTION_SAS_MAX]; /* empty: none */
};

const char *keying_name(enum keying_kind k);        /* "sdes" */
const char *keying_fault_name(enum keying_fault f); /* "peer" */
int keying_parse(struct slice s, enum keying_kind *ret) MUST_CHECK;
const char *protection_policy_name(enum protection_policy p); /* "required" */
int protection_policy_parse(struct slice s, enum protection_policy *ret) MUST_CHECK;
const char *media_path_name(enum media_path p);
int media_path_parse(struct slice s, enum media_path *ret) MUST_CHECK;

/* IANA's SDES name; "NONE" for SRTP_SUITE_NONE. */
const char *srtp_suite_name(enum srtp_suite s);
/* IANA's names and the other spelling AES_CM_256_… that FreeSWITCH and Zoiper use, no regard to
 * case. SRTP_SUITE_NONE: unknown. */
enum srtp_suite srtp_suite_from_name(struct slice name);

#endif
