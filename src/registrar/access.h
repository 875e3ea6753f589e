/* Who may do what: every request that needs credentials is asked for them, and a caller can only be
 * itself. The answer to a wrong password and to a user who does not exist is the same. */
#ifndef SOTTO_REGISTRAR_ACCESS_H
#define SOTTO_REGISTRAR_ACCESS_H

#include "dialog/auth.h"
#include "registrar/directory.h"
#include "transport/transport.h"

struct access {
    struct directory *directory;
    struct dialog_auth *auth;
    struct loop *loop;
};

enum access_verdict {
    ACCESS_OK = 0,
    ACCESS_CHALLENGE, /* answer 401 or 407 with the header lines of access_put_challenge */
    ACCESS_STALE,     /* the same with stale=true */
    ACCESS_MALFORMED, /* 400 */
    ACCESS_NO_DOMAIN, /* 404: not a domain of ours */
    ACCESS_NOT_SELF,  /* 403: authenticated, but as another than it says in From or To */
    ACCESS_DISABLED,  /* 403 */
    ACCESS_TRANSPORT  /* 403: this user may not use this transport */
};

struct access_who {
    struct slice domain; /* realm; lives until the directory changes */
    const struct directory_user *user;
    char name[STORE_NAME_MAX + 1];
};

/* `self`: the address that the request speaks for (From; in REGISTER To). `proxy`: 407 instead of
 * 401. Sets ret->domain as soon as it is known, the rest with OK. */
int access_check(struct access *a, const struct sip_msg *req, const struct transport_flow *flow,
                 const struct sip_addr *self, bool proxy, struct access_who *ret) MUST_CHECK;
/* The header lines, in an order that this phone (its User-Agent) can read. */
void access_put_challenge(struct access *a, struct buf *b, const struct sip_msg *req,
                          struct slice realm, bool proxy, bool stale);

#endif
