#include "call/show.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "call/steps.h"
#include "transport/transport.h"

/* Texts of a peer may hold bytes that are no UTF-8, which JSON cannot carry: those are shown as '?'. */
static json_t *text(const char *s)
{
    json_t *j = json_string(s);
    if (j)
        return j;
    char clean[1024];
    size_t n = 0;
    for (; *s && n < sizeof(clean) - 1; s++)
        clean[n++] = (unsigned char)*s < 0x80 ? *s : '?';
    clean[n] = '\0';
    return json_string(clean);
}

static json_t *when(uint64_t unix_s)
{
    char s[40];
    struct tm tm;
    time_t t = (time_t)unix_s;
    gmtime_r(&t, &tm);
    strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(s);
}

static json_t *text_or_null(const char *s)
{
    return s && *s ? text(s) : json_null();
}

static json_t *signalling(const struct leg *l)
{
    struct transport_security sec = {0};
    transport_security(l->call->core->cfg.transport, &l->flow, &sec);
    return json_pack("{s:s, s:o, s:o, s:b}", "transport", transport_kind_name(l->flow.kind),
                     "version", text_or_null(sec.version), "cipher", text_or_null(sec.cipher),
                     "peer_verified", sec.peer_verified);
}

static const struct media_stats *stats_of(const struct leg *l, const struct leg_stream *s)
{
    const struct call_core *core = l->call->core;
    uint32_t i = (uint32_t)s->endpoint;
    if (!s->endpoint || !core->stats || i >= core->stats_count ||
        core->stats[i].endpoint != s->endpoint)
        return NULL;
    return &core->stats[i];
}

/* The stream that stands for the leg: its first, which is its audio. */
static const struct leg_stream *main_stream(const struct leg *l)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        if (l->media.streams[i].endpoint)
            return &l->media.streams[i];
    }
    return &l->media.streams[0];
}

static json_t *media(const struct media_protection *p)
{
    char sas[PROTECTION_SAS_MAX + 1] = "";
    memcpy(sas, p->sas, sizeof(p->sas));
    const char *suite =
        srtp_suite_name((enum srtp_suite)(p->suite < SRTP_SUITE_COUNT ? p->suite : 0));
    return json_pack("{s:s, s:o, s:s, s:o, s:b, s:b, s:b}", "keying",
                     keying_name((enum keying_kind)(p->keying < KEYING_COUNT ? p->keying : 0)),
                     "suite", p->suite ? json_string(suite) : json_null(), "path",
                     media_path_name((enum media_path)(p->path < MEDIA_PATH_COUNT ? p->path : 0)),
                     "sas", text_or_null(sas), "sas_verified", p->sas_verified, "trusted_mitm",
                     p->trusted_mitm, "end_to_end", p->end_to_end);
}

static json_t *received(const struct media_stats *s)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "packets", (json_int_t)s->rx_packets,
                     "bytes", (json_int_t)s->rx_bytes, "lost", (json_int_t)s->rx_lost,
                     "auth_failures", (json_int_t)s->rx_auth_failures, "replayed",
                     (json_int_t)s->rx_replayed, "clear_dropped", (json_int_t)s->rx_clear_dropped);
}

static json_t *leg_json(const struct leg *l)
{
    static const struct media_stats none;
    char user[STORE_NAME_MAX + STORE_DOMAIN_MAX + 2], remote[ADDR_STR_MAX],
        codec[MEDIA_CODEC_NAME_MAX + 1] = "";
    struct buf ub = buf_over(user, sizeof(user) - 1);
    const struct leg_stream *s = main_stream(l);
    const struct media_stats *st = stats_of(l, s);
    const struct media_protection *p = st ? &st->protection : &s->protection;
    if (!st)
        st = &none;
    buf_put_str(&ub, l->user.name);
    buf_put_char(&ub, '@');
    buf_put_str(&ub, l->user.domain);
    user[ub.n] = '\0';
    memcpy(codec, st->codec, sizeof(st->codec));
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "user", text(user), "role",
                     l == l->call->a ? "caller" : "callee", "remote",
                     addr_str(&l->flow.remote, remote), "signalling", signalling(l), "media",
                     media(p), "codec", text_or_null(codec), "rx", received(st), "tx",
                     json_pack("{s:I, s:I}", "packets", (json_int_t)st->tx_packets, "bytes",
                               (json_int_t)st->tx_bytes));
}

static const char *phase_name(enum call_phase p)
{
    switch (p) {
    case CALL_SETUP:
    case CALL_RINGING:
        return "ringing";
    case CALL_ANSWERED:
        return "answered";
    case CALL_ENDED:
        return "ended";
    }
    return "ended";
}

static bool is_shown(const struct call *c, const struct leg *l)
{
    return l == c->a || !c->b || l == c->b;
}

static json_t *call_json(const struct call *c, enum call_phase phase)
{
    json_t *legs = json_array();
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (is_shown(c, l))
            json_array_append_new(legs, leg_json(l));
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "id", c->name, "state", phase_name(phase),
                     "since", when(c->since_unix), "answered",
                     c->answered_unix ? when(c->answered_unix) : json_null(), "to", text(c->target),
                     "legs", legs);
}

static void write_cdr(struct call *c, const json_t *j)
{
    char *line = json_dumps(j, JSON_COMPACT);
    if (line && c->core->cfg.write_cdr)
        c->core->cfg.write_cdr(c->core->cfg.arg, slice_from_str(line));
    free(line);
}

void show_remember(struct call *c, bool answered)
{
    struct call_core *core = c->core;
    uint64_t now = loop_unix_now(core->cfg.loop);
    json_t *j = call_json(c, CALL_ENDED);
    if (!j)
        return;
    json_object_set_new(j, "ended", when(now));
    json_object_set_new(j, "seconds",
                        json_integer(answered ? (json_int_t)(now - c->answered_unix) : 0));
    json_object_set_new(j, "status", json_integer(c->end_status));
    json_object_set_new(j, "reason", text(c->end_reason));
    write_cdr(c, j);
    struct call_history *h = &core->history[core->history_next++ % CALL_HISTORY_MAX];
    free(h->json);
    *h = (struct call_history){.json = json_dumps(j, JSON_COMPACT),
                               .ended_unix = now,
                               .refused = !answered && c->end_status != 487};
    json_decref(j);
}

void show_forget(struct call_core *core)
{
    for (size_t i = 0; i < CALL_HISTORY_MAX; i++) {
        free(core->history[i].json);
        core->history[i] = (struct call_history){0};
    }
}

char *call_core_show(struct call_core *core, bool all)
{
    json_t *list = json_array();
    uint64_t now = loop_unix_now(core->cfg.loop);
    LIST_FOR_EACH(n, &core->calls)
    {
        const struct call *c = CONTAINER_OF(n, struct call, node);
        if (c->phase != CALL_ENDED)
            json_array_append_new(list, call_json(c, c->phase));
    }
    /* A refused call is shown for a while: it is over before anyone can look. */
    for (size_t i = 0; i < CALL_HISTORY_MAX; i++) {
        const struct call_history *h = &core->history[(core->history_next + i) % CALL_HISTORY_MAX];
        bool fresh = h->refused && now - h->ended_unix <= CALL_REFUSED_SHOWN_S;
        if (h->json && (all || fresh))
            json_array_append_new(list, json_loads(h->json, 0, NULL));
    }
    char *s = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return s;
}
