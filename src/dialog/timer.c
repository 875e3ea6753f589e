#include "dialog/timer.h"

#include "sip/hdr.h"

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t own_min(const struct dialog_timer_config *cfg)
{
    return larger(cfg->min_s, DIALOG_TIMER_MIN_S);
}

static uint32_t min_se_of(const struct sip_msg *m)
{
    struct sip_session_expires v;
    struct slice s = sip_msg_value(m, SIP_HDR_MIN_SE);
    if (!s.p || sip_session_expires_parse(s, &v) != SIP_PARSE_OK)
        return DIALOG_TIMER_MIN_S;
    return larger(v.seconds, DIALOG_TIMER_MIN_S);
}

static bool session_expires_of(const struct sip_msg *m, struct sip_session_expires *ret)
{
    struct slice s = sip_msg_value(m, SIP_HDR_SESSION_EXPIRES);
    return s.p && sip_session_expires_parse(s, ret) == SIP_PARSE_OK;
}

/* RFC 4028 s.9. */
int dialog_timer_from_request(const struct dialog_timer_config *cfg, const struct sip_msg *req,
                              struct dialog_timer *ret)
{
    struct sip_session_expires se = {0};
    bool has_se = session_expires_of(req, &se);
    bool peer_can = sip_msg_list_has(req, SIP_HDR_SUPPORTED, "timer") ||
                    sip_msg_list_has(req, SIP_HDR_REQUIRE, "timer");
    uint32_t min = larger(own_min(cfg), min_se_of(req));
    /* Only who knows session timers knows what a 422 is; a proxy on the way may have added the
     * header for one who does not. */
    if (has_se && peer_can && se.seconds < own_min(cfg))
        return DIALOG_TIMER_TOO_SMALL;
    if (!has_se && cfg->default_s == 0) {
        *ret = (struct dialog_timer){.min_s = min_se_of(req)};
        return DIALOG_TIMER_OK;
    }
    uint32_t interval = has_se ? se.seconds : cfg->default_s;
    if (cfg->default_s) /* shortened, never below the peer's Min-SE */
        interval = smaller(interval, cfg->default_s);
    /* Table 2: who cannot refresh does not; else the peer's wish; else the peer, whose silence
     * then tells us that it has gone. */
    *ret = (struct dialog_timer){.interval_s = larger(interval, min),
                                 .min_s = min_se_of(req),
                                 .we_refresh = !peer_can || se.refresher == SIP_REFRESHER_UAS};
    return DIALOG_TIMER_OK;
}

/* RFC 4028 s.7.2: without the header there is no expiration. */
void dialog_timer_from_answer(const struct dialog_timer_config *cfg, const struct sip_msg *rsp,
                              struct dialog_timer *ret)
{
    struct sip_session_expires se;
    struct dialog_timer t = {.min_s = larger(own_min(cfg), min_se_of(rsp))};
    if (session_expires_of(rsp, &se)) {
        /* An answer below the minimum would make us send re-INVITEs without end. */
        t.interval_s = larger(se.seconds, DIALOG_TIMER_MIN_S);
        t.we_refresh = se.refresher != SIP_REFRESHER_UAS;
    }
    *ret = t;
}

bool dialog_timer_from_422(const struct dialog_timer_config *cfg, const struct sip_msg *rsp,
                           struct dialog_timer *t)
{
    uint32_t asked = larger(t->interval_s ? t->interval_s : cfg->default_s, own_min(cfg));
    uint32_t min = min_se_of(rsp);
    if (min <= asked)
        return false;
    t->min_s = larger(t->min_s, min);
    t->interval_s = min;
    t->we_refresh = true;
    return true;
}

static void put_session_expires(struct buf *b, uint32_t seconds, const char *refresher)
{
    BUF_PUT_LIT(b, "Session-Expires: ");
    buf_put_u64(b, seconds);
    if (refresher) {
        BUF_PUT_LIT(b, ";refresher=");
        buf_put_str(b, refresher);
    }
    BUF_PUT_LIT(b, "\r\n");
}

/* RFC 4028 s.7.1, 7.4. The first request leaves the choice of the refresher to the peer. */
void dialog_timer_put_request(struct buf *b, const struct dialog_timer_config *cfg,
                              const struct dialog_timer *t)
{
    bool is_agreed = t && t->interval_s;
    uint32_t min = larger(own_min(cfg), t ? t->min_s : 0);
    uint32_t interval = is_agreed ? t->interval_s : cfg->default_s;
    if (interval == 0)
        return;
    put_session_expires(b, larger(interval, min),
                        is_agreed ? (t->we_refresh ? "uac" : "uas") : NULL);
    BUF_PUT_LIT(b, "Min-SE: ");
    buf_put_u64(b, min);
    BUF_PUT_LIT(b, "\r\n");
}

/* RFC 4028 s.9: a peer that is to refresh must be told to. */
void dialog_timer_put_answer(struct buf *b, const struct dialog_timer *t)
{
    if (t->interval_s == 0)
        return;
    put_session_expires(b, t->interval_s, t->we_refresh ? "uas" : "uac");
    if (!t->we_refresh)
        BUF_PUT_LIT(b, "Require: timer\r\n");
}

uint64_t dialog_timer_refresh_ms(const struct dialog_timer *t)
{
    return (uint64_t)t->interval_s * 500;
}

/* RFC 4028 s.10. */
uint64_t dialog_timer_end_ms(const struct dialog_timer *t)
{
    return (uint64_t)(t->interval_s - smaller(32, t->interval_s / 3)) * 1000;
}
