/* What outlives the process: the table of endpoints in the state memfd. Plain data without
 * pointers. The process that is killed may stop between any two stores, so:
 *
 *  - a packet index is advanced here before the packet is protected: no (key, index) comes twice;
 *  - what a description agrees on (struct media_terms) changes as a whole, by the journal: the new
 *    terms are written to the head, then marked valid, then copied; media_state_recover copies
 *    them again;
 *  - an endpoint is `open` last and not open first.
 *
 * Terms are mostly zeros, most of the time: the slot keeps the few that packets and ticks look at as
 * they are (struct media_brief), and all of them packed, without the words that are zero; what does
 * not fit there lies in a row behind all slots.
 *
 * Slots hold keys: a closed slot is wiped. */
#ifndef SOTTO_MEDIA_STATE_H
#define SOTTO_MEDIA_STATE_H

#include "ipc/media_msg.h"
#include "keying/negotiate.h"
#include "keying/pass.h"
#include "media/ice.h"
#include "rtp/index.h"
#include "rtp/stats.h"

/* Packet indices belong to one key, which an epoch counts from 1 (0: no key). The tables of epoch n are
 * [n & 1]: those of a new key are zeroed before the terms with the new epoch are committed, and those
 * of the key before stay beside them. */
static inline size_t media_table(uint32_t epoch)
{
    return epoch & 1;
}

/* An opaque leg: its keys are the phone's (opaque.c). */
struct media_pass_terms {
    bool on;
    bool direct;   /* its packets do not come here */
    uint8_t epoch; /* of what was seen: another announcement begins anew */
    struct keying_pass announces;
};

/* What descriptions, and handshakes that they asked for, agreed on. */
struct media_terms {
    struct keying_state keying;
    struct srtp_keys rx_prev; /* until the peer has our answer it sends with its old key */
    uint64_t rx_prev_until;   /* ms of CLOCK_MONOTONIC */
    uint64_t remote_since;    /* when the peer's address was last set anew */
    uint32_t tx_epoch, rx_epoch, rx_prev_epoch; /* of keying.tx, keying.rx, rx_prev */
    uint32_t rtcp_tx_epoch, rtcp_rx_epoch;      /* of keying.rtcp_tx, keying.rtcp_rx */
    struct addr remote_rtp, remote_rtcp;        /* as signalled; family 0: none */
    struct addr signalling;                     /* whose host may make a handshake too */
    uint8_t protection;                         /* enum protection_policy */
    bool encrypted;    /* keys are agreed, or a handshake will bring them */
    bool has_remote;   /* the peer has described itself */
    uint8_t direction; /* enum media_direction */
    struct media_ice_terms ice;
    struct media_pass_terms pass;
    bool rtcp_mux, rtcp_mux_offered;
    bool transcode, info;
    uint8_t said_proto; /* enum media_proto of our last description */
    uint8_t codec_count, ssrc_count;
    struct media_codec codecs[MEDIA_CODEC_MAX];
    uint32_t ssrcs[MEDIA_SSRC_MAX];
};

/* Of the terms, as they are. */
struct media_brief {
    uint64_t rx_prev_until, remote_since;
    uint32_t tx_epoch, rx_epoch, rtcp_tx_epoch, rtcp_rx_epoch;
    struct addr remote_rtp, remote_rtcp, signalling;
    struct {
        uint8_t active, offered;
        bool agreed, held;
        uint32_t wanted;
    } keying;
    struct {
        bool on, direct;
        uint8_t epoch, announced;
    } pass;
    bool has_remote, rtcp_mux, rtcp_mux_offered, transcode, info;
    uint8_t protection, said_proto;
    uint8_t ssrc_count;
    uint32_t ssrcs[MEDIA_SSRC_MAX];
};

#define MEDIA_TERMS_WORDS (sizeof(struct media_terms) / 8)
#define MEDIA_PACKED_HERE 44u /* words in the slot: enough for SDES and six codecs … */
#define MEDIA_PACKED_MORE 64u /* … in a row behind, for one with many codecs and suites … */
#define MEDIA_PACKED_REST (MEDIA_TERMS_WORDS - MEDIA_PACKED_HERE - MEDIA_PACKED_MORE)

struct media_packed {
    uint64_t is_set[(MEDIA_TERMS_WORDS + 63) / 64]; /* which words of the terms are not zero … */
    uint64_t words[MEDIA_PACKED_HERE];              /* … and what they are, in order */
};

struct media_packed_more {
    uint64_t words[MEDIA_PACKED_MORE];
};

struct media_packed_rest { /* … and in another */
    uint64_t words[MEDIA_PACKED_REST];
};

enum media_packed_at { MEDIA_IN_SLOT, MEDIA_IN_MORE, MEDIA_IN_REST };

/* No ports. */
struct media_place {
    struct addr bound, shown; /* the address we bind; the one descriptions say */
};

struct media_slot {
    uint32_t generation; /* of the last endpoint here; ids are generation << 32 | slot */
    bool open;
    uint8_t mode;  /* enum media_mode */
    uint16_t port; /* RTP; RTCP is the next */
    uint16_t leg, stream;
    uint64_t call;
    uint64_t peer;             /* id; 0: none */
    uint64_t bundle;           /* id of the endpoint whose transport it uses; 0: its own */
    uint32_t rx_ssrc, tx_ssrc; /* of the last packets; in a bundle, RTCP is told apart by them */
    struct addr bound, shown;  /* the address we bind; the one descriptions say; no ports */
    struct addr learned_rtcp, learned_rtp; /* family 0: none; with ICE: the selected ones */
    struct rtp_stats loss;
    uint64_t connected_since;        /* ms: CONNECT */
    uint32_t source_ssrc, source_ts; /* our own stream to it: echo, tone, clock, converted audio */
    uint64_t source_ms;              /* when source_ts was the time; converted audio */
    uint16_t source_seq;
    bool source_on;
    bool ice_begun;     /* checks have shown something: its pairs are zeroed and in use */
    bool has_ice;       /* there are terms of ICE in the row behind */
    bool has_second;    /* … and a second place: its ports under the other IP version */
    uint8_t packed_at;  /* enum media_packed_at: how far the words go */
    uint32_t pass_seen; /* opaque: epoch << 16 | bits of what this phone's packets told */
    struct media_brief terms;
    struct media_packed packed;
};

/* What not every endpoint has lies behind all slots, each kind in a row of its own, so that the memory
 * of the others is never touched: most calls have one generation of keys, no ICE and one key for
 * RTP and RTCP, and one SSRC each way. A table is zeroed when its epoch begins, pairs when the first
 * check has come; neither with the slot. */
struct media_tables { /* of one generation of keys */
    struct rtp_rx_table rx;
    struct rtp_tx_table tx;
};

/* Of those that have more SSRCs than most. */
struct media_tables_more {
    struct rtp_rx_more rx;
    struct rtp_tx_more tx;
};

struct media_state_head {
    uint64_t magic;
    uint32_t slot_size, slot_count;
    uint32_t slots_touched; /* those behind were never open: a restart need not look at them */
    uint32_t journal_slot;  /* index + 1; 0: nothing */
    struct media_terms journal;
    /* Our DTLS certificates, whose digests stand in descriptions: the one in use, the one before. */
    struct crypto_dtls_identity dtls[DTLS_IDENTITIES];
};

struct media_state {
    struct media_state_head *head;
    struct media_slot *slots;
    struct media_tables *tables[2]; /* [media_table(epoch)][slot] */
    struct media_tables *rtcp[2];   /* the same, where RTCP has keys of its own */
    struct media_tables_more *tables_more[2], *rtcp_more[2];
    struct media_ice_pairs *ice; /* [slot] */
    struct media_ice_terms *ice_terms;
    struct media_place *second;
    struct media_packed_more *more;
    struct media_packed_rest *rest;
    size_t size;
    bool replaced; /* it was of another build: nothing could be taken over */
};

/* -EINVAL: the memfd is too small. */
int media_state_map(int fd, uint32_t max_endpoints, struct media_state *ret) MUST_CHECK;
void media_state_unmap(struct media_state *s);
/* All of a slot's terms. They hold keys: wipe the copy. */
void media_terms_read(const struct media_state *s, uint32_t slot, struct media_terms *ret);
/* The same of ICE alone; all zero where it was never spoken. */
const struct media_ice_terms *media_terms_ice(const struct media_state *s, uint32_t slot);
/* Wipes a slot and what it has behind, but for its generation. */
void media_slot_wipe(struct media_state *s, uint32_t slot);
/* Zeroes the tables of keys that are new in t, then commits. */
void media_terms_commit(struct media_state *s, uint32_t slot, const struct media_terms *t);
/* The first DTLS certificate, or the next, which moves the one in use to the place behind. */
void media_state_identify(struct media_state *s, const struct crypto_dtls_identity *id);

#endif
