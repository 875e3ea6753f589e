#include "keying/zrtp/algo.h"

#define NAMES_MAX ZRTP_KEY_AGREEMENT_COUNT

// clang-format off
static const char names[ZRTP_CLASS_COUNT][NAMES_MAX][ZRTP_NAME_LEN + 1] = {
    [ZRTP_HASH]   = {[ZRTP_S256] = "S256", [ZRTP_S384] = "S384"},
    [ZRTP_CIPHER] = {[ZRTP_AES1] = "AES1", [ZRTP_AES2] = "AES2", [ZRTP_AES3] = "AES3",
                     [ZRTP_2FS1] = "2FS1", [ZRTP_2FS3] = "2FS3"},
    [ZRTP_AUTH]   = {[ZRTP_HS32] = "HS32", [ZRTP_HS80] = "HS80"},
    [ZRTP_KEY_AGREEMENT] = {[ZRTP_DH2K] = "DH2k", [ZRTP_X255] = "X255", [ZRTP_EC25] = "EC25",
                            [ZRTP_DH3K] = "DH3k", [ZRTP_EC38] = "EC38", [ZRTP_MULT] = "Mult",
                            [ZRTP_PRSH] = "Prsh"},
    [ZRTP_SAS]    = {[ZRTP_B32] = "B32 ", [ZRTP_B256] = "B256"},
};

static const struct {
    uint8_t key_len;
    uint8_t cfb;                        /* enum crypto_cfb_cipher */
    uint8_t suites[ZRTP_AUTH_COUNT];    /* enum srtp_suite */
} ciphers[ZRTP_CIPHER_COUNT] = {
    [ZRTP_AES1] = {16, CRYPTO_CFB_AES128, {0, SRTP_AES_CM_128_HMAC_SHA1_32, SRTP_AES_CM_128_HMAC_SHA1_80}},
    [ZRTP_AES2] = {24, CRYPTO_CFB_AES192, {0, SRTP_AES_192_CM_HMAC_SHA1_32, SRTP_AES_192_CM_HMAC_SHA1_80}},
    [ZRTP_AES3] = {32, CRYPTO_CFB_AES256, {0, SRTP_AES_256_CM_HMAC_SHA1_32, SRTP_AES_256_CM_HMAC_SHA1_80}},
    [ZRTP_2FS1] = {16, CRYPTO_CFB_TWOFISH128, {0}},
    [ZRTP_2FS3] = {32, CRYPTO_CFB_TWOFISH256, {0}},
};

static const uint8_t groups[ZRTP_KEY_AGREEMENT_COUNT] = {
    [ZRTP_DH2K] = CRYPTO_DH_2048, [ZRTP_X255] = CRYPTO_DH_X25519, [ZRTP_EC25] = CRYPTO_DH_P256,
    [ZRTP_DH3K] = CRYPTO_DH_3072, [ZRTP_EC38] = CRYPTO_DH_P384,
};

static const struct zrtp_lists default_lists = {{
    [ZRTP_HASH]   = {2, {ZRTP_S256, ZRTP_S384}},
    [ZRTP_CIPHER] = {3, {ZRTP_AES3, ZRTP_AES1, ZRTP_AES2}},
    [ZRTP_AUTH]   = {2, {ZRTP_HS80, ZRTP_HS32}},
    [ZRTP_KEY_AGREEMENT] = {6, {ZRTP_X255, ZRTP_EC25, ZRTP_DH3K, ZRTP_EC38, ZRTP_DH2K, ZRTP_MULT}},
    [ZRTP_SAS]    = {2, {ZRTP_B32, ZRTP_B256}},
}};

static const struct zrtp_lists mandatory_lists = {{
    [ZRTP_HASH]   = {1, {ZRTP_S256}},
    [ZRTP_CIPHER] = {1, {ZRTP_AES1}},
    [ZRTP_AUTH]   = {2, {ZRTP_HS80, ZRTP_HS32}},
    [ZRTP_KEY_AGREEMENT] = {1, {ZRTP_DH3K}},
    [ZRTP_SAS]    = {1, {ZRTP_B32}},
}};
// clang-format on

const char *zrtp_algo_name(enum zrtp_algo_class c, unsigned v)
{
    return v > 0 && v < NAMES_MAX && names[c][v][0] ? names[c][v] : "none";
}

unsigned zrtp_algo_from_name(enum zrtp_algo_class c, const uint8_t name[ZRTP_NAME_LEN])
{
    for (unsigned v = 1; v < NAMES_MAX; v++) {
        if (names[c][v][0] && memcmp(names[c][v], name, ZRTP_NAME_LEN) == 0)
            return v;
    }
    return 0;
}

bool zrtp_list_has(const struct zrtp_list *l, unsigned v)
{
    return l->n && memchr(l->v, (int)v, l->n);
}

void zrtp_list_add(struct zrtp_list *l, unsigned v)
{
    if (v && l->n < ZRTP_LIST_MAX && !zrtp_list_has(l, v))
        l->v[l->n++] = (uint8_t)v;
}

void zrtp_lists_default(struct zrtp_lists *ret)
{
    *ret = default_lists;
}

static unsigned first_common(const struct zrtp_list *ours, const struct zrtp_list *theirs,
                             bool (*fits)(unsigned v))
{
    for (size_t i = 0; i < ours->n; i++) {
        if ((!fits || fits(ours->v[i])) && zrtp_list_has(theirs, ours->v[i]))
            return ours->v[i];
    }
    return 0;
}

/* s.4.1.2: where the two sides like different ones best, the faster of the two. */
static unsigned choose_one(enum zrtp_algo_class c, const struct zrtp_list *ours,
                           const struct zrtp_list *theirs)
{
    bool (*fits)(unsigned v) = c == ZRTP_KEY_AGREEMENT ? zrtp_is_dh : NULL;
    unsigned a = first_common(ours, theirs, fits), b = first_common(theirs, ours, fits);

    if (c == ZRTP_SAS) /* people read it at their end; a server has nobody who does */
        return b;
    return c == ZRTP_KEY_AGREEMENT && b < a ? b : a;
}

bool zrtp_choose(const struct zrtp_lists *ours, const struct zrtp_lists *theirs, unsigned mode,
                 struct zrtp_choice *ret)
{
    struct zrtp_choice choice;

    for (int i = 0; i < ZRTP_CLASS_COUNT; i++) {
        enum zrtp_algo_class c = (enum zrtp_algo_class)i;
        unsigned v = choose_one(c, &ours->of[c], &theirs->of[c]);
        choice.of[c] = (uint8_t)(v ? v : choose_one(c, &ours->of[c], &mandatory_lists.of[c]));
    }
    if (mode)
        choice.of[ZRTP_KEY_AGREEMENT] = (uint8_t)mode;
    /* s.5.1.5: P-384 goes with SHA-384, where both have it. */
    if (choice.of[ZRTP_KEY_AGREEMENT] == ZRTP_EC38 &&
        zrtp_list_has(&ours->of[ZRTP_HASH], ZRTP_S384) &&
        zrtp_list_has(&theirs->of[ZRTP_HASH], ZRTP_S384))
        choice.of[ZRTP_HASH] = ZRTP_S384;
    for (int c = 0; c < ZRTP_CLASS_COUNT; c++) {
        if (!choice.of[c])
            return false;
    }
    *ret = choice;
    return true;
}

enum crypto_digest_kind zrtp_digest_of(unsigned hash)
{
    return hash == ZRTP_S384 ? CRYPTO_DIGEST_SHA384 : CRYPTO_DIGEST_SHA256;
}

enum crypto_cfb_cipher zrtp_cfb_of(unsigned cipher)
{
    return (enum crypto_cfb_cipher)ciphers[cipher].cfb;
}

size_t zrtp_cipher_key_len(unsigned cipher)
{
    return ciphers[cipher].key_len;
}

bool zrtp_is_dh(unsigned key_agreement)
{
    return key_agreement >= ZRTP_DH2K && key_agreement <= ZRTP_EC38;
}

enum crypto_dh_group zrtp_group_of(unsigned key_agreement)
{
    return (enum crypto_dh_group)groups[key_agreement];
}

enum srtp_suite zrtp_suite_of(unsigned cipher, unsigned auth)
{
    return (enum srtp_suite)ciphers[cipher].suites[auth];
}
