/* How connections come to be: accepted in bursts, within limits per transport and per source, or
 * made by us and used again for the same peer (address, transport and name; RFC 5923 s.5, for our
 * own outgoing connections only: what a stranger claims to be is not an alias). */
#include "transport/internal.h"

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"

/* --- counts per source ------------------------------------------------------------------------ */

struct source {
    struct map_node node;
    uint32_t count;
    uint32_t key_n;
    uint8_t key[16]; /* the address */
};

/* An IPv6 source is its /64: that is what one host is given. */
static struct slice source_key(const struct addr *a)
{
    if (addr_family(a) == AF_INET6)
        return slice_from(&a->in6.sin6_addr, 8);
    return slice_from(&a->in.sin_addr, 4);
}

bool source_take(struct conn *c)
{
    struct transport *t = c->t;
    struct slice key = source_key(&c->slot->remote);
    struct map_node *n = map_find(&t->sources, key);
    struct source *s = n ? CONTAINER_OF(n, struct source, node) : NULL;
    uint32_t max = t->max_per_source ? t->max_per_source : TRANSPORT_PER_SOURCE;

    if (!t->max_per_source && addr_is_loopback(&c->slot->remote))
        return true;
    if (s && s->count >= max)
        return false;
    if (!s) {
        s = calloc(1, sizeof(*s));
        if (!s)
            return false;
        memcpy(s->key, key.p, key.n);
        map_put(&t->sources, &s->node, slice_from(s->key, key.n));
    }
    s->count++;
    c->source = s;
    return true;
}

void source_drop(struct conn *c)
{
    struct source *s = c->source;

    c->source = NULL;
    if (s && --s->count == 0) {
        map_remove(&c->t->sources, &s->node);
        free(s);
    }
}

/* --- outgoing connections by peer ------------------------------------------------------------- */

#define ALIAS_KEY_MAX (1 + 1 + 2 + 16 + 4 + SLOT_TEXT_MAX)

struct alias {
    struct map_node node;
    struct conn *c;
    char key[ALIAS_KEY_MAX];
};

static struct slice alias_key(char key[ALIAS_KEY_MAX], enum transport_kind kind,
                              const struct addr *remote, struct slice name)
{
    struct buf b = buf_over(key, ALIAS_KEY_MAX);
    uint16_t port = addr_port(remote);

    buf_put_char(&b, (char)kind);
    buf_put_char(&b, (char)addr_family(remote));
    buf_put(&b, &port, sizeof(port));
    if (addr_family(remote) == AF_INET6) {
        buf_put(&b, &remote->in6.sin6_addr, 16);
        buf_put(&b, &remote->in6.sin6_scope_id, 4);
    } else {
        buf_put(&b, &remote->in.sin_addr, 4);
    }
    for (size_t i = 0; i < name.n; i++)
        buf_put_char(&b, slice_lower(name.p[i]));
    return buf_slice(&b);
}

int alias_put(struct conn *c)
{
    struct alias *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    a->c = c;
    c->alias = &a->node;
    map_put(&c->t->aliases, &a->node,
            alias_key(a->key, (enum transport_kind)c->slot->kind, &c->slot->remote,
                      slice_from_str(c->slot->name)));
    return 0;
}

void alias_drop(struct conn *c)
{
    if (!c->alias)
        return;
    map_remove(&c->t->aliases, c->alias);
    free(CONTAINER_OF(c->alias, struct alias, node));
    c->alias = NULL;
}

/* --- connect ---------------------------------------------------------------------------------- */

static void set_options(int fd)
{
    int on = 1;

    /* Messages leave when the wake-up ends, whole: there is nothing for Nagle to gather. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int open_socket(const struct addr *remote, struct addr *ret_local, int *ret_fd)
{
    socklen_t n = sizeof(*ret_local);
    int fd = socket(addr_family(remote), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    set_options(fd);
    if ((connect(fd, &remote->sa, addr_len(remote)) < 0 && errno != EINPROGRESS) ||
        getsockname(fd, &ret_local->sa, &n) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int connect_new(struct transport *t, enum transport_kind kind, const struct addr *remote,
                       struct slice name, struct conn **ret)
{
    struct addr local = {0};
    int fd = -1;
    int r = open_socket(remote, &local, &fd);

    if (r < 0)
        return r;
    struct conn *c = conn_new(t, kind, true);
    if (!c) {
        close(fd);
        return -ENOBUFS;
    }
    c->state = CONN_CONNECTING;
    c->slot->remote = *remote;
    c->slot->local = local;
    memcpy(c->slot->name, name.p ? name.p : "", name.n);
    const struct listener *l = transport_listener_for(t, kind, &local);
    c->slot->listener = l ? l->index : UINT32_MAX;
    conn_adopt(c, fd);
    *ret = c;
    return 0;
}

int stream_connect(struct transport *t, enum transport_kind kind, const struct addr *remote,
                   struct slice name, struct transport_flow *ret)
{
    char key[ALIAS_KEY_MAX];
    struct addr to = *remote;
    struct conn *c;

    addr_unmap(&to);
    if (name.n >= SLOT_TEXT_MAX || (name.n && memchr(name.p, '\0', name.n)))
        return -EINVAL;
    /* RFC 3261 s.18.1.1 leaves TCP without a name to check; only TLS is bound to one. */
    if (kind == TRANSPORT_TCP)
        name = SLICE_NONE; /* a WebSocket's request names its host (RFC 6455 s.4.1) */
    struct map_node *n = map_find(&t->aliases, alias_key(key, kind, &to, name));
    if (n) {
        c = CONTAINER_OF(n, struct alias, node)->c;
    } else {
        int r = connect_new(t, kind, &to, name, &c);
        if (r < 0)
            return r;
    }
    *ret = conn_flow(c);
    return 0;
}

/* --- accept ----------------------------------------------------------------------------------- */

static void refuse(int fd, const struct addr *remote, const char *why)
{
    close(fd);
    log_event(LOG_DEBUG, "connection_refused", LOG_A("peer", remote), LOG_STR("reason", why));
}

static void accepted(struct listener *l, int fd, struct addr *remote)
{
    struct transport *t = l->t;
    struct addr local = l->bound;
    socklen_t n = sizeof(local);

    addr_unmap(remote);
    if (t->cb.allow && !t->cb.allow(t->cb.arg, remote)) {
        refuse(fd, remote, "not allowed");
        return;
    }
    if (addr_is_any(&local) && getsockname(fd, &local.sa, &n) < 0) {
        refuse(fd, remote, "gone again");
        return;
    }
    struct conn *c = conn_new(t, l->kind, false);
    if (!c) {
        refuse(fd, remote, "all connection slots are in use");
        return;
    }
    t->counts.accepted++;
    set_options(fd);
    addr_unmap(&local);
    c->slot->remote = *remote;
    c->slot->local = local;
    c->slot->listener = l->index;
    conn_adopt(c, fd);
    if (!transport_kind_is_secure(l->kind) && c->state != CONN_CLOSED)
        stream_established(c, 0);
}

static bool is_shortage(int err)
{
    return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* Without descriptors the waiting connection would wake us again and again: look away a moment. */
static void pause_accepting(struct listener *l, int err)
{
    struct transport *t = l->t;

    if (!t->short_of_fds)
        log_event(LOG_ERROR, "accept_paused", LOG_ERRNO(err),
                  LOG_STR("hint", "raise the limit of open files"));
    t->short_of_fds = true;
    transport_watch(t->loop, &l->fd, 0);
    loop_timer_set(t->loop, &l->pause, TRANSPORT_ACCEPT_PAUSE_MS);
}

static void on_pause_over(void *arg)
{
    struct listener *l = (struct listener *)arg;

    if (l->t->accepting)
        transport_watch(l->t->loop, &l->fd, EPOLLIN);
}

static void on_acceptable(void *arg, uint32_t events)
{
    struct listener *l = (struct listener *)arg;

    (void)events;
    for (int i = 0; i < TRANSPORT_ACCEPT_BURST && l->t->accepting; i++) {
        struct addr remote = {0};
        socklen_t n = sizeof(remote);
        int fd = accept4(l->sock, &remote.sa, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
            continue;
        if (fd < 0) {
            if (is_shortage(errno))
                pause_accepting(l, errno);
            return;
        }
        l->t->short_of_fds = false;
        accepted(l, fd, &remote);
    }
}

int stream_listen(struct listener *l)
{
    loop_timer_init(&l->pause, on_pause_over, l);
    return loop_fd_add(l->t->loop, &l->fd, l->sock, EPOLLIN, on_acceptable, l);
}

void stream_unlisten(struct listener *l)
{
    if (l->kind != TRANSPORT_UDP && l->pause.fn)
        loop_timer_cancel(l->t->loop, &l->pause);
}
