/* The signal role: SIP. Wires transport, transactions, registrar and calls into one worker, and
 * decides for each request which of them it is for. The process around it gives it descriptors and
 * memory that outlive it (src/app/role_signal.c); tests run it in a loop of their own. */
#ifndef SOTTO_SIGNAL_ROLE_H
#define SOTTO_SIGNAL_ROLE_H

#include "crypto/tls.h"
#include "ipc/ipc.h"
#include "store/store.h"
#include "transport/transport.h"

struct signal_role;

struct signal_config {
    struct loop *loop;
    struct store *store; /* borrowed */
    const struct transport_listener *listeners;
    size_t listener_count;
    struct crypto_tls *tls;              /* borrowed */
    int slots_fd, snapshot_fd, stats_fd; /* memfds, borrowed; -1: none */
    const struct transport_held *held;
    size_t held_count;
    uint32_t max_connections, max_calls, max_bindings;
    uint32_t register_min_s, register_max_s, register_default_s;
    uint32_t session_min_s, session_default_s;
    uint32_t ring_timeout_ms;
    uint32_t media_workers; /* 1 .. MEDIA_WORKERS_MAX */
    uint32_t media_room;    /* endpoints that each has places and ports for; 0: not known */
    bool transcode;
    bool offer_md5;           /* RFC 8760: SHA-256 first, MD5 for phones that know nothing else */
    const char *host;         /* in Warning headers */
    const char *origins;      /* sites whose pages may open a WebSocket, separated by commas */
    const char *cdr_dir;      /* NULL: no CDRs */
    uint8_t nonce_secret[32]; /* the same after a restart */
    void *arg;
    void (*hold)(void *arg, uint64_t tag, int fd);
    void (*unhold)(void *arg, uint64_t tag);
};

int signal_role_new(const struct signal_config *cfg, struct signal_role **ret) MUST_CHECK;
/* Calls stay in the snapshot memfd, connections in theirs. */
struct signal_role *signal_role_free(struct signal_role *r);
int signal_role_attach_media(struct signal_role *r, uint32_t worker,
                             int fd) MUST_CHECK;                      /* takes fd */
int signal_role_attach_web(struct signal_role *r, int fd) MUST_CHECK; /* takes fd: admin_msg.h */
void signal_role_shutdown(struct signal_role *r); /* no new calls, no new connections */
uint32_t signal_role_calls(const struct signal_role *r);

#endif
