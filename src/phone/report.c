#include "phone/report.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "phone/ua.h"

static const char *const result_names[] = {[CALL_FAILED] = "failed",
                                           [CALL_ANSWERED] = "answered",
                                           [CALL_BUSY] = "busy",
                                           [CALL_DECLINED] = "declined"};

/* --- JSON ------------------------------------------------------------------------------------- */

/* Where memory runs out jansson leaves members away; nothing here can mend that. */
static void put(json_t *o, const char *key, json_t *value)
{
    (void)json_object_set_new(o, key, value);
}

static json_t *text_or_null(const char *s)
{
    return s && *s ? json_string(s) : json_null();
}

/* Decibels and hertz to two places: more is noise. */
static json_t *number(double v)
{
    return json_real((double)(int64_t)(v * 100 + (v < 0 ? -0.5 : 0.5)) / 100);
}

static json_t *signalling(const struct phone *ph, const struct transport_flow *flow)
{
    struct transport_security sec;
    json_t *o = json_object();

    transport_security(ph->transport, flow, &sec);
    put(o, "transport", json_string(transport_kind_name(flow->kind)));
    put(o, "version", text_or_null(sec.version));
    put(o, "cipher", text_or_null(sec.cipher));
    put(o, "peer_verified", json_boolean(sec.peer_verified));
    return o;
}

/* Between two phones that know each other's address nothing relays; else what speaks to us from
 * the server's address is the server's relay, as is a peer with ICE that does not check. */
static enum media_path path_of(const struct phone_call *c)
{
    bool direct = c->ph->opt->no_register && c->ph->opt->listen;
    bool relay = addr_host_eq(&c->session.terms.rtp, &c->remote) || c->ice.lite;

    return !direct && relay ? MEDIA_PATH_RELAY : MEDIA_PATH_DIRECT;
}

static json_t *media(const struct phone_call *c)
{
    const struct media_protection *p = &c->shown;
    json_t *o = json_object();

    put(o, "keying", json_string(keying_name((enum keying_kind)p->keying)));
    put(o, "suite",
        p->suite ? json_string(srtp_suite_name((enum srtp_suite)p->suite)) : json_null());
    put(o, "path", json_string(media_path_name(path_of(c))));
    put(o, "sas", text_or_null(p->sas));
    put(o, "sas_verified", json_boolean(p->sas_verified));
    put(o, "trusted_mitm", json_boolean(p->trusted_mitm));
    put(o, "end_to_end", json_boolean(p->end_to_end));
    if (p->keying == KEYING_ZRTP) {
        put(o, "key_agreement", text_or_null(p->agreement));
        put(o, "cache_mismatch", json_boolean(p->cache_mismatch));
    }
    if (p->keying == KEYING_MIKEY)
        put(o, "key_agreement", text_or_null(p->agreement));
    return o;
}

static void stats_of(const struct phone_call *c, struct phone_media_stats *ret)
{
    *ret = (struct phone_media_stats){0};
    if (c->media)
        phone_media_stats(c->media, ret);
}

static json_t *received(const struct phone_media_stats *s)
{
    json_t *o = json_object();

    put(o, "packets", json_integer((json_int_t)s->rx_packets));
    put(o, "bytes", json_integer((json_int_t)s->rx_bytes));
    put(o, "lost", json_integer((json_int_t)(s->lost > 0 ? s->lost : 0)));
    put(o, "auth_failures", json_integer((json_int_t)s->auth_failures));
    put(o, "replayed", json_integer((json_int_t)s->replayed));
    put(o, "clear_dropped", json_integer((json_int_t)s->clear_dropped));
    put(o, "other_dropped", json_integer((json_int_t)s->other_dropped));
    put(o, "streams", json_integer((json_int_t)s->ssrcs));
    put(o, "other_codec", json_integer((json_int_t)s->other_codecs));
    put(o, "rtcp", json_integer((json_int_t)s->rtcp_received));
    return o;
}

static json_t *sent(const struct phone_media_stats *s)
{
    json_t *o = json_object();

    put(o, "packets", json_integer((json_int_t)s->tx_packets));
    put(o, "bytes", json_integer((json_int_t)s->tx_bytes));
    put(o, "lost", json_integer((json_int_t)s->peer_lost)); /* as the peer's reports say */
    put(o, "rtcp", json_integer((json_int_t)s->rtcp_sent));
    return o;
}

/* The leg's members, as `sotto show calls --json` has them. */
static void put_leg(json_t *o, const struct phone_call *c)
{
    char user[PHONE_USER_MAX + PHONE_DOMAIN_MAX], remote[ADDR_STR_MAX];
    struct phone_media_stats s;
    const struct transport_flow *flow = c->bye.flow ? c->bye.flow : &c->ph->flow;

    stats_of(c, &s);
    snprintf(user, sizeof(user), "%s@%s", c->ph->user, c->ph->domain);
    put(o, "user", json_string(user));
    put(o, "role", json_string(c->is_caller ? "caller" : "callee"));
    put(o, "peer", text_or_null(c->peer));
    put(o, "remote", text_or_null(addr_family(&c->remote) ? addr_str(&c->remote, remote) : NULL));
    put(o, "signalling", signalling(c->ph, flow));
    put(o, "media", media(c));
    put(o, "codec", text_or_null(c->session.codec));
    put(o, "rx", received(&s));
    put(o, "tx", sent(&s));
}

static json_t *audio(const struct phone_call *c)
{
    struct phone_media_stats s;
    struct tone_heard h;
    json_t *o = json_object();

    stats_of(c, &s);
    tone_meter_result(&c->audio.meter, &h);
    bool heard = c->audio.meter.samples > 0;
    put(o, "rms_dbfs", heard ? number(h.rms_dbfs) : json_null());
    put(o, "tone_hz", heard && h.tone_hz > 0 ? number(h.tone_hz) : json_null());
    put(o, "seconds", number((double)c->audio.meter.samples / PHONE_RATE));
    put(o, "max_gap_ms", c->was_answered ? json_integer((json_int_t)s.max_gap_ms) : json_null());
    put(o, "digits", text_or_null(s.digits));
    put(o, "digits_by", text_or_null(s.digits_by));
    return o;
}

static void put_outcome(json_t *o, const struct phone_call *c)
{
    put(o, "result", json_string(result_names[c->result]));
    put(o, "status", json_integer(c->status));
    put(o, "reason", json_string(c->reason));
    put(o, "seconds", json_real((double)call_lasted_ms(c) / 1000));
    put(o, "audio", audio(c));
}

/* Takes o. */
static void print(json_t *o)
{
    if (o)
        (void)json_dumpf(
            o, stdout,
            JSON_COMPACT | JSON_REAL_PRECISION(8)); /* a closed pipe is noticed by who closed it */
    (void)puts("");
    (void)fflush(stdout);
    json_decref(o);
}

static json_t *event(const char *name)
{
    json_t *o = json_object();

    put(o, "event", json_string(name));
    return o;
}

/* On the way: not where one object at the end is all that was asked for. */
static bool tells_events(const struct phone *ph)
{
    return !ph->opt->is_call || !ph->opt->json || ph->opt->events;
}

/* --- events ----------------------------------------------------------------------------------- */

static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);

static void say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vprintf(fmt, ap);
    va_end(ap);
    (void)puts("");
    (void)fflush(stdout);
}

void report_listening(const struct phone *ph, const struct addr *at)
{
    char text[ADDR_STR_MAX];

    if (!tells_events(ph))
        return;
    if (!ph->opt->json) {
        say("listening on %s", addr_str(at, text));
        return;
    }
    json_t *o = event("listening");
    put(o, "address", json_string(addr_str(at, text)));
    print(o);
}

void report_registered(const struct phone *ph)
{
    if (!tells_events(ph))
        return;
    if (!ph->opt->json) {
        say("registered as %s@%s for %u s", ph->user, ph->domain, ph->account.granted);
        return;
    }
    char user[PHONE_USER_MAX + PHONE_DOMAIN_MAX];
    snprintf(user, sizeof(user), "%s@%s", ph->user, ph->domain);
    json_t *o = event("registered");
    put(o, "user", json_string(user));
    put(o, "expires", json_integer(ph->account.granted));
    put(o, "signalling", signalling(ph, &ph->flow));
    print(o);
}

void report_unregistered(const struct phone *ph, uint16_t status, const char *why)
{
    if (!tells_events(ph))
        return;
    if (!ph->opt->json) {
        say("not registered: %s", why);
        return;
    }
    json_t *o = event("unregistered");
    put(o, "status", json_integer(status));
    put(o, "reason", json_string(why));
    print(o);
}

void report_ringing(const struct phone_call *c, uint16_t status)
{
    if (!tells_events(c->ph))
        return;
    if (!c->ph->opt->json) {
        say("%s %s", c->is_caller ? "ringing at" : "a call from", c->peer);
        return;
    }
    json_t *o = event("ringing");
    put(o, "peer", text_or_null(c->peer));
    put(o, "role", json_string(c->is_caller ? "caller" : "callee"));
    put(o, "status", json_integer(status));
    print(o);
}

static void say_protection(const struct phone_call *c, const char *what)
{
    const struct media_protection *p = &c->shown;
    struct transport_security sec;

    transport_security(c->ph->transport, c->bye.flow ? c->bye.flow : &c->ph->flow, &sec);
    if (p->keying == KEYING_NONE)
        say("%s: %s, NOT encrypted; signalling %s", what, c->session.codec,
            sec.version ? sec.version : "not encrypted");
    else
        say("%s: %s, encrypted with %s, keys by %s; signalling %s", what, c->session.codec,
            srtp_suite_name((enum srtp_suite)p->suite), keying_name((enum keying_kind)p->keying),
            sec.version ? sec.version : "not encrypted");
}

static void tell_leg(const struct phone_call *c, const char *name)
{
    if (!tells_events(c->ph))
        return;
    if (!c->ph->opt->json) {
        say_protection(c, name);
        return;
    }
    json_t *o = event(name);
    put_leg(o, c);
    print(o);
}

void report_answered(const struct phone_call *c)
{
    tell_leg(c, "answered");
}

void report_protection(const struct phone_call *c)
{
    tell_leg(c, "protection");
}

void report_renewed(const struct phone_call *c, uint16_t status)
{
    if (!c->ph->opt->json || !tells_events(c->ph))
        return;
    json_t *o = event("renewed");
    put(o, "status", json_integer(status));
    put(o, "sending", json_boolean(c->session.terms.send));
    put(o, "receiving", json_boolean(c->session.terms.receive));
    print(o);
}

static void say_outcome(const struct phone_call *c)
{
    struct phone_media_stats s;
    struct tone_heard h;

    stats_of(c, &s);
    tone_meter_result(&c->audio.meter, &h);
    say("%s: %s", result_names[c->result], c->reason);
    if (!c->was_answered)
        return;
    char tone[32] = "no tone";
    if (h.tone_hz > 0)
        snprintf(tone, sizeof(tone), "a tone of %.0f Hz", h.tone_hz);
    say("%.1f s; heard %.1f dBFS, %s; %llu packets in, %lld lost, %llu out",
        (double)call_lasted_ms(c) / 1000, h.rms_dbfs, tone, (unsigned long long)s.rx_packets,
        (long long)(s.lost > 0 ? s.lost : 0), (unsigned long long)s.tx_packets);
    if (s.auth_failures || s.replayed || s.clear_dropped)
        say("dropped: %llu not authentic, %llu replayed, %llu not encrypted",
            (unsigned long long)s.auth_failures, (unsigned long long)s.replayed,
            (unsigned long long)s.clear_dropped);
}

void report_ended(const struct phone_call *c)
{
    if (!c->ph->opt->json) {
        say_outcome(c);
        return;
    }
    json_t *o = tells_events(c->ph) ? event("ended") : json_object();
    put_leg(o, c);
    put_outcome(o, c);
    print(o);
}
