/* What a request is for, decided from facts alone: no I/O, no side effects. */
#ifndef SOTTO_POLICY_POLICY_H
#define SOTTO_POLICY_POLICY_H

#include "sip/msg.h"
#include "store/store.h"

enum policy_target_kind {
    POLICY_TARGET_USER,
    POLICY_TARGET_ECHO, /* built in, in every domain */
    POLICY_TARGET_TONE,
    POLICY_TARGET_CLOCK,
    POLICY_TARGET_BAD /* no user part, or one too long: 404 */
};

struct policy_target {
    enum policy_target_kind kind;
    char name[STORE_NAME_MAX + 1];
    char domain[STORE_DOMAIN_MAX + 1];
};

/* The target of a user part (escapes decoded here; a tel: number without its separators) in a
 * domain that has been found to be ours. */
void policy_target_of(const struct sip_uri *uri, struct slice domain, struct policy_target *ret);
/* "name@domain" into dst, NUL-terminated. */
void policy_target_str(const struct policy_target *t, char *dst, size_t cap);

/* May this user come and go by this transport? `kind`: enum transport_kind. */
bool policy_transport_allowed(const struct store_policy *policy, uint8_t kind);

#endif
