/* What is at which path of the console's port:
 *
 *   /…              the pages (assets.h)
 *   /api/v1/server  what a page needs to know before any log-in
 *   /api/v1/login, logout, session   of administrators
 *   /api/v1/A/B     the command "A B" of the api table; POST with its arguments as JSON, or GET for
 *                   commands that only read
 *   /metrics        for Prometheus; from this machine, or with the token of the settings
 *   /healthz        whether calls can be taken
 *
 * Who may: a session by cookie, then only for requests of our own pages, or by "Authorization: Bearer".
 * What is done, api does and logs. */
#ifndef SOTTO_WEB_SITE_H
#define SOTTO_WEB_SITE_H

#include "api/api.h"
#include "web/http.h"

struct site_config {
    struct loop *loop;
    struct api *api; /* borrowed, as all below */
    struct store *store;
    const char *domain;        /* of users named without one */
    const char *metrics_token; /* empty: none */
    void *arg;
    bool (*healthy)(void *arg);
};

struct site;
int site_new(const struct site_config *cfg, struct site **ret) MUST_CHECK;
struct site *site_free(struct site *s);
/* Takes fd: a connection with HTTP on it. */
void site_take(struct site *s, int fd, const struct addr *remote);

#endif
