/* Inside of the site: what its files share. */
#ifndef SOTTO_WEB_SITE_PRIV_H
#define SOTTO_WEB_SITE_PRIV_H

#include "web/session.h"
#include "web/site.h"

#define SITE_COOKIE "__Host-sotto"

struct site {
    struct site_config cfg;
    struct web_http *http;
    struct sessions *sessions;
};

/* {"ok":false,"code":…,"error":…} */
void site_fail(struct web_request *q, unsigned status, const char *code, const char *error);
void site_reply_json(struct web_request *q, unsigned status, const json_t *body,
                     const struct web_header *extra);

/* rest.c: everything under /api/v1/; `path` is what follows. */
void rest_request(struct site *s, struct web_request *q, struct slice path);

#endif
