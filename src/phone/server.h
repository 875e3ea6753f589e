/* Where the server is, whom to trust, and our name and password there: from the options, the data
 * folder of a server on this machine, and the environment. */
#ifndef SOTTO_PHONE_SERVER_H
#define SOTTO_PHONE_SERVER_H

#include "phone/auth.h"
#include "phone/options.h"
#include "transport/transport.h"

#define PHONE_PATH_MAX 1024

struct phone_server {
    enum transport_kind kind;
    struct addr addr;
    char name[PHONE_DOMAIN_MAX]; /* what the certificate must prove; empty: anything */
    char ca[PHONE_PATH_MAX];     /* empty: whom the system trusts */
    char data[PHONE_PATH_MAX];   /* of the server on this machine; empty: none */
};

/* 0, or -1 with a sentence (what is wrong, and how to mend it) in `why`. */
int phone_server_find(const struct phone_options *opt, struct phone_server *ret, char *why,
                      size_t cap) MUST_CHECK;
/* user, domain: as in --as, the domain completed (buffers of PHONE_USER_MAX, PHONE_DOMAIN_MAX). */
int phone_identity_find(const struct phone_options *opt, const struct phone_server *server,
                        char *user, char *domain, struct phone_auth *auth, char *why,
                        size_t cap) MUST_CHECK;
/* "[tls:]host:port" of a configuration's or an option's listener. -EINVAL. */
int phone_listen_parse(struct slice s, enum transport_kind *ret_kind,
                       struct addr *ret_addr) MUST_CHECK;
/* The SIP listener of a sotto.conf's text that a client on this machine should take: of the transport
 * `wanted`, or (TRANSPORT_KIND_COUNT) a protected one before others; where none is configured the
 * default, tls:127.0.0.1:5061. False: none of that transport. */
bool phone_local_listener(struct slice conf, enum transport_kind wanted,
                          enum transport_kind *ret_kind, struct addr *ret_addr);

#endif
