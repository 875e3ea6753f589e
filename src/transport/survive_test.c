/* kill -9 of the process that has the connection; the next one goes on with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "transport/testkit.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/log.h"
#include "transport/internal.h"

#define CONNS 16u

enum { PLAIN, SECURE, WEB, LISTENERS };

/* What the supervisor has: the memfd, and the descriptors held. */
struct keeper {
    int memfd, events, listener[LISTENERS];
    struct addr addr[LISTENERS];
    struct transport_held held[CONNS];
    size_t n;
};

static struct keeper keeper_new(void)
{
    struct keeper k = {.memfd = memfd_create("slots", MFD_CLOEXEC)};

    assert_int_equal(ftruncate(k.memfd, (off_t)transport_slots_size(CONNS)), 0);
    for (int i = 0; i < LISTENERS; i++) {
        k.addr[i] = kit_loopback();
        k.listener[i] = kit_bind(SOCK_STREAM, &k.addr[i]);
    }
    return k;
}

static void keeper_free(struct keeper *k)
{
    close(k->memfd);
    close(k->events);
    for (int i = 0; i < LISTENERS; i++)
        close(k->listener[i]);
}

/* --- the process that will die ----------------------------------------------------------------- */

struct child {
    struct transport *t;
    int to_parent;
};

/* One byte of meaning, the tag, and for a hold the descriptor. */
static void tell(int to, char what, uint64_t tag, int fd)
{
    char bytes[9] = {what};
    union {
        struct cmsghdr h;
        char b[CMSG_SPACE(sizeof(int))];
    } ctl = {0};
    struct iovec iov = {bytes, sizeof(bytes)};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    memcpy(bytes + 1, &tag, 8);
    if (fd >= 0) {
        ctl.h = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&ctl.h), &fd, sizeof(fd));
        m.msg_control = &ctl;
        m.msg_controllen = sizeof(ctl.b);
    }
    if (sendmsg(to, &m, 0) < 0)
        _exit(9);
}

static void child_hold(void *arg, uint64_t tag, int fd)
{
    tell(((struct child *)arg)->to_parent, 'h', tag, fd);
}

static void child_unhold(void *arg, uint64_t tag)
{
    tell(((struct child *)arg)->to_parent, 'u', tag, -1);
}

static void child_on_msg(void *arg, struct sip_msg *m, const struct transport_flow *f)
{
    struct child *c = arg;

    (void)m;
    if (transport_send(c->t, f, SLICE_LIT(KIT_ANSWER)) < 0)
        _exit(8);
    tell(c->to_parent, 'm', f->conn, -1);
}

static void child_on_bad(void *arg, struct sip_msg *m, int v, const struct transport_flow *f)
{
    (void)arg;
    (void)m;
    (void)v;
    (void)f;
}

static void child_on_closed(void *arg, uint64_t conn, const char *reason)
{
    (void)reason;
    tell(((struct child *)arg)->to_parent, 'c', conn, -1);
}

static _Noreturn void child_main(const struct keeper *k, struct crypto_tls *tls, int to_parent)
{
    struct child c = {.to_parent = to_parent};
    struct transport_listener l[LISTENERS] = {
        {.kind = TRANSPORT_TCP, .bound = k->addr[PLAIN], .fd = dup(k->listener[PLAIN])},
        {.kind = TRANSPORT_TLS, .bound = k->addr[SECURE], .fd = dup(k->listener[SECURE])},
        {.kind = TRANSPORT_WSS, .bound = k->addr[WEB], .fd = dup(k->listener[WEB])}};
    struct transport_config cfg = {.listeners = l,
                                   .listener_count = LISTENERS,
                                   .tls = tls,
                                   .slots_fd = k->memfd,
                                   .max_connections = CONNS,
                                   .cb = {.arg = &c,
                                          .on_msg = child_on_msg,
                                          .on_bad = child_on_bad,
                                          .on_closed = child_on_closed,
                                          .hold = child_hold,
                                          .unhold = child_unhold}};
    struct loop *loop;

    log_set_level(LOG_ERROR);
    if (loop_new(&loop) < 0 || transport_new(loop, &cfg, k->held, k->n, &c.t) < 0)
        _exit(7);
    tell(to_parent, 'r', 0, -1);
    while (loop_once(loop, -1) == 0)
        ;
    _exit(6);
}

/* The child's copies of all descriptors come by fork; the supervisor keeps its own. */
static pid_t start(struct keeper *k, struct crypto_tls *tls)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_main(k, tls, pair[1]);
    close(pair[1]);
    k->events = pair[0];
    return pid;
}

/* What the supervisor does with the next message of the role; its kind is returned. */
static char next_event(struct keeper *k, uint64_t *ret_tag)
{
    char bytes[9] = {0};
    union {
        struct cmsghdr h;
        char b[CMSG_SPACE(sizeof(int))];
    } ctl;
    struct iovec iov = {bytes, sizeof(bytes)};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &ctl, .msg_controllen = sizeof(ctl.b)};

    assert_int_equal(recvmsg(k->events, &m, MSG_CMSG_CLOEXEC), sizeof(bytes));
    memcpy(ret_tag, bytes + 1, 8);
    if (bytes[0] == 'h') {
        struct transport_held *h = &k->held[k->n++];
        h->tag = *ret_tag;
        memcpy(&h->fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(h->fd));
    }
    for (size_t i = 0; bytes[0] == 'u' && i < k->n; i++) {
        if (k->held[i].tag == *ret_tag) {
            close(k->held[i].fd);
            k->held[i] = k->held[--k->n];
        }
    }
    return bytes[0];
}

static uint64_t await(struct keeper *k, char what)
{
    uint64_t tag;

    while (next_event(k, &tag) != what)
        ;
    return tag;
}

static void kill_role(struct keeper *k, pid_t pid)
{
    int status;

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(k->events);
}

/* --- the peer ---------------------------------------------------------------------------------- */

struct peer {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

static struct peer peer_new(const struct addr *to, int version)
{
    struct peer p = {.ctx = SSL_CTX_new(TLS_client_method()), .fd = kit_dial(to)};

    assert_int_equal(fcntl(p.fd, F_SETFL, 0), 0); /* blocking */
    SSL_CTX_set_max_proto_version(p.ctx, version);
    p.ssl = SSL_new(p.ctx);
    SSL_set_fd(p.ssl, p.fd);
    assert_int_equal(SSL_connect(p.ssl), 1);
    return p;
}

static void peer_free(struct peer *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->ctx);
    close(p->fd);
}

static void peer_asks(struct peer *p)
{
    char got[2000];
    size_t have = 0;

    assert_int_equal(SSL_write(p->ssl, KIT_OPTIONS, sizeof(KIT_OPTIONS) - 1),
                     sizeof(KIT_OPTIONS) - 1);
    while (have < sizeof(KIT_ANSWER) - 1) {
        int n = SSL_read(p->ssl, got + have, (int)(sizeof(got) - have));
        assert_true(n > 0);
        have += (size_t)n;
    }
    assert_memory_equal(got, KIT_ANSWER, sizeof(KIT_ANSWER) - 1);
}

/* The answer has been read, but the role marks the first slot clean only after having written it. */
static void await_clean(const struct keeper *k)
{
    const char *map = mmap(NULL, transport_slots_size(CONNS), PROT_READ, MAP_SHARED, k->memfd, 0);

    assert_true(map != MAP_FAILED);
    while (__atomic_load_n(map + 64 + offsetof(struct conn_slot, dirty), __ATOMIC_ACQUIRE))
        ;
    assert_int_equal(munmap((void *)(uintptr_t)map, transport_slots_size(CONNS)), 0);
}

static void run_tls(int version)
{
    struct keeper k = keeper_new();
    struct crypto_tls *tls = kit_tls();
    pid_t pid = start(&k, tls);
    uint64_t id = 0;

    (void)await(&k, 'r');
    struct peer p = peer_new(&k.addr[SECURE], version);
    for (int life = 0; life < 3; life++) {
        for (int i = 0; i < 3; i++) {
            peer_asks(&p);
            uint64_t tag = await(&k, 'm');
            assert_true(id == 0 || tag == id); /* the same connection */
            id = tag;
        }
        if (version == TLS1_3_VERSION && life == 1)
            SSL_key_update(p.ssl, SSL_KEY_UPDATE_REQUESTED);
        assert_int_equal(k.n, 1);
        await_clean(&k);
        kill_role(&k, pid);
        pid = start(&k, tls);
        (void)await(&k, 'r');
    }
    peer_asks(&p);
    assert_true(await(&k, 'm') == id);
    SSL_shutdown(p.ssl);
    assert_true(await(&k, 'c') == id);
    kill_role(&k, pid);
    peer_free(&p);
    keeper_free(&k);
    crypto_tls_free(tls);
}

static void test_tls_goes_on(void **state)
{
    (void)state;
    run_tls(TLS1_2_VERSION);
    run_tls(TLS1_3_VERSION);
}

/* A WebSocket over TLS 1.3: a frame with a mask of zeros, and the answer in one that has none. */
static void ws_peer_asks(struct peer *p)
{
    char out[8 + sizeof(KIT_OPTIONS)] = "\x81\xfe", in[8 + sizeof(KIT_ANSWER)];
    size_t n = sizeof(KIT_OPTIONS) - 1, want = sizeof(KIT_ANSWER) - 1 + 4, have = 0;

    out[2] = (char)(n >> 8);
    out[3] = (char)n;
    memcpy(out + 8, KIT_OPTIONS, n);
    assert_int_equal(SSL_write(p->ssl, out, (int)(8 + n)), 8 + n);
    while (have < want) {
        int r = SSL_read(p->ssl, in + have, (int)(want - have));
        assert_true(r > 0);
        have += (size_t)r;
    }
    assert_memory_equal(in + 4, KIT_ANSWER, want - 4);
}

static void test_websocket_goes_on(void **state)
{
    static const char open[] =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: sip\r\n\r\n";
    struct keeper k = keeper_new();
    struct crypto_tls *tls = kit_tls();
    pid_t pid = start(&k, tls);
    char got[512];
    uint64_t id = 0;

    (void)state;
    (void)await(&k, 'r');
    struct peer p = peer_new(&k.addr[WEB], TLS1_3_VERSION);
    assert_int_equal(SSL_write(p.ssl, open, sizeof(open) - 1), sizeof(open) - 1);
    assert_true(SSL_read(p.ssl, got, sizeof(got)) > 12 && memcmp(got + 9, "101", 3) == 0);
    for (int life = 0; life < 3; life++) {
        ws_peer_asks(&p);
        uint64_t tag = await(&k, 'm');
        assert_true(id == 0 || tag == id); /* the same connection */
        id = tag;
        assert_int_equal(k.n, 1);
        await_clean(&k);
        kill_role(&k, pid);
        pid = start(&k, tls);
        (void)await(&k, 'r');
    }
    /* A message that was begun is lost with the process, and the connection with it. */
    assert_int_equal(SSL_write(p.ssl, "\x01\x80\0\0\0\0\x89\x80\0\0\0\0", 12), 12);
    assert_true(SSL_read(p.ssl, got, sizeof(got)) == 2 && got[0] == '\x8a');
    kill_role(&k, pid);
    pid = start(&k, tls);
    assert_true(await(&k, 'u') == id);
    assert_true(SSL_read(p.ssl, got, sizeof(got)) <= 0);
    kill_role(&k, pid);
    peer_free(&p);
    keeper_free(&k);
    crypto_tls_free(tls);
}

static bool at_end(int fd)
{
    char c[4096];
    ssize_t n;

    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    while ((n = recv(fd, c, sizeof(c), 0)) > 0)
        ;
    return n == 0 || errno == ECONNRESET;
}

static void test_unfinished_input_ends_the_connection(void **state)
{
    struct keeper k = keeper_new();
    struct crypto_tls *tls = kit_tls();
    pid_t pid = start(&k, tls);

    (void)state;
    (void)await(&k, 'r');
    int fd = kit_dial(&k.addr[PLAIN]);
    KIT_PUT(fd, KIT_OPTIONS "OPTIONS sip:");
    uint64_t id = await(&k, 'm');
    assert_int_equal(k.n, 1);
    kill_role(&k, pid);
    pid = start(&k, tls);
    assert_true(await(&k, 'u') == id);
    assert_int_equal(k.n, 0);
    assert_true(at_end(fd));
    close(fd);
    kill_role(&k, pid);
    keeper_free(&k);
    crypto_tls_free(tls);
}

/* --- what is handed over need not fit ---------------------------------------------------------- */

static struct transport *open_with(struct kit *k, int memfd, struct transport_held *held, size_t n)
{
    struct transport_listener l = {.kind = TRANSPORT_TCP, .bound = kit_loopback()};
    struct transport_config cfg = {.listeners = &l,
                                   .listener_count = 1,
                                   .slots_fd = memfd,
                                   .max_connections = CONNS,
                                   .cb = kit_callbacks(k)};
    struct transport *t;

    l.fd = kit_bind(SOCK_STREAM, &l.bound);
    k->addr[TRANSPORT_TCP] = l.bound;
    assert_int_equal(transport_new(k->loop, &cfg, held, n, &t), 0);
    return t;
}

enum misfit { FITS, OTHER_GENERATION, OTHER_INDEX, OTHER_LAYOUT, NO_SOCKET, MISFIT_COUNT };

static void run_misfit(enum misfit how)
{
    struct kit k = {.held_fd = -1};
    int memfd = memfd_create("slots", MFD_CLOEXEC), copy = memfd_create("slots", MFD_CLOEXEC);
    size_t size = transport_slots_size(CONNS);
    char *now = malloc(size);
    struct transport_flow f;

    log_set_level(LOG_ERROR);
    assert_int_equal(ftruncate(memfd, (off_t)size), 0);
    assert_int_equal(loop_new_virtual(0, &k.loop), 0);
    k.t = open_with(&k, memfd, NULL, 0);
    int fd = kit_dial(&k.addr[TRANSPORT_TCP]);
    KIT_PUT(fd, KIT_OPTIONS);
    KIT_PUMP(&k, k.msgs == 1);
    kit_turn(&k);
    f = k.flow;
    /* The state as a process that dies here would leave it. */
    assert_int_equal(pread(memfd, now, size, 0), (ssize_t)size);
    if (how == OTHER_LAYOUT)
        now[4] ^= 1;
    assert_int_equal(pwrite(copy, now, size, 0), (ssize_t)size);
    struct transport_held h = {f.conn, dup(k.held_fd)};
    if (how == OTHER_GENERATION)
        h.tag += (uint64_t)1 << 32;
    if (how == OTHER_INDEX)
        h.tag += CONNS;
    struct kit after = {.held_fd = -1, .loop = k.loop};
    after.t = open_with(&after, copy, &h, how == NO_SOCKET ? 0 : 1);
    if (how == NO_SOCKET)
        close(h.fd);
    assert_int_equal(transport_is_alive(after.t, &f), how == FITS);
    assert_int_equal(after.unholds, how != FITS && how != NO_SOCKET);
    transport_free(after.t);
    transport_free(k.t);
    loop_free(k.loop);
    free(now);
    close(memfd);
    close(copy);
    close(fd);
}

static void test_what_does_not_fit_is_dropped(void **state)
{
    (void)state;
    for (int how = 0; how < MISFIT_COUNT; how++)
        run_misfit((enum misfit)how);
}

static void test_memfd_too_small(void **state)
{
    struct kit k = {.held_fd = -1};
    struct transport_config cfg = {.max_connections = CONNS, .cb = kit_callbacks(&k)};

    (void)state;
    cfg.slots_fd = memfd_create("slots", MFD_CLOEXEC);
    assert_int_equal(ftruncate(cfg.slots_fd, (off_t)transport_slots_size(CONNS) - 1), 0);
    assert_int_equal(loop_new_virtual(0, &k.loop), 0);
    assert_int_equal(transport_new(k.loop, &cfg, NULL, 0, &k.t), -EINVAL);
    close(cfg.slots_fd);
    loop_free(k.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_goes_on),
        cmocka_unit_test(test_websocket_goes_on),
        cmocka_unit_test(test_unfinished_input_ends_the_connection),
        cmocka_unit_test(test_what_does_not_fit_is_dropped),
        cmocka_unit_test(test_memfd_too_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
