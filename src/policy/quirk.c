#include "policy/quirk.h"

#include "base/slice.h"

#define SETTING SLICE_LIT("quirks")

/* What trackers of these phones and of other servers tell. The digests: who reads the first challenge
 * alone must find one that it knows there, and who knows SHA-256 should not be offered less first. */
static const struct quirk built_in[] = {
    {.pattern = "baresip v0", .digest = QUIRK_DIGEST_MD5_ONLY},
    {.pattern = "baresip v1", .digest = QUIRK_DIGEST_MD5_ONLY},
    {.pattern = "baresip", .digest = QUIRK_DIGEST_SHA256_FIRST}, /* later ones */
    {.pattern = "JsSIP", .digest = QUIRK_DIGEST_MD5_ONLY},
    {.pattern = "SIP.js", .digest = QUIRK_DIGEST_MD5_ONLY},
    /* Sofia-SIP 1.12: one challenge of another algorithm spoils them all. Janus is on it. */
    {.pattern = "Janus", .digest = QUIRK_DIGEST_MD5_ONLY},
    {.pattern = "sofia-sip", .digest = QUIRK_DIGEST_MD5_ONLY},
    {.pattern = "sotto", .digest = QUIRK_DIGEST_SHA256_FIRST, .gcm = true},
    {.pattern = "Linphone", .digest = QUIRK_DIGEST_SHA256_FIRST},
    {.pattern = "Yealink", .crypto_lines = 1, .no_aes256 = true}, /* firmware with silent AES-256 */
    {.pattern = "Grandstream", .crypto_lines = 1}, /* one-way sound after a longer offer */
    {.pattern = "FreeSWITCH", .aes_cm_256 = true},
    {.pattern = "Zoiper", .aes_cm_256 = true},
};

static const char *const shape_names[OFFER_SHAPE_COUNT] = {
    [OFFER_NONE] = "none", [OFFER_OSRTP] = "osrtp", [OFFER_SAVP] = "savp",   [OFFER_DTLS] = "dtls",
    [OFFER_ZRTP] = "zrtp", [OFFER_MIKEY] = "mikey", [OFFER_CLEAR] = "clear",
};

static const char *const digest_names[QUIRK_DIGEST_COUNT] = {
    [QUIRK_DIGEST_UNSAID] = "",
    [QUIRK_DIGEST_SHA256_FIRST] = "sha256-first",
    [QUIRK_DIGEST_MD5_FIRST] = "md5-first",
    [QUIRK_DIGEST_MD5_ONLY] = "md5-only",
};

const char *offer_shape_name(enum offer_shape s)
{
    return s < OFFER_SHAPE_COUNT ? shape_names[s] : shape_names[OFFER_NONE];
}

const char *quirk_digest_name(enum quirk_digest d)
{
    return d < QUIRK_DIGEST_COUNT ? digest_names[d] : "";
}

/* --- one line ---------------------------------------------------------------------------------- */

bool quirk_is_pattern(struct slice s)
{
    bool ok = s.n > 0 && s.n <= QUIRK_PATTERN_MAX && s.p[0] != ' ' && s.p[s.n - 1] != ' ';
    for (size_t i = 0; ok && i < s.n; i++)
        ok = s.p[i] >= ' ' && s.p[i] != 0x7f;
    return ok;
}

/* `from`: 1 where the first name stands for unsaid. */
static bool take_name(uint8_t *ret, struct slice value, const char *const *names, unsigned from,
                      unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        if (slice_eq_nocase_str(value, names[i])) {
            *ret = (uint8_t)i;
            return true;
        }
    }
    return false;
}

static bool take_flag(bool *ret, struct slice value, const char *yes, const char *no)
{
    bool is = slice_eq_nocase_str(value, yes);
    if (!is && !slice_eq_nocase_str(value, no))
        return false;
    *ret = is;
    return true;
}

bool quirk_take(struct quirk *q, struct slice key, struct slice value)
{
    uint32_t n;
    if (slice_eq_str(key, "digest"))
        return take_name(&q->digest, value, digest_names, 1, QUIRK_DIGEST_COUNT);
    if (slice_eq_str(key, "offer")) /* clear is the policy's to say */
        return take_name(&q->offer, value, shape_names, 1, OFFER_CLEAR);
    if (slice_eq_str(key, "aes256"))
        return take_flag(&q->no_aes256, value, "no", "yes");
    if (slice_eq_str(key, "aes256-name"))
        return take_flag(&q->aes_cm_256, value, "AES_CM_256", "AES_256_CM");
    if (slice_eq_str(key, "gcm"))
        return take_flag(&q->gcm, value, "yes", "no");
    if (slice_eq_str(key, "dtmf"))
        return take_flag(&q->dtmf_info, value, "info", "auto");
    if (!slice_eq_str(key, "crypto-lines") || slice_to_u32(value, &n) < 0 || n < 1 ||
        n > QUIRK_LINES_MAX)
        return false;
    q->crypto_lines = (uint8_t)n;
    return true;
}

static void put(struct buf *b, size_t start, const char *key, const char *value)
{
    buf_printf(b, "%s%s=%s", b->n > start ? " " : "", key, value);
}

void quirk_print(struct buf *b, const struct quirk *q)
{
    const size_t start = b->n;
    char number[8];
    if (q->digest)
        put(b, start, "digest", quirk_digest_name((enum quirk_digest)q->digest));
    if (q->offer)
        put(b, start, "offer", offer_shape_name((enum offer_shape)q->offer));
    if (q->crypto_lines) {
        snprintf(number, sizeof(number), "%u", q->crypto_lines);
        put(b, start, "crypto-lines", number);
    }
    if (q->no_aes256)
        put(b, start, "aes256", "no");
    if (q->aes_cm_256)
        put(b, start, "aes256-name", "AES_CM_256");
    if (q->gcm)
        put(b, start, "gcm", "yes");
    if (q->dtmf_info)
        put(b, start, "dtmf", "info");
}

static bool line_parse(struct slice line, struct quirk *ret)
{
    struct quirk q = {.digest = 0};
    struct slice pattern = slice_cut(&line, '\t');
    if (!quirk_is_pattern(pattern) || !slice_to_str(pattern, q.pattern, sizeof(q.pattern)))
        return false;
    while (line.n) {
        struct slice value = slice_cut(&line, ' '), key = slice_cut(&value, '=');
        if (!quirk_take(&q, key, value))
            return false;
    }
    *ret = q;
    return true;
}

/* --- the table --------------------------------------------------------------------------------- */

static struct quirk *line_of(struct quirk_table *t, struct slice pattern, bool own)
{
    size_t from = own ? 0 : t->own, to = own ? t->own : t->count;
    for (size_t i = from; i < to; i++) {
        if (slice_eq_nocase_str(pattern, t->of[i].pattern))
            return &t->of[i];
    }
    return NULL;
}

int quirk_table_put(struct quirk_table *t, const struct quirk *q)
{
    struct slice pattern = slice_from_str(q->pattern);
    struct quirk *at = line_of(t, pattern, true);
    if (!at) {
        if (t->own == QUIRKS_OWN_MAX || t->count == QUIRKS_MAX)
            return -ENOSPC;
        memmove(&t->of[t->own + 1], &t->of[t->own], (t->count - t->own) * sizeof(t->of[0]));
        at = &t->of[t->own++];
        t->count++;
    }
    *at = *q;
    at->built_in = false;
    at->overrides = line_of(t, pattern, false) != NULL;
    return 0;
}

bool quirk_table_remove(struct quirk_table *t, struct slice pattern)
{
    struct quirk *at = line_of(t, pattern, true);
    if (!at)
        return false;
    size_t i = (size_t)(at - t->of);
    memmove(at, at + 1, (t->count - i - 1) * sizeof(t->of[0]));
    t->own--;
    t->count--;
    return true;
}

void quirk_table_init(struct quirk_table *t, struct slice text)
{
    _Static_assert(ARRAY_LEN(built_in) + QUIRKS_OWN_MAX <= QUIRKS_MAX, "there is room for both");
    struct quirk q;
    t->own = 0;
    t->count = ARRAY_LEN(built_in);
    memcpy(t->of, built_in, sizeof(built_in));
    for (size_t i = 0; i < t->count; i++)
        t->of[i].built_in = true;
    while (text.n) {
        if (line_parse(slice_cut(&text, '\n'), &q))
            err_ignore(quirk_table_put(t, &q)); /* full: none of ours was written */
    }
}

void quirk_table_print(struct buf *b, const struct quirk_table *t)
{
    for (size_t i = 0; i < t->own; i++) {
        buf_put_str(b, t->of[i].pattern);
        buf_put_char(b, '\t');
        quirk_print(b, &t->of[i]);
        buf_put_char(b, '\n');
    }
}

static bool contains(struct slice agent, struct slice pattern)
{
    for (size_t i = 0; i + pattern.n <= agent.n; i++) {
        if (slice_eq_nocase(slice_from(agent.p + i, pattern.n), pattern))
            return true;
    }
    return false;
}

const struct quirk *quirk_find(const struct quirk_table *t, struct slice agent)
{
    const struct quirk *best = NULL;
    for (size_t i = 0; i < t->count; i++) {
        const struct quirk *q = &t->of[i];
        size_t n = strlen(q->pattern);
        /* Own lines come first, so that one of the same length stays before what is built in. */
        if ((!best || n > strlen(best->pattern)) && contains(agent, slice_from(q->pattern, n)))
            best = q;
    }
    return best;
}

int quirk_table_load(struct quirk_table *t, struct store *s)
{
    char text[STORE_SETTING_MAX];
    size_t n = 0;
    int r = store_setting_get(s, SETTING, text, sizeof(text), &n);
    quirk_table_init(t, r == 0 ? slice_from(text, n) : SLICE_NONE);
    return r < 0 ? r : 0;
}

int quirk_table_save(const struct quirk_table *t, struct store *s)
{
    char text[STORE_SETTING_MAX];
    struct buf b = buf_over(text, sizeof(text));
    quirk_table_print(&b, t);
    return b.overflow ? -ENOSPC : store_setting_set(s, SETTING, buf_slice(&b));
}
