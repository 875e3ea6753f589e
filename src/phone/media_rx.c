/* What comes in: sorted, authenticated, counted, heard. Nothing that fails any check has an effect
 * other than its counter. */
#include "phone/media_priv.h"
#include "rtp/demux.h"

#define RX_BURST 64

uint64_t media_rx_gap(const struct phone_media *m)
{
    uint64_t gap = m->terms.receive ? loop_now(m->cfg.loop) - m->rx.heard_ms : 0;

    return gap > m->stats.max_gap_ms ? gap : m->stats.max_gap_ms;
}

/* A packet of ours in length that no tag was added to: clear speech of a whole number of 10 ms
 * frames. Encrypted ones are 4, 10 or 16 bytes longer. Of Opus nothing can be said. */
static bool looks_clear(const struct phone_media *m, uint32_t len, const struct rtp_hdr *h)
{
    uint32_t payload = len - h->hdr_len;

    if (h->pt == m->terms.event_pt)
        return payload == CODEC_EVENT_LEN;
    return h->pt == m->terms.pt && h->pt < 96 && payload > 0 && payload % 80 == 0;
}

/* False: dropped and counted. */
static bool open_rtp(struct phone_media *m, uint32_t *len, const struct rtp_hdr *h)
{
    if (!m->terms.secure)
        return true;
    switch ((enum phone_crypt_verdict)phone_crypt_open(&m->crypt, m->pkt, *len, false, len)) {
    case PHONE_CRYPT_OK:
        return true;
    case PHONE_CRYPT_REPLAYED:
        m->stats.replayed++;
        return false;
    case PHONE_CRYPT_NO_KEY:
    case PHONE_CRYPT_EXHAUSTED:
    case PHONE_CRYPT_FORGED:
        break;
    }
    if (looks_clear(m, *len, h))
        m->stats.clear_dropped++;
    else
        m->stats.auth_failures++;
    return false;
}

void phone_media_add_digit(struct phone_media *m, char digit, const char *by)
{
    size_t n = strlen(m->stats.digits);

    if (!digit || n == PHONE_DIGITS_MAX)
        return;
    m->stats.digits[n] = digit;
    m->stats.digits_by = by;
}

static void take_event(struct phone_media *m, const struct rtp_hdr *h, struct slice payload)
{
    struct codec_event e;
    uint32_t more;

    if (codec_event_parse(payload, &e) &&
        codec_event_take(&m->rx.event, h->timestamp, &e, &more) == CODEC_EVENT_NEW)
        phone_media_add_digit(m, codec_event_digit(e.event), "event");
}

/* What its number means: as we have offered it, else as the answer has it. NULL: nothing. */
static const struct phone_payload *payload_of(const struct phone_media *m, uint8_t pt,
                                              struct phone_payload *room)
{
    const struct phone_media_terms *t = &m->terms;

    for (size_t i = 0; i < t->hear_count; i++) {
        if (t->hears[i].pt == pt)
            return &t->hears[i];
    }
    *room = (struct phone_payload){.pt = pt, .is_event = pt == t->event_pt, .format = t->format};
    return pt == t->pt || pt == t->event_pt ? room : NULL;
}

static bool is_ours(const struct phone_media *m, const struct codec_format *f)
{
    const struct codec_format *our = &m->terms.format;

    return f->codec == our->codec && f->clock == our->clock && f->channels == our->channels;
}

/* The decoder of that codec; a change of codec begins a new one where the last one has stopped. */
static struct phone_voice *voice_of(struct phone_media *m, const struct phone_payload *p)
{
    bool other = !is_ours(m, &p->format);
    struct phone_voice *last = m->in_other ? &m->other : &m->voice;

    if (!other && m->in_other)
        phone_voice_follow(&m->voice, &m->other);
    if (other && (!m->in_other || m->other_pt != p->pt)) {
        struct phone_voice before = {.heard_at = last->heard_at, .heard_n = last->heard_n};
        m->other_pt = p->pt;
        m->in_other = false;
        if (phone_voice_set(&m->other, &p->format, 0) < 0)
            return NULL;
        phone_voice_follow(&m->other, &before);
    }
    m->in_other = other;
    m->stats.other_codecs += other;
    return other ? &m->other : &m->voice;
}

static void take_audio(struct phone_media *m, const struct rtp_hdr *h, struct slice payload,
                       const struct phone_payload *p)
{
    int16_t samples[PHONE_HEARD_MAX];
    uint32_t timestamp;
    struct phone_voice *voice = voice_of(m, p);
    size_t n = voice ? phone_voice_hear(voice, h->timestamp, payload, samples, &timestamp) : 0;

    if (n == 0)
        return;
    phone_audio_heard(m->cfg.audio, timestamp, samples, n);
    char tone = codec_digit_hear(m->tones, samples, n);
    if (tone != m->rx.tone && m->terms.event_pt == PHONE_PT_NONE)
        phone_media_add_digit(m, tone, "tone");
    m->rx.tone = tone;
}

static void count(struct phone_media *m, size_t payload_n)
{
    m->stats.max_gap_ms = media_rx_gap(m);
    m->rx.heard_ms = loop_now(m->cfg.loop);
    m->stats.rx_packets++;
    m->stats.rx_bytes += payload_n;
}

static void take_rtp(struct phone_media *m, uint32_t len)
{
    struct rtp_hdr h;
    struct slice payload;
    struct phone_payload room;

    if (!m->running)
        return; /* before the call or after it */
    if (rtp_hdr_parse(m->pkt, len, &h) != RTP_OK) {
        m->stats.other_dropped++;
        return;
    }
    if (!open_rtp(m, &len, &h))
        return;
    if (!m->rx.stats.started || m->rx.stats.ssrc != h.ssrc)
        m->stats.ssrcs++;
    /* What comes while we hold the peer was on its way: not lost, but not heard either. */
    rtp_stats_add(&m->rx.stats, h.ssrc, h.seq, h.timestamp,
                  (uint32_t)(loop_now(m->cfg.loop) * (m->terms.format.clock / 1000)));
    if (rtp_payload(m->pkt, len, &h, &payload) != RTP_OK || !m->terms.receive) {
        m->stats.other_dropped++;
        return;
    }
    count(m, payload.n);
    const struct phone_payload *p = payload_of(m, h.pt, &room);
    if (p && p->is_event)
        take_event(m, &h, payload);
    else if (p)
        take_audio(m, &h, payload, p);
}

/* --- RTCP ------------------------------------------------------------------------------------- */

static void take_report(struct phone_media *m, const struct rtcp_packet *p)
{
    struct rtcp_sender s;
    struct rtcp_block b;

    if (p->type == RTCP_SR && rtcp_sender(p, &s)) {
        m->rx.lsr = (uint32_t)(s.ntp >> 16);
        m->rx.sr_ms = loop_now(m->cfg.loop);
    }
    if (p->type != RTCP_SR && p->type != RTCP_RR)
        return;
    for (size_t i = 0; rtcp_block(p, i, &b); i++) {
        if (b.ssrc == m->tx.ssrc)
            m->stats.peer_lost = b.lost > 0 ? (uint32_t)b.lost : 0;
    }
}

static void take_rtcp(struct phone_media *m, uint32_t len)
{
    struct rtcp_packet p;

    if (!m->running)
        return;
    if (len < RTCP_HDR_LEN) {
        m->stats.other_dropped++;
        return;
    }
    int v = m->terms.secure ? phone_crypt_open(media_crypt(m, true), m->pkt, len, true, &len)
                            : PHONE_CRYPT_OK;
    if (v != PHONE_CRYPT_OK) {
        bool clear =
            v != PHONE_CRYPT_REPLAYED && rtcp_check(slice_from(m->pkt, len), true) == RTCP_OK;
        uint64_t *counter = v == PHONE_CRYPT_REPLAYED ? &m->stats.replayed
                            : clear                   ? &m->stats.clear_dropped
                                                      : &m->stats.auth_failures;
        ++*counter;
        return;
    }
    struct slice rest = slice_from(m->pkt, len);
    if (rtcp_check(rest, true) != RTCP_OK) {
        m->stats.other_dropped++;
        return;
    }
    m->stats.rtcp_received++;
    while (rtcp_next(&rest, &p))
        take_report(m, &p);
}

bool media_rx_block(struct phone_media *m, struct rtcp_block *ret)
{
    struct rtp_stats *s = &m->rx.stats;

    if (!s->started)
        return false;
    uint64_t since = m->rx.lsr ? loop_now(m->cfg.loop) - m->rx.sr_ms : 0;
    *ret = (struct rtcp_block){.ssrc = s->ssrc,
                               .fraction = rtp_stats_fraction(s),
                               .lost = (int32_t)rtp_stats_lost(s),
                               .max = rtp_stats_max(s),
                               .jitter = rtp_stats_jitter(s),
                               .lsr = m->rx.lsr,
                               .dlsr = (uint32_t)(since * 65536 / 1000)};
    return true;
}

/* --- sockets ---------------------------------------------------------------------------------- */

static void receive(struct phone_media *m, int sock, bool rtcp_port)
{
    for (int i = 0; i < RX_BURST; i++) {
        struct addr from = {0};
        socklen_t from_n = sizeof(from);
        ssize_t n =
            recvfrom(sock, m->pkt, PHONE_PACKET_MAX, MSG_DONTWAIT | MSG_TRUNC, &from.sa, &from_n);
        if (n < 0)
            return; /* empty; or an ICMP error, which says nothing about what comes in */
        if (n > PHONE_PACKET_MAX) {
            m->stats.other_dropped++;
            continue;
        }
        enum rtp_kind kind = rtp_demux(m->pkt, (size_t)n);
        if (kind == RTP_KIND_STUN) {
            if (m->cfg.on_stun)
                m->cfg.on_stun(m->cfg.arg, rtcp_port, slice_from(m->pkt, (size_t)n), &from);
            continue;
        }
        if (m->cfg.on_keying && (kind == RTP_KIND_DTLS || kind == RTP_KIND_ZRTP)) {
            m->cfg.on_keying(m->cfg.arg, rtcp_port, slice_from(m->pkt, (size_t)n), &from);
            continue;
        }
        bool rtcp = n >= 2 && m->pkt[1] >= 192 && m->pkt[1] <= 223; /* RFC 5761 s.4 */
        if (rtcp)
            take_rtcp(m, (uint32_t)n);
        else
            take_rtp(m, (uint32_t)n);
    }
}

void media_rx_ready(void *place, uint32_t events)
{
    struct phone_media_place *p = place;

    (void)events;
    receive(p->media, p->rtp_sock, false);
}

void media_rx_rtcp_ready(void *place, uint32_t events)
{
    struct phone_media_place *p = place;

    (void)events;
    receive(p->media, p->rtcp_sock, true);
}
