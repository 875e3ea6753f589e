/* Puts packets of one stream back into order before they are decoded. It waits for nothing where
 * all is in order: a packet that is next goes on at once. Behind a gap packets are held until the
 * missing one comes, CODEC_JITTER_DEPTH are there, or CODEC_JITTER_WAIT_MS have passed. */
#ifndef SOTTO_CODEC_JITTER_H
#define SOTTO_CODEC_JITTER_H

#include "codec/codec.h"

#define CODEC_JITTER_SLOTS 4
#define CODEC_JITTER_DEPTH 2
#define CODEC_JITTER_WAIT_MS 60u
#define CODEC_JITTER_JUMP 64 /* further away it is another row of numbers */

enum codec_kind { CODEC_KIND_AUDIO, CODEC_KIND_EVENT, CODEC_KIND_NOISE };

struct codec_packet {
    enum codec_kind kind;
    uint32_t ssrc, timestamp;
    uint16_t seq;
    bool marker;
    uint64_t at_ms; /* when it came */
    struct slice payload;
};

struct codec_jitter { /* zeroed: nothing came yet */
    bool started;
    uint32_t ssrc;
    uint16_t next;
    uint8_t held;
    uint64_t late, lost;
    struct codec_jitter_slot {
        bool used;
        struct codec_packet packet;
        uint8_t payload[CODEC_PAYLOAD_MAX];
    } slots[CODEC_JITTER_SLOTS];
};

enum codec_jitter_verdict {
    CODEC_JITTER_NEXT, /* use p itself now; then pop */
    CODEC_JITTER_NEW,  /* the same; another stream begins with it, what was held is gone */
    CODEC_JITTER_HELD, /* copied; pop */
    CODEC_JITTER_LATE  /* its place has passed, or it is there already */
};
enum codec_jitter_verdict codec_jitter_push(struct codec_jitter *j, const struct codec_packet *p);
/* The next one that is due, until the next push; *ret_lost: how many before it were given up. NULL:
 * none. */
const struct codec_packet *codec_jitter_pop(struct codec_jitter *j, uint64_t now_ms,
                                            uint16_t *ret_lost);

#endif
