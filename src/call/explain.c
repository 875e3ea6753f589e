#include "call/explain.h"

#include "call/path.h"
#include "call/tell.h"
#include "policy/menu.h"
#include "transport/transport.h"

static const char *phone_of(const struct leg *l)
{
    return l == l->call->a ? "caller" : "callee";
}

static void put_who(struct buf *b, const struct leg *l)
{
    buf_printf(b, "The %s %s@%s", phone_of(l), l->user.name, l->user.domain);
}

/* --- one leg's media -------------------------------------------------------------------------- */

static void put_menu(struct buf *b, const struct leg *l)
{
    const char *menu = policy_menu_srtp(slice_from_str(l->agent));
    if (menu)
        buf_printf(b, "In that phone (%s): %s.\n", l->agent, menu);
    else if (l->agent[0])
        buf_printf(b,
                   "That phone calls itself %s: look for SRTP or media encryption in its "
                   "account's settings.\n",
                   l->agent);
}

static void put_clear(struct buf *b, const struct leg *l)
{
    put_who(b, l);
    if (l->policy.protection == PROTECTION_OFF) {
        buf_printf(b,
                   " talks in clear, because encryption is off for this user: `sotto user set "
                   "%s@%s --protection required` changes that.\n",
                   l->user.name, l->user.domain);
        return;
    }
    buf_printf(b,
               " talks in clear: its policy only prefers encryption, and the phone did not "
               "take part. Switch on SRTP in the phone, then `sotto user set %s@%s --protection "
               "required` keeps it so.\n",
               l->user.name, l->user.domain);
    put_menu(b, l);
}

/* MIKEY's keys are in the signalling, but protected by MIKEY itself. */
static bool is_sealed(const struct media_protection *p)
{
    return p->keying == KEYING_MIKEY && p->agreement[0];
}

static const char *keying_words(const struct media_protection *p)
{
    static const char *const words[KEYING_COUNT] = {
        [KEYING_NONE] = "no keys",
        [KEYING_SDES] = "SDES (the keys are in the signalling)",
        [KEYING_DTLS] = "DTLS-SRTP (the keys are agreed in the media path)",
        [KEYING_ZRTP] = "ZRTP (the keys are agreed in the media path)",
        [KEYING_MIKEY] = "MIKEY (the keys are in the signalling)",
        [KEYING_PASS] = "keys of the phones, which pass here untouched",
    };
    if (is_sealed(p) && strncmp(p->agreement, "PSK", sizeof(p->agreement)) == 0)
        return "MIKEY (the keys are in the signalling, encrypted by the user's own key)";
    if (is_sealed(p))
        return "MIKEY (the keys are in the signalling, encrypted and signed under the "
               "certificates of user and server)";
    return words[p->keying < KEYING_COUNT ? p->keying : KEYING_NONE];
}

static void put_suite_remark(struct buf *b, const struct leg *l, uint8_t suite)
{
    if (suite == SRTP_AES_CM_128_HMAC_SHA1_32 || suite == SRTP_AES_192_CM_HMAC_SHA1_32 ||
        suite == SRTP_AES_256_CM_HMAC_SHA1_32)
        buf_printf(b,
                   "Its authentication tags are short (32 bits): `sotto user set %s@%s --suites "
                   "AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80` keeps to long ones.\n",
                   l->user.name, l->user.domain);
}

static void put_sas(struct buf *b, const struct media_protection *p)
{
    if (p->keying != KEYING_ZRTP)
        return;
    if (p->sas[0])
        buf_printf(b, "Its short authentication string is \"%.*s\", %s.\n",
                   (int)strnlen(p->sas, sizeof(p->sas)), p->sas,
                   p->sas_verified ? "compared and found equal"
                                   : "not compared yet: both people should read it to each other");
    if (p->cache_mismatch)
        BUF_PUT_LIT(b,
                    "What was kept of earlier calls with this phone does not fit: it was set up "
                    "anew, or somebody is in between. Compare the string before you trust it.\n");
    if (p->trusted_mitm)
        buf_printf(b, "The phone trusts this server as a man in the middle (RFC 6189 s.7.3).\n");
}

/* What the server could know of keys that pass. */
static void put_passing(struct buf *b, const struct media_protection *p)
{
    static const char *const words[KEYING_COUNT] = {
        [KEYING_SDES] =
            "They agree by SDES: the keys are in descriptions that the server reads, so "
            "that it could listen. `--keying zrtp` for both users keeps it out.\n",
        [KEYING_MIKEY] = "They agree by MIKEY: whether the server could read the keys depends on "
                         "whose they are.\n",
        [KEYING_DTLS] = "They agree by DTLS-SRTP. The fingerprints came through the server, and "
                        "nothing lets the people compare them; with ZRTP they could.\n",
        [KEYING_ZRTP] = "They agree by ZRTP: both people should read the short authentication "
                        "string that their phones show to each other; it has to be the same.\n",
    };
    if (p->keying == KEYING_PASS && p->passes < KEYING_COUNT && words[p->passes])
        buf_put_str(b, words[p->passes]);
}

static void put_encrypted(struct buf *b, const struct leg *l, const struct media_protection *p)
{
    put_who(b, l);
    buf_printf(b, " is encrypted by %s", keying_words(p));
    if (p->suite && p->suite < SRTP_SUITE_COUNT)
        buf_printf(b, ", suite %s", srtp_suite_name((enum srtp_suite)p->suite));
    BUF_PUT_LIT(b, ".\n");
    if (!p->established)
        buf_printf(b,
                   "The agreement on keys has not ended; until then nothing is sent or heard.\n");
    put_suite_remark(b, l, p->suite);
    put_sas(b, p);
    put_passing(b, p);
}

/* --- signalling -------------------------------------------------------------------------------- */

static void put_signalling(struct buf *b, const struct leg *l, const struct media_protection *p)
{
    struct transport_security sec = {0};
    bool keys_in_it = p->keying == KEYING_SDES || (p->keying == KEYING_MIKEY && !is_sealed(p));
    if (transport_kind_is_secure(l->flow.kind)) {
        transport_security(l->call->core->cfg.transport, &l->flow, &sec);
        put_who(b, l);
        buf_printf(b, " signals over %s%s%s.\n", transport_kind_name(l->flow.kind),
                   sec.version ? ", " : "", sec.version ? sec.version : "");
        return;
    }
    put_who(b, l);
    buf_printf(b,
               " signals over %s, in clear: whoever can listen learns who calls whom%s. Let the "
               "phone register over tls (port 5061), and `sotto user set %s@%s --transport "
               "tls,wss` keeps it so.\n",
               transport_kind_name(l->flow.kind), keys_in_it ? ", and has the media keys too" : "",
               l->user.name, l->user.domain);
}

/* What its phone was offered first and would not take; `all`: nor the last one. */
static void put_refused(struct buf *b, const struct leg *l, bool all)
{
    static const char *const words[OFFER_SHAPE_COUNT] = {
        [OFFER_OSRTP] = "optional encryption in RTP/AVP (OSRTP)",
        [OFFER_SAVP] = "SDES in RTP/SAVP",
        [OFFER_DTLS] = "DTLS-SRTP",
        [OFFER_ZRTP] = "ZRTP",
        [OFFER_MIKEY] = "MIKEY",
        [OFFER_CLEAR] = "no encryption",
    };
    const struct offers *o = &l->offers;
    size_t n = o->at + (size_t)(all && o->at < o->count);
    if (n == 0)
        return;
    put_who(b, l);
    BUF_PUT_LIT(b, " was offered");
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s %s", i == 0 ? "" : i + 1 < n ? "," : " and", words[o->shapes[i]]);
    buf_printf(b, ", which the phone refused%s.\n",
               all ? ""
                   : "; what it takes is remembered, and `sotto quirk set` names it for all phones "
                     "of its kind");
}

static void put_leg(struct buf *b, const struct leg *l)
{
    const struct media_protection *p = tell_protection_of(l);
    if (!l->media.first.endpoint && p->keying == KEYING_NONE) {
        put_who(b, l);
        BUF_PUT_LIT(b, " has no media.\n");
    } else if (p->keying == KEYING_NONE) {
        put_clear(b, l);
    } else {
        put_encrypted(b, l, p);
    }
    put_refused(b, l, false);
    put_signalling(b, l, p);
}

/* --- the call ---------------------------------------------------------------------------------- */

static void put_refusal(struct buf *b, const struct call *c)
{
    buf_printf(b, "It was refused with %u: %s.\n", c->end_status, call_end_reason(c));
    if (c->end_status != 488)
        return;
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        put_refused(b, l, true);
        if (tell_protection_of(l)->keying == KEYING_NONE)
            put_menu(b, l);
    }
}

static void put_end_to_end(struct buf *b, const struct call *c)
{
    const struct media_protection *p = tell_protection_of(c->a);
    static const char *const not_here[MEDIA_PATH_COUNT] = {
        [MEDIA_PATH_RELAY] = "",
        [MEDIA_PATH_PASS] = "The media passes here untouched: it cannot be recorded, nor its codec "
                            "converted, nor can a sound tell of protection.\n",
        [MEDIA_PATH_DIRECT] = "The media goes from phone to phone and does not come here: whether "
                              "it is encrypted as announced, the phones alone see.\n",
    };
    if (p->end_to_end)
        BUF_PUT_LIT(b, "From end to end: the phones alone have the keys; the server cannot "
                       "listen.\n");
    if (p->path != MEDIA_PATH_RELAY && p->path < MEDIA_PATH_COUNT) {
        buf_put_str(b, not_here[p->path]);
        return;
    }
    bool both = tell_leg_is_protected(c->a) && (!c->b || tell_leg_is_protected(c->b));
    buf_printf(b, "%s, and the server in between has the keys of each leg.%s\n",
               both ? "Both legs are protected" : "Not both legs are protected",
               c->b ? " Two ZRTP phones whose users have `--media pass` keep them to themselves."
                    : "");
}

static void put_path(struct buf *b, const struct call *c)
{
    const char *why = path_why_text((enum path_why)c->path_why);
    static const char *const way[MEDIA_PATH_COUNT] = {
        [MEDIA_PATH_RELAY] = "The keys end at the server",
        [MEDIA_PATH_PASS] = "The media is relayed here, untouched, and does not go directly",
        [MEDIA_PATH_DIRECT] = "The media goes directly",
    };
    if (why)
        buf_printf(b, "%s: %s.\n", way[c->path], why);
}

/* Of a call that never had media. */
static const struct media_protection none;

void explain_put(struct buf *b, const struct call *c, bool ended)
{
    bool answered = c->answered_unix != 0;
    buf_printf(b, "Call %s, from %s@%s to %s.\n", c->name, c->a->user.name, c->a->user.domain,
               call_target(c));
    if (ended && !answered) {
        put_refusal(b, c);
        put_signalling(b, c->a, &none);
        return;
    }
    put_leg(b, c->a);
    if (c->b)
        put_leg(b, c->b);
    else if (c->builtin != MEDIA_MODE_NONE)
        BUF_PUT_LIT(b, "The other end is the server itself.\n");
    else
        BUF_PUT_LIT(b, "Nobody has answered yet.\n");
    if (answered)
        put_end_to_end(b, c);
    put_path(b, c);
    if (ended)
        buf_printf(b, "It has ended: %s.\n", call_end_reason(c));
}
