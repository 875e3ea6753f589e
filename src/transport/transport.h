/* Bytes <-> SIP messages, over UDP, TCP, TLS and WebSockets (RFC 7118). One struct transport per worker.
 *
 * A *flow* (RFC 5626) names where a message came from and where answers and later requests to that
 * peer go: for UDP the listener and the remote address, for TCP and TLS one connection. It is a
 * plain value; a flow whose connection has gone gives -ENOTCONN when something is sent to it.
 *
 * Connections outlive the process: their state (a TLS connection's record keys and counters
 * included) lives in a slot of a memfd that the supervisor holds together with the socket. After a
 * restart transport_new finds both, and the peer notices nothing. A slot's keys are only in use by
 * one process at a time; a sending sequence number is advanced in the slot before the record is
 * made, so that no (key, nonce) pair is ever used twice.
 *
 * Everything is bounded: connections, bytes a peer may leave unfinished, bytes queued to a peer
 * that does not read, time for a handshake, time without any traffic (limits.h). */
#ifndef SOTTO_TRANSPORT_TRANSPORT_H
#define SOTTO_TRANSPORT_TRANSPORT_H

#include "base/addr.h"
#include "crypto/tls.h"
#include "loop/loop.h"
#include "sip/msg.h"

struct transport;

enum transport_kind {
    TRANSPORT_UDP,
    TRANSPORT_TCP,
    TRANSPORT_TLS,
    TRANSPORT_WS,
    TRANSPORT_WSS,
    TRANSPORT_KIND_COUNT
};

struct transport_flow {
    enum transport_kind kind;
    uint32_t listener;  /* index into the listeners given to transport_new */
    uint64_t conn;      /* connection id; 0 for UDP */
    struct addr remote; /* the socket's, never a header's */
    struct addr local;  /* where it arrived: concrete address even for a wildcard listener */
};

struct transport_listener {
    enum transport_kind kind;
    struct addr bound;      /* as bound; may be a wildcard */
    bool http;              /* WS and WSS: plain HTTP is taken too, by cb.http */
    struct slice advertise; /* host that Via and Contact show; empty: the flow's local address */
    int fd;                 /* taken by the transport */
};

/* What a peer is told of its connection's protection, and what `show` prints. Strings are static
 * or live in the transport. */
struct transport_security {
    bool encrypted;
    const char *version; /* "TLSv1.3"; NULL for clear transports */
    const char *cipher;
    bool peer_verified;        /* a client certificate that our CA signed */
    struct slice peer_subject; /* CN or SAN of that certificate; until the connection ends */
    struct slice sni;
};

/* A message of a burst that will come to on_msg soon, told of when there are others before it: once, and
 * once more when what the first time asked for has come from memory. */
enum transport_ahead { TRANSPORT_AHEAD_FIRST, TRANSPORT_AHEAD_AGAIN };
#define TRANSPORT_AHEAD_NOTES 2

struct transport_cb {
    void *arg;
    /* A well-formed message; valid until the callback returns. */
    void (*on_msg)(void *arg, struct sip_msg *msg, const struct transport_flow *flow);
    /* To bring nearer what it will need, and for nothing else: its turn may never come. `notes` are kept
     * from the first time to the second. NULL: nothing is. */
    void (*on_ahead)(void *arg, enum transport_ahead when, const struct sip_msg *msg,
                     const struct transport_flow *flow, uint64_t notes[TRANSPORT_AHEAD_NOTES]);
    /* Malformed, but good enough to answer (sip_msg_can_answer): `verdict` of sip_msg_parse. */
    void (*on_bad)(void *arg, struct sip_msg *msg, int verdict, const struct transport_flow *flow);
    /* A connection has ended, or never came to be (reason: a plain sentence). */
    void (*on_closed)(void *arg, uint64_t conn, const char *reason);
    /* Every message in and out, for trace; may be NULL. */
    void (*on_trace)(void *arg, bool out, struct slice msg, const struct transport_flow *flow);
    /* The supervisor keeps a duplicate of the connection's socket under `tag` until told to drop
     * it; NULL in programs without a supervisor. */
    void (*hold)(void *arg, uint64_t tag, int fd);
    void (*unhold)(void *arg, uint64_t tag);
    /* Whether a new connection from this address may be accepted (bans, rate); NULL: yes. */
    bool (*allow)(void *arg, const struct addr *remote);
    /* Whether a page of this site (as in the Origin field) may open a WebSocket; `host` is its host.
     * Pages of the address that the connection came in at may always. NULL: no others. */
    bool (*origin)(void *arg, struct slice origin, struct slice host);
    /* A connection with plain HTTP at a listener that takes it: the callee takes a duplicate of `fd`,
     * over which the plain bytes come and go from the first one on. Negative: it cannot. */
    int (*http)(void *arg, int fd, const struct addr *remote, const struct addr *local,
                bool secure);
};

struct transport_config {
    const struct transport_listener *listeners;
    size_t listener_count;
    struct crypto_tls *tls; /* server and client contexts; borrowed; NULL: no TLS */
    int slots_fd;           /* memfd for connection slots, or -1: private memory */
    uint32_t max_connections;
    uint32_t max_per_source; /* 0: TRANSPORT_PER_SOURCE, loopback not counted */
    struct transport_cb cb;
};

/* A socket that the supervisor held for us: tag as given to `hold`. Taken. */
struct transport_held {
    uint64_t tag;
    int fd;
};

int transport_new(struct loop *loop, const struct transport_config *cfg,
                  const struct transport_held *held, size_t held_count,
                  struct transport **ret) MUST_CHECK;
struct transport *transport_free(struct transport *t); /* closes all */
/* Size of the memfd for a number of connections. */
size_t transport_slots_size(uint32_t max_connections);

/* Queues one whole message; what the socket does not take now is kept within limits. 0,
 * -ENOTCONN (the connection is gone), -ENOBUFS (peer does not read: it is closed), -EMSGSIZE,
 * or the socket's -errno. Messages of one wake-up to one peer leave in one write. */
int transport_send(struct transport *t, const struct transport_flow *f,
                   struct slice msg) MUST_CHECK;

/* A flow to a peer: an open connection to the same address, transport and name is used again. The
 * connection may still be in the making: sends are queued, failure comes by on_closed. `name` is
 * what the peer's certificate must match, and the SNI (RFC 5922); empty: certificate not checked. */
int transport_connect(struct transport *t, enum transport_kind kind, const struct addr *remote,
                      struct slice name, struct transport_flow *ret) MUST_CHECK;
bool transport_is_alive(const struct transport *t, const struct transport_flow *f);
void transport_close(struct transport *t, uint64_t conn, const char *reason);
void transport_security(const struct transport *t, const struct transport_flow *f,
                        struct transport_security *ret);
/* Ties a name to a connection (the user who registered over it), for show and for limits. */
void transport_set_user(struct transport *t, uint64_t conn, struct slice user);

bool transport_kind_is_reliable(enum transport_kind k);
bool transport_kind_is_secure(enum transport_kind k);
const char *transport_kind_name(enum transport_kind k);                        /* "udp" */
const char *transport_via_name(enum transport_kind k);                         /* "UDP" */
int transport_kind_parse(struct slice s, enum transport_kind *ret) MUST_CHECK; /* -EINVAL */

/* "Via: SIP/2.0/TLS host:port;branch=…;rport\r\n" for a request that leaves on this flow. */
void transport_put_via(struct buf *b, const struct transport *t, const struct transport_flow *f,
                       struct slice branch);
/* "sip:user@host:port;transport=tls" as our Contact towards that peer. */
void transport_put_contact_uri(struct buf *b, const struct transport *t,
                               const struct transport_flow *f, struct slice user);

/* For show connections. */
struct transport_conn_info {
    uint64_t conn;
    enum transport_kind kind;
    struct addr remote, local;
    struct transport_security security;
    struct slice user;
    uint64_t since_unix, rx_msgs, tx_msgs;
    bool outgoing;
    bool http; /* handed on: no WebSocket */
};
void transport_each_conn(const struct transport *t,
                         void (*fn)(void *arg, const struct transport_conn_info *i), void *arg);

struct transport_counts {
    uint64_t accepted;
    uint64_t handshakes_failed[CRYPTO_TLS_FAULT_COUNT];
};
void transport_counts(const struct transport *t, struct transport_counts *ret);

/* Stop accepting (shutdown), or go on. */
void transport_set_accepting(struct transport *t, bool accepting);

#endif
