/* A load of phones, each registering or calling over connections of its own: one process, one
 * epoll, nothing of the server's transports, so that a fault there cannot hide here.
 *
 *   main.c   options, the phases of a run, what it prints
 *   link.c   sockets: UDP shared by many phones; TCP, TLS and WSS one for each phone
 *   frame.c  what a WebSocket puts around messages
 *   phone.c  REGISTER with digest, and the side that is called
 *   caller.c INVITE to BYE
 *   lag.c    how much later an INVITE comes out than it went in
 *
 * A run: open links; register every phone (not counted); then --count operations with --inflight
 * of them under way at any time, between two readings of the server's CPU time. */
#ifndef SOTTO_BENCH_LOAD_H
#define SOTTO_BENCH_LOAD_H

#include <openssl/ssl.h>

#include "base/addr.h"
#include "base/buf.h"
#include "sip/msg.h"

#define LOAD_PIDS_MAX 16
#define LOAD_UDP_LINKS 8
#define LOAD_NONCE_MAX 160

enum load_what {
    LOAD_REGISTER,  /* with the last nonce */
    LOAD_CHALLENGE, /* without credentials first: two requests */
    LOAD_CALL,      /* INVITE, 200, ACK, BYE, 200 */
    LOAD_FRESH,     /* a new connection and a REGISTER with the last nonce each */
    LOAD_PING,      /* CRLF CRLF, at --rate a second */
    LOAD_HOLD,      /* register, then --calls that stay up for each line of stdin */
    LOAD_WHAT_COUNT
};

enum load_kind { LOAD_UDP, LOAD_TCP, LOAD_TLS, LOAD_WSS, LOAD_KIND_COUNT };

struct load;
struct phone;

struct link {
    struct load *load;
    int fd;
    SSL *ssl;
    bool open;           /* handshake done */
    bool asked;          /* WSS: for the WebSocket */
    struct phone *phone; /* TCP, TLS: whose it is */
    char *part;          /* an unfinished message */
    size_t part_n;
    char local[ADDR_STR_MAX]; /* host:port */
    void (*on_open)(struct phone *p);
};

struct phone {
    struct load *load;
    struct link *link;
    unsigned number;
    char name[12];
    char nonce[LOAD_NONCE_MAX];
    uint32_t nc, cseq;
    unsigned serial; /* of branches and Call-IDs */
    bool busy;
    unsigned refused; /* 401s in a row */
    void (*on_reply)(struct phone *p, const struct sip_msg *m);
    /* A call under way. */
    char target[256], route[512];
    struct phone *callee;
    uint64_t sent_ns; /* its INVITE; 0: it has come */
};

struct load {
    enum load_what what;
    enum load_kind kind;
    struct addr server;
    const char *domain, *password;
    unsigned users, first, inflight, rate, calls, tls_version;
    uint64_t count;
    bool shared;  /* all phones over one connection */
    bool rtp;     /* offers without SRTP */
    bool leaving; /* REGISTER takes every contact back */
    unsigned run; /* what tells this run's Call-IDs from another's */
    SSL_CTX *ctx;
    int epoll;
    struct phone *phones;
    struct link *links;
    size_t link_count;
    uint64_t started, done, requests, failures, again, events;
    unsigned under_way, next;
    void (*start_one)(struct load *l);
    char *out; /* scratch */
    char first_failure[256];
    int pids[LOAD_PIDS_MAX];
    size_t pid_count;
    uint32_t *lag_ns; /* of each INVITE */
    size_t lag_n, lag_room;
};

/* link.c */
void link_open(struct load *l, struct link *k, void (*on_open)(struct phone *p));
void link_close(struct link *k);
void link_send(struct link *k, struct slice msg);
void link_turn(struct load *l, int wait_ms); /* one wake-up */
_Noreturn void load_die(const char *what, const char *detail);

/* lag.c */
uint64_t lag_now(void);
void lag_begin(struct load *l, size_t room);
void lag_came(struct load *l, struct phone *caller);
void lag_print(struct load *l); /* a member of the result, with its comma */

/* frame.c */
extern const struct slice frame_request;         /* for a WebSocket */
void frame_put(struct buf *b, struct slice msg); /* a client's */
/* The payload of the first whole frame. False: it is not whole. */
bool frame_take(struct slice *in, struct slice *ret);

/* phone.c */
void phone_on_msg(struct load *l, struct link *k, const struct sip_msg *m);
void phone_register(struct phone *p, bool with_credentials);
void phone_put_head(struct buf *b, struct phone *p, const char *method, const char *uri);
void phone_put_credentials(struct buf *b, struct phone *p, const char *method, const char *uri);
void phone_take_nonce(struct phone *p, const struct sip_msg *m);
void phone_done(struct phone *p);
void phone_failed(struct phone *p, const struct sip_msg *m);
void phone_put_body(struct buf *b, struct phone *p);

/* caller.c */
void caller_start(struct phone *p);

#endif
