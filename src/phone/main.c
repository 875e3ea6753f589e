#include "phone/phone.h"

#include <stdio.h>

#include "base/log.h"
#include "phone/account.h"
#include "phone/ua.h"

#define USAGE 2

static const char call_usage[] =
    "usage: sotto call TARGET --as NUMBER[@DOMAIN] [options]\n"
    "\n"
    "Calls TARGET (a number, a name, echo, tone, or a SIP URI), listens, hangs up, and says what "
    "was\n"
    "heard and how the call was protected. Exit status 0: answered; 1: not; 2: usage.\n"
    "\n"
    "  --seconds N        hangs up after N seconds (default 10)\n"
    "  --no-register      calls without registering first\n"
    "  --offer-late       sends no offer; answers the one in the 200\n"
    "  --events           with --json: also a line for each event on the way\n";

static const char phone_usage_text[] =
    "usage: sotto phone --as NUMBER[@DOMAIN] [options]\n"
    "\n"
    "Registers and takes calls, one at a time, until SIGINT or SIGTERM.\n"
    "\n"
    "  --answer           answers (else it only rings)\n"
    "  --ring N           … after N seconds\n"
    "  --busy, --decline  refuses every call: 486, 603\n"
    "  --echo             gives back what it hears\n"
    "  --seconds N        ends after N seconds\n"
    "  --no-register      only listens: for calls straight to --listen\n";

static const char common_usage[] =
    "\n"
    "Where:\n"
    "  -d DATA            data folder of a server on this machine (default: $SOTTO_DATA, ./data,\n"
    "                     /var/lib/sotto): address, CA and, for its owner, the password come from "
    "it\n"
    "  --server HOST[:PORT]  another server\n"
    "  --transport T      tls (default), wss, tcp, udp, ws\n"
    "  --ca FILE          whom to trust, PEM (default: DATA/tls/ca.crt, else the system's)\n"
    "  --server-name NAME what the certificate must prove (default: HOST)\n"
    "  --insecure         does not check the certificate\n"
    "  --password-stdin   reads the password from standard input (else: $SOTTO_PASSWORD)\n"
    "  --auth-user NAME   name to log in with, where it is not NUMBER\n"
    "  --listen T:HOST:PORT  udp or tcp, for calls that come straight here\n"
    "  --expires N        of the registration, seconds (default 300)\n"
    "\n"
    "How:\n"
    "  --keying K[,K]     sdes,dtls (default), zrtp, mikey, none; with none beside others: "
    "encrypted if\n"
    "                     the peer can\n"
    "  --zrtp-secrets F   keeps ZRTP's identifier and secrets there from call to call\n"
    "  --mikey-psk-stdin  reads MIKEY's pre-shared key (base64) from standard input, a line after\n"
    "                     the password; --mikey-psk-file F: from a file (else: as the store has "
    "it,\n"
    "                     or none)\n"
    "  --mikey-cert F     MIKEY under this RSA certificate (`sotto cert client NUMBER --rsa`), "
    "with\n"
    "                     --mikey-key F; --mikey-server-cert F: the server's (default:\n"
    "                     DATA/tls/mikey.crt), without which, or with --mikey-rsa-r, by RSA-R\n"
    "  --verify-sas SAS   compares ZRTP's SAS with what the other side sees: marks it as "
    "verified,\n"
    "                     or ends the call where it differs; any: takes it unseen\n"
    "  --enroll           where the server asks (call echo), takes it as ZRTP's trusted man in "
    "the\n"
    "                     middle: then it may show the far end's SAS\n"
    "  --rtcp-mux         offers RTCP on RTP's port (RFC 5761)\n"
    "  --ice              finds the way by connectivity checks (RFC 8445), where the peer does "
    "too;\n"
    "                     over IPv4 and IPv6, where there are both. --ice-only ipv4|ipv6: over "
    "that\n"
    "  --suite S[,S]      SRTP suites, best first (default: all)\n"
    "  --codecs C[,C]     PCMA, PCMU, G722, opus, L16 (default: PCMA,PCMU); --ptime MS of a "
    "packet\n"
    "  --play F.wav|tone:HZ  what is said; --loop: the file over and over\n"
    "  --record F.wav     what is heard\n"
    "  --dtmf DIGITS      sent as RTP events when the call begins; --dtmf-tones: as tones;\n"
    "                     --dtmf-info: by SIP INFO\n"
    "  --json             for programs    -v  shows every SIP message on standard error\n"
    "\n"
    "For tests of servers:\n"
    "  --hold-after N     holds after N seconds, resumes 2 later; --reinvite-after N renews once\n"
    "  --rtp-seq N        first sequence number; --ssrc-change-after N changes the SSRC\n"
    "  --lose N           does not send every N-th packet; --no-events: knows no RTP events\n";

/* --- the table of options --------------------------------------------------------------------- */

enum kind { FLAG, TEXT, NUMBER };
enum verb { BOTH, CALL, PHONE };

struct option {
    const char *name;
    enum kind kind;
    enum verb verb;
    size_t offset;
    uint32_t min, max; /* of a number */
};

#define AT(field) offsetof(struct phone_options, field)

// clang-format off
static const struct option options[] = {
    {"--as", TEXT, BOTH, AT(as), 0, 0},
    {"-d", TEXT, BOTH, AT(data), 0, 0},
    {"--data", TEXT, BOTH, AT(data), 0, 0},
    {"--server", TEXT, BOTH, AT(server), 0, 0},
    {"--server-name", TEXT, BOTH, AT(server_name), 0, 0},
    {"--transport", TEXT, BOTH, AT(transport), 0, 0},
    {"--ca", TEXT, BOTH, AT(ca), 0, 0},
    {"--insecure", FLAG, BOTH, AT(insecure), 0, 0},
    {"--password-stdin", FLAG, BOTH, AT(password_stdin), 0, 0},
    {"--auth-user", TEXT, BOTH, AT(auth_user), 0, 0},
    {"--listen", TEXT, BOTH, AT(listen), 0, 0},
    {"--no-register", FLAG, BOTH, AT(no_register), 0, 0},
    {"--expires", NUMBER, BOTH, AT(expires), 1, 86400},
    {"--keying", TEXT, BOTH, AT(keying), 0, 0},
    {"--rtcp-mux", FLAG, BOTH, AT(rtcp_mux), 0, 0},
    {"--ice", FLAG, BOTH, AT(ice), 0, 0},
    {"--ice-only", TEXT, BOTH, AT(ice_only), 0, 0},
    {"--zrtp-secrets", TEXT, BOTH, AT(zrtp_secrets), 0, 0},
    {"--mikey-psk-file", TEXT, BOTH, AT(mikey_psk_file), 0, 0},
    {"--mikey-psk-stdin", FLAG, BOTH, AT(mikey_psk_stdin), 0, 0},
    {"--mikey-cert", TEXT, BOTH, AT(mikey_cert), 0, 0},
    {"--mikey-key", TEXT, BOTH, AT(mikey_key), 0, 0},
    {"--mikey-server-cert", TEXT, BOTH, AT(mikey_server_cert), 0, 0},
    {"--mikey-rsa-r", FLAG, BOTH, AT(mikey_rsa_r), 0, 0},
    {"--enroll", FLAG, BOTH, AT(enroll), 0, 0},
    {"--verify-sas", TEXT, BOTH, AT(verify_sas), 0, 0},
    {"--suite", TEXT, BOTH, AT(suite), 0, 0},
    {"--codec", TEXT, BOTH, AT(codec), 0, 0},
    {"--codecs", TEXT, BOTH, AT(codec), 0, 0},
    {"--ptime", NUMBER, BOTH, AT(ptime), 20, 60},
    {"--play", TEXT, BOTH, AT(play), 0, 0},
    {"--loop", FLAG, BOTH, AT(loop_file), 0, 0},
    {"--record", TEXT, BOTH, AT(record), 0, 0},
    {"--dtmf", TEXT, BOTH, AT(dtmf), 0, 0},
    {"--dtmf-tones", FLAG, BOTH, AT(dtmf_tones), 0, 0},
    {"--dtmf-info", FLAG, BOTH, AT(dtmf_info), 0, 0},
    {"--no-events", FLAG, BOTH, AT(no_events), 0, 0},
    {"--lose", NUMBER, BOTH, AT(lose), 2, 1000},
    {"--seconds", NUMBER, BOTH, AT(seconds), 1, PHONE_SECONDS_MAX},
    {"--json", FLAG, BOTH, AT(json), 0, 0},
    {"-v", FLAG, BOTH, AT(verbose), 0, 0},
    {"--verbose", FLAG, BOTH, AT(verbose), 0, 0},
    {"-h", FLAG, BOTH, AT(help), 0, 0},
    {"--help", FLAG, BOTH, AT(help), 0, 0},
    {"--hold-after", NUMBER, BOTH, AT(hold_after), 1, 3600},
    {"--reinvite-after", NUMBER, BOTH, AT(reinvite_after), 1, 3600},
    {"--ssrc-change-after", NUMBER, BOTH, AT(ssrc_change_after), 1, 3600},
    {"--rtp-seq", NUMBER, BOTH, AT(rtp_seq), 0, 65535},
    {"--offer-late", FLAG, CALL, AT(offer_late), 0, 0},
    {"--events", FLAG, CALL, AT(events), 0, 0},
    {"--answer", FLAG, PHONE, AT(answer), 0, 0},
    {"--ring", NUMBER, PHONE, AT(ring_seconds), 0, 180},
    {"--busy", FLAG, PHONE, AT(busy), 0, 0},
    {"--decline", FLAG, PHONE, AT(decline), 0, 0},
    {"--echo", FLAG, PHONE, AT(echo), 0, 0},
};
// clang-format on

static const struct option *option_find(struct slice name, bool is_call)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        bool fits = options[i].verb == BOTH || (options[i].verb == CALL) == is_call;
        if (fits && slice_eq_str(name, options[i].name))
            return &options[i];
    }
    return NULL;
}

static int bad(const struct phone_options *o, const char *what, const char *arg)
{
    fprintf(stderr, "sotto: %s %s (sotto %s --help)\n", what, arg, o->is_call ? "call" : "phone");
    return USAGE;
}

static int set_number(const struct option *op, const char *value, struct phone_options *o)
{
    uint32_t v;

    if (slice_to_u32(slice_from_str(value), &v) < 0 || v < op->min || v > op->max) {
        fprintf(stderr, "sotto: %s takes a number from %u to %u, not %s\n", op->name, op->min,
                op->max, value);
        return USAGE;
    }
    memcpy((char *)o + op->offset, &v, sizeof(v));
    return 0;
}

/* One argument of ours at argv[*at], which is moved past it. "--name value" or "--name=value". */
static int take_option(int argc, char **argv, int *at, struct phone_options *o)
{
    const char *arg = argv[*at];
    struct slice value = slice_from_str(arg), name = slice_cut(&value, '=');
    bool attached = name.n < strlen(arg);
    const struct option *op = option_find(name, o->is_call);
    const bool yes = true;

    (*at)++;
    if (!op)
        return bad(o, "there is no option", arg);
    if (op->kind == FLAG) {
        if (attached)
            return bad(o, "this option takes no value:", arg);
        memcpy((char *)o + op->offset, &yes, sizeof(yes));
        return 0;
    }
    const char *text = attached ? arg + name.n + 1 : *at < argc ? argv[(*at)++] : NULL;
    if (!text || !*text)
        return bad(o, "a value is missing for", op->name);
    if (op->kind == NUMBER)
        return set_number(op, text, o);
    memcpy((char *)o + op->offset, &text, sizeof(text));
    return 0;
}

static bool are_digits(const char *s)
{
    const char *at = s;

    while (codec_event_of(*at) >= 0)
        at++;
    return *at == '\0' && at - s <= PHONE_DIGITS_MAX;
}

static int check(const struct phone_options *o)
{
    if (o->help)
        return 0;
    if (!o->as)
        return bad(o, "say who you are with", "--as NUMBER[@DOMAIN]");
    if (o->is_call && !o->target)
        return bad(o, "whom to call?", "TARGET is missing");
    if (!o->mikey_cert != !o->mikey_key)
        return bad(o, "--mikey-cert and --mikey-key belong together, missing is",
                   o->mikey_cert ? "--mikey-key" : "--mikey-cert");
    if (o->mikey_cert && (o->mikey_psk_file || o->mikey_psk_stdin))
        return bad(o, "either a pre-shared key for MIKEY or", "--mikey-cert");
    if (o->echo && o->play)
        return bad(o, "either --echo or", "--play");
    if (o->ice_only && strcmp(o->ice_only, "ipv4") != 0 && strcmp(o->ice_only, "ipv6") != 0)
        return bad(o, "--ice-only takes ipv4 or ipv6, not", o->ice_only);
    if (o->dtmf && !are_digits(o->dtmf))
        return bad(o, "--dtmf takes up to 64 of 0-9 A-D * #, not", o->dtmf);
    return 0;
}

int phone_options_parse(int argc, char **argv, struct phone_options *ret)
{
    struct phone_options o = {.is_call = argc > 0 && strcmp(argv[0], "call") == 0,
                              .keying = "sdes,dtls",
                              .codec = "PCMA,PCMU",
                              .expires = PHONE_EXPIRES_DEFAULT,
                              .rtp_seq = PHONE_SEQ_RANDOM};

    if (o.is_call)
        o.seconds = 10;
    for (int i = 1; i < argc;) {
        if (argv[i][0] == '-' && argv[i][1]) {
            int r = take_option(argc, argv, &i, &o);
            if (r != 0)
                return r;
        } else if (o.is_call && !o.target) {
            o.target = argv[i++];
        } else {
            return bad(&o, "one argument too many:", argv[i]);
        }
    }
    o.ice |= o.ice_only != NULL;
    int r = check(&o);
    if (r == 0)
        *ret = o;
    return r;
}

const char *phone_usage(bool is_call)
{
    return is_call ? call_usage : phone_usage_text;
}

int phone_main(int argc, char **argv)
{
    struct phone_options o;
    int r = phone_options_parse(argc, argv, &o);

    if (r != 0)
        return r;
    if (o.help)
        return printf("%s%s", phone_usage(o.is_call), common_usage) < 0 ? 1 : 0;
    log_setup("phone", o.verbose ? LOG_DEBUG : LOG_WARN, LOG_FORMAT_KV);
    r = phone_run(&o);
    return r < 0 ? 1 : r;
}
