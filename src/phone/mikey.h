/* The phone's certificate for MIKEY (RFC 3830 s.3.2), from files. */
#ifndef SOTTO_PHONE_MIKEY_H
#define SOTTO_PHONE_MIKEY_H

#include "keying/keying.h"
#include "phone/server.h"

struct phone_mikey {
    struct crypto_rsa *rsa; /* NULL: none was asked for */
    size_t peer_n;          /* the server's certificate; 0: not known, or not to be used */
    uint8_t peer[CRYPTO_RSA_CERT_MAX];
};

/* 0, also where the options name none; or -1 with a sentence. */
int phone_mikey_open(struct phone_mikey *m, const struct phone_options *opt,
                     const struct phone_server *server, char *why, size_t cap) MUST_CHECK;
void phone_mikey_fini(struct phone_mikey *m);

#endif
