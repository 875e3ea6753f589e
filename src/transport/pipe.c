/* Plain HTTP at a port that WebSockets share: TLS stays here, the plain bytes go through a socketpair
 * to whoever took its other end (the web role), in both directions, until one side ends. What one side
 * does not read stays with the other: at most one read's worth of input and PIPE_OUT bytes of output
 * are held here. Nothing of it survives this process. */
#include "transport/internal.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"

#define PIPE_OUT 65536u  /* waiting for the client, beyond which the other end is not read */
#define PIPE_READ 16384u /* one TLS record */

struct pipe {
    struct loop_fd fd;
    bool full;  /* the other end does not read: nor do we read the client */
    bool ended; /* the other end is closed: once all is with the client, so are we */
};

static uint32_t waiting(const struct conn *c)
{
    return c->out.n - c->out.off;
}

static void watch(struct conn *c)
{
    struct pipe *p = c->pipe;
    bool read = !p->ended && waiting(c) < PIPE_OUT;

    transport_watch(c->t->loop, &p->fd, (read ? EPOLLIN : 0u) | (p->full ? EPOLLOUT : 0u));
}

static void on_end(struct conn *c)
{
    c->pipe->ended = true;
    if (waiting(c) == 0)
        conn_close(c, "the request is answered");
    else
        loop_fd_del(c->t->loop, &c->pipe->fd); /* it would say so again and again */
}

/* False: closed. */
static bool from_web(struct conn *c)
{
    char bytes[PIPE_READ];
    ssize_t n = recv(c->pipe->fd.fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        on_end(c);
        return c->state == CONN_PIPE;
    }
    c->active_ms = loop_now(c->t->loop);
    return stream_put(c, slice_from(bytes, (size_t)n)) == 0;
}

static void on_pipe(void *arg, uint32_t events)
{
    struct conn *c = arg;

    if (events & EPOLLOUT) {
        c->pipe->full = false;
        stream_pause(c, false);
        stream_again(c);
    } else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        (void)from_web(c);
    }
    if (c->state == CONN_PIPE && c->pipe->fd.fd >= 0)
        watch(c);
}

bool pipe_start(struct conn *c)
{
    struct transport *t = c->t;
    bool secure = transport_kind_is_secure((enum transport_kind)c->slot->kind);
    struct pipe *p = t->pipes < TRANSPORT_PIPES_MAX ? calloc(1, sizeof(*p)) : NULL;
    int fds[2];

    if (!p || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0) {
        free(p);
        return false;
    }
    bool taken = t->cb.http(t->cb.arg, fds[1], &c->slot->remote, &c->slot->local, secure) == 0;
    close(fds[1]);
    if (!taken || loop_fd_add(t->loop, &p->fd, fds[0], EPOLLIN, on_pipe, c) < 0) {
        close(fds[0]);
        free(p);
        return false;
    }
    t->pipes++;
    c->pipe = p;
    c->pipe_sock = fds[0];
    c->state = CONN_PIPE;
    c->active_ms = loop_now(t->loop);
    conn_timer_set(c);
    return true;
}

void pipe_stop(struct conn *c)
{
    if (!c->pipe)
        return;
    loop_fd_del(c->t->loop, &c->pipe->fd);
    close(c->pipe_sock);
    free(c->pipe);
    c->pipe = NULL;
    c->t->pipes--;
}

bool pipe_input(struct conn *c, const uint8_t *p, size_t n, struct slice *ret_left)
{
    size_t sent = 0;

    while (sent < n && !c->pipe->ended) {
        ssize_t r = send(c->pipe_sock, p + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && errno == EAGAIN)
            break;
        if (r < 0) { /* its last words may still be there to read */
            sent = n;
            break;
        }
        sent += (size_t)r;
    }
    if (c->pipe->ended)
        sent = n;
    *ret_left = slice_from(p + sent, n - sent);
    c->pipe->full = sent < n;
    stream_pause(c, c->pipe->full);
    if (c->pipe->fd.fd >= 0)
        watch(c);
    return true;
}

void pipe_drained(struct conn *c)
{
    if (c->pipe->ended)
        conn_close(c, "the request is answered");
    else
        watch(c);
}
