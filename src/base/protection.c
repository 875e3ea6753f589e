#include "base/protection.h"

static const char *const keying_names[KEYING_COUNT] = {
    [KEYING_NONE] = "none", [KEYING_SDES] = "sdes",   [KEYING_DTLS] = "dtls",
    [KEYING_ZRTP] = "zrtp", [KEYING_MIKEY] = "mikey", [KEYING_PASS] = "pass",
};

static const char *const fault_names[KEYING_FAULT_COUNT] = {
    [KEYING_FAULT_PEER] = "peer",         [KEYING_FAULT_FORGED] = "forged",
    [KEYING_FAULT_SUITE] = "suite",       [KEYING_FAULT_TIMEOUT] = "timeout",
    [KEYING_FAULT_INTERNAL] = "internal",
};

static const char *const policy_names[PROTECTION_POLICY_COUNT] = {
    [PROTECTION_REQUIRED] = "required",
    [PROTECTION_PREFERRED] = "preferred",
    [PROTECTION_OFF] = "off",
};

static const char *const path_names[MEDIA_PATH_COUNT] = {
    [MEDIA_PATH_RELAY] = "relay",
    [MEDIA_PATH_DIRECT] = "direct",
    [MEDIA_PATH_PASS] = "pass",
};

static const char *const suite_names[SRTP_SUITE_COUNT] = {
    [SRTP_SUITE_NONE] = "NONE",
    [SRTP_AES_CM_128_HMAC_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
    [SRTP_AES_CM_128_HMAC_SHA1_32] = "AES_CM_128_HMAC_SHA1_32",
    [SRTP_AES_192_CM_HMAC_SHA1_80] = "AES_192_CM_HMAC_SHA1_80",
    [SRTP_AES_192_CM_HMAC_SHA1_32] = "AES_192_CM_HMAC_SHA1_32",
    [SRTP_AES_256_CM_HMAC_SHA1_80] = "AES_256_CM_HMAC_SHA1_80",
    [SRTP_AES_256_CM_HMAC_SHA1_32] = "AES_256_CM_HMAC_SHA1_32",
    [SRTP_AEAD_AES_128_GCM] = "AEAD_AES_128_GCM",
    [SRTP_AEAD_AES_256_GCM] = "AEAD_AES_256_GCM",
};

/* Spellings that real phones send and no RFC has. */
static const struct {
    const char *name;
    enum srtp_suite suite;
} suite_aliases[] = {
    {"AES_CM_192_HMAC_SHA1_80", SRTP_AES_192_CM_HMAC_SHA1_80},
    {"AES_CM_192_HMAC_SHA1_32", SRTP_AES_192_CM_HMAC_SHA1_32},
    {"AES_CM_256_HMAC_SHA1_80", SRTP_AES_256_CM_HMAC_SHA1_80},
    {"AES_CM_256_HMAC_SHA1_32", SRTP_AES_256_CM_HMAC_SHA1_32},
};

static int name_find(const char *const *names, size_t n, struct slice s, size_t *ret_i)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_eq_nocase_str(s, names[i])) {
            *ret_i = i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *keying_fault_name(enum keying_fault f)
{
    return fault_names[f];
}

const char *keying_name(enum keying_kind k)
{
    return keying_names[k];
}

int keying_parse(struct slice s, enum keying_kind *ret)
{
    size_t i = 0;
    int r = name_find(keying_names, KEYING_COUNT, s, &i);
    if (r == 0)
        *ret = (enum keying_kind)i;
    return r;
}

const char *protection_policy_name(enum protection_policy p)
{
    return policy_names[p];
}

int protection_policy_parse(struct slice s, enum protection_policy *ret)
{
    size_t i = 0;
    int r = name_find(policy_names, PROTECTION_POLICY_COUNT, s, &i);
    if (r == 0)
        *ret = (enum protection_policy)i;
    return r;
}

const char *media_path_name(enum media_path p)
{
    return path_names[p];
}

int media_path_parse(struct slice s, enum media_path *ret)
{
    size_t i = 0;
    int r = name_find(path_names, MEDIA_PATH_COUNT, s, &i);
    if (r == 0)
        *ret = (enum media_path)i;
    return r;
}

const char *srtp_suite_name(enum srtp_suite s)
{
    return suite_names[s];
}

enum srtp_suite srtp_suite_from_name(struct slice name)
{
    size_t i = 0;
    if (name_find(suite_names + 1, SRTP_SUITE_COUNT - 1, name, &i) == 0)
        return (enum srtp_suite)(i + 1);
    for (i = 0; i < ARRAY_LEN(suite_aliases); i++) {
        if (slice_eq_nocase_str(name, suite_aliases[i].name))
            return suite_aliases[i].suite;
    }
    return SRTP_SUITE_NONE;
}
