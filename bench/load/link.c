#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define IN_MAX 65536

_Noreturn void load_die(const char *what, const char *detail)
{
    fprintf(stderr, "bench-load: %s: %s\n", what, detail);
    exit(1);
}

static int ctl_add(struct load *l, struct link *k)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = k};
    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, k->fd, &e);
}

void link_open(struct load *l, struct link *k, void (*on_open)(struct phone *p))
{
    struct addr local;
    socklen_t n = sizeof(local);
    int one = 1, big = 4 << 20;
    k->load = l;
    k->on_open = on_open;
    k->fd = socket(addr_family(&l->server),
                   (l->kind == LOAD_UDP ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (k->fd < 0)
        load_die("socket", strerror(errno));
    if (l->kind == LOAD_UDP)
        (void)setsockopt(k->fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
    else
        (void)setsockopt(k->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(k->fd, &l->server.sa, addr_len(&l->server)) < 0 && errno != EINPROGRESS)
        load_die("connect", strerror(errno));
    if (getsockname(k->fd, &local.sa, &n) < 0)
        load_die("getsockname", strerror(errno));
    (void)addr_str(&local, k->local);
    k->open = l->kind != LOAD_TLS;
    if (l->kind == LOAD_TLS) {
        k->ssl = SSL_new(l->ctx);
        if (!k->ssl || SSL_set_fd(k->ssl, k->fd) != 1)
            load_die("SSL_new", "no memory");
        SSL_set_connect_state(k->ssl);
        /* As SSL_set_tlsext_host_name does, whose cast drops const. */
        char name[256];
        snprintf(name, sizeof(name), "%s", l->domain);
        (void)SSL_ctrl(k->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
    }
    if (ctl_add(l, k) < 0)
        load_die("epoll_ctl", strerror(errno));
}

void link_close(struct link *k)
{
    if (k->ssl) {
        (void)SSL_shutdown(k->ssl);
        SSL_free(k->ssl);
    }
    /* No TIME_WAIT: ports would run out in a long run. */
    struct linger now = {1, 0};
    (void)setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(k->fd);
    free(k->part);
    *k = (struct link){.fd = -1, .phone = k->phone};
}

void link_send(struct link *k, struct slice msg)
{
    k->load->requests++;
    if (k->ssl) {
        if (SSL_write(k->ssl, msg.p, (int)msg.n) != (int)msg.n)
            load_die("SSL_write", "the server does not read");
    } else if (send(k->fd, msg.p, msg.n, MSG_NOSIGNAL) != (ssize_t)msg.n) {
        load_die("send", strerror(errno));
    }
}

static ssize_t read_some(struct link *k, char *dst, size_t cap)
{
    if (!k->ssl)
        return recv(k->fd, dst, cap, 0);
    int n = SSL_read(k->ssl, dst, (int)cap);
    if (n > 0)
        return n;
    int e = SSL_get_error(k->ssl, n);
    errno = e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

static void take(struct load *l, struct link *k, struct slice raw)
{
    static struct sip_msg msg;
    if (sip_msg_parse(raw, &msg) != SIP_PARSE_OK)
        load_die("a message of the server does not parse", msg.error ? msg.error : "?");
    l->events++;
    phone_on_msg(l, k, &msg);
}

/* What is in buf[0..n): whole messages are taken, the rest is kept. */
static void take_stream(struct load *l, struct link *k, char *buf, size_t n)
{
    struct slice in = slice_from(buf, n);
    int fd = k->fd;
    size_t skip = 0, len = 0;
    while (in.n && sip_msg_frame(in, &skip, &len) == SIP_FRAME_OK) {
        take(l, k, slice_take(slice_skip(in, skip), len));
        if (k->fd != fd || !k->open)
            return; /* closed by the message */
        in = slice_skip(in, skip + len);
    }
    while (in.n && (*in.p == '\r' || *in.p == '\n')) { /* a pong */
        if (*in.p == '\n')
            l->events++;
        in = slice_skip(in, 1);
    }
    free(k->part);
    k->part = NULL;
    k->part_n = in.n;
    if (in.n) {
        k->part = malloc(in.n);
        if (!k->part)
            load_die("malloc", "no memory");
        memcpy(k->part, in.p, in.n);
    }
}

static void read_link(struct load *l, struct link *k)
{
    static char buf[IN_MAX];
    for (int fd = k->fd; k->fd == fd;) {
        size_t have = k->part_n;
        if (have)
            memcpy(buf, k->part, have);
        ssize_t n = read_some(k, buf + have, sizeof(buf) - have);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0 && l->kind == LOAD_UDP)
            return; /* ICMP of an earlier datagram */
        if (n <= 0)
            load_die("the server closed a connection", n < 0 ? strerror(errno) : "end of file");
        if (l->kind == LOAD_UDP)
            take(l, k, slice_from(buf, (size_t)n));
        else
            take_stream(l, k, buf, have + (size_t)n);
    }
}

static void shake(struct link *k)
{
    int n = SSL_do_handshake(k->ssl);
    if (n == 1) {
        k->open = true;
        return;
    }
    int e = SSL_get_error(k->ssl, n);
    if (e != SSL_ERROR_WANT_READ && e != SSL_ERROR_WANT_WRITE) {
        const char *why = ERR_reason_error_string(ERR_peek_error());
        load_die("the handshake failed", why ? why : "the connection was closed");
    }
}

void link_turn(struct load *l, int wait_ms)
{
    struct epoll_event events[256];
    int n = epoll_wait(l->epoll, events, 256, wait_ms);
    for (int i = 0; i < n; i++) {
        struct link *k = events[i].data.ptr;
        if (k->fd < 0)
            continue;
        if (!k->open)
            shake(k);
        if (k->open && k->on_open && (l->kind == LOAD_UDP || (events[i].events & EPOLLOUT))) {
            void (*fn)(struct phone * p) = k->on_open;
            k->on_open = NULL;
            fn(k->phone);
        }
        if (k->open)
            read_link(l, k);
    }
}
