/* What the tests of transport share: a transport on loopback with ports that the kernel picks, on
 * a loop whose clock only the test moves, and a record of what was called. */
#ifndef SOTTO_TRANSPORT_TESTKIT_H
#define SOTTO_TRANSPORT_TESTKIT_H

#include <assert.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/tls.h"
#include "crypto/tls_testcert.h"
#include "transport/transport.h"

struct kit {
    struct loop *loop;
    struct transport *t;
    struct crypto_tls *tls;
    struct addr addr[TRANSPORT_KIND_COUNT]; /* of the listeners */
    struct transport_config cfg;
    /* what was called */
    unsigned msgs, bad, closed, holds, unholds, traced;
    struct transport_flow flow; /* of the last message */
    char last[70000];
    size_t last_n;
    uint64_t closed_id, held_id;
    const char *reason;
    int held_fd; /* a duplicate, as the supervisor has it */
    bool answer, refuse, close_on_msg;
};

#define KIT_MSG(method, body, len)                                                        \
    method " sip:a@example.org SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n" \
           "From: <sip:b@example.org>;tag=1\r\nTo: <sip:a@example.org>\r\nCall-ID: 1\r\n" \
           "CSeq: 1 " method "\r\nContent-Length: " len "\r\n\r\n" body
#define KIT_OPTIONS KIT_MSG("OPTIONS", "", "0")
#define KIT_ANSWER                                                                       \
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n"                   \
    "From: <sip:b@example.org>;tag=1\r\nTo: <sip:a@example.org>;tag=2\r\nCall-ID: 1\r\n" \
    "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

static inline void kit_on_msg(void *arg, struct sip_msg *m, const struct transport_flow *f)
{
    struct kit *k = arg;

    k->msgs++;
    k->flow = *f;
    k->last_n = m->raw.n;
    memcpy(k->last, m->raw.p, m->raw.n);
    if (k->close_on_msg)
        transport_close(k->t, f->conn, "the test says so");
    if (k->answer)
        assert(transport_send(k->t, f, SLICE_LIT(KIT_ANSWER)) == 0);
}

static inline void kit_on_bad(void *arg, struct sip_msg *m, int v, const struct transport_flow *f)
{
    (void)m;
    (void)v;
    (void)f;
    ((struct kit *)arg)->bad++;
}

static inline void kit_on_closed(void *arg, uint64_t conn, const char *reason)
{
    struct kit *k = arg;

    k->closed++;
    k->closed_id = conn;
    k->reason = reason;
}

static inline void kit_on_trace(void *arg, bool out, struct slice msg,
                                const struct transport_flow *f)
{
    (void)out;
    (void)msg;
    (void)f;
    ((struct kit *)arg)->traced++;
}

static inline void kit_hold(void *arg, uint64_t tag, int fd)
{
    struct kit *k = arg;

    k->holds++;
    k->held_id = tag;
    if (k->held_fd >= 0)
        close(k->held_fd);
    k->held_fd = dup(fd);
}

static inline void kit_unhold(void *arg, uint64_t tag)
{
    struct kit *k = arg;

    (void)tag;
    k->unholds++;
    if (k->held_fd >= 0)
        close(k->held_fd);
    k->held_fd = -1;
}

static inline bool kit_allow(void *arg, const struct addr *remote)
{
    (void)remote;
    return !((struct kit *)arg)->refuse;
}

static inline struct addr kit_loopback(void)
{
    return (struct addr){.in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
}

/* A socket bound to a port that the kernel picks; *io is its address then. */
static inline int kit_bind(int type, struct addr *io)
{
    socklen_t n = sizeof(*io);
    int fd = socket(addr_family(io), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert(fd >= 0);
    assert(bind(fd, &io->sa, addr_len(io)) == 0);
    assert(getsockname(fd, &io->sa, &n) == 0);
    if (type == SOCK_STREAM)
        assert(listen(fd, 128) == 0);
    return fd;
}

static inline struct crypto_tls *kit_tls(void)
{
    struct testcert ca = testcert_new(&(struct testcert_spec){.cn = "CA", .ca = true}, NULL);
    struct testcert c =
        testcert_new(&(struct testcert_spec){.cn = "s", .san = "DNS:example.org"}, &ca);
    struct crypto_tls_cert cert = {.cert_pem = c.cert_pem, .key_pem = c.key_pem};
    struct crypto_tls_config cfg = {.certs = &cert, .cert_count = 1, .ca_pem = ca.cert_pem};
    struct crypto_tls_error err;
    struct crypto_tls *t = NULL;

    assert(crypto_tls_new(&cfg, &err, &t) == 0);
    testcert_free(&c);
    testcert_free(&ca);
    return t;
}

static inline struct transport_cb kit_callbacks(struct kit *k)
{
    return (struct transport_cb){.arg = k,
                                 .on_msg = kit_on_msg,
                                 .on_bad = kit_on_bad,
                                 .on_closed = kit_on_closed,
                                 .on_trace = kit_on_trace,
                                 .hold = kit_hold,
                                 .unhold = kit_unhold,
                                 .allow = kit_allow};
}

/* A listener of each kind on 127.0.0.1. `change` may alter the configuration. */
static inline struct kit *kit_new(void (*change)(struct transport_config *cfg))
{
    struct kit *k = calloc(1, sizeof(*k));
    struct transport_listener l[TRANSPORT_KIND_COUNT] = {0};

    assert(k);
    k->held_fd = -1;
    assert(loop_new_virtual(1000, &k->loop) == 0);
    k->tls = kit_tls();
    for (int i = 0; i < TRANSPORT_KIND_COUNT; i++) {
        l[i].kind = (enum transport_kind)i;
        l[i].bound = kit_loopback();
        l[i].fd = kit_bind(i == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM, &l[i].bound);
        k->addr[i] = l[i].bound;
    }
    k->cfg = (struct transport_config){.listeners = l,
                                       .listener_count = TRANSPORT_KIND_COUNT,
                                       .tls = k->tls,
                                       .slots_fd = -1,
                                       .max_connections = 64,
                                       .cb = kit_callbacks(k)};
    if (change)
        change(&k->cfg);
    assert(transport_new(k->loop, &k->cfg, NULL, 0, &k->t) == 0);
    return k;
}

static inline void kit_free(struct kit *k)
{
    transport_free(k->t);
    crypto_tls_free(k->tls);
    loop_free(k->loop);
    if (k->held_fd >= 0)
        close(k->held_fd);
    free(k);
}

/* Wake-ups until the expression holds; it must, within many. */
#define KIT_PUMP(k, expr)                                          \
    do {                                                           \
        bool kit_ok_ = (expr);                                     \
        for (int kit_i_ = 0; !kit_ok_ && kit_i_ < 500; kit_i_++) { \
            assert(loop_once((k)->loop, 10) == 0);                 \
            kit_ok_ = (expr);                                      \
        }                                                          \
        assert(kit_ok_);                                           \
    } while (0)

/* A few wake-ups in which nothing need happen. */
static inline void kit_turn(struct kit *k)
{
    for (int i = 0; i < 5; i++)
        assert(loop_once(k->loop, 1) == 0);
}

static inline int kit_dial(const struct addr *to)
{
    int fd = socket(addr_family(to), SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert(fd >= 0);
    assert(connect(fd, &to->sa, addr_len(to)) == 0);
    assert(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

static inline void kit_put(int fd, const char *s, size_t n)
{
    assert(send(fd, s, n, MSG_NOSIGNAL) == (ssize_t)n);
}

#define KIT_PUT(fd, lit) kit_put((fd), (lit), sizeof(lit) - 1)

/* Reads what has come into dst (appending at *io_n). False: the end. */
static inline bool kit_get(int fd, char *dst, size_t cap, size_t *io_n)
{
    ssize_t r = recv(fd, dst + *io_n, cap - *io_n, MSG_DONTWAIT);

    if (r > 0)
        *io_n += (size_t)r;
    return r > 0 || (r < 0 && errno == EAGAIN);
}

#endif
