/* What the command line said. */
#ifndef SOTTO_PHONE_OPTIONS_H
#define SOTTO_PHONE_OPTIONS_H

#include "base/slice.h"

#define PHONE_USER_MAX 65
#define PHONE_DOMAIN_MAX 254
#define PHONE_SECONDS_MAX 86400u

struct phone_options {
    bool is_call;
    bool json, events, verbose, help;
    const char *target; /* of a call */
    const char *as;     /* NUMBER[@DOMAIN] */
    const char *data;   /* NULL: not said */
    const char *server, *server_name, *transport, *ca, *listen, *auth_user;
    bool password_stdin, insecure, no_register;
    const char *keying; /* "sdes", "dtls", "none", "sdes,none" */
    bool rtcp_mux, ice;
    const char *ice_only; /* "ipv4", "ipv6"; NULL: both */
    const char *suite, *codec;
    bool enroll;                /* takes the server as trusted man in the middle where it asks */
    const char *zrtp_secrets;   /* file; NULL: none */
    const char *mikey_psk_file; /* NULL: none */
    bool mikey_psk_stdin;
    const char *mikey_cert, *mikey_key, *mikey_server_cert; /* files; NULL: none */
    bool mikey_rsa_r;       /* offers RSA-R, though the server's certificate is known */
    const char *verify_sas; /* the SAS that the other side sees, or "any"; NULL: not compared */
    bool answer, busy, decline, echo, offer_late, loop_file;
    const char *play, *record, *dtmf;
    bool dtmf_tones, dtmf_info; /* how: else as RTP events */
    bool no_events;             /* does not know telephone-event */
    uint32_t ptime;             /* ms of a packet; 0: 20 */
    uint32_t lose;              /* every n-th packet; 0: none */
    uint32_t seconds;           /* 0: until told to end */
    uint32_t expires, ring_seconds;
    /* For tests. 0: not. */
    uint32_t hold_after, reinvite_after, ssrc_change_after;
    uint32_t rtp_seq; /* above 65535: random */
};

#define PHONE_SEQ_RANDOM 0x10000u

/* 0, or 2 with a sentence on stderr. */
int phone_options_parse(int argc, char **argv, struct phone_options *ret) MUST_CHECK;
const char *phone_usage(bool is_call);

#endif
