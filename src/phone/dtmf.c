#include "phone/dtmf.h"

static const char events[] = "0123456789*#ABCD"; /* RFC 4733 s.3.2, table 3 */

int dtmf_sender_init(struct dtmf_sender *s, const char *digits)
{
    struct dtmf_sender fresh = {0};
    size_t n = strlen(digits);

    if (n > DTMF_DIGITS_MAX)
        return -EMSGSIZE;
    for (size_t i = 0; i < n; i++) {
        char c = digits[i] >= 'a' && digits[i] <= 'd' ? (char)(digits[i] - 'a' + 'A') : digits[i];
        if (!strchr(events, c))
            return -EINVAL;
        fresh.digits[i] = c;
    }
    *s = fresh;
    return 0;
}

bool dtmf_is_busy(const struct dtmf_sender *s)
{
    return s->digits[s->at] != '\0';
}

bool dtmf_next(struct dtmf_sender *s, uint32_t samples_per_frame, struct dtmf_packet *ret)
{
    if (!dtmf_is_busy(s))
        return false;
    unsigned frame = s->frame++, event_frames = DTMF_EVENT_FRAMES + DTMF_END_REPEATS - 1;
    if (frame >= event_frames) {
        if (s->frame == event_frames + DTMF_PAUSE_FRAMES) {
            s->frame = 0;
            s->at++;
        }
        return false;
    }
    unsigned lasted = frame < DTMF_EVENT_FRAMES ? frame + 1 : DTMF_EVENT_FRAMES;
    bool end = frame + 1 >= DTMF_EVENT_FRAMES;
    uint32_t duration = lasted * samples_per_frame;
    ret->first = frame == 0;
    ret->payload[0] = (uint8_t)(strchr(events, s->digits[s->at]) - events);
    ret->payload[1] = (uint8_t)((end ? 0x80u : 0u) | DTMF_VOLUME);
    ret->payload[2] = (uint8_t)(duration >> 8);
    ret->payload[3] = (uint8_t)duration;
    return true;
}

char dtmf_digit(struct slice payload)
{
    uint8_t event = payload.n >= DTMF_PAYLOAD_LEN ? (uint8_t)payload.p[0] : 0xff;

    return event < sizeof(events) - 1 ? events[event] : '\0';
}
