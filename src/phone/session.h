/* The phone's side of offer and answer (RFC 3264): one audio stream with events, keyed by
 * policy. Pure: descriptions in, descriptions out; `terms` is what was agreed on. */
#ifndef SOTTO_PHONE_SESSION_H
#define SOTTO_PHONE_SESSION_H

#include "keying/negotiate.h"
#include "loop/loop.h"
#include "phone/ice.h"
#include "phone/media.h"
#include "sdp/leg.h"

#define SESSION_TEXT_MAX 8192 /* with a certificate in it */
#define SESSION_CODECS_MAX 5

struct phone_session {
    /* Set by the owner. */
    struct keying_policy policy;
    struct slice codecs[SESSION_CODECS_MAX]; /* "PCMA", static */
    size_t codec_count;
    bool no_events;           /* digits go and come as tones */
    uint8_t ptime;            /* of what we send; 0: what the peer likes */
    struct addr rtp, rtcp;    /* ours */
    enum sdp_direction wants; /* SENDRECV; SENDONLY while we hold the peer */
    bool offers_mux;          /* RTCP on RTP's port; an offer of it is always taken */
    struct phone_ice *ice;    /* borrowed; NULL: not spoken */
    struct mikey_terms mikey; /* time, call and m-line are set here */
    struct loop *loop;        /* says what time it is; borrowed; NULL: nobody asks */

    uint64_t id;
    struct keying_state keying;
    char last[SESSION_TEXT_MAX]; /* our last description */
    size_t last_n;

    bool agreed;
    struct phone_media_terms terms; /* tx and rx point into keying */
    char codec[SDP_CODEC_NAME_MAX];
};

/* Option values. -EINVAL. */
int phone_session_set_keying(struct phone_session *s, const char *list) MUST_CHECK;
int phone_session_set_suite(struct phone_session *s, const char *list) MUST_CHECK;
int phone_session_set_codec(struct phone_session *s, const char *list) MUST_CHECK;

void phone_session_init(struct phone_session *s); /* after the options */
void phone_session_fini(struct phone_session *s); /* wipes keys */

/* Each returns NULL, or a plain sentence: then nothing has changed, and an offer is refused (488).
 * *ret_text: ours, until the next call. */
const char *phone_session_offer(struct phone_session *s, struct slice *ret_text);
const char *phone_session_answer(struct phone_session *s, struct slice offer,
                                 struct slice *ret_text);
const char *phone_session_accept(struct phone_session *s, struct slice answer);

/* ICE has found, changed or lost the way to the peer: `terms` follow. */
void phone_session_moved(struct phone_session *s);

#endif
