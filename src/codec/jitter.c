#include "codec/jitter.h"

static void begin(struct codec_jitter *j, const struct codec_packet *p)
{
    for (size_t i = 0; i < CODEC_JITTER_SLOTS; i++)
        j->slots[i].used = false;
    j->held = 0;
    j->started = true;
    j->ssrc = p->ssrc;
    j->next = (uint16_t)(p->seq + 1);
}

static struct codec_jitter_slot *slot_for(struct codec_jitter *j, uint16_t seq)
{
    struct codec_jitter_slot *free_one = NULL;
    for (size_t i = 0; i < CODEC_JITTER_SLOTS; i++) {
        struct codec_jitter_slot *s = &j->slots[i];
        if (s->used && s->packet.seq == seq)
            return NULL;
        if (!s->used && !free_one)
            free_one = s;
    }
    return free_one;
}

enum codec_jitter_verdict codec_jitter_push(struct codec_jitter *j, const struct codec_packet *p)
{
    int ahead = (int16_t)(p->seq - j->next);
    if (!j->started || p->ssrc != j->ssrc || ahead > CODEC_JITTER_JUMP ||
        ahead < -CODEC_JITTER_JUMP) {
        begin(j, p);
        return CODEC_JITTER_NEW;
    }
    if (ahead == 0) {
        j->next++;
        return CODEC_JITTER_NEXT;
    }
    struct codec_jitter_slot *s =
        ahead > 0 && p->payload.n <= CODEC_PAYLOAD_MAX ? slot_for(j, p->seq) : NULL;
    if (!s) {
        j->late++;
        return CODEC_JITTER_LATE;
    }
    s->used = true;
    s->packet = *p;
    if (p->payload.n)
        memcpy(s->payload, p->payload.p, p->payload.n);
    s->packet.payload = slice_from(s->payload, p->payload.n);
    j->held++;
    return CODEC_JITTER_HELD;
}

const struct codec_packet *codec_jitter_pop(struct codec_jitter *j, uint64_t now_ms,
                                            uint16_t *ret_lost)
{
    struct codec_jitter_slot *first = NULL;
    bool waited = false;
    for (size_t i = 0; i < CODEC_JITTER_SLOTS && j->held > 0; i++) {
        struct codec_jitter_slot *s = &j->slots[i];
        if (!s->used)
            continue;
        waited = waited || now_ms >= s->packet.at_ms + CODEC_JITTER_WAIT_MS;
        if (!first || (uint16_t)(s->packet.seq - j->next) < (uint16_t)(first->packet.seq - j->next))
            first = s;
    }
    if (!first)
        return NULL;
    uint16_t lost = (uint16_t)(first->packet.seq - j->next);
    if (lost > 0 && j->held < CODEC_JITTER_DEPTH && !waited)
        return NULL;
    first->used = false; /* stays readable until something is put there */
    j->held--;
    j->lost += lost;
    j->next = (uint16_t)(first->packet.seq + 1);
    *ret_lost = lost;
    return &first->packet;
}
