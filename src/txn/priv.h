/* What the files of txn/ share. layer.c takes messages in, matches them and reaps; server.c and
 * client.c hold the actions of the machines; base.c what both have in common (timers, the list of
 * a connection, the end); answers.c what is left of an answered one; build.c prints; key.c makes map keys.
 *
 * Life: made in layer.c or txn_client_new; TERMINATED is a state in which an object waits, out of
 * all maps, for the end of the wake-up, where the layer tells its user and frees it. So no user is
 * ever called from within its own call to this layer, and no action frees what its caller holds. */
#ifndef SOTTO_TXN_PRIV_H
#define SOTTO_TXN_PRIV_H

#include "base/map.h"
#include "txn/answers.h"
#include "txn/table.h"
#include "txn/txn.h"

#define TXN_KEY_LEN 8
#define TXN_CONN_BUCKETS 1024 /* a power of two */
#define TXN_SCRATCH (SIP_MSG_MAX + 1024u)
#define TXN_SPARE_MAX 4096

/* Key of a map: a keyed hash, so that a peer's long branch costs no memory. */
struct txn_key {
    uint8_t b[TXN_KEY_LEN];
};

struct txn_base {
    struct txn_layer *layer;
    struct map_node by_key;
    struct list by_conn; /* of the layer's bucket, while it waits for something */
    struct list due;     /* to be looked at at the end of this wake-up */
    struct loop_timer retry, life;
    struct txn_key key;
    struct transport_flow flow;
    uint32_t retry_ms;
    uint8_t state;
    bool is_client;
    bool is_invite;
    bool is_reliable;
    bool is_mapped;
    bool has_failed; /* a send, or its connection: the machine is told at the end of the wake-up */
};

struct txn_server {
    struct txn_base t;
    struct txn_server *next_spare;
    struct map_node by_merge;
    struct txn_key merge;
    txn_server_fn *fn;
    void *arg;
    const struct sip_msg *live; /* the request, while on_request runs */
    struct sip_msg *req;        /* parsed copy, made when asked for */
    char *raw;                  /* the copy */
    size_t raw_n;
    char *kept; /* what of it is saved, made when first asked for */
    size_t kept_n;
    char *rsp; /* the last answer */
    size_t rsp_n, rsp_cap;
    uint16_t status; /* of the last answer; 0: none yet */
    enum sip_method method;
    bool is_merged;     /* was put into the map of merged requests */
    bool is_remembered; /* its answer lies in the layer's answers */
    bool is_cancelled;
};

struct txn_client {
    struct txn_base t;
    txn_client_fn *fn;
    void *arg;
    char *cancel; /* a CANCEL that waits for a provisional answer */
    size_t cancel_n;
    uint16_t status;
    bool is_cancelled;
    size_t req_n, head_n;
    char req[];
};

struct txn_layer {
    struct loop *loop;
    struct txn_cb cb;
    struct txn_timers timers;
    struct map servers, merges, clients;
    struct list conns[TXN_CONN_BUCKETS];
    struct list due, running;
    struct loop_defer defer;
    struct txn_answers answers;
    struct loop_timer answers_timer;   /* Timer J is one constant: one timer for all */
    size_t count;                      /* transactions */
    struct txn_server *current;        /* the one whose on_request runs */
    const struct transport_flow *flow; /* of the message that is being taken in */
    struct txn_server *spare;          /* freed ones; the hot path takes the last */
    size_t spare_count;
    struct sip_msg msg; /* for parsing what we sent ourselves */
    char scratch[TXN_SCRATCH];
};

/* --- key.c --- */
/* Only who sent the request from the same host, over the same transport, can repeat, acknowledge or
 * cancel it. */
void txn_key_server(const struct sip_msg *m, const struct transport_flow *flow, bool as_invite,
                    struct txn_key *ret);
/* False: this request takes no part in the search for merged ones. */
bool txn_key_merge(const struct sip_msg *m, struct txn_key *ret);
void txn_key_client(enum sip_method method, struct slice method_name, struct slice branch,
                    struct txn_key *ret);
/* A To tag for the layer's own answers: the same whenever the transaction is the same. */
void txn_key_tag(const struct txn_key *k, char dst[TXN_TAG_LEN + 1]);

/* --- base.c --- */
void txn_base_init(struct txn_base *t, struct txn_layer *l, const struct transport_flow *flow);
void txn_base_map(struct txn_base *t); /* into its map, and the list of its connection */
void txn_base_unmap(struct txn_base *t);
bool txn_base_is_left_at_once(const struct txn_base *t, const struct txn_entry *e);
void txn_base_enter(struct txn_base *t, const struct txn_entry *e);
void txn_base_retry_again(struct txn_base *t, uint32_t cap);
void txn_base_send(struct txn_base *t, struct slice msg);
void txn_base_due(struct txn_base *t);

/* --- server.c --- */
struct txn_server *txn_server_make(struct txn_layer *l, const struct sip_msg *req,
                                   const struct transport_flow *flow);
void txn_server_release(struct txn_server *st);
void txn_server_settle(struct txn_server *st); /* on_request has returned */
void txn_server_drive(struct txn_server *st, enum txn_server_in in, struct sip_msg *msg,
                      struct slice rsp);
void txn_server_tell(struct txn_server *st, enum txn_event ev);
/* The request that is being taken in was answered before: sends the same again. */
bool txn_server_answer_again(struct txn_layer *l, const struct txn_key *key);
bool txn_server_was_merged(const struct txn_layer *l, const struct txn_key *merge_key);
void txn_server_answers_ran(void *layer);

/* --- client.c --- */
void txn_client_drive(struct txn_client *ct, enum txn_client_in in, struct sip_msg *msg);
void txn_client_tell(struct txn_client *ct, enum txn_event ev, struct sip_msg *msg);
void txn_client_release(struct txn_client *ct);

/* --- build.c --- */
/* An answer of the layer itself, sent as it stands. */
void txn_build_reply(struct buf *b, const struct sip_msg *req, const struct transport_flow *flow,
                     uint16_t status, struct slice to_tag, struct slice more_hdrs);
/* What is kept of a request over a restart. */
void txn_build_kept(struct buf *b, const struct sip_msg *req);
void txn_build_ack(struct buf *b, const struct sip_msg *invite, const struct sip_msg *rsp);
void txn_build_cancel(struct buf *b, const struct sip_msg *invite, struct slice reason_hdr);

static inline uint64_t txn_key_number(const struct txn_key *k)
{
    uint64_t v;
    memcpy(&v, k->b, sizeof(v));
    return v;
}

static inline struct txn_server *txn_server_of(struct txn_base *t)
{
    return CONTAINER_OF(t, struct txn_server, t);
}

static inline struct txn_client *txn_client_of(struct txn_base *t)
{
    return CONTAINER_OF(t, struct txn_client, t);
}

#endif
