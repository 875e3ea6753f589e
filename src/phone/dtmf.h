/* Digits as RTP events (RFC 4733): which payload the next 20 ms carry. Plain arithmetic. */
#ifndef SOTTO_PHONE_DTMF_H
#define SOTTO_PHONE_DTMF_H

#include "base/slice.h"

#define DTMF_DIGITS_MAX 64
#define DTMF_PAYLOAD_LEN 4
#define DTMF_VOLUME 10u      /* -10 dBm0 */
#define DTMF_EVENT_FRAMES 5u /* 100 ms */
#define DTMF_END_REPEATS 3u  /* s.2.5.1.4: the last one three times */
#define DTMF_PAUSE_FRAMES 5u

struct dtmf_sender {
    char digits[DTMF_DIGITS_MAX + 1];
    size_t at;
    unsigned frame; /* of the digit and its pause */
};

struct dtmf_packet {
    bool first; /* marker bit, and the timestamp that all packets of the event have */
    uint8_t payload[DTMF_PAYLOAD_LEN];
};

/* -EINVAL: something else than 0-9, A-D, *, #; -EMSGSIZE: more than DTMF_DIGITS_MAX. */
int dtmf_sender_init(struct dtmf_sender *s, const char *digits) MUST_CHECK;
bool dtmf_is_busy(const struct dtmf_sender *s); /* digits are left */
/* False: the next frame is audio. */
bool dtmf_next(struct dtmf_sender *s, uint32_t samples_per_frame, struct dtmf_packet *ret);
/* The digit of a payload; 0: none (another event, or too short). */
char dtmf_digit(struct slice payload);

#endif
