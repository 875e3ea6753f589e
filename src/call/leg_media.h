/* The media of one leg: an endpoint in the media role for each m-line that is relayed, and the
 * requests that open, describe and connect them. Several m-lines make one batch: `done` is called
 * once, when the last reply is there. */
#ifndef SOTTO_CALL_LEG_MEDIA_H
#define SOTTO_CALL_LEG_MEDIA_H

#include "call/media_client.h"
#include "call/shape.h"
#include "sdp/leg.h"
#include "store/store.h"

struct leg;
struct leg_media;

/* status: enum media_status of the first m-line that failed, or OK; `why` a plain sentence. A leg's
 * audio decides: a further m-line that alone has failed is refused (port 0), and the call goes on. */
typedef void leg_media_fn(void *arg, uint8_t status, const char *why);

struct leg_stream {
    uint64_t endpoint; /* 0: none, the m-line is refused */
    struct leg_media *media;
    uint32_t request; /* waiting for this reply; 0: none */
    bool counted;     /* at the worker, as one of its endpoints */
    uint8_t proto;    /* enum media_proto for our next description */
    bool rtcp_mux;
    uint8_t
        bundle; /* 1 + the stream whose transport it uses (itself: the bundle's first); 0: none */
    struct addr rtp;
    uint16_t rtcp_port; /* at the same address */
    char *text;         /* keying lines for our next description; wiped, it holds keys */
    size_t text_n;
    struct media_protection protection;
};

/* Nearly every leg has one m-line: the others' places are made when they are needed. */
struct leg_media {
    struct leg *leg; /* whose it is */
    bool transcode;  /* audio may be converted */
    bool info;       /* the phone takes digits by INFO */
    uint8_t path;    /* enum media_path */
    uint32_t ops;    /* of the batch under way */
    uint8_t waiting; /* replies that are still to come */
    uint8_t status;
    char *why; /* NULL: nothing failed */
    leg_media_fn *done;
    void *arg;
    struct leg_stream first;
    struct leg_stream *more; /* SDP_MEDIA_MAX - 1 of them; NULL: none */
};

/* What a batch does; which fields count follows from `ops` as in ipc/media_msg.h. */
struct leg_media_batch {
    uint32_t ops; /* enum media_op */
    const struct media_policy *policy;
    struct addr local;        /* OPEN: address to bind */
    uint8_t mask;             /* m-lines, bit i for stream i */
    const struct sdp *remote; /* REMOTE: the peer's description */
    bool is_offer;
    const struct leg_shape *shape; /* LOCAL: ICE, rtcp-mux, BUNDLE; NULL: as they stand */
    uint8_t mode;                  /* CONNECT */
    struct leg_media *peer;        /* CONNECT with RELAY */
    const struct sdp_leg_map *map; /* m-line of this leg -> of the peer's leg … */
    bool map_reverse;              /* … or the other way round */
};

/* The stream of m-line i; one without an endpoint where there is none. */
const struct leg_stream *leg_media_stream(const struct leg_media *m, size_t i);
/* Its place. NULL: no memory; never for i = 0, nor for a stream that has an endpoint. */
struct leg_stream *leg_media_stream_make(struct leg_media *m, size_t i);
/* It has this endpoint since an earlier life of signalling. */
void leg_media_restore(struct leg_stream *s, uint64_t endpoint);
/* Our last descriptions are written, and no other will be made of their keying lines. */
void leg_media_forget_texts(struct leg_media *m);
/* No endpoint, and none asked for. */
bool leg_media_is_empty(const struct leg_media *m);
/* Forgets all endpoints without closing them. */
void leg_media_abandon(struct leg_media *m);
void leg_media_init(struct leg_media *m, struct leg *leg);
/* Cancels what is under way and closes all endpoints; what is known of the streams stays. */
void leg_media_fini(struct leg_media *m);
void leg_media_free(struct leg_media *m); /* fini, and all that it has allocated */
/* Starts a batch. A batch without any m-line is done from a later wake-up like any other, which the
 * caller must arrange: returns the number of requests that were sent, or -errno (nothing sent that
 * will be answered; -EBUSY: one is under way). */
int leg_media_start(struct leg_media *m, const struct leg_media_batch *b, leg_media_fn *done,
                    void *arg) MUST_CHECK;
void leg_media_cancel(struct leg_media *m);
bool leg_media_is_busy(const struct leg_media *m);
/* A telephone event to the peer. -errno: it is not sent. */
int leg_media_digit(struct leg_media *m, size_t stream, uint8_t event, uint16_t ms) MUST_CHECK;
/* Its phone takes digits by INFO, as has just shown. */
int leg_media_takes_info(struct leg_media *m) MUST_CHECK;
/* A short sound on the leg's first stream, its audio, that tells of protection. */
int leg_media_announce(struct leg_media *m, enum media_announcement what) MUST_CHECK;
/* People have compared the SAS of the leg's audio. -ENOENT: it has none. */
int leg_media_verify(struct leg_media *m, bool verified) MUST_CHECK;
/* A policy's codecs as sdp/ takes them. Returns how many; 0: all. */
size_t leg_media_codecs(const struct store_policy *p, struct slice ret[STORE_CODEC_MAX]);

/* m-lines of a description that are relayed: audio and video that are alive and fit our relay. */
uint8_t leg_media_mask(const struct sdp *d);
/* The same, seen from the other leg. */
uint8_t leg_media_mask_map(uint8_t mask, const struct sdp_leg_map *map);
/* Fills the plan's m-lines with our addresses, proto and keying text; those without an endpoint
 * are refused. */
void leg_media_fill_plan(const struct leg_media *m, struct sdp_leg_plan *plan);

#endif
