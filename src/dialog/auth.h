/* Digest authentication (RFC 7616, 8760; RFC 3261 s.22), the part that has state: nonces that need
 * no memory (time, random, truncated HMAC-SHA-256 under a secret, bound to the realm), and a
 * bounded table against replayed nonce counts. A user who does not exist costs the same work and
 * gets the same answer as a wrong password.
 *
 * (Prototypes fixed by the registrar, which is written against them; add freely.) */
#ifndef SOTTO_DIALOG_AUTH_H
#define SOTTO_DIALOG_AUTH_H

#include "sip/msg.h"

#define DIALOG_AUTH_NONCE_S 300      /* then stale=true */
#define DIALOG_AUTH_REPLAY_MAX 65536 /* nonces remembered; the oldest goes, and is then stale */
#define DIALOG_AUTH_WINDOW 64        /* how far below the highest count one may still come */

struct dialog_auth;

struct dialog_ha1 { /* hex, no NUL */
    bool has_md5, has_sha256;
    char md5[32];
    char sha256[64];
};

enum dialog_auth_verdict {
    DIALOG_AUTH_OK = 0,
    DIALOG_AUTH_NONE, /* no credentials for this realm: challenge */
    DIALOG_AUTH_STALE, /* right, but the nonce is old, evicted or its count was used: challenge, stale=true */
    DIALOG_AUTH_WRONG, /* wrong password or no such user: challenge again, and an event for the log */
    DIALOG_AUTH_MALFORMED /* 400 */
};

/* `secret`: the same in all workers and after a restart, so that nonces stay good. What has been
 * used is known to this object alone: a copied request could be used once more at another worker,
 * or after a restart, for the DIALOG_AUTH_NONCE_S that its nonce lives. */
int dialog_auth_new(const uint8_t secret[32], bool offer_md5, struct dialog_auth **ret) MUST_CHECK;
struct dialog_auth *dialog_auth_free(struct dialog_auth *a);

/* Looks for Authorization (proxy: Proxy-Authorization) of this realm. lookup: 0, or -ENOENT; called
 * at most once, with the user name as it came (unquoted). *ret_username (until the message goes) is
 * set with OK, and with WRONG and STALE for the log. */
int dialog_auth_check(struct dialog_auth *a, const struct sip_msg *req, bool proxy,
                      struct slice realm, uint64_t now_unix,
                      int (*lookup)(void *arg, struct slice username, struct dialog_ha1 *ret),
                      void *arg, struct slice *ret_username) MUST_CHECK;
/* A request that dialog_auth_check will see soon: brings what is known of its nonce nearer. Returns a note for
 * the second time, when that has come from memory. */
uint64_t dialog_auth_ahead(const struct dialog_auth *a, const struct sip_msg *req);
void dialog_auth_ahead_again(const struct dialog_auth *a, uint64_t note);
/* RFC 8760 s.2.3 has the server's preference first. But phones are out there that look at the first
 * challenge alone, and some that fail on any algorithm they do not know. */
enum dialog_auth_order { DIALOG_AUTH_SHA256_FIRST, DIALOG_AUTH_MD5_FIRST, DIALOG_AUTH_MD5_ONLY };

struct dialog_auth_challenge {
    bool proxy;
    struct slice realm;
    uint64_t now_unix;
    bool stale;
    enum dialog_auth_order order; /* without MD5 at all where dialog_auth_new said so */
};
/* WWW-Authenticate (proxy: Proxy-Authenticate) lines. */
void dialog_auth_put_challenge(struct buf *b, struct dialog_auth *a,
                               const struct dialog_auth_challenge *c);

/* Client side: state for one peer that challenges. */
struct dialog_credentials {
    struct slice username, password; /* borrowed */
    uint32_t nc;
    char nonce[256];              /* of the last challenge; nc counts its uses */
    const struct dialog_ha1 *ha1; /* borrowed; instead of the password. NULL: none */
};
/* The header line that answers the challenge in `rsp` (401 or 407) for a request of `method` and
 * `uri`; the strongest algorithm offered that we have a secret for. -EINVAL: no challenge that we can answer. */
int dialog_auth_answer(struct dialog_credentials *c, const struct sip_msg *rsp, struct slice method,
                       struct slice uri, struct buf *b) MUST_CHECK;

#endif
