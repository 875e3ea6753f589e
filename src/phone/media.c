#include "phone/media.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "phone/media_priv.h"

#define PORT_TRIES 64
#define NTP_EPOCH 2208988800ull /* 1900 to 1970, in seconds */

/* --- sockets ---------------------------------------------------------------------------------- */

static int bind_udp(struct addr *a, int *ret_fd)
{
    socklen_t n = sizeof(*a);
    int fd = socket(addr_family(a), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (bind(fd, &a->sa, addr_len(a)) < 0 || getsockname(fd, &a->sa, &n) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/* RFC 3550 s.11: an even port for RTP, the next one for RTCP. */
static int bind_pair(struct phone_media_place *p, const struct addr *local)
{
    int r = -EADDRINUSE;

    for (int i = 0; i < PORT_TRIES; i++) {
        struct addr a = *local, b;
        int fd = -1;
        addr_set_port(&a, 0);
        r = bind_udp(&a, &fd);
        if (r < 0)
            return r;
        b = a;
        addr_set_port(&b, (uint16_t)(addr_port(&a) + 1));
        if (addr_port(&a) % 2 == 0 && bind_udp(&b, &p->rtcp_sock) == 0) {
            p->rtp_sock = fd;
            p->rtp = a;
            p->rtcp = b;
            return 0;
        }
        close(fd);
        r = -EADDRINUSE;
    }
    return r;
}

static void place_init(struct phone_media_place *p, struct phone_media *m)
{
    p->media = m;
    p->rtp_sock = p->rtcp_sock = p->rtp_fd.fd = p->rtcp_fd.fd = -1;
}

static int place_open(struct phone_media_place *p, const struct addr *local)
{
    struct loop *l = p->media->cfg.loop;
    int r = bind_pair(p, local);

    if (r == 0)
        r = loop_fd_add(l, &p->rtp_fd, p->rtp_sock, EPOLLIN, media_rx_ready, p);
    if (r == 0)
        r = loop_fd_add(l, &p->rtcp_fd, p->rtcp_sock, EPOLLIN, media_rx_rtcp_ready, p);
    return r;
}

static void place_close(struct phone_media_place *p)
{
    loop_fd_del(p->media->cfg.loop, &p->rtp_fd);
    loop_fd_del(p->media->cfg.loop, &p->rtcp_fd);
    if (p->rtp_sock >= 0)
        close(p->rtp_sock);
    if (p->rtcp_sock >= 0)
        close(p->rtcp_sock);
    p->rtp_sock = p->rtcp_sock = -1;
    memset(&p->rtp, 0, sizeof(p->rtp));
    memset(&p->rtcp, 0, sizeof(p->rtcp));
}

static void on_tick(void *arg);
static void on_report(void *arg);

static int set_up(struct phone_media *m)
{
    uint16_t seq;

    crypto_random(&m->tx.ssrc, sizeof(m->tx.ssrc));
    crypto_random(&m->tx.timestamp, sizeof(m->tx.timestamp));
    crypto_random(&seq, sizeof(seq));
    crypto_random_hex(m->cname, 8);
    /* RFC 3711 s.3.3.1: below 2^15, so that no early loss is taken for a rollover. */
    m->tx.seq = m->cfg.first_seq > 0xffff ? (uint16_t)(seq & 0x7fff) : (uint16_t)m->cfg.first_seq;
    for (const char *d = m->cfg.dtmf; d && *d; d++) {
        int event = codec_event_of(*d);
        int r = event < 0 ? -EINVAL : codec_event_add(&m->dtmf, (uint8_t)event, 0);
        if (r < 0)
            return r;
    }
    int r = codec_digit_rx_new(&m->tones);
    if (r == 0)
        r = place_open(&m->first, &m->cfg.local);
    if (r == 0 && addr_family(&m->cfg.other) != 0 && place_open(&m->second, &m->cfg.other) < 0)
        place_close(&m->second); /* one is enough */
    return r;
}

int phone_media_new(const struct phone_media_config *cfg, struct phone_media **ret)
{
    struct phone_media *m = calloc(1, sizeof(*m));

    if (!m)
        return -ENOMEM;
    m->cfg = *cfg;
    place_init(&m->first, m);
    place_init(&m->second, m);
    phone_crypt_init(&m->crypt, cfg->engine);
    phone_crypt_init(&m->rtcp_crypt, cfg->engine);
    loop_timer_init(&m->tick, on_tick, m);
    loop_timer_init(&m->report, on_report, m);
    int r = set_up(m);
    if (r < 0) {
        phone_media_free(m);
        return r;
    }
    *ret = m;
    return 0;
}

struct phone_media *phone_media_free(struct phone_media *m)
{
    if (!m)
        return NULL;
    loop_timer_cancel(m->cfg.loop, &m->tick);
    loop_timer_cancel(m->cfg.loop, &m->report);
    place_close(&m->first);
    place_close(&m->second);
    phone_crypt_fini(&m->crypt);
    phone_crypt_fini(&m->rtcp_crypt);
    phone_voice_fini(&m->voice);
    phone_voice_fini(&m->other);
    codec_digit_rx_free(m->tones);
    free(m);
    return NULL;
}

const struct addr *phone_media_rtp_addr(const struct phone_media *m)
{
    return &m->first.rtp;
}

const struct addr *phone_media_rtcp_addr(const struct phone_media *m)
{
    return &m->first.rtcp;
}

const struct addr *phone_media_other_addr(const struct phone_media *m)
{
    return &m->second.rtp;
}

/* --- sending ---------------------------------------------------------------------------------- */

struct phone_crypt *media_crypt(struct phone_media *m, bool rtcp)
{
    return rtcp && m->terms.rtcp_apart ? &m->rtcp_crypt : &m->crypt;
}

/* From one of our two ports of its IP version. False: it has not left. */
static bool put(const struct phone_media *m, bool rtcp_port, struct slice packet,
                const struct addr *to)
{
    const struct phone_media_place *p =
        addr_family(&m->second.rtp) == addr_family(to) ? &m->second : &m->first;

    return sendto(rtcp_port ? p->rtcp_sock : p->rtp_sock, packet.p, packet.n, MSG_DONTWAIT, &to->sa,
                  addr_len(to)) == (ssize_t)packet.n;
}

void phone_media_put(struct phone_media *m, bool rtcp, const void *packet, size_t n)
{
    const struct addr *to = rtcp ? &m->terms.rtcp : &m->terms.rtp;

    if (addr_family(to) != AF_UNSPEC) /* what is lost is said again */
        (void)put(m, rtcp && !m->terms.rtcp_mux, slice_from(packet, n), to);
}

void phone_media_put_to(struct phone_media *m, bool rtcp, const struct addr *to,
                        struct slice packet)
{
    (void)put(m, rtcp, packet, to);
}

/* One packet of `len` bytes in m->pkt. Without keys nothing leaves where keys were agreed on. */
static bool send_packet(struct phone_media *m, uint32_t len, bool rtcp)
{
    const struct addr *to = rtcp ? &m->terms.rtcp : &m->terms.rtp;

    if (addr_family(to) == AF_UNSPEC)
        return false;
    if (m->terms.secure &&
        phone_crypt_seal(media_crypt(m, rtcp), m->pkt, len, rtcp, &len) != PHONE_CRYPT_OK)
        return false;
    return put(m, rtcp && !m->terms.rtcp_mux, slice_from(m->pkt, len), to);
}

static void send_rtp(struct phone_media *m, const struct rtp_hdr *h, uint32_t payload_n)
{
    rtp_hdr_put(m->pkt, h);
    if (m->cfg.lose && ++m->rtp_count % m->cfg.lose == 0) {
        m->tx.seq++;
        return;
    }
    if (send_packet(m, RTP_HDR_MIN + payload_n, false)) {
        m->stats.tx_packets++;
        m->stats.tx_bytes += payload_n;
    } else {
        m->stats.tx_failures++;
    }
    m->tx.seq++;
}

static bool send_event(struct phone_media *m)
{
    struct codec_event_packet p;
    uint32_t step = m->terms.event_clock / 1000 * PHONE_FRAME_MS;

    if (m->terms.event_pt == PHONE_PT_NONE || m->cfg.dtmf_tones ||
        !codec_event_next(&m->dtmf, step, &p))
        return false;
    if (p.first)
        m->tx.event_timestamp = m->tx.timestamp;
    memcpy(m->pkt + RTP_HDR_MIN, p.payload, sizeof(p.payload));
    struct rtp_hdr h = {.ssrc = m->tx.ssrc,
                        .timestamp = m->tx.event_timestamp,
                        .seq = m->tx.seq,
                        .pt = m->terms.event_pt,
                        .marker = p.first};
    send_rtp(m, &h, sizeof(p.payload));
    phone_voice_skip(&m->voice);
    m->tx.marker = true;
    return true;
}

/* Digits take the place of the audio: there are no events, or tones are asked for. */
static void next_samples(struct phone_media *m, int16_t samples[PHONE_FRAME])
{
    struct codec_event_packet p;
    bool tones = m->cfg.dtmf_tones || m->terms.event_pt == PHONE_PT_NONE;

    if (!tones || !codec_event_next(&m->dtmf, PHONE_FRAME, &p)) {
        phone_audio_next(m->cfg.audio, samples);
        if (tones && codec_event_is_busy(&m->dtmf)) /* the pause between two */
            memset(samples, 0, PHONE_FRAME * sizeof(*samples));
        return;
    }
    if (p.first && !codec_digit_begin(&m->tone, codec_event_digit(p.payload[0]), PHONE_RATE))
        return;
    codec_digit_make(&m->tone, samples, PHONE_FRAME);
}

static void send_audio(struct phone_media *m)
{
    int16_t samples[PHONE_FRAME] = {0};

    next_samples(m, samples);
    if (m->voice.fill == 0)
        m->tx.packet_timestamp = m->tx.timestamp;
    size_t n = phone_voice_say(&m->voice, samples, m->pkt + RTP_HDR_MIN, CODEC_WRITE_MAX);
    if (n == 0)
        return;
    struct rtp_hdr h = {.ssrc = m->tx.ssrc,
                        .timestamp = m->tx.packet_timestamp,
                        .seq = m->tx.seq,
                        .pt = m->terms.pt,
                        .marker = m->tx.marker};
    send_rtp(m, &h, (uint32_t)n);
    m->tx.packet_timestamp += m->terms.format.clock / 1000 * m->voice.ptime;
    m->tx.marker = false;
}

static void change_ssrc(struct phone_media *m)
{
    crypto_random(&m->tx.ssrc, sizeof(m->tx.ssrc));
    crypto_random(&m->tx.seq, sizeof(m->tx.seq));
    m->tx.seq &= 0x7fff;
    m->tx.marker = true;
    m->cfg.ssrc_change_ms = 0;
}

static void send_frame(struct phone_media *m)
{
    if (m->cfg.ssrc_change_ms && m->tx.frames * PHONE_FRAME_MS >= m->cfg.ssrc_change_ms)
        change_ssrc(m);
    bool keyed = !m->terms.secure || m->crypt.tx;
    if (m->terms.send && keyed && addr_family(&m->terms.rtp) != AF_UNSPEC) {
        if (!send_event(m))
            send_audio(m);
    } else {
        m->tx.marker = true;
    }
    m->tx.timestamp += m->terms.format.clock / 1000 * PHONE_FRAME_MS;
    m->tx.frames++;
}

/* Frames are due at began + 20 ms * n, whatever the delay of one wake-up. */
static void on_tick(void *arg)
{
    struct phone_media *m = arg;
    uint64_t now = loop_now(m->cfg.loop), due = (now - m->tx.began_ms) / PHONE_FRAME_MS + 1;

    if (due > m->tx.frames + PHONE_BEHIND_MAX) {
        m->tx.timestamp +=
            (uint32_t)(due - m->tx.frames - 1) * PHONE_FRAME_MS * (m->terms.format.clock / 1000);
        m->tx.frames = due - 1;
    }
    while (m->tx.frames < due)
        send_frame(m);
    uint64_t next = m->tx.began_ms + m->tx.frames * PHONE_FRAME_MS;
    loop_timer_set(m->cfg.loop, &m->tick, next > now ? next - now : 0);
}

/* --- RTCP ------------------------------------------------------------------------------------- */

static uint64_t ntp_now(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail for this clock */
    return ((uint64_t)ts.tv_sec + NTP_EPOCH) << 32 | ((uint64_t)ts.tv_nsec << 32) / 1000000000u;
}

static void send_report(struct phone_media *m, bool bye)
{
    struct buf b = buf_over(m->pkt, PHONE_PACKET_MAX);
    struct rtcp_block block;
    size_t blocks = media_rx_block(m, &block) ? 1 : 0;
    struct rtcp_sender s = {.ntp = ntp_now(),
                            .rtp = m->tx.timestamp,
                            .packets = (uint32_t)m->stats.tx_packets,
                            .bytes = (uint32_t)m->stats.tx_bytes};

    if (m->stats.tx_packets)
        rtcp_put_sr(&b, m->tx.ssrc, &s, &block, blocks);
    else
        rtcp_put_rr(&b, m->tx.ssrc, &block, blocks);
    rtcp_put_sdes(&b, m->tx.ssrc, slice_from_str(m->cname));
    if (bye)
        rtcp_put_bye(&b, m->tx.ssrc);
    if (!b.overflow && send_packet(m, (uint32_t)b.n, true))
        m->stats.rtcp_sent++;
}

static void on_report(void *arg)
{
    struct phone_media *m = arg;

    send_report(m, false);
    loop_timer_set(m->cfg.loop, &m->report, PHONE_RTCP_MS);
}

/* --- start and stop --------------------------------------------------------------------------- */

int phone_media_apply(struct phone_media *m, const struct phone_media_terms *t)
{
    uint64_t now = loop_now(m->cfg.loop);

    bool was_keyed = !t->secure || m->crypt.rx[0].ctx;
    if (t->secure) {
        int k = phone_crypt_set(&m->crypt, t->tx, t->rx);
        if (k == 0 && t->rtcp_apart)
            k = phone_crypt_set(&m->rtcp_crypt, t->rtcp_tx, t->rtcp_rx);
        if (k < 0)
            return k;
    }
    int r = phone_voice_set(&m->voice, &t->format, t->ptime);
    if (r < 0)
        return r;
    if (t->receive && (!m->terms.receive || !was_keyed)) /* what was held back before is no gap */
        m->rx.heard_ms = now;
    else if (!t->receive && m->terms.receive)
        m->stats.max_gap_ms = media_rx_gap(m);
    m->terms = *t;
    phone_voice_fini(&m->other); /* numbers may mean something else now */
    m->in_other = false;
    m->terms.tx = m->terms.rx = m->terms.rtcp_tx = m->terms.rtcp_rx = NULL;
    if (m->running)
        return 0;
    m->running = true;
    m->tx.marker = true;
    m->tx.began_ms = now;
    loop_timer_set(m->cfg.loop, &m->tick, 0);
    loop_timer_set(m->cfg.loop, &m->report, PHONE_RTCP_MS / 2);
    return 0;
}

void phone_media_stop(struct phone_media *m)
{
    if (!m->running)
        return;
    send_report(m, true);
    m->stats.max_gap_ms = media_rx_gap(m);
    m->running = m->terms.receive = m->terms.send = false;
    loop_timer_cancel(m->cfg.loop, &m->tick);
    loop_timer_cancel(m->cfg.loop, &m->report);
}

void phone_media_stats(const struct phone_media *m, struct phone_media_stats *ret)
{
    *ret = m->stats;
    ret->lost = rtp_stats_lost(&m->rx.stats);
    ret->max_gap_ms = media_rx_gap(m);
}
