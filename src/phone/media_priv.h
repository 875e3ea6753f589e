/* Private to the phone's media: media.c sends, media_rx.c receives. */
#ifndef SOTTO_PHONE_MEDIA_PRIV_H
#define SOTTO_PHONE_MEDIA_PRIV_H

#include "phone/media.h"
#include "rtp/rtcp.h"

struct phone_media_tx {
    uint32_t ssrc, timestamp, event_timestamp;
    uint16_t seq;
    uint32_t packet_timestamp; /* of the packet that is being filled */
    bool marker;               /* on the next audio packet: after silence or an event */
    uint64_t began_ms;
    uint64_t frames; /* due so far */
};

struct phone_media_rx {
    struct rtp_stats stats;
    uint64_t heard_ms; /* the last authentic packet, or since when we listen */
    struct codec_event_rx event;
    char tone;      /* the digit that sounds */
    uint32_t lsr;   /* middle of the last SR's NTP time (RFC 3550 s.6.4.1) … */
    uint64_t sr_ms; /* … and when it came */
};

/* A pair of ports. */
struct phone_media_place {
    struct phone_media *media;
    struct addr rtp, rtcp; /* family 0: none */
    struct loop_fd rtp_fd, rtcp_fd;
    int rtp_sock, rtcp_sock;
};

struct phone_media {
    struct phone_media_config cfg;
    struct phone_media_terms terms; /* tx and rx keys are in crypt */
    bool running;
    struct phone_media_place first, second; /* cfg.local, cfg.other */
    struct loop_timer tick, report;
    struct phone_crypt crypt, rtcp_crypt; /* the second where RTCP has keys of its own */
    struct codec_event_tx dtmf;
    struct codec_digit_tx tone;   /* the digit that we say as tones */
    struct codec_digit_rx *tones; /* hears them, where there are no events */
    struct phone_voice voice;
    struct phone_voice other; /* hears what comes in another codec */
    uint8_t other_pt;
    bool in_other;      /* that was the last */
    uint64_t rtp_count; /* sent or lost on purpose */
    struct phone_media_tx tx;
    struct phone_media_rx rx;
    struct phone_media_stats stats;
    char cname[17];
    uint8_t pkt[PHONE_PACKET_MAX + SRTP_TRAILER_MAX];
};

struct phone_crypt *media_crypt(struct phone_media *m, bool rtcp);
void media_rx_ready(void *place, uint32_t events);      /* RTP socket */
void media_rx_rtcp_ready(void *place, uint32_t events); /* RTCP socket */
/* The block about what we hear, for our report. False: nothing was heard. */
bool media_rx_block(struct phone_media *m, struct rtcp_block *ret);
/* A silence that is still going on, or the longest before it. */
uint64_t media_rx_gap(const struct phone_media *m);

#endif
