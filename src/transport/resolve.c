/* RFC 3263 over c-ares. A query goes through its lookups one after the other:
 *
 *   NAPTR -> SRV of each transport found -> A and AAAA of each host found -> answer
 *
 * entering where the plan says, and always has at most one lookup under way. The answer comes by
 * a deferral, since c-ares may call back from within the call that asks. A query that was
 * cancelled or has timed out stays until c-ares lets go of it. */
#include "transport/resolve.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include "crypto/hash.h"
#include "transport/limits.h"
#include "transport/resolve_plan.h"

#define SRV_JOBS_MAX 4

struct host_job {
    enum transport_kind kind;
    uint16_t port;
    char host[RESOLVE_NAME_MAX];
};

struct srv_job {
    enum transport_kind kind;
    char name[RESOLVE_NAME_MAX];
};

struct resolve_query {
    struct resolver *r;
    struct list node;
    struct loop_defer answer;
    struct loop_timer timer;
    struct resolve_plan plan;
    void (*fn)(void *arg, const struct resolve_target *targets, size_t n, const char *reason);
    void *arg;
    bool pending; /* c-ares has it */
    bool ended;   /* answered or cancelled */
    bool refused; /* SRV ".": the domain says that the service is not there (RFC 2782) */
    bool failed;  /* a name server did not answer, or badly */
    const char *reason;
    struct srv_job srv[SRV_JOBS_MAX];
    size_t srv_n, srv_next;
    struct host_job host[RESOLVE_SRV_MAX];
    size_t host_n, host_next;
    struct resolve_target target[RESOLVE_TARGET_MAX];
    size_t n;
};

struct socket_watch {
    struct list node;
    struct resolver *r;
    int fd;
    struct loop_fd in_loop;
};

struct resolver {
    struct loop *loop;
    ares_channel channel;
    struct list queries, sockets;
    size_t query_n;
    struct loop_timer timer; /* c-ares's own retries */
};

/* --- c-ares in the loop ------------------------------------------------------------------------ */

static void arm(struct resolver *r)
{
    struct timeval tv;

    if (ares_timeout(r->channel, NULL, &tv))
        loop_timer_set(r->loop, &r->timer,
                       (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1);
    else
        loop_timer_cancel(r->loop, &r->timer);
}

static void on_timer(void *arg)
{
    struct resolver *r = (struct resolver *)arg;

    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(r);
}

static void on_socket(void *arg, uint32_t events)
{
    struct socket_watch *w = (struct socket_watch *)arg;
    struct resolver *r = w->r;
    bool in = events & (EPOLLIN | EPOLLERR | EPOLLHUP), out = events & EPOLLOUT;

    /* This may close the socket and free w. */
    ares_process_fd(r->channel, in ? w->fd : ARES_SOCKET_BAD, out ? w->fd : ARES_SOCKET_BAD);
    arm(r);
}

static void unwatch(struct socket_watch *w)
{
    loop_fd_del(w->r->loop, &w->in_loop);
    list_remove(&w->node);
    free(w);
}

static struct socket_watch *find_watch(struct resolver *r, int fd)
{
    LIST_FOR_EACH(n, &r->sockets)
    {
        struct socket_watch *w = CONTAINER_OF(n, struct socket_watch, node);
        if (w->fd == fd)
            return w;
    }
    return NULL;
}

/* c-ares tells which of its sockets to watch; neither way: it is about to close it. */
static void on_socket_state(void *arg, ares_socket_t fd, int in, int out)
{
    struct resolver *r = (struct resolver *)arg;
    struct socket_watch *w = find_watch(r, fd);
    uint32_t events = (in ? (uint32_t)EPOLLIN : 0) | (out ? (uint32_t)EPOLLOUT : 0);

    if (!events) {
        if (w)
            unwatch(w);
        return;
    }
    if (w) {
        if (loop_fd_set(r->loop, &w->in_loop, events) < 0)
            unwatch(w); /* the query then ends by its time */
        return;
    }
    w = calloc(1, sizeof(*w));
    if (!w)
        return;
    *w = (struct socket_watch){.r = r, .fd = fd, .in_loop.fd = -1};
    list_push_back(&r->sockets, &w->node);
    if (loop_fd_add(r->loop, &w->in_loop, fd, events, on_socket, w) < 0)
        unwatch(w);
}

/* --- the query --------------------------------------------------------------------------------- */

static void query_free(struct resolve_query *q)
{
    list_remove(&q->node);
    q->r->query_n--;
    loop_defer_cancel(&q->answer);
    loop_timer_cancel(q->r->loop, &q->timer);
    free(q);
}

/* Nobody waits any more; it goes as soon as c-ares has let go. */
static void query_end(struct resolve_query *q)
{
    q->ended = true;
    loop_defer_cancel(&q->answer);
    loop_timer_cancel(q->r->loop, &q->timer);
    if (!q->pending)
        query_free(q);
}

static const char *why_nothing(const struct resolve_query *q)
{
    if (q->reason)
        return q->reason;
    if (q->refused)
        return "the domain says that it does not offer this service";
    return q->failed ? "the name servers did not answer" : "the name has no address";
}

static void on_answer(void *arg)
{
    struct resolve_query *q = (struct resolve_query *)arg;
    struct resolve_target target[RESOLVE_TARGET_MAX];
    size_t n = q->n;
    const char *reason = n ? "" : why_nothing(q);
    void (*fn)(void *, const struct resolve_target *, size_t, const char *) = q->fn;
    void *fn_arg = q->arg;

    memcpy(target, q->target, n * sizeof(*target));
    query_end(q);
    fn(fn_arg, target, n, reason);
}

static void on_time_up(void *arg)
{
    struct resolve_query *q = (struct resolve_query *)arg;

    q->reason = "the name servers did not answer in time";
    on_answer(q);
}

static void query_step(struct resolve_query *q);

/* c-ares has called back: true where the query is still wanted. */
static bool query_resumes(struct resolve_query *q, int status)
{
    q->pending = false;
    if (status == ARES_EDESTRUCTION)
        return false; /* resolver_free takes it */
    if (q->ended) {
        query_free(q);
        return false;
    }
    q->failed =
        q->failed || (status != ARES_SUCCESS && status != ARES_ENODATA && status != ARES_ENOTFOUND);
    return true;
}

static void add_srv(struct resolve_query *q, enum transport_kind kind, const char *prefix,
                    const char *name)
{
    if (q->srv_n == SRV_JOBS_MAX)
        return;
    struct srv_job *j = &q->srv[q->srv_n++];
    j->kind = kind;
    (void)snprintf(j->name, sizeof(j->name), "%s%s", prefix, name);
}

static void add_host(struct resolve_query *q, enum transport_kind kind, const char *host,
                     uint16_t port)
{
    if (q->host_n == RESOLVE_SRV_MAX)
        return;
    struct host_job *j = &q->host[q->host_n++];
    j->kind = kind;
    j->port = port;
    (void)snprintf(j->host, sizeof(j->host), "%s", host);
}

/* NAPTR */

static size_t read_naptr(const struct resolve_query *q, const struct ares_naptr_reply *reply,
                         struct resolve_naptr *v)
{
    size_t n = 0;

    for (; reply && n < RESOLVE_SRV_MAX; reply = reply->next) {
        if (!resolve_naptr_kind((const char *)reply->service, (const char *)reply->flags,
                                q->plan.sips, &v[n].kind))
            continue;
        v[n].order = reply->order;
        v[n].preference = reply->preference;
        (void)snprintf(v[n].replacement, sizeof(v[n].replacement), "%s", reply->replacement);
        n++;
    }
    return n;
}

static void on_naptr(void *arg, int status, int timeouts, unsigned char *p, int len)
{
    static const enum transport_kind usual[] = {TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS};
    struct resolve_query *q = (struct resolve_query *)arg;
    struct resolve_naptr v[RESOLVE_SRV_MAX];
    struct ares_naptr_reply *reply = NULL;

    (void)timeouts;
    if (!query_resumes(q, status))
        return;
    if (status == ARES_SUCCESS && ares_parse_naptr_reply(p, len, &reply) != ARES_SUCCESS)
        reply = NULL;
    size_t n = read_naptr(q, reply, v);
    ares_free_data(reply);
    resolve_naptr_order(v, n);
    for (size_t i = 0; i < n; i++)
        add_srv(q, v[i].kind, "", v[i].replacement);
    /* RFC 3263 s.4.1: without NAPTR, SRV of every transport that we speak. */
    for (size_t i = 0; n == 0 && i < ARRAY_LEN(usual); i++) {
        if (!q->plan.sips || usual[i] == TRANSPORT_TLS)
            add_srv(q, usual[i], resolve_srv_prefix(usual[i]), q->plan.host);
    }
    query_step(q);
}

/* SRV */

static uint32_t draw_lot(void *arg, uint32_t max)
{
    uint32_t x;

    (void)arg;
    crypto_random(&x, sizeof(x));
    return (uint32_t)((uint64_t)x * ((uint64_t)max + 1) >> 32);
}

static void on_srv(void *arg, int status, int timeouts, unsigned char *p, int len)
{
    struct resolve_query *q = (struct resolve_query *)arg;
    struct resolve_srv v[RESOLVE_SRV_MAX];
    struct ares_srv_reply *reply = NULL;
    size_t n = 0;

    (void)timeouts;
    if (!query_resumes(q, status))
        return;
    enum transport_kind kind = q->srv[q->srv_next++].kind;
    if (status == ARES_SUCCESS && ares_parse_srv_reply(p, len, &reply) != ARES_SUCCESS)
        reply = NULL;
    for (const struct ares_srv_reply *s = reply; s && n < RESOLVE_SRV_MAX; s = s->next) {
        if (s->host[0] == '\0' || strcmp(s->host, ".") == 0) {
            q->refused = true;
            continue;
        }
        v[n].priority = s->priority;
        v[n].weight = s->weight;
        v[n].port = s->port;
        (void)snprintf(v[n].host, sizeof(v[n].host), "%s", s->host);
        n++;
    }
    ares_free_data(reply);
    resolve_srv_order(v, n, draw_lot, NULL);
    for (size_t i = 0; i < n; i++)
        add_host(q, kind, v[i].host, v[i].port);
    query_step(q);
}

/* A and AAAA */

static void add_target(struct resolve_query *q, const struct host_job *j, const struct sockaddr *sa,
                       size_t len)
{
    struct resolve_target *t = &q->target[q->n];

    if (q->n == RESOLVE_TARGET_MAX || len > sizeof(t->addr))
        return;
    memset(t, 0, sizeof(*t));
    memcpy(&t->addr, sa, len);
    addr_set_port(&t->addr, j->port);
    t->kind = j->kind;
    q->n++;
}

static void on_host(void *arg, int status, int timeouts, struct ares_addrinfo *res)
{
    struct resolve_query *q = (struct resolve_query *)arg;

    (void)timeouts;
    if (query_resumes(q, status)) {
        const struct host_job *j = &q->host[q->host_next++];
        for (const struct ares_addrinfo_node *a = res ? res->nodes : NULL; a; a = a->ai_next)
            add_target(q, j, a->ai_addr, a->ai_addrlen);
        query_step(q);
    }
    ares_freeaddrinfo(res);
}

/* The next lookup, or the answer. */
static void query_step(struct resolve_query *q)
{
    static const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
                                                     .ai_socktype = SOCK_STREAM};
    ares_channel channel = q->r->channel;

    if (q->srv_next < q->srv_n && q->host_n < RESOLVE_SRV_MAX) {
        q->pending = true;
        ares_query(channel, q->srv[q->srv_next].name, ns_c_in, ns_t_srv, on_srv, q);
        return;
    }
    q->srv_next = q->srv_n;
    /* RFC 3263 s.4.2: without SRV, the domain itself is the host. */
    if (q->host_n == 0 && !q->refused)
        add_host(q, q->plan.kind, q->plan.host, q->plan.port);
    if (q->host_next < q->host_n && q->n < RESOLVE_TARGET_MAX) {
        q->pending = true;
        ares_getaddrinfo(channel, q->host[q->host_next].host, NULL, &hints, on_host, q);
        return;
    }
    loop_defer_add(q->r->loop, &q->answer);
}

static void query_begin(struct resolve_query *q)
{
    const struct resolve_plan *p = &q->plan;

    switch (p->way) {
    case RESOLVE_NUMERIC:
        add_target(q, &(struct host_job){.kind = p->kind, .port = p->port}, &p->addr.sa,
                   addr_len(&p->addr));
        loop_defer_add(q->r->loop, &q->answer);
        return;
    case RESOLVE_HOST:
        query_step(q);
        return;
    case RESOLVE_SRV:
        add_srv(q, p->kind, resolve_srv_prefix(p->kind), p->host);
        query_step(q);
        return;
    case RESOLVE_NAPTR:
        q->pending = true;
        ares_query(q->r->channel, p->host, ns_c_in, ns_t_naptr, on_naptr, q);
        return;
    }
}

int resolve_start(struct resolver *r, const struct sip_uri *uri,
                  void (*fn)(void *arg, const struct resolve_target *targets, size_t n,
                             const char *reason),
                  void *arg, struct resolve_query **ret)
{
    if (r->query_n >= RESOLVE_QUERIES_MAX)
        return -EAGAIN;
    struct resolve_query *q = calloc(1, sizeof(*q));
    if (!q)
        return -ENOMEM;
    q->r = r;
    q->fn = fn;
    q->arg = arg;
    list_push_back(&r->queries, &q->node);
    r->query_n++;
    loop_defer_init(&q->answer, on_answer, q);
    loop_timer_init(&q->timer, on_time_up, q);
    loop_timer_set(r->loop, &q->timer, RESOLVE_TIME_MS);
    q->reason = resolve_plan_make(uri, &q->plan);
    if (q->reason)
        loop_defer_add(r->loop, &q->answer);
    else
        query_begin(q);
    arm(r);
    *ret = q;
    return 0;
}

void resolve_cancel(struct resolve_query *q)
{
    if (q)
        query_end(q);
}

/* --- the resolver ------------------------------------------------------------------------------ */

static int channel_init(struct resolver *r)
{
    struct ares_options o = {.timeout = 1500,
                             .tries = 3,
                             .sock_state_cb = on_socket_state,
                             .sock_state_cb_data = r,
                             .ndomains = 0};
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
               ARES_OPT_DOMAINS /* none: names in SIP are complete */;

    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return -ENOMEM;
    if (ares_init_options(&r->channel, &o, mask) != ARES_SUCCESS) {
        ares_library_cleanup();
        return -ENOMEM;
    }
    return 0;
}

int resolver_new(struct loop *loop, struct resolver **ret)
{
    struct resolver *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->loop = loop;
    list_init(&r->queries);
    list_init(&r->sockets);
    loop_timer_init(&r->timer, on_timer, r);
    int e = channel_init(r);
    if (e < 0)
        free(r);
    else
        *ret = r;
    return e;
}

int resolver_set_servers(struct resolver *r, const char *csv)
{
    return ares_set_servers_ports_csv(r->channel, csv) == ARES_SUCCESS ? 0 : -EINVAL;
}

struct resolver *resolver_free(struct resolver *r)
{
    if (!r)
        return NULL;
    ares_destroy(r->channel);
    ares_library_cleanup();
    LIST_FOR_EACH(n, &r->queries)
    query_free(CONTAINER_OF(n, struct resolve_query, node));
    LIST_FOR_EACH(n, &r->sockets)
    unwatch(CONTAINER_OF(n, struct socket_watch, node));
    loop_timer_cancel(r->loop, &r->timer);
    free(r);
    return NULL;
}
