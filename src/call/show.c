/* Calls as JSON: what `show calls` lists, and a CDR's line. Printed straight into a buffer, because
 * every call ends with one. */
#include "call/show.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "call/explain.h"
#include "call/steps.h"
#include "transport/transport.h"

/* --- JSON ------------------------------------------------------------------------------------ */

/* Bytes of the UTF-8 sequence that s begins with (RFC 3629); 0: none. */
static size_t utf8_len(struct slice s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (n == 0 || n > s.n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            return 0;
    }
    unsigned char d = n > 2 ? (unsigned char)s.p[1] : 0;
    bool bad = (c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) || (c == 0xf0 && d < 0x90) ||
               (c == 0xf4 && d > 0x8f);
    return bad ? 0 : n;
}

/* Texts of a peer may hold bytes that are no UTF-8, which JSON cannot carry: shown as '?'. */
static void put_string(struct buf *b, struct slice s)
{
    buf_put_char(b, '"');
    while (s.n) {
        unsigned char c = (unsigned char)s.p[0];
        size_t n = utf8_len(s);
        if (n == 0)
            buf_put_char(b, '?');
        else if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            buf_put(b, (const char[]){'\\', (char)c}, 2);
        else
            buf_put(b, s.p, n);
        s = slice_skip(s, n ? n : 1);
    }
    buf_put_char(b, '"');
}

/* Names are ours. The first one of an object has no comma before it. */
static void put_name(struct buf *b, const char *name)
{
    if (b->n && b->p[b->n - 1] != '{' && !b->overflow)
        buf_put_char(b, ',');
    buf_put_char(b, '"');
    buf_put_str(b, name);
    BUF_PUT_LIT(b, "\":");
}

static void put_text_n(struct buf *b, const char *name, struct slice s)
{
    put_name(b, name);
    put_string(b, s);
}

static void put_text(struct buf *b, const char *name, const char *s)
{
    put_text_n(b, name, slice_from_str(s));
}

static void put_text_or_null(struct buf *b, const char *name, const char *s)
{
    put_name(b, name);
    if (s && *s)
        put_string(b, slice_from_str(s));
    else
        BUF_PUT_LIT(b, "null");
}

static void put_number(struct buf *b, const char *name, uint64_t v)
{
    put_name(b, name);
    buf_put_u64(b, v);
}

static void put_bool(struct buf *b, const char *name, bool v)
{
    put_name(b, name);
    buf_put_str(b, v ? "true" : "false");
}

static void put_when(struct buf *b, const char *name, uint64_t unix_s)
{
    char s[40];
    struct tm tm;
    time_t t = (time_t)unix_s;
    gmtime_r(&t, &tm);
    put_text_n(b, name, slice_from(s, strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm)));
}

static void open_object(struct buf *b, const char *name)
{
    if (name)
        put_name(b, name);
    buf_put_char(b, '{');
}

static void close_object(struct buf *b)
{
    buf_put_char(b, '}');
}

/* --- a leg ----------------------------------------------------------------------------------- */

static void put_signalling(struct buf *b, const struct leg *l)
{
    struct transport_security sec = {0};
    transport_security(l->call->core->cfg.transport, &l->flow, &sec);
    open_object(b, "signalling");
    put_text(b, "transport", transport_kind_name(l->flow.kind));
    put_text_or_null(b, "version", sec.version);
    put_text_or_null(b, "cipher", sec.cipher);
    put_bool(b, "peer_verified", sec.peer_verified);
    close_object(b);
}

const struct media_stats *show_stats_of(const struct leg *l, const struct leg_stream *s)
{
    const struct call_core *core = l->call->core;
    uint32_t i = (uint32_t)s->endpoint;
    if (!s->endpoint || !core->stats || i >= core->stats_count ||
        core->stats[i].endpoint != s->endpoint)
        return NULL;
    return &core->stats[i];
}

const struct leg_stream *show_main_stream(const struct leg *l)
{
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        if (leg_media_stream(&l->media, i)->endpoint)
            return leg_media_stream(&l->media, i);
    }
    return &l->media.first;
}

static const char *ice_name(uint8_t ice)
{
    static const char *const names[MEDIA_ICE_STATE_COUNT] = {
        [MEDIA_ICE_CHECKING] = "checking",
        [MEDIA_ICE_CONNECTED] = "connected",
        [MEDIA_ICE_LOST] = "lost",
    };
    return ice < MEDIA_ICE_STATE_COUNT ? names[ice] : NULL;
}

/* Where media flows: ours, and the phone's as it was heard. */
static void put_pair(struct buf *b, const struct leg_stream *s, const struct media_stats *st)
{
    char mem[ADDR_STR_MAX];
    const struct addr *local = addr_family(&st->local) ? &st->local : &s->rtp;
    put_text_or_null(b, "local", addr_family(local) ? addr_str(local, mem) : NULL);
    put_text_or_null(b, "remote", addr_family(&st->remote) ? addr_str(&st->remote, mem) : NULL);
    put_text_or_null(b, "ice", ice_name(st->ice));
}

static void put_media(struct buf *b, const struct media_protection *p, const struct leg_stream *s,
                      const struct media_stats *st)
{
    size_t n = strnlen(p->sas, sizeof(p->sas));
    open_object(b, "media");
    put_text(b, "keying",
             keying_name((enum keying_kind)(p->keying < KEYING_COUNT ? p->keying : 0)));
    put_text_or_null(b, "suite",
                     p->suite && p->suite < SRTP_SUITE_COUNT
                         ? srtp_suite_name((enum srtp_suite)p->suite)
                         : NULL);
    put_text(b, "path",
             media_path_name((enum media_path)(p->path < MEDIA_PATH_COUNT ? p->path : 0)));
    if (n)
        put_text_n(b, "sas", slice_from(p->sas, n));
    else
        put_text_or_null(b, "sas", NULL);
    put_bool(b, "sas_verified", p->sas_verified);
    put_bool(b, "trusted_mitm", p->trusted_mitm);
    put_bool(b, "end_to_end", p->end_to_end);
    if (p->keying == KEYING_PASS)
        put_text(b, "passes",
                 keying_name((enum keying_kind)(p->passes < KEYING_COUNT ? p->passes : 0)));
    if (p->keying == KEYING_ZRTP) {
        n = strnlen(p->agreement, sizeof(p->agreement));
        put_text_n(b, "key_agreement", slice_from(p->agreement, n));
        put_bool(b, "cache_mismatch", p->cache_mismatch);
    }
    if (p->keying == KEYING_MIKEY) {
        n = strnlen(p->agreement, sizeof(p->agreement));
        if (n)
            put_text_n(b, "key_agreement", slice_from(p->agreement, n));
        else
            put_text_or_null(b, "key_agreement", NULL);
    }
    put_pair(b, s, st);
    close_object(b);
}

static void put_counters(struct buf *b, const struct media_stats *s)
{
    open_object(b, "rx");
    put_number(b, "packets", s->rx_packets);
    put_number(b, "bytes", s->rx_bytes);
    put_number(b, "lost", s->rx_lost);
    put_number(b, "auth_failures", s->rx_auth_failures);
    put_number(b, "replayed", s->rx_replayed);
    put_number(b, "clear_dropped", s->rx_clear_dropped);
    close_object(b);
    open_object(b, "tx");
    put_number(b, "packets", s->tx_packets);
    put_number(b, "bytes", s->tx_bytes);
    close_object(b);
}

static void put_leg(struct buf *b, const struct leg *l)
{
    static const struct media_stats none;
    char user[STORE_NAME_MAX + STORE_DOMAIN_MAX + 2], remote[ADDR_STR_MAX];
    struct buf ub = buf_over(user, sizeof(user));
    const struct leg_stream *s = show_main_stream(l);
    const struct media_stats *st = show_stats_of(l, s);
    const struct media_protection *p = st ? &st->protection : &s->protection;
    if (!st)
        st = &none;
    buf_put_str(&ub, l->user.name);
    buf_put_char(&ub, '@');
    buf_put_str(&ub, l->user.domain);
    open_object(b, NULL);
    put_text_n(b, "user", buf_slice(&ub));
    put_text(b, "role", l == l->call->a ? "caller" : "callee");
    put_text(b, "remote", addr_str(&l->flow.remote, remote));
    put_signalling(b, l);
    put_media(b, p, s, st);
    size_t n = strnlen(st->codec, sizeof(st->codec));
    if (n)
        put_text_n(b, "codec", slice_from(st->codec, n));
    else
        put_text_or_null(b, "codec", NULL);
    put_counters(b, st);
    close_object(b);
}

/* --- a call ---------------------------------------------------------------------------------- */

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

/* Without its closing brace. */
static void put_call(struct buf *b, const struct call *c, enum call_phase phase)
{
    open_object(b, NULL);
    put_text(b, "id", c->name);
    put_text(b, "state", phase_name(phase));
    put_when(b, "since", c->since_unix);
    if (c->answered_unix)
        put_when(b, "answered", c->answered_unix);
    else
        put_text_or_null(b, "answered", NULL);
    put_text(b, "to", call_target(c));
    put_name(b, "legs");
    buf_put_char(b, '[');
    LIST_FOR_EACH(n, &c->legs)
    {
        const struct leg *l = CONTAINER_OF(n, struct leg, node);
        if (!is_shown(c, l))
            continue;
        if (b->p[b->n - 1] == '}')
            buf_put_char(b, ',');
        put_leg(b, l);
    }
    buf_put_char(b, ']');
}

static char *copy_text(struct slice s)
{
    char *p = malloc(s.n + 1);
    if (!p)
        return NULL;
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return p;
}

static char *explained(const struct call *c, bool ended)
{
    char text[EXPLAIN_MAX];
    struct buf b = buf_over(text, sizeof(text));
    explain_put(&b, c, ended);
    return b.overflow ? NULL : copy_text(buf_slice(&b));
}

void show_remember(struct call *c, bool answered)
{
    struct call_core *core = c->core;
    uint64_t now = loop_unix_now(core->cfg.loop);
    struct buf b = buf_over(core->body, CALL_BODY_MAX); /* not `out`: a message may be under way */
    put_call(&b, c, CALL_ENDED);
    put_when(&b, "ended", now);
    put_number(&b, "seconds", answered ? now - c->answered_unix : 0);
    put_number(&b, "status", c->end_status);
    put_text(&b, "reason", call_end_reason(c));
    close_object(&b);
    if (b.overflow) {
        log_event(LOG_ERROR, "cdr_too_long", LOG_STR("call", c->name));
        return;
    }
    if (core->cfg.write_cdr)
        core->cfg.write_cdr(core->cfg.arg, buf_slice(&b));
    struct call_history *h = &core->history[core->history_next++ % CALL_HISTORY_MAX];
    free(h->json);
    free(h->explained);
    *h = (struct call_history){.json = copy_text(buf_slice(&b)),
                               .explained = explained(c, true),
                               .ended_unix = now,
                               .refused = c->end_status != 487 && c->end_status != 200};
    memcpy(h->name, c->name, sizeof(h->name));
}

void show_forget(struct call_core *core)
{
    for (size_t i = 0; i < CALL_HISTORY_MAX; i++) {
        free(core->history[i].json);
        free(core->history[i].explained);
        core->history[i] = (struct call_history){0};
    }
}

/* --- one call, in sentences ------------------------------------------------------------------ */

/* Of those that stand, the one that began last; else the one that ended last. */
static char *explain_last(struct call_core *core)
{
    if (!list_is_empty(&core->calls)) {
        const struct call *c = CONTAINER_OF(core->calls.prev, struct call, node);
        if (c->phase != CALL_ENDED)
            return explained(c, false);
    }
    const struct call_history *h =
        &core->history[(core->history_next + CALL_HISTORY_MAX - 1) % CALL_HISTORY_MAX];
    return h->explained ? copy_text(slice_from_str(h->explained)) : NULL;
}

char *call_core_explain(struct call_core *core, struct slice which)
{
    if (slice_eq_str(which, "last"))
        return explain_last(core);
    LIST_FOR_EACH(n, &core->calls)
    {
        const struct call *c = CONTAINER_OF(n, struct call, node);
        if (c->phase != CALL_ENDED && slice_eq_str(which, c->name))
            return explained(c, false);
    }
    for (size_t i = 0; i < CALL_HISTORY_MAX; i++) {
        const struct call_history *h = &core->history[i];
        if (h->explained && slice_eq_str(which, h->name))
            return copy_text(slice_from_str(h->explained));
    }
    return NULL;
}

/* --- the list -------------------------------------------------------------------------------- */

/* Grows; `failed` stays set. */
struct list_text {
    char *p;
    size_t n, cap;
    bool failed;
};

static void list_add(struct list_text *t, struct slice s)
{
    if (t->failed)
        return;
    if (s.n + 3 > t->cap - t->n) {
        size_t cap = (t->cap + s.n) * 2 + 4096;
        char *p = realloc(t->p, cap);
        t->failed = p == NULL;
        if (!p)
            return;
        t->p = p;
        t->cap = cap;
    }
    assert(t->p); /* there was no room at first */
    t->p[t->n] = t->n ? ',' : '[';
    memcpy(t->p + t->n + 1, s.p, s.n);
    t->n += s.n + 1;
}

char *call_core_show(struct call_core *core, bool all)
{
    struct list_text t = {0};
    uint64_t now = loop_unix_now(core->cfg.loop);
    LIST_FOR_EACH(n, &core->calls)
    {
        const struct call *c = CONTAINER_OF(n, struct call, node);
        struct buf b = buf_over(core->body, CALL_BODY_MAX);
        if (c->phase == CALL_ENDED)
            continue;
        put_call(&b, c, c->phase);
        close_object(&b);
        if (!b.overflow)
            list_add(&t, buf_slice(&b));
    }
    /* A call that was refused or broken off is shown for a while: it is over before anyone can
     * look. */
    for (size_t i = 0; i < CALL_HISTORY_MAX; i++) {
        const struct call_history *h = &core->history[(core->history_next + i) % CALL_HISTORY_MAX];
        bool fresh = h->refused && now - h->ended_unix <= CALL_REFUSED_SHOWN_S;
        if (h->json && (all || fresh))
            list_add(&t, slice_from_str(h->json));
    }
    if (!t.p && !t.failed)
        return copy_text(SLICE_LIT("[]"));
    if (t.failed) {
        free(t.p);
        return NULL;
    }
    t.p[t.n] = ']';
    t.p[t.n + 1] = '\0';
    return t.p;
}
