#include "web/http.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

struct web_http {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_fd fd;
    struct loop_timer timer;
    struct loop_defer run;
    struct list requests; /* being read, or not answered yet */
    web_request_fn *fn;
    void *arg;
    bool running, ending;
};

struct web_request {
    struct list node;
    struct web_http *http;
    struct MHD_Connection *c;
    struct addr remote;
    char *method, *path;
    char *body;
    size_t n;
    bool too_large, handed, suspended;
    struct MHD_Response *response; /* NULL: not answered yet */
    unsigned status;
};

/* --- what every answer bears ------------------------------------------------------------------ */

/* No Strict-Transport-Security: with a certificate of the server's own CA it would lock out whoever has
 * not installed that CA yet, and there is no port without TLS that it could keep anyone from. */
static const struct web_header common[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
     "font-src 'self'; connect-src 'self'; media-src 'self' blob: data:; manifest-src 'self'; "
     "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Permissions-Policy",
     "microphone=(self), speaker-selection=(self), camera=(), geolocation=(), display-capture=()"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {NULL, NULL},
};

static void add_headers(struct MHD_Response *r, const struct web_header *h)
{
    for (; h && h->name; h++)
        (void)MHD_add_response_header(r, h->name, h->value); /* fails without memory only */
}

/* --- requests --------------------------------------------------------------------------------- */

static struct web_request *request_new(struct web_http *h, struct MHD_Connection *c,
                                       const char *url, const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct web_request *q = calloc(1, sizeof(*q));
    if (!q)
        return NULL;
    *q = (struct web_request){.http = h, .c = c, .method = strdup(method), .path = strdup(url)};
    if (info && info->client_addr)
        memcpy(&q->remote, info->client_addr,
               info->client_addr->sa_family == AF_INET6 ? sizeof(q->remote.in6)
                                                        : sizeof(q->remote.in));
    list_init(&q->node);
    list_push_back(&h->requests, &q->node);
    return q;
}

static void request_free(struct web_request *q)
{
    list_remove(&q->node);
    if (q->response)
        MHD_destroy_response(q->response);
    if (q->body)
        secret_wipe(q->body, q->n); /* passwords */
    free(q->body);
    free(q->method);
    free(q->path);
    free(q);
}

static void body_add(struct web_request *q, const char *p, size_t n)
{
    char *body = q->too_large || n > WEB_BODY_MAX - q->n ? NULL : malloc(q->n + n);
    if (body) {
        if (q->n)
            memcpy(body, q->body, q->n);
        memcpy(body + q->n, p, n);
    }
    if (q->body)
        secret_wipe(q->body, q->n);
    free(q->body);
    q->body = body;
    q->n = body ? q->n + n : 0;
    q->too_large = !body;
}

static enum MHD_Result answer(struct web_request *q)
{
    return MHD_queue_response(q->c, q->status, q->response);
}

static void hand_up(struct web_request *q)
{
    q->handed = true;
    if (!q->method || !q->path)
        web_reply(q, MHD_HTTP_INTERNAL_SERVER_ERROR, "text/plain", SLICE_LIT("no memory\n"), true,
                  NULL);
    else if (q->too_large)
        web_reply(q, MHD_HTTP_CONTENT_TOO_LARGE, "application/json",
                  SLICE_LIT("{\"ok\":false,\"code\":\"too_long\",\"error\":\"a request has at most "
                            "64 KiB\"}\n"),
                  true, NULL);
    else
        q->http->fn(q->http->arg, q);
}

/* libmicrohttpd calls this with the head, then with pieces of the body, then without one, and again
 * after a connection has been resumed. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *n, void **state)
{
    struct web_http *h = arg;
    struct web_request *q = *state;
    (void)version;
    if (!q) {
        *state = q = request_new(h, c, url, method);
        return q ? MHD_YES : MHD_NO;
    }
    if (*n) {
        body_add(q, data, *n);
        *n = 0;
        return MHD_YES;
    }
    if (!q->handed)
        hand_up(q);
    if (q->response)
        return answer(q);
    q->suspended = true;
    MHD_suspend_connection(c);
    return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)arg;
    (void)c;
    (void)why;
    if (*state)
        request_free(*state);
    *state = NULL;
}

void web_reply(struct web_request *q, unsigned status, const char *type, struct slice body,
               bool is_static, const struct web_header *extra)
{
    /* With this mode libmicrohttpd writes nothing there. */
    void *p = (void *)(uintptr_t)(body.p ? body.p : "");
    struct MHD_Response *r = MHD_create_response_from_buffer(
        body.n, p, is_static ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY);
    q->response = r;
    q->status = status;
    if (r) {
        if (type)
            (void)MHD_add_response_header(r, "Content-Type", type);
        add_headers(r, common);
        add_headers(r, extra);
    }
    if (!q->suspended)
        return;
    q->suspended = false;
    MHD_resume_connection(q->c);
    loop_defer_add(q->http->loop, &q->http->run);
}

/* --- what a request holds --------------------------------------------------------------------- */

struct slice web_method(const struct web_request *q)
{
    return slice_from_str(q->method);
}

struct slice web_path(const struct web_request *q)
{
    return slice_from_str(q->path);
}

struct slice web_field(const struct web_request *q, const char *name)
{
    return slice_from_str(MHD_lookup_connection_value(q->c, MHD_HEADER_KIND, name));
}

struct slice web_cookie(const struct web_request *q, const char *name)
{
    return slice_from_str(MHD_lookup_connection_value(q->c, MHD_COOKIE_KIND, name));
}

struct slice web_body(const struct web_request *q)
{
    return slice_from(q->body, q->n);
}

const struct addr *web_remote(const struct web_request *q)
{
    return &q->remote;
}

struct each {
    void (*fn)(void *arg, const char *name, const char *value);
    void *arg;
};

static enum MHD_Result on_value(void *arg, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    const struct each *e = arg;
    (void)kind;
    e->fn(e->arg, name, value ? value : "");
    return MHD_YES;
}

void web_each_query(const struct web_request *q,
                    void (*fn)(void *arg, const char *name, const char *value), void *arg)
{
    struct each e = {fn, arg};
    (void)MHD_get_connection_values(q->c, MHD_GET_ARGUMENT_KIND, on_value, &e);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void run(void *arg)
{
    struct web_http *h = arg;
    MHD_UNSIGNED_LONG_LONG ms;
    if (h->running) /* a handler that answered late within a run */
        return;
    h->running = true;
    if (MHD_run(h->daemon) != MHD_YES)
        log_event(LOG_ERROR, "http_failed");
    h->running = false;
    if (MHD_get_timeout(h->daemon, &ms) == MHD_YES)
        loop_timer_set(h->loop, &h->timer, ms);
    else
        loop_timer_cancel(h->loop, &h->timer);
}

static void on_events(void *arg, uint32_t events)
{
    (void)events;
    run(arg);
}

int web_http_new(struct loop *l, web_request_fn *fn, void *arg, struct web_http **ret)
{
    struct web_http *h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    *h = (struct web_http){.loop = l, .fn = fn, .arg = arg, .fd.fd = -1};
    list_init(&h->requests);
    loop_timer_init(&h->timer, run, h);
    loop_defer_init(&h->run, run, h);
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_request, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_CONNECTION_LIMIT,
        WEB_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, WEB_IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    int r = info ? loop_fd_add(l, &h->fd, info->epoll_fd, EPOLLIN, on_events, h) : -ENOMEM;
    if (r < 0) {
        web_http_free(h);
        return r;
    }
    *ret = h;
    return 0;
}

struct web_http *web_http_free(struct web_http *h)
{
    if (!h)
        return NULL;
    loop_fd_del(h->loop, &h->fd);
    loop_timer_cancel(h->loop, &h->timer);
    loop_defer_cancel(&h->run);
    LIST_FOR_EACH(it, &h->requests)
    {
        struct web_request *q = CONTAINER_OF(it, struct web_request, node);
        if (q->suspended)
            web_reply(q, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain",
                      SLICE_LIT("the server is stopping\n"), true, NULL);
    }
    loop_defer_cancel(&h->run);
    if (h->daemon) {
        (void)MHD_run(h->daemon); /* takes up what was resumed */
        MHD_stop_daemon(h->daemon);
    }
    free(h);
    return NULL;
}

int web_http_add(struct web_http *h, int fd, const struct addr *remote)
{
    /* It closes the descriptor where it fails. */
    if (MHD_add_connection(h->daemon, fd, &remote->sa, addr_len(remote)) != MHD_YES)
        return -ENOBUFS;
    loop_defer_add(h->loop, &h->run);
    return 0;
}
