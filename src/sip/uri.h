/* SIP, SIPS and tel URIs (RFC 3261 s.19.1, RFC 3966), zero-copy: every slice points into the
 * input. Escapes (%41) stay as they came; sip_unescape decodes where a value is looked up. */
#ifndef SOTTO_SIP_URI_H
#define SOTTO_SIP_URI_H

#include "base/buf.h"

enum sip_scheme { SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL, SIP_SCHEME_OTHER };

struct sip_uri {
    enum sip_scheme scheme;
    struct slice raw;      /* all of it */
    struct slice user;     /* tel: the number; empty where absent */
    struct slice password; /* without ':' */
    struct slice host;     /* IPv6 with its brackets */
    uint16_t port;         /* 0: absent */
    struct slice params;   /* "transport=tls;lr", without the first ';' */
    struct slice headers;  /* without '?' */
};

enum sip_uri_verdict { SIP_URI_OK = 0, SIP_URI_BAD = 1 };

int sip_uri_parse(struct slice in, struct sip_uri *ret) MUST_CHECK; /* enum sip_uri_verdict */

/* The value of a parameter in a ';'-separated list (a URI's or a header's), name without regard
 * to case. False where absent. A parameter without '=' has an empty value. Quotes are kept. */
bool sip_param_find(struct slice params, const char *name, struct slice *ret_value);

/* RFC 3261 s.19.1.4; tel: RFC 3966 s.4, parameters in any order; other schemes byte for byte.
 * Lists of more parameters or headers than this only equal themselves: the comparison is
 * quadratic. */
#define SIP_URI_EQ_PAIRS_MAX 32
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);

/* The key of an address of record: "user@host", the user unescaped (control characters, space and
 * '%' stay escaped, so that keys are text and no two users share one), the host in lower case, no
 * port and no parameters. tel: the number without visual separators. */
void sip_put_aor(struct buf *b, const struct sip_uri *u);

/* Decodes %XX into dst (at most cap bytes, no NUL added). -EMSGSIZE, -EINVAL (bad escape or an
 * encoded NUL). */
int sip_unescape(struct slice in, char *dst, size_t cap, size_t *ret_n) MUST_CHECK;
/* Writes a user part, escaping what RFC 3261 s.25.1 does not allow there. */
void sip_put_escaped_user(struct buf *b, struct slice user);
/* Without surrounding quotes and backslash escapes (RFC 3261 quoted-string). -EMSGSIZE. */
int sip_unquote(struct slice in, char *dst, size_t cap, size_t *ret_n) MUST_CHECK;
void sip_put_quoted(struct buf *b, struct slice s); /* with quotes, escaped, CR/LF dropped */

#endif
