/* Bytes of a connection to messages and back. Input is read into one buffer that all connections of
 * the worker share; only what is unfinished at the end of a wake-up is kept by its connection.
 * Output gathers during a wake-up and leaves with one write at its end. */
#include "transport/internal.h"

#include <sys/epoll.h>

#include "base/log.h"
#include "base/secret.h"

static bool is_secure(const struct conn *c)
{
    return transport_kind_is_secure((enum transport_kind)c->slot->kind);
}

static bool is_open(const struct conn *c)
{
    return c->state == CONN_OPEN;
}

/* --- out -------------------------------------------------------------------------------------- */

static void want_flush(struct conn *c)
{
    /* A full socket will report itself. */
    if (c->in_flush || c->want_write || c->state == CONN_CONNECTING)
        return;
    c->in_flush = true;
    list_push_back(&c->t->flush, &c->node);
    loop_defer_add(c->t->loop, &c->t->flush_defer);
}

static void watch(struct conn *c)
{
    transport_watch(c->t->loop, &c->fd,
                    (c->paused ? 0u : EPOLLIN) | (c->want_write ? (uint32_t)EPOLLOUT : 0u));
}

static void set_want_write(struct conn *c, bool want)
{
    if (c->want_write == want)
        return;
    c->want_write = want;
    watch(c);
}

void stream_pause(struct conn *c, bool paused)
{
    if (c->paused == paused)
        return;
    c->paused = paused;
    watch(c);
}

/* 0, -EAGAIN, or what the socket says. */
static int write_some(struct conn *c)
{
    struct conn_queue *q = &c->out;

    while (q->off < q->n) {
        ssize_t n = send(c->sock, q->p + q->off, q->n - q->off, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            q->off += (uint32_t)n;
    }
    queue_free(c->t, q);
    return 0;
}

bool stream_write(struct conn *c)
{
    int r = write_some(c);

    if (r < 0 && r != -EAGAIN) {
        conn_close(c, log_strerror(r));
        return false;
    }
    set_want_write(c, r == -EAGAIN);
    conn_settle(c);
    if (c->state == CONN_PIPE && r == 0)
        pipe_drained(c);
    return c->state != CONN_CLOSED;
}

void stream_flush_all(void *arg)
{
    struct transport *t = (struct transport *)arg;

    while (!list_is_empty(&t->flush)) {
        struct conn *c = CONTAINER_OF(t->flush.next, struct conn, node);
        list_remove(&c->node);
        c->in_flush = false;
        (void)stream_write(c);
    }
}

void stream_last_words(struct conn *c)
{
    if (ws_is(c) && is_open(c))
        ws_bye(c);
    if (is_secure(c))
        tls_bye(c);
    (void)write_some(c); /* whoever does not read now has lost them */
}

static int put(struct conn *c, struct conn_queue *q, struct slice s)
{
    uint8_t *p = queue_room(c->t, q, s.n);

    if (!p)
        return -ENOMEM;
    memcpy(p, s.p, s.n);
    q->n += (uint32_t)s.n;
    return 0;
}

int stream_put(struct conn *c, struct slice s)
{
    c->slot->dirty = 1;
    int r = is_secure(c) ? tls_seal(c, s) : put(c, &c->out, s);
    if (r < 0)
        conn_close(c, "no memory or key left to send with");
    else
        want_flush(c);
    return r;
}

static int send_bytes(struct conn *c, struct slice s)
{
    struct conn_queue *q = c->state == CONN_OPEN ? &c->out : &c->early;
    int r;

    if (q->n - q->off + s.n > TRANSPORT_QUEUE_MAX && c->state == CONN_OPEN && !c->want_write &&
        !stream_write(c))
        return -ENOTCONN;
    if (q->n - q->off + s.n > TRANSPORT_QUEUE_MAX) {
        conn_close(c, "the peer does not read what is sent to it");
        return -ENOBUFS;
    }
    if (c->state == CONN_OPEN)
        return stream_put(c, s);
    c->slot->dirty = 1;
    r = put(c, q, s);
    if (r < 0)
        conn_close(c, "no memory left to send with");
    return r;
}

int stream_send(struct conn *c, struct slice msg)
{
    if (msg.n == 0 || msg.n > SIP_MSG_MAX)
        return -EMSGSIZE;
    if (ws_is(c))
        msg = ws_frame(c, msg);
    int r = msg.p ? send_bytes(c, msg) : -ENOMEM;
    if (r == 0)
        c->slot->tx_msgs++;
    return r;
}

/* --- in --------------------------------------------------------------------------------------- */

/* Between messages: CR LF CR LF is a ping, answered by CR LF (RFC 5626 s.4.4.1); a lone CR LF is a
 * pong or padding (RFC 3261 s.7.5). A ping may be cut by segments, so the count stays. */
static size_t take_crlfs(struct conn *c, struct slice in)
{
    static const char ping[] = "\r\n\r\n";
    struct conn_slot *s = c->slot;
    size_t n = 0;

    for (; n < in.n && (in.p[n] == '\r' || in.p[n] == '\n'); n++) {
        if (in.p[n] != ping[s->crlf & 3])
            s->crlf = 0;
        if (in.p[n] == ping[s->crlf & 3] && ++s->crlf == 4) {
            s->crlf = 0;
            /* A failure closes the connection, which the caller sees. */
            if (send_bytes(c, SLICE_LIT("\r\n")) < 0)
                return n;
        }
    }
    if (n < in.n)
        s->crlf = 0;
    return n;
}

bool stream_take_message(struct conn *c, struct slice raw, const struct transport_flow *f)
{
    bool ok;

    if (!transport_deliver(c->t, raw, f, &ok)) {
        conn_close(c, "the peer sends something that is not SIP");
        return false;
    }
    if (ok && is_open(c)) {
        c->slot->spoke = true;
        c->slot->rx_msgs++;
    }
    return is_open(c);
}

/* Deals with all whole messages. False: closed. */
static bool take_messages(struct conn *c, struct slice in, struct slice *ret_left)
{
    struct transport_flow f = conn_flow(c);
    size_t skip, n;

    for (;;) {
        in = slice_skip(in, take_crlfs(c, in));
        if (!is_open(c))
            return false;
        if (in.n == 0)
            break;
        int v = sip_msg_frame(in, &skip, &n);
        if (v == SIP_FRAME_MORE)
            break;
        if (v != SIP_FRAME_OK) {
            conn_close(c, v == SIP_FRAME_TOO_LARGE ? "the peer sent a message that is too large"
                                                   : "the peer's messages cannot be told apart");
            return false;
        }
        if (!stream_take_message(c, slice_from(in.p + skip, n), &f))
            return false;
        in = slice_skip(in, skip + n);
    }
    *ret_left = in;
    return true;
}

/* Keeps what is unfinished; a connection without it holds no buffer. */
static bool keep(struct conn *c, struct slice plain, struct slice cipher, bool progress)
{
    size_t n = plain.n + cipher.n;

    if (c->in)
        secret_wipe(c->in, c->in_plain + c->in_cipher);
    free(c->in);
    c->in = NULL;
    c->in_plain = c->in_cipher = 0;
    if (n == 0) {
        c->partial_ms = 0;
        return true;
    }
    c->in = n <= (c->state == CONN_PIPE ? INPUT_CAP : INPUT_KEEP) ? malloc(n) : NULL;
    if (!c->in) {
        conn_close(c, "no memory for an unfinished message");
        return false;
    }
    memcpy(c->in, plain.p ? plain.p : "", plain.n);
    memcpy(c->in + plain.n, cipher.p ? cipher.p : "", cipher.n);
    c->in_plain = (uint32_t)plain.n;
    c->in_cipher = (uint32_t)cipher.n;
    if (progress || !c->partial_ms) {
        c->partial_ms = loop_now(c->t->loop);
        conn_timer_set(c);
    }
    return true;
}

/* t->input holds `plain` bytes of text, then n bytes as they came from the wire. */
static void process(struct conn *c, size_t plain, size_t n)
{
    uint8_t *input = c->t->input;
    struct tls_opened o = {.plain = input, .plain_n = plain + n, .verdict = CRYPTO_TLS_MORE};
    struct slice left;
    bool progress = false;

    if (is_secure(c))
        o = tls_open(c, input, plain, n);
    if (c->state == CONN_PIPE ? !pipe_input(c, o.plain, o.plain_n, &left)
        : ws_is(c)            ? !ws_input(c, o.plain, o.plain_n, &left, &progress)
                              : !take_messages(c, slice_from(o.plain, o.plain_n), &left))
        return;
    progress = progress || left.n != o.plain_n;
    if (o.verdict != CRYPTO_TLS_MORE) {
        c->alert = crypto_tls_verdict_alert((enum crypto_tls_verdict)o.verdict);
        conn_close(c, crypto_tls_verdict_text((enum crypto_tls_verdict)o.verdict));
        return;
    }
    if (!keep(c, left, slice_from(o.rest, o.rest_n), progress))
        return;
    c->reading = false;
    conn_settle(c);
}

int stream_open(struct conn *c)
{
    struct conn_queue early = c->early;

    c->early = (struct conn_queue){0};
    conn_opened(c);
    int r = early.n ? send_bytes(c, slice_from(early.p, early.n)) : 0;
    queue_free(c->t, &early);
    return r;
}

void stream_again(struct conn *c)
{
    size_t plain = c->in_plain, kept = plain + c->in_cipher;

    if (kept)
        memcpy(c->t->input, c->in, kept);
    process(c, plain, kept - plain);
}

void stream_established(struct conn *c, size_t n)
{
    if (ws_is(c) ? ws_start(c) : stream_open(c) == 0)
        process(c, 0, n);
}

static void on_readable(struct conn *c)
{
    uint8_t *input = c->t->input;
    size_t plain = c->in_plain, kept = plain + c->in_cipher;

    /* From here on bytes are in this process that the peer will not send again. */
    c->reading = true;
    c->slot->dirty = 1;
    ssize_t n = recv(c->sock, input + kept, INPUT_CAP - kept, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        c->reading = false;
        conn_settle(c);
        return;
    }
    if (n <= 0) {
        conn_close(c, n == 0 ? "the peer closed the connection" : log_strerror(errno));
        return;
    }
    if (kept)
        memcpy(input, c->in, kept);
    if (c->state == CONN_OPEN || c->state == CONN_PIPE)
        c->active_ms = loop_now(c->t->loop);
    if (c->state != CONN_HANDSHAKE)
        process(c, plain, kept - plain + (size_t)n);
    else
        (void)tls_handshake(c, (size_t)n);
}

/* --- events ----------------------------------------------------------------------------------- */

static void on_connected(struct conn *c)
{
    int err = 0;
    socklen_t n = sizeof(err);

    if (getsockopt(c->sock, SOL_SOCKET, SO_ERROR, &err, &n) < 0)
        err = errno;
    if (err) {
        conn_close(c, log_strerror(err));
        return;
    }
    transport_watch(c->t->loop, &c->fd, EPOLLIN);
    if (!is_secure(c)) {
        stream_established(c, 0);
        return;
    }
    c->state = CONN_HANDSHAKE;
    if (tls_connect(c) < 0)
        conn_close(c, "no memory for a TLS handshake");
    else
        (void)stream_write(c);
}

void stream_event(void *arg, uint32_t events)
{
    struct conn *c = (struct conn *)arg;

    if (c->state == CONN_CONNECTING) {
        on_connected(c);
        return;
    }
    if ((events & EPOLLOUT) && !stream_write(c))
        return;
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        on_readable(c);
}
