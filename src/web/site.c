#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "crypto/hash.h"
#include "web/assets.h"
#include "web/metrics.h"
#include "web/site_priv.h"

static const struct web_header no_store[] = {{"Cache-Control", "no-store"}, {NULL, NULL}};

void site_reply_json(struct web_request *q, unsigned status, const json_t *body,
                     const struct web_header *extra)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    web_reply(q, text ? status : 500, "application/json", slice_from_str(text ? text : "{}"), false,
              extra ? extra : no_store);
    if (text)
        secret_wipe(text, strlen(text)); /* a new password may be in it */
    free(text);
}

void site_fail(struct web_request *q, unsigned status, const char *code, const char *error)
{
    json_t *j = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "error", error);
    site_reply_json(q, status, j, NULL);
    json_decref(j);
}

static void text(struct web_request *q, unsigned status, const char *body)
{
    web_reply(q, status, "text/plain; charset=utf-8", slice_from_str(body), true, no_store);
}

/* --- pages ------------------------------------------------------------------------------------ */

static void page(struct web_request *q)
{
    const struct web_asset *a = web_asset_find(web_path(q));
    if (!a) {
        text(q, 404, "there is no such page\n");
        return;
    }
    bool packed = a->packed && web_accepts_gzip(web_field(q, "Accept-Encoding"));
    const struct web_header extra[] = {
        {"ETag", a->etag},
        {"Cache-Control", a->immutable ? "public, max-age=31536000, immutable" : "no-cache"},
        {"Vary", "Accept-Encoding"},
        {packed ? "Content-Encoding" : NULL, "gzip"},
        {NULL, NULL},
    };
    if (web_etag_matches(web_field(q, "If-None-Match"), a->etag))
        web_reply(q, 304, NULL, SLICE_NONE, true, extra);
    else
        web_reply(q, 200, a->type,
                  packed ? slice_from(a->packed, a->packed_n) : slice_from(a->raw, a->raw_n), true,
                  extra);
}

/* --- for machines ----------------------------------------------------------------------------- */

static void health(struct site *s, struct web_request *q)
{
    if (s->cfg.healthy(s->cfg.arg))
        text(q, 200, "ok\n");
    else
        text(q, 503, "signalling is being restarted\n");
}

/* In constant time: hashes of both are compared. */
static bool token_fits(const char *wanted, struct slice authorization)
{
    uint8_t a[32], b[32];
    struct slice w = slice_from_str(wanted);
    if (!*wanted || !slice_starts_with_nocase(authorization, SLICE_LIT("Bearer ")))
        return false;
    struct slice given = slice_trim(slice_skip(authorization, 7));
    crypto_sha256(&w, 1, a);
    crypto_sha256(&given, 1, b);
    return memcmp(a, b, sizeof(a)) == 0;
}

/* Three commands, one after the other, each answered now or later. */
static const char *const metrics_commands[] = {"show metrics", "show roles", "cert show"};

struct scrape {
    struct site *site;
    struct web_request *q;
    json_t *results[ARRAY_LEN(metrics_commands)];
    size_t n;
};

static void scrape_ask(struct scrape *m);

static void scrape_end(struct scrape *m)
{
    char *body = malloc(METRICS_MAX);
    struct buf b = buf_over(body, body ? METRICS_MAX : 0);
    metrics_put(&b, m->results[0], m->results[1], m->results[2]);
    if (b.overflow)
        text(m->q, 503, "no memory for the metrics\n");
    else
        web_reply(m->q, 200, "text/plain; version=0.0.4; charset=utf-8", buf_slice(&b), false,
                  no_store);
    free(body);
    for (size_t i = 0; i < ARRAY_LEN(m->results); i++)
        json_decref(m->results[i]);
    free(m);
}

static void on_scraped(void *arg, const json_t *reply)
{
    struct scrape *m = arg;
    if (json_is_true(json_object_get(reply, "ok")))
        m->results[m->n] = json_incref(json_object_get(reply, "result"));
    if (++m->n < ARRAY_LEN(metrics_commands))
        scrape_ask(m);
    else
        scrape_end(m);
}

static void scrape_ask(struct scrape *m)
{
    static const struct api_caller caller = {API_CLASS_READ, NULL};
    json_t *request = json_pack("{s:s}", "cmd", metrics_commands[m->n]);
    api_call(m->site->cfg.api, &caller, request, on_scraped, m);
    json_decref(request);
}

static void scrape(struct site *s, struct web_request *q)
{
    struct scrape *m = calloc(1, sizeof(*m));
    if (!m) {
        text(q, 503, "no memory for the metrics\n");
        return;
    }
    *m = (struct scrape){.site = s, .q = q};
    scrape_ask(m);
}

static void metrics(struct site *s, struct web_request *q)
{
    static const struct web_header ask[] = {{"WWW-Authenticate", "Bearer realm=\"sotto metrics\""},
                                            {NULL, NULL}};
    if (addr_is_loopback(web_remote(q)) ||
        token_fits(s->cfg.metrics_token, web_field(q, "Authorization")))
        scrape(s, q);
    else
        web_reply(q, 401, "text/plain",
                  SLICE_LIT("metrics are for this machine, or for whoever has the token that "
                            "`metrics_token` in [web] names\n"),
                  true, ask);
}

/* --- which is which --------------------------------------------------------------------------- */

static void on_request(void *arg, struct web_request *q)
{
    struct site *s = arg;
    struct slice path = web_path(q), method = web_method(q);
    if (slice_starts_with(path, SLICE_LIT("/api/v1/"))) {
        rest_request(s, q, slice_skip(path, 8));
        return;
    }
    if (!slice_eq_str(method, "GET") && !slice_eq_str(method, "HEAD")) {
        static const struct web_header allow[] = {{"Allow", "GET, HEAD"}, {NULL, NULL}};
        web_reply(q, 405, "text/plain", SLICE_LIT("only GET is understood here\n"), true, allow);
        return;
    }
    if (slice_eq_str(path, "/healthz"))
        health(s, q);
    else if (slice_eq_str(path, "/metrics"))
        metrics(s, q);
    else if (slice_starts_with(path, SLICE_LIT("/api")))
        site_fail(q, 404, "not_found", "the API is at /api/v1/");
    else
        page(q);
}

int site_new(const struct site_config *cfg, struct site **ret)
{
    struct site *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->cfg = *cfg;
    int r = sessions_new(&s->sessions);
    if (r == 0)
        r = web_http_new(cfg->loop, on_request, s, &s->http);
    if (r < 0) {
        site_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

struct site *site_free(struct site *s)
{
    if (!s)
        return NULL;
    s->http = web_http_free(s->http);
    s->sessions = sessions_free(s->sessions);
    free(s);
    return NULL;
}

void site_take(struct site *s, int fd, const struct addr *remote)
{
    if (web_http_add(s->http, fd, remote) < 0)
        log_event(LOG_WARN, "http_refused", LOG_A("peer", remote),
                  LOG_STR("reason", "too many connections"));
}
