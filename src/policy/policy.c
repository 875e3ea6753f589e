#include "policy/policy.h"

#include <stdio.h>

static const struct {
    const char *name;
    enum policy_target_kind kind;
} built_in[] = {
    {"echo", POLICY_TARGET_ECHO},
    {"tone", POLICY_TARGET_TONE},
    {"clock", POLICY_TARGET_CLOCK},
};

/* RFC 3966 s.3: visual separators of a telephone number mean nothing. */
static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

static bool take_name(const struct sip_uri *uri, char *dst, size_t cap)
{
    size_t n = 0;
    if (sip_unescape(uri->user, dst, cap - 1, &n) < 0 || n == 0)
        return false;
    if (uri->scheme == SIP_SCHEME_TEL) {
        size_t out = 0;
        for (size_t i = 0; i < n; i++) {
            if (!is_separator(dst[i]))
                dst[out++] = dst[i];
        }
        n = out;
    }
    dst[n] = '\0';
    return n > 0 && memchr(dst, '\0', n) == NULL;
}

void policy_target_of(const struct sip_uri *uri, struct slice domain, struct policy_target *ret)
{
    *ret = (struct policy_target){.kind = POLICY_TARGET_BAD};
    if (!slice_to_str(domain, ret->domain, sizeof(ret->domain)) ||
        !take_name(uri, ret->name, sizeof(ret->name)))
        return;
    ret->kind = POLICY_TARGET_USER;
    for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
        if (slice_eq_nocase_str(slice_from_str(ret->name), built_in[i].name))
            ret->kind = built_in[i].kind;
    }
}

void policy_target_str(const struct policy_target *t, char *dst, size_t cap)
{
    snprintf(dst, cap, "%s@%s", t->name, t->domain);
}

bool policy_transport_allowed(const struct store_policy *policy, uint8_t kind)
{
    return policy->transports & (1u << kind);
}
