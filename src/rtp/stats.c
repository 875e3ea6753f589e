#include "rtp/stats.h"

#define JUMP 0x80000 /* timestamp units: over five seconds at 90 kHz */

static uint32_t expected(const struct rtp_stats *s)
{
    return s->started ? rtp_stats_max(s) - s->base + 1 : 0;
}

static void start_run(struct rtp_stats *s, uint32_t ssrc, uint16_t seq)
{
    uint32_t lost = s->lost_before + expected(s) - s->received;

    *s = (struct rtp_stats){.ssrc = ssrc,
                            .base = seq,
                            .max = seq,
                            .suspect = UINT32_MAX,
                            .lost_before = lost,
                            .started = true};
}

/* RFC 3550 A.1 without probation: who decides what is a stream is SRTP's authentication. False: a
 * jump not confirmed yet. */
static bool update_seq(struct rtp_stats *s, uint32_t ssrc, uint16_t seq)
{
    if (!s->started || s->ssrc != ssrc) {
        start_run(s, ssrc, seq);
        return true;
    }
    uint16_t ahead = (uint16_t)(seq - s->max);

    if (ahead < RTP_STATS_DROPOUT) {
        if (seq < s->max)
            s->cycles += 0x10000;
        s->max = seq;
    } else if (ahead <= UINT16_MAX - RTP_STATS_MISORDER) {
        if (seq != s->suspect) {
            s->suspect = (uint16_t)(seq + 1);
            return false;
        }
        start_run(s, ssrc, seq);
    }
    s->suspect = UINT32_MAX;
    return true;
}

void rtp_stats_add(struct rtp_stats *s, uint32_t ssrc, uint16_t seq, uint32_t timestamp,
                   uint32_t arrival)
{
    if (!update_seq(s, ssrc, seq))
        return;
    uint32_t transit = arrival - timestamp;
    int32_t d = (int32_t)(transit - s->transit);

    s->transit = transit;
    if (s->received++ == 0)
        return;
    uint32_t size = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;

    /* A jump of the clock is not jitter, and would not leave the average for minutes. */
    if (size < JUMP)
        s->jitter += size - ((s->jitter + 8) >> 4);
}

int64_t rtp_stats_lost(const struct rtp_stats *s)
{
    return (int64_t)(int32_t)s->lost_before + (int32_t)(expected(s) - s->received);
}

uint8_t rtp_stats_fraction(struct rtp_stats *s)
{
    uint32_t expected_now = expected(s) - s->expected_before;
    uint32_t received_now = s->received - s->received_before;

    s->expected_before = expected(s);
    s->received_before = s->received;
    if (expected_now == 0 || received_now >= expected_now)
        return 0;
    uint64_t fraction = ((uint64_t)(expected_now - received_now) << 8) / expected_now;

    return fraction > UINT8_MAX ? UINT8_MAX : (uint8_t)fraction;
}
