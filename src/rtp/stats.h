/* What RTCP reports say of one incoming stream: loss (RFC 3550 A.3) and jitter (A.8). Plain data:
 * it may lie in shared memory. A zeroed struct is a stream that has not begun. */
#ifndef SOTTO_RTP_STATS_H
#define SOTTO_RTP_STATS_H

#include "base/slice.h"

#define RTP_STATS_DROPOUT 3000 /* a jump further ahead is a new start, once it is confirmed */
#define RTP_STATS_MISORDER 100

struct rtp_stats {
    uint32_t ssrc;
    uint32_t base, cycles;                     /* first extended number of this run; wraps << 16 */
    uint32_t suspect;                          /* the number that would confirm a new start */
    uint32_t transit, jitter;                  /* jitter in 1/16 timestamp units */
    uint32_t received;                         /* in this run */
    uint32_t expected_before, received_before; /* at the last report */
    uint32_t lost_before;                      /* in runs before this one */
    uint16_t max;
    bool started;
};

/* `arrival` in units of the payload's clock, from any start. A new SSRC is a new run. */
void rtp_stats_add(struct rtp_stats *s, uint32_t ssrc, uint16_t seq, uint32_t timestamp,
                   uint32_t arrival);
/* Lost in all runs; less than 0 with duplicates. */
int64_t rtp_stats_lost(const struct rtp_stats *s);
static inline uint32_t rtp_stats_max(const struct rtp_stats *s)
{
    return s->cycles | s->max;
}
static inline uint32_t rtp_stats_jitter(const struct rtp_stats *s) /* timestamp units */
{
    return s->jitter >> 4;
}
/* Lost since the last call, in 1/256 of what was expected; for a report block. */
uint8_t rtp_stats_fraction(struct rtp_stats *s);

#endif
