/* The worker's transport as a whole: set up and end, which way a flow goes, and what we call
 * ourselves towards a peer. */
#include "transport/internal.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

/* --- up --------------------------------------------------------------------------------------- */

static void trace(struct transport *t, bool out, struct slice msg, const struct transport_flow *f)
{
    if (t->cb.on_trace)
        t->cb.on_trace(t->cb.arg, out, msg, f);
}

bool transport_deliver(struct transport *t, struct slice raw, const struct transport_flow *f,
                       bool *ret_ok)
{
    int v = sip_msg_parse(raw, &t->msg);

    *ret_ok = v == SIP_PARSE_OK;
    return transport_deliver_parsed(t, &t->msg, v, raw, f);
}

bool transport_deliver_parsed(struct transport *t, struct sip_msg *msg, int verdict,
                              struct slice raw, const struct transport_flow *f)
{
    if (verdict == SIP_PARSE_NOT_SIP)
        return false;
    trace(t, false, raw, f);
    if (verdict == SIP_PARSE_OK)
        t->cb.on_msg(t->cb.arg, msg, f);
    else if (sip_msg_can_answer(msg))
        t->cb.on_bad(t->cb.arg, msg, verdict, f);
    return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

int transport_addr_for(int family, const struct addr *a, struct addr *ret)
{
    if (addr_family(a) == family) {
        *ret = *a;
        return 0;
    }
    if (family != AF_INET6 || addr_family(a) != AF_INET)
        return -EAFNOSUPPORT;
    struct addr m = {.in6 = {.sin6_family = AF_INET6, .sin6_port = a->in.sin_port}};
    m.in6.sin6_addr.s6_addr[10] = 0xff;
    m.in6.sin6_addr.s6_addr[11] = 0xff;
    memcpy(m.in6.sin6_addr.s6_addr + 12, &a->in.sin_addr, 4);
    *ret = m;
    return 0;
}

/* How well a listener stands for traffic that leaves from `local`. 0: not at all. */
static int listener_rank(const struct listener *l, enum transport_kind kind,
                         const struct addr *local)
{
    if (l->kind != kind)
        return 0;
    if (addr_host_eq(&l->bound, local))
        return 4;
    if (addr_family(&l->bound) == addr_family(local))
        return addr_is_any(&l->bound) ? 3 : 1;
    return addr_family(&l->bound) == AF_INET6 && addr_is_any(&l->bound) ? 2 : 0;
}

struct listener *transport_listener_for(struct transport *t, enum transport_kind kind,
                                        const struct addr *local)
{
    struct listener *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < t->listener_count; i++) {
        int rank = listener_rank(&t->listeners[i], kind, local);
        if (rank > best_rank) {
            best = &t->listeners[i];
            best_rank = rank;
        }
    }
    return best;
}

/* The address from which the kernel would reach `remote`. */
static int route_to(const struct addr *remote, struct addr *ret)
{
    struct addr local = {0};
    socklen_t n = sizeof(local);
    int fd = socket(addr_family(remote), SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    int r = 0;
    if (connect(fd, &remote->sa, addr_len(remote)) < 0 || getsockname(fd, &local.sa, &n) < 0)
        r = -errno;
    close(fd);
    if (r == 0)
        *ret = local;
    return r;
}

static int udp_connect(struct transport *t, const struct addr *remote, struct transport_flow *ret)
{
    struct addr local = {0};
    int r = route_to(remote, &local);

    if (r < 0)
        return r;
    const struct listener *l = transport_listener_for(t, TRANSPORT_UDP, &local);
    if (!l)
        return -EAFNOSUPPORT;
    if (!addr_is_any(&l->bound))
        local = l->bound;
    addr_set_port(&local, addr_port(&l->bound));
    *ret = (struct transport_flow){
        .kind = TRANSPORT_UDP, .listener = l->index, .remote = *remote, .local = local};
    return 0;
}

/* --- flows ------------------------------------------------------------------------------------ */

int transport_connect(struct transport *t, enum transport_kind kind, const struct addr *remote,
                      struct slice name, struct transport_flow *ret)
{
    switch (kind) {
    case TRANSPORT_UDP:
        return udp_connect(t, remote, ret);
    case TRANSPORT_TLS:
    case TRANSPORT_WSS:
        if (!t->tls)
            return -EPROTONOSUPPORT;
        /* fall through */
    case TRANSPORT_TCP:
    case TRANSPORT_WS:
        return stream_connect(t, kind, remote, name, ret);
    case TRANSPORT_KIND_COUNT:
        break;
    }
    return -EPROTONOSUPPORT;
}

int transport_send(struct transport *t, const struct transport_flow *f, struct slice msg)
{
    int r;

    if (f->kind == TRANSPORT_UDP) {
        if (f->listener >= t->listener_count || !t->listeners[f->listener].udp)
            return -ENOTCONN;
        r = udp_send(&t->listeners[f->listener], f, msg);
    } else {
        struct conn *c = conn_find(t, f->conn);
        r = c ? stream_send(c, msg) : -ENOTCONN;
    }
    if (r == 0)
        trace(t, true, msg, f);
    return r;
}

bool transport_is_alive(const struct transport *t, const struct transport_flow *f)
{
    if (f->kind == TRANSPORT_UDP)
        return f->listener < t->listener_count && t->listeners[f->listener].udp;
    return conn_find(t, f->conn) != NULL;
}

void transport_close(struct transport *t, uint64_t conn, const char *reason)
{
    struct conn *c = conn_find(t, conn);

    if (c)
        conn_close(c, reason);
}

static struct transport_security security_of(const struct conn *c)
{
    const struct conn_slot *s = c->slot;
    struct transport_security sec = {0};

    if (!transport_kind_is_secure((enum transport_kind)s->kind) ||
        (c->state != CONN_OPEN && c->state != CONN_PIPE))
        return sec;
    sec.encrypted = true;
    sec.version = crypto_tls_record_version(&s->tls);
    sec.cipher = crypto_tls_record_cipher(&s->tls);
    sec.peer_verified = s->peer_verified;
    sec.peer_subject = slice_from_str(s->subject);
    sec.sni = slice_from_str(s->name);
    return sec;
}

void transport_security(const struct transport *t, const struct transport_flow *f,
                        struct transport_security *ret)
{
    const struct conn *c = f->kind == TRANSPORT_UDP ? NULL : conn_find(t, f->conn);

    *ret = c ? security_of(c) : (struct transport_security){0};
}

void transport_set_user(struct transport *t, uint64_t conn, struct slice user)
{
    struct conn *c = conn_find(t, conn);

    if (c && !slice_to_str(slice_take(user, SLOT_TEXT_MAX - 1), c->slot->user, SLOT_TEXT_MAX))
        c->slot->user[0] = '\0';
}

void transport_each_conn(const struct transport *t,
                         void (*fn)(void *arg, const struct transport_conn_info *i), void *arg)
{
    for (uint32_t i = 0; i < t->slot_count; i++) {
        const struct conn *c = t->conns[i];
        if (!c || c->state == CONN_CLOSED)
            continue;
        const struct conn_slot *s = c->slot;
        struct transport_conn_info info = {.conn = c->id,
                                           .kind = (enum transport_kind)s->kind,
                                           .remote = s->remote,
                                           .local = s->local,
                                           .security = security_of(c),
                                           .user = slice_from_str(s->user),
                                           .since_unix = s->since_unix,
                                           .rx_msgs = s->rx_msgs,
                                           .tx_msgs = s->tx_msgs,
                                           .outgoing = s->outgoing,
                                           .http = c->state == CONN_PIPE};
        fn(arg, &info);
    }
}

void transport_counts(const struct transport *t, struct transport_counts *ret)
{
    *ret = t->counts;
}

/* --- what we call ourselves ------------------------------------------------------------------- */

/* Host and port under which a peer reaches us: the listener's, since an outgoing connection's own
 * port takes no connections. */
static void put_sent_by(struct buf *b, const struct transport *t, const struct transport_flow *f)
{
    const struct listener *l = f->listener < t->listener_count ? &t->listeners[f->listener] : NULL;

    if (l && l->advertise.n)
        buf_put_slice(b, l->advertise);
    else
        addr_put_uri_host(b, &f->local);
    buf_put_char(b, ':');
    buf_put_u64(b, l ? addr_port(&l->bound) : addr_port(&f->local));
}

void transport_put_via(struct buf *b, const struct transport *t, const struct transport_flow *f,
                       struct slice branch)
{
    BUF_PUT_LIT(b, "Via: SIP/2.0/");
    buf_put_str(b, transport_via_name(f->kind));
    buf_put_char(b, ' ');
    put_sent_by(b, t, f);
    BUF_PUT_LIT(b, ";branch=");
    buf_put_slice(b, branch);
    BUF_PUT_LIT(b, ";rport\r\n");
}

void transport_put_contact_uri(struct buf *b, const struct transport *t,
                               const struct transport_flow *f, struct slice user)
{
    BUF_PUT_LIT(b, "sip:");
    if (user.n) {
        sip_put_escaped_user(b, user);
        buf_put_char(b, '@');
    }
    put_sent_by(b, t, f);
    if (f->kind != TRANSPORT_UDP) {
        BUF_PUT_LIT(b, ";transport=");
        /* RFC 7118 s.5.2 knows `ws` alone. */
        buf_put_str(b, transport_kind_name(f->kind == TRANSPORT_WSS ? TRANSPORT_WS : f->kind));
    }
}

/* --- set up and end --------------------------------------------------------------------------- */

static int listener_start(struct transport *t, uint32_t i, const struct transport_listener *cfg)
{
    struct listener *l = &t->listeners[i];

    *l = (struct listener){.t = t, .index = i, .kind = cfg->kind, .bound = cfg->bound};
    l->sock = cfg->fd;
    l->http = cfg->http && t->cb.http;
    l->fd.fd = -1;
    if (cfg->advertise.n) {
        l->advertise.p = strndup(cfg->advertise.p, cfg->advertise.n);
        if (!l->advertise.p)
            return -ENOMEM;
        l->advertise.n = cfg->advertise.n;
    }
    switch (cfg->kind) {
    case TRANSPORT_UDP:
        return udp_start(l);
    case TRANSPORT_TLS:
    case TRANSPORT_WSS:
        if (!t->tls)
            return -EPROTONOSUPPORT;
        /* fall through */
    case TRANSPORT_TCP:
    case TRANSPORT_WS:
        return stream_listen(l);
    case TRANSPORT_KIND_COUNT:
        break;
    }
    return -EPROTONOSUPPORT;
}

static void listener_stop(struct listener *l)
{
    if (!l->t)
        return;
    udp_stop(l);
    stream_unlisten(l);
    loop_fd_del(l->t->loop, &l->fd);
    close(l->sock);
    free((void *)(uintptr_t)l->advertise.p);
}

static int set_up(struct transport *t, const struct transport_config *cfg)
{
    int r = map_init(&t->sources, 64);

    if (r == 0)
        r = map_init(&t->aliases, 16);
    if (r == 0)
        r = slots_open(t, cfg->slots_fd, cfg->max_connections);
    if (r == 0 && t->tls)
        r = crypto_tls_aead_new(&t->aead);
    if (r == 0)
        r = ws_set_up(t);
    for (uint32_t i = 0; i < cfg->listener_count && r == 0; i++)
        r = listener_start(t, i, &cfg->listeners[i]);
    return r;
}

/* Descriptors given to transport_new are taken, whether it succeeds or not. */
static void close_given(const struct transport_config *cfg, size_t from,
                        const struct transport_held *held, size_t held_count)
{
    for (size_t i = from; i < cfg->listener_count; i++)
        close(cfg->listeners[i].fd);
    for (size_t i = 0; i < held_count; i++)
        close(held[i].fd);
}

int transport_new(struct loop *loop, const struct transport_config *cfg,
                  const struct transport_held *held, size_t held_count, struct transport **ret)
{
    struct transport *t = calloc(1, sizeof(*t));
    struct listener *listeners = calloc(cfg->listener_count + 1, sizeof(*listeners));
    uint8_t *input = malloc(INPUT_CAP);

    if (!t || !listeners || !input) {
        free(t);
        free(listeners);
        free(input);
        close_given(cfg, 0, held, held_count);
        return -ENOMEM;
    }
    *t = (struct transport){.loop = loop,
                            .cb = cfg->cb,
                            .tls = cfg->tls,
                            .listeners = listeners,
                            .listener_count = cfg->listener_count,
                            .max_per_source = cfg->max_per_source,
                            .accepting = true,
                            .input = input};
    list_init(&t->flush);
    list_init(&t->dead);
    loop_defer_init(&t->flush_defer, stream_flush_all, t);
    loop_defer_init(&t->reap_defer, conn_reap, t);
    int r = set_up(t, cfg);
    if (r < 0) {
        size_t started = 0;
        while (started < cfg->listener_count && listeners[started].t)
            started++;
        close_given(cfg, started, held, held_count);
        transport_free(t);
        return r;
    }
    slots_restore(t, held, held_count);
    *ret = t;
    return 0;
}

struct transport *transport_free(struct transport *t)
{
    if (!t)
        return NULL;
    stream_flush_all(t);
    for (size_t i = 0; i < t->listener_count; i++)
        listener_stop(&t->listeners[i]);
    for (uint32_t i = 0; i < t->slot_count; i++)
        conn_abandon(t->conns[i]);
    loop_defer_cancel(&t->flush_defer);
    loop_defer_cancel(&t->reap_defer);
    slots_close(t);
    map_fini(&t->sources);
    map_fini(&t->aliases);
    crypto_tls_aead_free(t->aead);
    ws_tear_down(t);
    for (size_t i = 0; i < t->spare_count; i++)
        free(t->spares[i]);
    secret_wipe(t->input, INPUT_CAP);
    free(t->input);
    free(t->listeners);
    free(t);
    return NULL;
}

void transport_set_accepting(struct transport *t, bool accepting)
{
    t->accepting = accepting;
    for (size_t i = 0; i < t->listener_count; i++) {
        struct listener *l = &t->listeners[i];
        /* The listening sockets stay open: others of the worker group, or the next process, go on
         * accepting from the same queue. */
        if (l->kind != TRANSPORT_UDP && !loop_timer_is_armed(&l->pause))
            transport_watch(t->loop, &l->fd, accepting ? EPOLLIN : 0u);
    }
}
