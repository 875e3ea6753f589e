/* Inside the media role: what one life of the process adds to the shared slots. All of it can be
 * made again from them.
 *
 *   role.c      life, messages, the sweep, the clock tick
 *   request.c   the operations of a request, on terms that are committed only when all went well
 *   terms.c     new terms: their keys' epochs, and the commit
 *   keying.c    handshakes in the media path: engines of keying/, their packets and timers
 *   identity.c  our DTLS certificate
 *   endpoint.c  opening, closing, and what follows from new terms (contexts, guard, payload map)
 *   ice.c       connectivity checks: who may be heard, and where media goes
 *   bundle.c    several m-lines over one transport
 *   socket.c    the way in and out that an endpoint has; the per-stream way: one connected UDP socket
 *               per port
 *   second.c    … and, with ICE, that of the same ports under the other IP version
 *   shared.c    the shared way: one socket for all ports
 *   xdp.c       … and over it the AF_XDP way, past the kernel's stack
 *   pipe.c      a burst: demultiplex, unprotect, replay, learn
 *   opaque.c    legs whose keys are the phones' alone: what passes untouched, and when
 *   relay.c     a burst's way out: route, protect, send
 *   announce.c  a sound that tells of protection, mixed into packets that pass
 *   source.c    echo, tone, clock
 *   transcode.c packets whose codec the other endpoint does not have
 *   digits.c    telephone events that signalling asks for
 *   heard.c     … and those that it is told
 *
 * A burst collects packets in role->burst from anywhere (media_burst_next, media_burst_add) and is
 * run at the end of the wake-up or when it is full. Endpoints change only between bursts: every
 * request runs what is pending first. */
#ifndef SOTTO_MEDIA_WORKER_H
#define SOTTO_MEDIA_WORKER_H

#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "codec/codec.h"
#include "codec/g711.h"
#include "ipc/ipc.h"
#include "media/ports.h"
#include "media/role.h"
#include "media/state.h"
#include "rtp/demux.h"
#include "rtp/packet.h"

#define MEDIA_PACKET_MAX 1984u                    /* bytes of a datagram; longer ones are dropped */
#define MEDIA_PACKET_CAP (MEDIA_PACKET_MAX + 64u) /* SRTP_TRAILER_MAX, and the next one's line */
#define MEDIA_PACKET_HEAD 64u /* free before each: DATAGRAM_HEAD, and its line */

/* How long a leg in clear may still learn where its peer really is (RTP latching). */
#define MEDIA_LATCH_MS 10000u
/* Silence after which a connected socket hears everyone again, so that a peer whose NAT has given
 * it a new port is found; and after which a leg in clear may move to another port of its host. */
#define MEDIA_SILENCE_MS 500u
#define MEDIA_CLEAR_SILENCE_MS 2000u
/* The peer's old key is good for so long after a new one was agreed. */
#define MEDIA_OLD_KEY_MS 5000u
/* An endpoint that has heard nothing yet may still be ringing (early media): times rtp_timeout. */
#define MEDIA_TIMEOUT_FIRST 4u
#define MEDIA_LOG_MS 10000u /* at most one line per endpoint and cause of trouble in this time */
#define MEDIA_TICK_MS 250u
#define MEDIA_MADE_MAX 32u
/* Packets are gathered where at least so many come in that time, as seen over the last MEDIA_LOAD_MS. */
#define MEDIA_GATHER_MIN 16u
#define MEDIA_LOAD_MS 16u

/* What an endpoint lets in and out. */
enum media_guard {
    MEDIA_GUARD_CLOSED, /* nothing agreed yet, or keys are still to come: not one packet */
    MEDIA_GUARD_CLEAR,
    MEDIA_GUARD_SECURE,
    MEDIA_GUARD_OPAQUE, /* keys are the phone's: opaque.c says what passes */
    MEDIA_GUARD_COUNT
};

#define MEDIA_PT_NONE 0xff

/* The last two where RTCP has keys of its own (rtcp_apart); else it goes under RTP's. */
enum {
    MEDIA_CTX_TX,
    MEDIA_CTX_RX,
    MEDIA_CTX_RX_PREV,
    MEDIA_CTX_RTCP_TX,
    MEDIA_CTX_RTCP_RX,
    MEDIA_CTX_COUNT
};

/* What terms are worth to this life of the process. */
struct media_contexts {
    struct srtp_ctx *ctx[MEDIA_CTX_COUNT];
    uint32_t epoch[MEDIA_CTX_COUNT]; /* 0: none */
    uint8_t codec_count;
    struct media_codec *codecs; /* as many as there are */
};

/* Where a frame came from. */
struct media_hop {
    uint8_t mac[6];
    uint8_t by; /* number of the interface, from 1; 0: it came by a socket */
};

struct media_endpoint {
    /* What a packet touches, in two cache lines. */
    struct media_role *role;
    struct media_slot *s;
    struct media_stats *stats;
    struct media_endpoint *peer;
    uint8_t *pt_map; /* 128 entries towards the peer; NULL: as they are */
    uint64_t last_rx;
    enum media_guard guard;
    uint8_t mode;
    bool hears, sends; /* by the peer's direction: it sends, it receives */
    bool shared;       /* has no sockets of its own */
    uint8_t member_n;  /* endpoints that use this one's transport; see bundle.c */
    bool ice;          /* terms.ice.on: only addresses that checks have shown count */
    bool connected;    /* RTP comes from learned_rtp alone, until it falls silent */
    bool timed_out;    /* told; until something comes again */
    bool swept;        /* not named by KEEP yet */
    bool rtcp_apart;   /* RTCP has keys of its own, there or still to come */
    uint8_t last_pt;   /* whose name stands in stats, or MEDIA_PT_NONE */
    struct media_transcode *transcode; /* towards the peer; NULL: nothing to convert */
    struct media_heard *heard;         /* the peer takes digits by INFO; NULL: as events, or not */
    struct media_contexts contexts;
    union {
        struct {
            struct loop_fd rtp, rtcp;
        };
        struct {                  /* shared */
            struct addr via;      /* the address we send from; family 0: not known yet */
            struct media_hop hop; /* to hop_host; by 0: not known */
            struct addr hop_host;
        };
    };
    /* the rest */
    struct media_second *second; /* NULL: it is at addresses of one IP version alone */
    struct media_keying *keying; /* NULL: no handshake was ever due */
    uint64_t id, expect_since, log_after;
    uint32_t khz;        /* of the timestamps that it sends */
    uint32_t report_ntp; /* middle of the NTP time of its last report (RFC 3550 s.6.4.1) … */
    uint64_t report_ms;  /* … and when that came; in converted calls */
    struct media_digits *digits;     /* NULL: none yet */
    struct media_announce *announce; /* NULL: nothing sounds */
    struct media_voice *voice;       /* tone, clock; NULL: neither */
    struct list node;                /* in role->open */
    struct map_node by_key;
    uint8_t key[12];                 /* call, leg, stream */
    struct media_protection *told;   /* opaque: the record that signalling has; NULL: none yet */
    struct media_endpoint *bundle;   /* whose transport it uses; NULL: its own */
    struct media_endpoint **members; /* MEDIA_BUNDLE_MAX places; NULL: never had any */
};

struct media_packet {
    struct media_endpoint *in;  /* NULL: made here */
    struct media_endpoint *out; /* NULL: goes nowhere */
    struct addr from;
    struct rtp_hdr hdr;     /* RTP */
    uint32_t len, wire_len; /* now; as it came */
    bool rtcp;              /* RTCP; of what is neither RTP nor RTCP: it came to the RTCP port */
    bool newest;            /* ahead of all that came before from its source */
    struct media_hop hop;   /* shared */
    uint8_t *data;          /* MEDIA_PACKET_CAP */
};

/* A period holds whole turns of every tone whose frequency is a multiple of 4 Hz; one frame more,
 * so that a frame is one copy. */
#define MEDIA_SOUND_PERIOD 2000u
#define MEDIA_SOUND_FRAME 160u /* 20 ms */

struct media_sounds {
    uint8_t tone[G711_LAWS][MEDIA_SOUND_PERIOD + MEDIA_SOUND_FRAME];
    uint8_t pip[G711_LAWS][MEDIA_SOUND_PERIOD + MEDIA_SOUND_FRAME];
    /* For codecs that remember: samples, twice as many a second. */
    int16_t wide_tone[2 * (MEDIA_SOUND_PERIOD + MEDIA_SOUND_FRAME)];
    int16_t wide_pip[2 * (MEDIA_SOUND_PERIOD + MEDIA_SOUND_FRAME)];
};

struct media_role {
    struct loop *loop;
    struct media_config cfg;
    struct media_role_ops ops;
    struct media_state state;
    struct media_stats *stats;
    struct media_endpoint *endpoints;
    struct media_ports ports;
    struct media_shared_way *shared; /* NULL: a socket for each port */
    struct media_xdp_way *xdp;       /* NULL: not there */
    struct srtp_engine *engine;
    struct keying_local local;
    void *seen;              /* mapped memory of local.mikey_seen; NULL: its own */
    struct zrtp_local zrtp;  /* local.zrtp points to it, once signalling has told our identifier */
    uint64_t identity_check; /* when to look at our certificate's age again */
    struct ipc_chan *chan;
    struct map by_key;
    struct list open, sources, digits;
    uint32_t *free_slots;
    uint32_t free_n, open_n;
    bool sweeping;
    struct loop_timer tick, pace, digit_pace;
    struct loop_defer end_of_wakeup;
    uint64_t pace_due, digit_due, pip_second;
    uint64_t load_since, load_n; /* packets since then */
    bool loaded;
    char cname[17];  /* of our reports */
    uint32_t pip_ms; /* of the clock's sound that are left */
    struct media_sounds sounds;
    size_t burst_n;
    struct media_packet burst[SRTP_BURST_MAX];
    size_t made_n; /* made while a burst runs; transcode.h */
    struct media_packet made[MEDIA_MADE_MAX];
    uint8_t (*buffers)[MEDIA_PACKET_HEAD + MEDIA_PACKET_CAP];
    char text[MEDIA_TEXT_MAX];
};

/* endpoint.c */
struct media_endpoint *media_endpoint_find(struct media_role *r, uint64_t id);
struct media_endpoint *media_endpoint_find_key(struct media_role *r, uint64_t call, uint16_t leg,
                                               uint16_t stream);
/* 0, or enum media_status. */
int media_endpoint_open(struct media_role *r, const struct media_request *rq,
                        struct media_endpoint **ret) MUST_CHECK;
void media_endpoint_close(struct media_endpoint *e);
void media_endpoint_leave(struct media_endpoint *e); /* this life's part only */
/* An open slot of an earlier life: adopt all, take their sockets, then resume all. */
void media_endpoint_adopt(struct media_role *r, uint32_t slot);
int media_endpoint_resume(struct media_endpoint *e) MUST_CHECK;
int media_endpoint_reopen(struct media_endpoint *e) MUST_CHECK; /* its sockets were not held */

/* terms.c */
/* The epochs of keys that `t` changes against `now`. */
void media_terms_rekey(struct media_terms *t, const struct media_terms *now, uint64_t ms);
/* All of it, and the event where protection has changed. -ENOMEM: nothing has changed. */
int media_terms_take(struct media_endpoint *e, const struct media_terms *t) MUST_CHECK;
void media_terms_wipe(struct media_terms *t);

/* keying.c */
/* Starts and stops engines as the terms and the mode want it. Whoever changes what a handshake waits
 * for (terms, mode, where the peer is) calls it. */
void media_keying_update(struct media_endpoint *e);
/* A packet of a keying; p->rtcp says by which port it came. */
void media_keying_packet(struct media_packet *p, enum rtp_kind kind);
void media_keying_check(struct media_endpoint *e, uint64_t now); /* the clock tick */
void media_keying_zrtp_id(struct media_role *r, const struct media_zrtp_id *id);
void media_keying_zrtp_found(struct media_role *r, const struct media_zrtp *z);
/* People have compared the SAS, or take that back. False: there is none here to mark. */
bool media_keying_verify(struct media_endpoint *e, bool verified);
void media_keying_free(struct media_endpoint *e);
/* To a signalling that may not have heard it. */
void media_keying_tell_again(struct media_endpoint *e);
/* May the peer of a handshake be at that address? Where it was signalled or heard, or at any port of
 * the host that its signalling comes from. */
bool media_may_handshake(const struct media_endpoint *e, bool rtcp, const struct addr *from);

/* identity.c */
/* Takes over the certificates of the memfd; makes what is missing or old. */
int media_identity_init(struct media_role *r) MUST_CHECK;
void media_identity_check(struct media_role *r);
void media_identity_fini(struct media_role *r);

/* New terms are taken in three steps, of which only the first can fail: contexts for the keys that
 * `t` changes; media_terms_commit; apply, which takes the contexts. */
int media_contexts_make(const struct media_endpoint *e, const struct media_terms *t,
                        struct media_contexts *ret) MUST_CHECK;
void media_contexts_fini(struct media_contexts *c);
void media_endpoint_apply(struct media_endpoint *e, struct media_contexts *c);
void media_endpoint_drop_old_key(struct media_endpoint *e);

/* Pairs both ends; whoever was connected with either is not any more. */
void media_endpoint_connect(struct media_endpoint *e, uint8_t mode, struct media_endpoint *peer);
void media_endpoint_protection(const struct media_endpoint *e, struct media_protection *ret);
void media_endpoint_local(const struct media_endpoint *e, bool rtcp, struct addr *ret);
/* Where an endpoint is to be, whose signalling came in at `local`. */
void media_place_make(const struct media_role *r, const struct addr *local,
                      struct media_place *ret);
bool media_codec_is_same(const struct media_codec *a, const struct media_codec *b);
const struct media_codec *media_endpoint_codec(const struct media_endpoint *e, uint8_t pt);
/* Does the peer owe us media now? */
bool media_endpoint_expects(const struct media_endpoint *e);
void media_endpoint_log(struct media_endpoint *e, const char *event); /* rarely: MEDIA_LOG_MS */

/* Its place among those of its worker. */
static inline uint32_t media_slot_of(const struct media_endpoint *e)
{
    return (uint32_t)e->id - e->role->cfg.first_endpoint;
}

/* Packet indices under the key of that epoch; `rtcp`: where RTCP has keys of its own. */
static inline struct media_tables *media_tables(const struct media_endpoint *e, bool rtcp,
                                                uint32_t epoch)
{
    const struct media_state *s = &e->role->state;
    return &(rtcp ? s->rtcp : s->tables)[media_table(epoch)][media_slot_of(e)];
}
static inline struct media_tables_more *media_tables_more(const struct media_endpoint *e, bool rtcp,
                                                          uint32_t epoch)
{
    const struct media_state *s = &e->role->state;
    return &(rtcp ? s->rtcp_more : s->tables_more)[media_table(epoch)][media_slot_of(e)];
}
static inline struct rtp_rx media_rx(const struct media_endpoint *e, bool rtcp, uint32_t epoch)
{
    return (struct rtp_rx){&media_tables(e, rtcp, epoch)->rx,
                           &media_tables_more(e, rtcp, epoch)->rx};
}
static inline struct rtp_tx media_tx(const struct media_endpoint *e, bool rtcp, uint32_t epoch)
{
    return (struct rtp_tx){&media_tables(e, rtcp, epoch)->tx,
                           &media_tables_more(e, rtcp, epoch)->tx};
}

/* CLEANUP(media_terms_wipe). */
static inline void media_endpoint_terms(const struct media_endpoint *e, struct media_terms *ret)
{
    media_terms_read(&e->role->state, media_slot_of(e), ret);
}

static inline const struct media_ice_terms *media_endpoint_ice(const struct media_endpoint *e)
{
    return media_terms_ice(&e->role->state, media_slot_of(e));
}

static inline uint64_t media_tag(uint64_t id, bool rtcp)
{
    return id << 1 | rtcp;
}

/* request.c */
void media_request_run(struct media_role *r, const struct media_request *rq, struct slice text);

/* role.c */
/* One message as it came from signalling; aligned to 8. */
void media_role_message(struct media_role *r, uint32_t type, const void *payload, size_t n);
void media_role_reply(struct media_role *r, const struct media_reply *reply, const void *text);
void media_role_event(struct media_endpoint *e, enum media_event_kind kind, const char *why);
void media_role_fault(struct media_endpoint *e, enum keying_fault f, const char *why);
void media_role_digit(struct media_endpoint *e, uint8_t digit, uint16_t ms);

/* socket.c */
/* Ports for an endpoint that is to be at `bound`: a free pair, or that of an earlier life. As
 * media_ports_take; fd -1: the shared way needs none. */
int media_socket_take(struct media_role *r, const struct addr *bound,
                      struct media_sockets *ret) MUST_CHECK;
int media_socket_retake(struct media_role *r, const struct media_slot *s,
                        struct media_sockets *ret) MUST_CHECK;
/* In and out are open from here on, and kept for the next life; takes the descriptors, also on
 * failure. */
int media_socket_open(struct media_endpoint *e, const struct media_sockets *s) MUST_CHECK;
bool media_socket_is_open(const struct media_endpoint *e);
/* A socket that was kept; takes fd. */
void media_socket_held(struct media_endpoint *e, bool rtcp, int fd);
void media_socket_leave(struct media_endpoint *e);      /* this life's part only */
void media_socket_release(struct media_endpoint *e);    /* for good, with its ports */
void media_socket_connect(struct media_endpoint *e);    /* to where the peer was heard */
void media_socket_disconnect(struct media_endpoint *e); /* hears everyone again */
/* Before media_burst_add: what a burst needs of the packet's endpoint comes into the cache. */
void media_socket_fetch_ahead(const struct media_endpoint *e);
/* What fd, one of its sockets, has. */
void media_socket_receive(struct media_endpoint *e, int fd, bool rtcp);
/* Leaves with media_socket_flush at the latest, and lies in the burst until then. */
void media_socket_send(struct media_endpoint *e, const struct media_packet *p);
void media_socket_flush(struct media_role *r);
/* What is no media: a handshake's, STUN. From the RTP or RTCP port to any address. */
void media_socket_put(struct media_endpoint *e, bool rtcp, const void *p, size_t n,
                      const struct addr *to);

/* second.c */
struct media_second {
    struct loop_fd rtp, rtcp; /* per-stream */
};
#define MEDIA_TAG_SECOND (UINT64_C(1) << 32) /* in the tag of a socket that is held */

/* Where it can be: at the settings' address of the other IP version, or, where they have none, at
 * `other`. Otherwise, and where it is there already, nothing changes. */
void media_second_open(struct media_endpoint *e, const struct addr *other);
void media_second_close(struct media_endpoint *e); /* for good */
/* Of an earlier life: adopt, take its sockets, then start. */
void media_second_adopt(struct media_endpoint *e);
void media_second_held(struct media_endpoint *e, bool rtcp, int fd); /* takes fd */
void media_second_start(struct media_endpoint *e);
void media_second_leave(struct media_endpoint *e); /* this life's part only */

/* The place that datagrams to (or from) `a` concern. NULL: the first. */
static inline const struct media_place *media_second_for(const struct media_endpoint *e,
                                                         const struct addr *a)
{
    return e->second && addr_family(a) != addr_family(&e->s->bound)
               ? &e->role->state.second[media_slot_of(e)]
               : NULL;
}

/* shared.c: what socket.c calls for endpoints of the shared way. */
struct media_shared_way;
int media_shared_new(struct media_role *r, struct media_shared_way **ret) MUST_CHECK;
struct media_shared_way *media_shared_free(struct media_shared_way *w);
/* No endpoint of an earlier life will be adopted any more: ports that belong to none are closed. */
void media_shared_settle(struct media_shared_way *w);
bool media_shared_has(const struct media_shared_way *w, const struct addr *bound, uint16_t port);
/* Is it an address of this machine, as binding would find? Asks the kernel where it is a new one. */
bool media_shared_is_ours(struct media_shared_way *w, const struct addr *bound);
void media_shared_join(struct media_endpoint *e);
void media_shared_leave(struct media_endpoint *e, bool for_good);
/* Its ports at an address of the other IP version as well, or not any more. */
void media_shared_second(struct media_endpoint *e, const struct addr *bound, bool open);
/* By e's transport, counted as `of`'s. */
void media_shared_send(struct media_endpoint *e, struct media_endpoint *of,
                       const struct media_packet *p);
void media_shared_flush(struct media_shared_way *w);
void media_shared_put(struct media_endpoint *e, bool rtcp, const void *p, size_t n,
                      const struct addr *to);

/* Whose packet it is that came to `at`, n bytes long. False: nobody's. */
bool media_shared_address(struct media_shared_way *w, struct media_packet *p,
                          const struct sockaddr *at, size_t n);
/* Into the burst, from its free places; those with `in` NULL are left out. */
void media_shared_take(struct media_role *r, struct media_packet *places, size_t n);

/* xdp.c: beside what shared.c has of its own. */
struct media_xdp_way;
int media_xdp_new(struct media_role *r, struct media_xdp_way **ret) MUST_CHECK;
struct media_xdp_way *media_xdp_free(struct media_xdp_way *w);
/* By a packet that tells where the peer of e, a transport, is. */
void media_xdp_learn(struct media_endpoint *e, const struct media_packet *p);
/* A datagram, which is copied. False: it has to go another way. */
bool media_xdp_send(struct media_xdp_way *w, const struct media_endpoint *e, const uint8_t *udp,
                    uint32_t udp_n, const struct addr *from, const struct addr *to);
void media_xdp_flush(struct media_xdp_way *w);

/* pipe.c */
/* A packet to fill, or NULL never: a full burst is run first. media_burst_add takes it in. */
struct media_packet *media_burst_next(struct media_role *r);
void media_burst_add(struct media_role *r);
void media_burst_run(struct media_role *r);

/* bundle.c */
/* Sockets, keys, addresses and the guard are those of the bundle's first. */
static inline struct media_endpoint *media_transport(struct media_endpoint *e)
{
    return e->bundle ? e->bundle : e;
}
/* 0; -ENOSPC, -ENOMEM. */
int media_bundle_room(struct media_endpoint *owner) MUST_CHECK;
int media_bundle_join(struct media_endpoint *e, struct media_endpoint *owner) MUST_CHECK;
void media_bundle_leave(struct media_endpoint *e); /* as member and as owner */
/* Which of the bundle's endpoints a packet in clear belongs to. */
struct media_endpoint *media_bundle_find(struct media_endpoint *owner,
                                         const struct media_packet *p);

/* learn.c */
/* Where media to the peer goes; family 0: nowhere. */
const struct addr *media_remote(const struct media_endpoint *e, bool rtcp);
/* The peer has a place for media: described, or to be found by its checks. */
bool media_has_remote(const struct media_endpoint *e);
/* May a packet in clear come from there? */
bool media_learn_clear(struct media_endpoint *e, const struct media_packet *p);
void media_learn_secure(struct media_endpoint *e, const struct media_packet *p);
/* An opaque leg's: may it come from there? `proof`: nobody but the phone could have sent it first. */
bool media_learn_opaque(struct media_endpoint *e, const struct media_packet *p, bool proof);
/* A handshake was completed with the peer at that address. */
void media_learn_handshake(struct media_endpoint *e, bool rtcp, const struct addr *from);

/* A payload that has no authentication tag behind it, by its size; RTCP that can be read. */
bool media_looks_clear(const struct media_packet *p);

/* opaque.c */
/* RTP or RTCP on an opaque leg: true: it may go on to the peer, as it is. */
bool media_opaque_take(struct media_packet *p);
/* ZRTP or DTLS: goes on at once, or nowhere. */
void media_opaque_keying(struct media_packet *p, enum rtp_kind kind);
void media_opaque_protection(const struct media_endpoint *e, struct media_protection *ret);
/* What the peer describes, or the peer itself, has changed. */
void media_opaque_update(struct media_endpoint *e);

/* relay.c */
void media_relay_burst(struct media_role *r, struct media_packet *p, size_t n);

/* source.c */
void media_source_init(struct media_role *r);
void media_source_pace(void *role);
void media_source_update(struct media_endpoint *e); /* after mode or terms changed */
void media_source_forget(struct media_endpoint *e); /* which codec it spoke */
void media_source_free(struct media_endpoint *e);
void media_source_echo(struct media_endpoint *e, struct media_packet *p);

#endif
