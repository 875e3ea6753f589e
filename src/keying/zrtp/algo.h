/* The algorithms of ZRTP (RFC 6189 s.5.1.2 - 5.1.6) as tables: a four-letter name each, what it
 * means to us, and how two lists become one choice (s.4.1.2). */
#ifndef SOTTO_KEYING_ZRTP_ALGO_H
#define SOTTO_KEYING_ZRTP_ALGO_H

#include "base/protection.h"
#include "crypto/cfb.h"
#include "crypto/dh.h"
#include "crypto/digest.h"

/* In the order of a Hello's lists. */
enum zrtp_algo_class {
    ZRTP_HASH,
    ZRTP_CIPHER,
    ZRTP_AUTH,
    ZRTP_KEY_AGREEMENT,
    ZRTP_SAS,
    ZRTP_CLASS_COUNT
};

#define ZRTP_NAME_LEN 4
#define ZRTP_LIST_MAX 7 /* s.5.2: what a Hello's counts may say */

/* 0 is "none" in every class. */
enum zrtp_hash { ZRTP_S256 = 1, ZRTP_S384, ZRTP_HASH_COUNT };
enum zrtp_cipher {
    ZRTP_AES1 = 1,
    ZRTP_AES2,
    ZRTP_AES3,
    ZRTP_2FS1, /* the Confirm messages only: our SRTP engine has no Twofish */
    ZRTP_2FS3,
    ZRTP_CIPHER_COUNT
};
enum zrtp_auth { ZRTP_HS32 = 1, ZRTP_HS80, ZRTP_AUTH_COUNT };
/* Fastest first, as s.4.1.2 ranks them. */
enum zrtp_key_agreement {
    ZRTP_DH2K = 1,
    ZRTP_X255,
    ZRTP_EC25,
    ZRTP_DH3K,
    ZRTP_EC38,
    ZRTP_MULT, /* no key agreement: other ways to keys (s.3.1.2, 3.1.3) */
    ZRTP_PRSH,
    ZRTP_KEY_AGREEMENT_COUNT
};
enum zrtp_sas { ZRTP_B32 = 1, ZRTP_B256, ZRTP_SAS_COUNT };

/* A preference list of one class, best first. */
struct zrtp_list {
    uint8_t n;
    uint8_t v[ZRTP_LIST_MAX]; /* one of the enums above */
};

struct zrtp_lists {
    struct zrtp_list of[ZRTP_CLASS_COUNT];
};

/* What a Commit says: one of each class. */
struct zrtp_choice {
    uint8_t of[ZRTP_CLASS_COUNT];
};

const char *zrtp_algo_name(enum zrtp_algo_class c, unsigned v); /* four letters; "none" for 0 */
unsigned zrtp_algo_from_name(enum zrtp_algo_class c, const uint8_t name[ZRTP_NAME_LEN]);

bool zrtp_list_has(const struct zrtp_list *l, unsigned v);
void zrtp_list_add(struct zrtp_list *l, unsigned v); /* once; not beyond ZRTP_LIST_MAX */
/* Everything that needs no Twofish, in the order that we like. */
void zrtp_lists_default(struct zrtp_lists *ret);

/* The initiator's choice, `mode` being 0 (a key agreement of both lists, the faster of the two
 * first ones), ZRTP_MULT or ZRTP_PRSH. S256, AES1, HS32, HS80, DH3k and B32 are understood by all,
 * listed or not (s.5.1), and are tried where the lists have nothing in common. Ours are strict: a
 * policy may leave out what the RFC makes mandatory. False: nothing in common in some class. */
bool zrtp_choose(const struct zrtp_lists *ours, const struct zrtp_lists *theirs, unsigned mode,
                 struct zrtp_choice *ret);

enum crypto_digest_kind zrtp_digest_of(unsigned hash);
enum crypto_cfb_cipher zrtp_cfb_of(unsigned cipher);
size_t zrtp_cipher_key_len(unsigned cipher);
bool zrtp_is_dh(unsigned key_agreement); /* neither Mult nor Prsh */
enum crypto_dh_group zrtp_group_of(unsigned key_agreement);
/* SRTP_SUITE_NONE: not with our SRTP engine. */
enum srtp_suite zrtp_suite_of(unsigned cipher, unsigned auth);

#endif
