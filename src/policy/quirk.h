/* What is known of phones by their User-Agent. A table that is built in, and an administrator's own
 * lines, which come before it. A pattern is a part of the User-Agent, without regard to case; of those
 * that fit the longest one counts, alone. */
#ifndef SOTTO_POLICY_QUIRK_H
#define SOTTO_POLICY_QUIRK_H

#include "base/buf.h"
#include "store/store.h"

#define QUIRK_PATTERN_MAX 40
#define QUIRK_LINES_MAX 8 /* a=crypto lines that can be asked for */
#define QUIRKS_OWN_MAX 32
#define QUIRKS_MAX 64 /* with those built in */

/* How an offer of encryption is written. */
enum offer_shape {
    OFFER_NONE,
    OFFER_OSRTP, /* RTP/AVP with keying lines: encryption is optional (RFC 8643) */
    OFFER_SAVP,  /* RTP/SAVP with a=crypto (RFC 4568) */
    OFFER_DTLS,  /* UDP/TLS/RTP/SAVPF (RFC 5764) */
    OFFER_ZRTP,  /* RTP/AVP with a=zrtp-hash (RFC 6189 s.8) */
    OFFER_MIKEY, /* RTP/SAVP with a=key-mgmt (RFC 4567) */
    OFFER_CLEAR, /* RTP/AVP and nothing else */
    OFFER_SHAPE_COUNT
};

/* Which digest algorithms a challenge names, and in which order. */
enum quirk_digest {
    QUIRK_DIGEST_UNSAID,
    QUIRK_DIGEST_SHA256_FIRST,
    QUIRK_DIGEST_MD5_FIRST, /* what an unknown phone gets */
    QUIRK_DIGEST_MD5_ONLY,  /* gives up on any other */
    QUIRK_DIGEST_COUNT
};

struct quirk {
    char pattern[QUIRK_PATTERN_MAX + 1];
    uint8_t digest;       /* enum quirk_digest */
    uint8_t offer;        /* enum offer_shape to begin with, within the policy; NONE: unsaid */
    uint8_t crypto_lines; /* at most so many in our offers; 0: unsaid */
    bool no_aes256;       /* it agrees on AES-256, and then there is no sound */
    bool aes_cm_256;      /* spells it AES_CM_256_..., not as RFC 6188 does */
    bool gcm;             /* it has AEAD_AES_128_GCM, which SDES offers then begin with */
    bool dtmf_info;       /* digits by INFO, where it has no telephone-event */
    bool built_in;        /* this line is */
    bool overrides;       /* an own line in the place of one built in */
};

struct quirk_table {
    size_t count, own; /* the first `own` are the administrator's */
    struct quirk of[QUIRKS_MAX];
};

const char *offer_shape_name(enum offer_shape s);   /* "osrtp" … */
const char *quirk_digest_name(enum quirk_digest d); /* "md5-only" …; UNSAID: "" */

/* 1 to QUIRK_PATTERN_MAX printable characters, no space at either end. */
bool quirk_is_pattern(struct slice s);
/* One setting, like "digest", "md5-only". False: unknown, or not allowed. */
bool quirk_take(struct quirk *q, struct slice key, struct slice value) MUST_CHECK;
/* "digest=md5-only crypto-lines=1" */
void quirk_print(struct buf *b, const struct quirk *q);

/* What is built in, and before it the own lines of `text` ("PATTERN\tSETTINGS\n" each); lines that
 * cannot be read are left out. */
void quirk_table_init(struct quirk_table *t, struct slice text);
/* The own lines, as init takes them. */
void quirk_table_print(struct buf *b, const struct quirk_table *t);
/* 0, or -ENOSPC: QUIRKS_OWN_MAX are there. A line with that pattern is replaced. */
int quirk_table_put(struct quirk_table *t, const struct quirk *q) MUST_CHECK;
/* False: no own line has that pattern. */
bool quirk_table_remove(struct quirk_table *t, struct slice pattern);
/* NULL: nothing is known. Lives as long as the table. */
const struct quirk *quirk_find(const struct quirk_table *t, struct slice agent);

/* The store's. 0 or -errno, with the table as built in. */
int quirk_table_load(struct quirk_table *t, struct store *s) MUST_CHECK;
int quirk_table_save(const struct quirk_table *t, struct store *s) MUST_CHECK;

#endif
