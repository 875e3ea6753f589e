/* What lies in a slot of the snapshot memfd, written by snapshot.c and read by restore.c. It is bytes
 * without gaps, so that a call fits into a small slot. Per leg: the fixed part, its streams, its texts;
 * of the fixed parts only the words that are not zero. */
#ifndef SOTTO_CALL_SNAPSHOT_FORM_H
#define SOTTO_CALL_SNAPSHOT_FORM_H

#include <assert.h>

#include "base/buf.h"
#include "call/leg.h"

#define SNAPSHOT_VERSION 10u
#define SNAPSHOT_NO_LEG 0xffffu

struct snapshot_stream {
    uint64_t endpoint;
    uint8_t index; /* of the m-line */
    uint8_t proto;
    uint8_t rtcp_mux;
    uint8_t bundle;
    uint32_t text_n; /* keying lines of a description that is still to be written; behind this */
    struct addr rtp;
    uint16_t rtcp_port;
    struct media_protection protection;
};

enum snapshot_text {
    TEXT_POLICY, /* the user's, as bytes */
    TEXT_NAME,
    TEXT_DOMAIN,
    TEXT_DISPLAY,
    TEXT_TARGET_URI,
    TEXT_AGENT,
    TEXT_DIALOG,
    TEXT_REMOTE_SDP,
    TEXT_LOCAL_SDP,
    /* Of a leg whose INVITE is under way; mostly empty in a call that stands. */
    TEXT_PATH,
    TEXT_FROM_NAME,  /* caller: as its From has it */
    TEXT_REQUEST,    /* txn_server_save, txn_client_save */
    TEXT_RESPONSE,   /* a 2xx that is sent again until its ACK comes */
    TEXT_REL,        /* a provisional that waits for its PRACK */
    TEXT_REL_ANSWER, /* … and the description of the 2xx behind it */
    TEXT_COUNT
};

enum snapshot_leg_flag {
    SNAPSHOT_REGISTERED = 1 << 0,
    SNAPSHOT_UPDATE = 1 << 1,
    SNAPSHOT_BEGUN = 1 << 2,
    SNAPSHOT_RANG = 1 << 3,
    SNAPSHOT_EARLY_MEDIA = 1 << 4,
    SNAPSHOT_ASKED_AGAIN = 1 << 5,
    SNAPSHOT_100REL = 1 << 6,
    SNAPSHOT_UNACKED = 1 << 7,     /* a reliable provisional */
    SNAPSHOT_PROVISIONAL = 1 << 8, /* its INVITE has one: it is not sent again */
    SNAPSHOT_ACK_ANSWERS = 1 << 9,
    SNAPSHOT_INFO = 1 << 10, /* it takes digits by INFO */
    SNAPSHOT_ICE = 1 << 11,  /* its offers are to have ICE */
    SNAPSHOT_REMOTE_PACKED = 1 << 12,
    SNAPSHOT_LOCAL_PACKED = 1 << 13,
    SNAPSHOT_LEG_FLAGS = (1 << 14) - 1
};

struct snapshot_leg {
    uint16_t index, flags;
    uint8_t state, stream_count;
    uint16_t progress_status, rel_status;
    uint32_t invite_cseq, answered_cseq;
    uint32_t rel_sent, rel_received;
    struct media_policy policy;
    struct transport_flow flow;
    uint64_t sdp_session;
    struct dialog_timer session, session_asked;
    uint64_t session_due_unix;
    struct offers offers;
    char caller_tag[24];
    uint16_t text_n[TEXT_COUNT];
};

struct snapshot_slot {
    uint32_t version; /* 0: free. Written last: a slot that was being written is not used */
    uint32_t n;       /* bytes of data */
    uint64_t call, since_unix, answered_unix;
    uint8_t builtin, mask, path, path_why;
    uint8_t phase, late_offer, redirects;
    /* More legs than there is room for: only what it takes to end them (503, CANCEL). */
    uint8_t brief;
    uint8_t worker;                       /* of the media role */
    uint16_t leg_count, b, early, untold; /* indices of legs, or SNAPSHOT_NO_LEG */
    uint16_t best_status;
    uint32_t max_forwards;
    struct sdp_leg_map map;
    uint16_t target_n, crossing_n, best_n;
    char data[]; /* target, crossing, sentence to best_status; legs */
};

/* The fixed parts are whole words, at most as many as one has bits. */
#define SNAPSHOT_PACKED_MAX(type) (sizeof(type) + 8)
static_assert(sizeof(struct snapshot_leg) % 8 == 0 && sizeof(struct snapshot_leg) <= 512, "words");
static_assert(sizeof(struct snapshot_stream) % 8 == 0 && sizeof(struct snapshot_stream) <= 512,
              "words");
void snapshot_pack(struct buf *b, const void *p, size_t n);
/* False: they are not all there. */
bool snapshot_unpack(struct slice *rest, void *p, size_t n) MUST_CHECK;

struct snapshot_map {
    struct slots slots;
    struct snapshot_slot *draft; /* CALL_SNAPSHOT_MAX bytes, wiped; what is about to be written */
};

static inline struct snapshot_slot *snapshot_slot_at(const struct snapshot_map *m, uint32_t i)
{
    return (struct snapshot_slot *)(void *)slots_at(&m->slots, i);
}

/* What a restored leg had under way, until resume.c has made it anew. Borrowed from the slot. */
struct resume_leg {
    struct leg *leg;
    struct slice request, response;
    bool provisional;
};
/* One call: its legs are there, and what each had under way. May end it. */
void resume_call(struct call *c, struct resume_leg *legs, size_t n, bool brief);

#endif
