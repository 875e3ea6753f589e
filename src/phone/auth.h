/* Who we are towards a server: either a password, which fits every realm, or what the store keeps
 * of one, the HA1 of one realm. */
#ifndef SOTTO_PHONE_AUTH_H
#define SOTTO_PHONE_AUTH_H

#include "base/secret.h"
#include "dialog/auth.h"

#define PHONE_PASSWORD_MAX 256

struct phone_auth {
    char username[65];
    bool has_password, has_ha1;
    char password[PHONE_PASSWORD_MAX];
    struct dialog_ha1 ha1;
    struct secret mikey_psk;               /* n == 0: none */
    struct dialog_credentials credentials; /* borrows the fields above */
};

void phone_auth_fini(struct phone_auth *a);
/* Either may be empty (n == 0). -EINVAL: sizes. */
int phone_auth_set_ha1(struct phone_auth *a, const struct secret *sha256,
                       const struct secret *md5) MUST_CHECK;
/* Appends the header line that answers the challenge of `rsp` (401 or 407). NULL: done, and
 * *ret_stale says whether only the nonce was old; else a plain sentence. */
const char *phone_auth_answer(struct phone_auth *a, const struct sip_msg *rsp, struct slice method,
                              struct slice uri, struct buf *b, bool *ret_stale);

#endif
