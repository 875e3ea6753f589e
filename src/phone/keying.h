/* The handshakes that key a call's media (DTLS-SRTP, ZRTP): drives the engines of keying/ over the
 * sockets of phone/media.h. The state is the session's; what changed it is told by `secure`. */
#ifndef SOTTO_PHONE_KEYING_H
#define SOTTO_PHONE_KEYING_H

#include "loop/loop.h"
#include "phone/media.h"
#include "phone/session.h"
#include "phone/zrtp.h"

struct phone_keying;

struct phone_keying_config {
    struct loop *loop;
    struct phone_session *session; /* borrowed, as is media */
    struct phone_media *media;
    struct phone_zrtp *zrtp; /* borrowed; open where the policy has ZRTP */
    void (*secure)(void *arg);
    void (*failed)(void *arg, const char *why); /* a plain sentence */
    void *arg;
};

int phone_keying_new(const struct phone_keying_config *cfg, struct phone_keying **ret) MUST_CHECK;
struct phone_keying *phone_keying_free(struct phone_keying *k);
/* After descriptions were agreed on: begins what they ask for. */
void phone_keying_update(struct phone_keying *k);
void phone_keying_packet(struct phone_keying *k, bool rtcp, struct slice packet,
                         const struct addr *from);

/* People have compared ZRTP's SAS. */
void phone_keying_verify(struct phone_keying *k, bool verified);

/* A certificate of our own, where the policy has DTLS; a memory of MIKEY messages. */
int phone_keying_local_init(struct keying_local *l, const struct keying_policy *p,
                            uint64_t unix_s) MUST_CHECK;
void phone_keying_local_fini(struct keying_local *l);

#endif
