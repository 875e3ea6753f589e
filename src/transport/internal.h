/* What the files of transport share; nobody else includes this.
 *
 *   transport.c   new, free, flows, Via and Contact    slots.c   the memfd of connection state
 *   udp.c         datagrams in bursts                  conn.c    life of a connection, timers
 *   accept.c      accept, connect, counts per source   stream.c  bytes <-> messages
 *   stream_tls.c  handshake and records                queue.c   bytes on their way out
 *   stream_ws.c   WebSocket: opening, frames, end      names.c   words for kinds
 *   ws.c          frames, over memory                  upgrade.c heads of the opening handshake
 *   pipe.c        plain HTTP, to the web role
 *
 * A connection is three things: the slot (shared memory, outlives the process), struct conn (this
 * process), and buffers, which it only has while something is unfinished. A connection whose
 * process memory holds nothing that the peer sent or shall get is clean, and only such a
 * connection survives the death of the process; `dirty` in the slot says so beforehand.
 *
 * conn_close never calls back: it marks the connection and leaves the rest to the end of the
 * wake-up (conn_reap), so that closing is safe from inside any callback. */
#ifndef SOTTO_TRANSPORT_INTERNAL_H
#define SOTTO_TRANSPORT_INTERNAL_H

#include "base/map.h"
#include "crypto/tls.h"
#include "transport/limits.h"
#include "transport/transport.h"
#include "transport/upgrade.h"
#include "transport/ws.h"

#define SLOT_TEXT_MAX 96

enum slot_state {
    SLOT_FREE = 0,
    SLOT_MAKING, /* connect or handshake under way: dies with the process */
    SLOT_OPEN
};

/* Plain data in shared memory. `dirty` and `state` are written before what they announce. */
struct conn_slot {
    uint32_t gen;  /* upper half of the connection id */
    uint8_t state; /* enum slot_state */
    uint8_t dirty;
    uint8_t kind;
    bool outgoing;
    bool peer_verified;
    bool spoke;   /* a well-formed message has come */
    uint8_t crlf; /* bytes of CRLF CRLF seen so far (RFC 5626 s.4.4.1) */
    uint32_t listener;
    struct addr remote, local;
    uint64_t since_unix, rx_msgs, tx_msgs;
    char user[SLOT_TEXT_MAX];
    char name[SLOT_TEXT_MAX]; /* outgoing: whom the certificate must name; incoming: SNI */
    char subject[SLOT_TEXT_MAX];
    struct crypto_tls_record tls;
};

enum conn_state {
    CONN_CONNECTING,
    CONN_HANDSHAKE,
    CONN_UPGRADE,
    CONN_OPEN,
    CONN_PIPE,
    CONN_CLOSED
};

struct pipe;

struct conn_queue { /* bytes on their way out; [off, n) is still to go */
    uint8_t *p;
    uint32_t off, n, cap;
};

struct conn {
    struct transport *t;
    struct conn_slot *slot;
    uint64_t id;
    enum conn_state state;
    bool want_write; /* EPOLLOUT is set: the socket was full */
    bool in_flush;   /* on the flush list */
    bool held;
    bool reading;  /* input is being worked upon: not clean */
    bool paused;   /* the socket is not read for a while */
    uint8_t alert; /* TLS: what to say at the end */
    uint8_t pings; /* WebSocket: not answered */
    uint16_t code; /* WebSocket: what to say at the end; 0: WS_CODE_GOING_AWAY */
    int sock;      /* -1: closed */
    struct loop_fd fd;
    struct loop_timer timer;
    struct list node;               /* flush list, then dead list */
    uint64_t active_ms, partial_ms; /* last byte; first byte of what is unfinished, 0: none */
    uint8_t *in; /* unfinished: in_plain bytes of text, then in_cipher of a TLS record */
    uint32_t in_plain, in_cipher;
    struct ws_reader ws; /* how much of in_plain is a message's payload already */
    char *key;           /* of our own request for a WebSocket, until it is answered */
    struct pipe *pipe;   /* CONN_PIPE: to the web role */
    int pipe_sock;
    struct conn_queue out;   /* wire bytes */
    struct conn_queue early; /* messages that wait for the handshake */
    struct crypto_tls_hs *hs;
    struct map_node *alias; /* outgoing: in t->aliases */
    struct source *source;  /* incoming */
    const char *reason;
};

struct udp_port;

struct listener {
    struct transport *t;
    uint32_t index;
    enum transport_kind kind;
    struct addr bound;
    struct slice advertise; /* owned */
    bool http;              /* plain HTTP goes on to the callback */
    int sock;
    struct loop_fd fd;
    struct loop_timer pause;
    struct udp_port *udp;
};

/* The largest input kept from one read to the next, and room for one read beyond it. */
#define INPUT_KEEP (SIP_MSG_MAX + WS_HEAD_MAX + CRYPTO_TLS_RECORD_MAX)
#define INPUT_CAP (INPUT_KEEP + 65536u)
#define QUEUE_BLOCK 8192u
#define QUEUE_SPARES 64

struct transport {
    struct loop *loop;
    struct transport_cb cb;
    struct crypto_tls *tls;
    struct crypto_tls_aead *aead;
    struct listener *listeners;
    size_t listener_count;
    uint32_t max_per_source;
    bool accepting, short_of_fds;

    void *map; /* of the slots' memfd */
    size_t map_n;
    struct conn_slot *slots;
    struct conn **conns; /* by slot */
    uint32_t slot_count;
    uint32_t *free_slots; /* a stack */
    uint32_t free_count;

    struct map sources, aliases;
    uint32_t pipes;
    struct transport_counts counts;
    struct list flush, dead;
    struct loop_defer flush_defer, reap_defer;

    uint8_t *input;                /* INPUT_CAP bytes, shared by all connections */
    uint8_t *spares[QUEUE_SPARES]; /* of QUEUE_BLOCK bytes */
    size_t spare_count;
    struct sip_msg msg;
    struct ws *ws;     /* NULL: no WebSocket so far */
    struct buf ws_out; /* one frame on its way to a queue */
};

/* Other events for a descriptor that is in the loop. That fails only where the kernel has no memory
 * for it; the timers then end what hangs. */
static inline void transport_watch(struct loop *l, struct loop_fd *f, uint32_t events)
{
    int r = loop_fd_set(l, f, events);
    (void)r;
}

/* transport.c */
/* Parses one message and calls up. False: not SIP at all. */
bool transport_deliver(struct transport *t, struct slice raw, const struct transport_flow *f,
                       bool *ret_ok);
/* The same with what sip_msg_parse said. */
bool transport_deliver_parsed(struct transport *t, struct sip_msg *msg, int verdict,
                              struct slice raw, const struct transport_flow *f);
struct listener *transport_listener_for(struct transport *t, enum transport_kind kind,
                                        const struct addr *local);
/* The same address in the form that a socket of `family` takes. -EAFNOSUPPORT. */
int transport_addr_for(int family, const struct addr *a, struct addr *ret) MUST_CHECK;

/* udp.c */
int udp_start(struct listener *l) MUST_CHECK;
void udp_stop(struct listener *l);
int udp_send(struct listener *l, const struct transport_flow *f, struct slice msg) MUST_CHECK;

/* slots.c */
int slots_open(struct transport *t, int fd, uint32_t count) MUST_CHECK;
void slots_close(struct transport *t);
struct conn_slot *slot_take(struct transport *t, uint64_t *ret_id); /* NULL: all in use */
void slot_give(struct transport *t, uint64_t id);                   /* wipes the keys */
/* Brings clean slots with a socket back to life, and ends all others. */
void slots_restore(struct transport *t, const struct transport_held *held, size_t n);

/* conn.c */
struct conn *conn_new(struct transport *t, enum transport_kind kind, bool outgoing);
struct conn *conn_find(const struct transport *t, uint64_t id); /* NULL: gone, or closing */
struct transport_flow conn_flow(const struct conn *c);
void conn_close(struct conn *c, const char *reason);
void conn_opened(struct conn *c); /* established: held from now on */
void conn_settle(struct conn *c); /* clean again, where nothing is unfinished */
void conn_timer_set(struct conn *c);
void conn_abandon(struct conn *c); /* frees without a call back (transport_free) */
void conn_adopt(struct conn *c, int fd);
void conn_reap(void *arg);

/* accept.c */
int stream_listen(struct listener *l) MUST_CHECK;
void stream_unlisten(struct listener *l);
int stream_connect(struct transport *t, enum transport_kind kind, const struct addr *remote,
                   struct slice name, struct transport_flow *ret) MUST_CHECK;
int alias_put(struct conn *c) MUST_CHECK;
void alias_drop(struct conn *c);
bool source_take(struct conn *c); /* false: too many from there */
void source_drop(struct conn *c);

/* stream.c */
void stream_event(void *arg, uint32_t events);
/* The way is open for messages; `n` bytes at t->input came behind the handshake. */
void stream_established(struct conn *c, size_t n);
int stream_send(struct conn *c, struct slice msg) MUST_CHECK;
void stream_flush_all(void *arg);
/* One try to write what waits. False: the connection has been closed. */
bool stream_write(struct conn *c);
/* Bytes for the peer, sealed where there is TLS, whatever the connection's state. Negative: closed. */
int stream_put(struct conn *c, struct slice s) MUST_CHECK;
/* A message on the connection, for the upper layer. False: closed. */
bool stream_take_message(struct conn *c, struct slice raw, const struct transport_flow *f);
/* Messages can be sent and come: what waited for this goes out. */
int stream_open(struct conn *c) MUST_CHECK;
void stream_last_words(struct conn *c); /* the same at its end, with TLS's goodbye */

/* Stops reading the socket, or goes on. */
void stream_pause(struct conn *c, bool paused);
/* Works once more upon the input that was kept. */
void stream_again(struct conn *c);

/* pipe.c */
bool pipe_start(struct conn *c); /* false: nobody takes it; nothing has changed */
void pipe_stop(struct conn *c);
/* As ws_input. */
bool pipe_input(struct conn *c, const uint8_t *p, size_t n, struct slice *ret_left);
void pipe_drained(struct conn *c); /* all that waited for the client is gone */

/* stream_ws.c */
bool ws_is(const struct conn *c);
/* The way is open for the opening handshake. False: closed. */
bool ws_start(struct conn *c);
/* Takes n bytes at p, of which the first c->ws.message_n are payload. *ret_left: what is unfinished.
 * False: closed. */
bool ws_input(struct conn *c, uint8_t *p, size_t n, struct slice *ret_left, bool *ret_progress);
/* `msg` in a frame, until the next call. p == NULL: no memory. */
struct slice ws_frame(struct conn *c, struct slice msg);
void ws_bye(struct conn *c);  /* the closing frame, into the queue */
bool ws_ping(struct conn *c); /* at its time. False: closed */
int ws_set_up(struct transport *t) MUST_CHECK;
void ws_tear_down(struct transport *t);

/* queue.c */
/* Room for n more bytes at the queue's end, or NULL; the caller adds to q->n what it used. */
uint8_t *queue_room(struct transport *t, struct conn_queue *q, size_t n);
void queue_free(struct transport *t, struct conn_queue *q);

/* stream_tls.c */
int tls_connect(struct conn *c) MUST_CHECK; /* our ClientHello into the queue */
/* Feeds n bytes at t->input. False: closed. */
bool tls_handshake(struct conn *c, size_t n);
struct tls_opened {
    uint8_t *plain; /* text of all records opened, joined */
    size_t plain_n;
    uint8_t *rest; /* the record that is not complete */
    size_t rest_n;
    int verdict; /* CRYPTO_TLS_MORE, or what ends the connection behind `plain` */
};
/* Opens, in place, the n bytes of records that stand behind plain_n bytes of text at `base`. */
struct tls_opened tls_open(struct conn *c, uint8_t *base, size_t plain_n, size_t n);
int tls_seal(struct conn *c, struct slice msg) MUST_CHECK;
void tls_bye(struct conn *c); /* close_notify, or c->alert, into the queue */

#endif
