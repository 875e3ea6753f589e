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
    k->open = l->kind < LOAD_TLS;
    if (l->kind >= LOAD_TLS) {
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
    static char framed[IN_MAX];
    struct buf b = buf_over(framed, sizeof(framed));
    k->load->requests++;
    if (k->load->kind == LOAD_WSS) {
        frame_put(&b, msg);
        msg = buf_slice(&b);
    }
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

/* The next message of a stream, cut off *in. False: it is not whole. A pong has none. */
static bool next_message(struct load *l, struct slice *in, struct slice *ret)
{
    size_t skip = 0, len = 0;
    if (l->kind == LOAD_WSS) {
        while (frame_take(in, ret)) {
            if (ret->n > 2)
                return true;
            l->events++;
        }
        return false;
    }
    if (in->n == 0 || sip_msg_frame(*in, &skip, &len) != SIP_FRAME_OK)
        return false;
    *ret = slice_take(slice_skip(*in, skip), len);
    *in = slice_skip(*in, skip + len);
    return true;
}

/* What is in buf[0..n): whole messages are taken, the rest is kept. */
static void take_stream(struct load *l, struct link *k, char *buf, size_t n)
{
    struct slice in = slice_from(buf, n);
    struct slice msg;
    int fd = k->fd;
    while (next_message(l, &in, &msg)) {
        take(l, k, msg);
        if (k->fd != fd || !k->open)
            return; /* closed by the message */
    }
    while (l->kind != LOAD_WSS && in.n && (*in.p == '\r' || *in.p == '\n')) { /* a pong */
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

/* The WebSocket's handshake behind that of TLS. */
static void upgrade(struct link *k)
{
    char answer[512];
    if (!k->asked && SSL_write(k->ssl, frame_request.p, (int)frame_request.n) <= 0)
        load_die("SSL_write", "the server does not read");
    k->asked = true;
    int n = SSL_read(k->ssl, answer, sizeof(answer) - 1);
    if (n <= 0)
        return; /* not there yet; what else it is comes up later */
    answer[n] = '\0';
    if (!strstr(answer, " 101 ") || !strstr(answer, "\r\n\r\n"))
        load_die("no WebSocket", answer);
    k->open = true;
}

static void shake(struct link *k)
{
    int n = k->asked ? 1 : SSL_do_handshake(k->ssl);
    if (n == 1 && k->load->kind == LOAD_WSS) {
        upgrade(k);
        return;
    }
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
