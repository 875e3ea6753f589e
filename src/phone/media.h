/* The phone's RTP: one audio stream, a packet every 20 ms, RTCP every 5 s. Under `secure` nothing
 * clear goes out or is listened to.
 *
 * Sockets are there from media_new on, so that a description can name them; packets flow from
 * phone_media_apply on. */
#ifndef SOTTO_PHONE_MEDIA_H
#define SOTTO_PHONE_MEDIA_H

#include "base/addr.h"
#include "codec/event.h"
#include "loop/loop.h"
#include "phone/audio.h"
#include "phone/crypt.h"
#include "phone/voice.h"
#include "rtp/stats.h"

#define PHONE_PACKET_MAX 2048
#define PHONE_FRAME_MS 20u
#define PHONE_RTCP_MS 5000u
#define PHONE_BEHIND_MAX 10 /* frames sent at once after a stall; more are skipped */
#define PHONE_PT_NONE 0xff
#define PHONE_HEARS_MAX 8 /* payload types of our offer */
#define PHONE_DIGITS_MAX CODEC_EVENT_QUEUE_MAX

struct phone_media_config {
    struct loop *loop;
    struct srtp_engine *engine;
    struct phone_audio *audio; /* borrowed */
    struct addr local;         /* host to bind … */
    struct addr other;         /* … and for ICE one of the other IP version; family 0: none */
    uint32_t first_seq;        /* above 65535: random */
    uint32_t ssrc_change_ms;   /* 0: never */
    const char *dtmf;          /* digits to send, or NULL … */
    bool dtmf_tones;           /* … as tones, even where the peer takes events */
    uint32_t lose;             /* every n-th RTP packet is not sent; 0: all are */
    /* What is a handshake's; NULL: dropped. */
    void (*on_keying)(void *arg, bool rtcp, struct slice packet, const struct addr *from);
    void (*on_stun)(void *arg, bool rtcp, struct slice packet, const struct addr *from); /* too */
    void *arg;
};

/* A payload type that may come (RFC 3264 s.7: any of those offered, and in the middle of the call). */
struct phone_payload {
    uint8_t pt;
    bool is_event;
    struct codec_format format;
};

/* What offer and answer agreed on. */
struct phone_media_terms {
    struct addr rtp, rtcp; /* the peer's; family 0: nowhere */
    uint8_t pt, event_pt;  /* PHONE_PT_NONE: no events */
    uint32_t event_clock;
    struct codec_format format;
    uint32_t ptime;     /* of what we send; 0: 20 */
    uint8_t hear_count; /* those of our offer; others are heard as `pt` and `event_pt` say */
    struct phone_payload hears[PHONE_HEARS_MAX];
    bool send, receive;
    bool secure;
    bool rtcp_mux;
    bool rtcp_apart; /* with secure: RTCP has keys of its own */
    /* With secure; borrowed for the call. Suite SRTP_SUITE_NONE: a handshake is to bring them. */
    const struct srtp_keys *tx, *rx, *rtcp_tx, *rtcp_rx;
};

struct phone_media_stats {
    uint64_t rx_packets, rx_bytes, auth_failures, replayed, clear_dropped, other_dropped;
    uint64_t tx_packets, tx_bytes, tx_failures;
    int64_t lost;
    uint64_t max_gap_ms;
    uint32_t ssrcs;        /* streams heard, one after the other */
    uint32_t other_codecs; /* packets in another codec than the one we send */
    uint32_t rtcp_sent, rtcp_received;
    uint32_t peer_lost;                /* what the peer's last report says of our stream */
    char digits[PHONE_DIGITS_MAX + 1]; /* events, tones and INFO */
    const char *digits_by; /* how the last one came: "event", "tone", "info"; NULL: none did */
};

struct phone_media;

int phone_media_new(const struct phone_media_config *cfg, struct phone_media **ret) MUST_CHECK;
struct phone_media *phone_media_free(struct phone_media *m);
const struct addr *phone_media_rtp_addr(const struct phone_media *m);
const struct addr *phone_media_rtcp_addr(const struct phone_media *m);
/* RTP's, at cfg.other; RTCP's is the next port. Family 0: no ports there. */
const struct addr *phone_media_other_addr(const struct phone_media *m);
int phone_media_apply(struct phone_media *m, const struct phone_media_terms *t) MUST_CHECK;
/* A handshake's packet. */
void phone_media_put(struct phone_media *m, bool rtcp, const void *packet, size_t n);
/* STUN, from one of our ports of the IP version of `to`. */
void phone_media_put_to(struct phone_media *m, bool rtcp, const struct addr *to,
                        struct slice packet);
void phone_media_stop(struct phone_media *m); /* RTCP BYE; nothing flows any more */
/* Heard by some way: "event", "tone", "info". */
void phone_media_add_digit(struct phone_media *m, char digit, const char *by);
void phone_media_stats(const struct phone_media *m, struct phone_media_stats *ret);

#endif
