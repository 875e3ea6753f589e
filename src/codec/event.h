/* Telephone events (RFC 4733): digits as RTP packets. Plain arithmetic, no clock. */
#ifndef SOTTO_CODEC_EVENT_H
#define SOTTO_CODEC_EVENT_H

#include "base/slice.h"

#define CODEC_EVENT_LEN 4
#define CODEC_EVENT_VOLUME 10u     /* -10 dBm0 */
#define CODEC_EVENT_END_REPEATS 3u /* s.2.5.1.4: the last packet three times */
#define CODEC_EVENT_PAUSE 5u       /* frames between two digits */
#define CODEC_EVENT_FRAMES 5u      /* of a digit whose length nobody said: 100 ms of 20 */
#define CODEC_EVENT_FRAMES_MAX 250u
#define CODEC_EVENT_QUEUE_MAX 64

struct codec_event {       /* s.2.3 */
    uint8_t event, volume; /* volume: -dBm0, 0 .. 63 */
    bool end;
    uint16_t duration; /* timestamp units since the event began */
};

/* False: too short. What follows the first event of a payload is left out (s.2.3: one is usual). */
bool codec_event_parse(struct slice payload, struct codec_event *ret) MUST_CHECK;
void codec_event_put(const struct codec_event *e, uint8_t ret[CODEC_EVENT_LEN]);
char codec_event_digit(uint8_t event); /* "0123456789*#ABCD"; '\0': another event */
int codec_event_of(char digit);        /* -1: none; small letters too */

/* --- receiving: one digit an event, whatever is lost, repeated or late ------------------------- */

enum codec_event_news {
    CODEC_EVENT_NEW,   /* a digit begins */
    CODEC_EVENT_GREW,  /* it goes on */
    CODEC_EVENT_ENDED, /* … and now has ended */
    CODEC_EVENT_OLD    /* nothing new: a repetition, or late */
};

struct codec_event_rx { /* zeroed: nothing heard yet */
    bool seen, ended;
    uint8_t event;
    uint16_t duration; /* of this segment */
    uint32_t timestamp;
};

/* *ret_more: how much longer it has become, timestamp units; 0 with OLD. A first packet that is an
 * end packet is NEW: rx->ended tells. */
enum codec_event_news codec_event_take(struct codec_event_rx *rx, uint32_t timestamp,
                                       const struct codec_event *e, uint32_t *ret_more);

/* --- sending ---------------------------------------------------------------------------------- */

struct codec_event_tx { /* zeroed: nothing to send */
    uint8_t events[CODEC_EVENT_QUEUE_MAX];
    uint8_t frames[CODEC_EVENT_QUEUE_MAX];
    size_t at, count;
    unsigned frame; /* of the digit, its repetitions and its pause */
};

/* `frames` of audio that it is to last, 0: CODEC_EVENT_FRAMES. -ENOBUFS: the queue is full. */
int codec_event_add(struct codec_event_tx *tx, uint8_t event, unsigned frames) MUST_CHECK;
static inline bool codec_event_is_busy(const struct codec_event_tx *tx)
{
    return tx->at < tx->count;
}
struct codec_event_packet {
    bool first; /* marker bit, and the timestamp that all packets of the event have */
    uint8_t payload[CODEC_EVENT_LEN];
};
/* What the next frame carries; `step`: timestamp units of a frame. False: no event (audio). */
bool codec_event_next(struct codec_event_tx *tx, uint32_t step, struct codec_event_packet *ret);

#endif
