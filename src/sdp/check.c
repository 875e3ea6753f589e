/* Does an answer fit its offer, and what differs between two descriptions of one peer. */
#include "sdp/attr.h"
#include "sdp/leg.h"

static const char *const fit_why[SDP_FIT_COUNT] = {
    [SDP_FIT_OK] = "fine",
    [SDP_FIT_MEDIA_COUNT] = "the answer has not as many m= lines as the offer",
    [SDP_FIT_KIND] = "the answer has an m= line of another kind than the offer",
    [SDP_FIT_REVIVED] = "the answer accepts a stream that the offer had refused",
    [SDP_FIT_FORMATS] = "the answer names no codec that was offered",
};

const char *sdp_fit_why(enum sdp_fit f)
{
    return fit_why[f];
}

static bool codec_eq(const struct sdp_codec *a, const struct sdp_codec *b)
{
    return a->clock == b->clock && memcmp(a->name, b->name, sizeof(a->name)) == 0;
}

static bool formats_meet(const struct sdp *offer, const struct sdp_media *o,
                         const struct sdp *answer, const struct sdp_media *a)
{
    struct sdp_codec oc[SDP_FORMAT_MAX], ac[SDP_FORMAT_MAX];

    if (o->pt_count == 0 || a->pt_count == 0)
        return slice_eq(o->formats, a->formats);
    size_t on = sdp_codecs(offer, o, oc, SDP_FORMAT_MAX);
    size_t an = sdp_codecs(answer, a, ac, SDP_FORMAT_MAX);
    for (size_t i = 0; i < an; i++) {
        for (size_t k = 0; k < on; k++) {
            if (codec_eq(&ac[i], &oc[k]))
                return true;
        }
    }
    /* An answer without rtpmap lines means the offer's numbers. */
    for (size_t i = 0; an < a->pt_count && i < a->pt_count; i++) {
        struct sdp_codec unused;
        if (!sdp_codec_of(answer, a, a->pt[i], &unused) && memchr(o->pt, a->pt[i], o->pt_count))
            return true;
    }
    return false;
}

int sdp_answer_check(const struct sdp *offer, const struct sdp *answer)
{
    if (offer->media_count != answer->media_count)
        return SDP_FIT_MEDIA_COUNT;
    for (size_t i = 0; i < offer->media_count; i++) {
        const struct sdp_media *o = &offer->media[i], *a = &answer->media[i];
        if (!slice_eq_nocase(o->kind_text, a->kind_text))
            return SDP_FIT_KIND;
        if (a->port == 0)
            continue;
        if (o->port == 0)
            return SDP_FIT_REVIVED;
        if (!formats_meet(offer, o, answer, a))
            return SDP_FIT_FORMATS;
    }
    return SDP_FIT_OK;
}

/* One m-line of one description. */
struct side {
    const struct sdp *d;
    const struct sdp_media *m;
};

static const struct sdp_attr *codec_next(const struct side *s, size_t *cursor)
{
    size_t n;
    const struct sdp_attr *a = sdp_attrs(s->d, s->m, &n);

    while (*cursor < n) {
        const struct sdp_attr *x = &a[(*cursor)++];
        if (x->id >= SDP_A_RTPMAP && x->id <= SDP_A_RTCP_FB)
            return x;
    }
    return NULL;
}

static const struct sdp_attr *keying_next(const struct side *s, size_t *cursor)
{
    return sdp_keying_next(s->d, s->m, cursor);
}

static bool sequences_eq(const struct side *a, const struct side *b,
                         const struct sdp_attr *(*next)(const struct side *, size_t *))
{
    size_t a_at = 0, b_at = 0;

    for (;;) {
        const struct sdp_attr *x = next(a, &a_at), *y = next(b, &b_at);
        if (!x || !y)
            return x == y;
        if (!slice_eq(slice_from(x->line, x->line_n), slice_from(y->line, y->line_n)))
            return false;
    }
}

static bool addr_same(const struct side *a, const struct side *b,
                      bool (*get)(const struct sdp *, const struct sdp_media *, struct addr *))
{
    struct addr x, y;
    bool has_x = get(a->d, a->m, &x), has_y = get(b->d, b->m, &y);

    return has_x == has_y && (!has_x || addr_eq(&x, &y));
}

static unsigned media_changes(const struct side *a, const struct side *b)
{
    unsigned changes = 0;

    if ((a->m->port == 0) != (b->m->port == 0) || a->m->proto != b->m->proto ||
        !slice_eq_nocase(a->m->kind_text, b->m->kind_text))
        changes |= SDP_CHANGE_MEDIA;
    if (!addr_same(a, b, sdp_rtp_addr) || !addr_same(a, b, sdp_rtcp_addr))
        changes |= SDP_CHANGE_ADDRESS;
    if (sdp_direction_of(a->d, a->m) != sdp_direction_of(b->d, b->m))
        changes |= SDP_CHANGE_DIRECTION;
    if (!slice_eq(a->m->formats, b->m->formats) || !sequences_eq(a, b, codec_next))
        changes |= SDP_CHANGE_CODECS;
    if (!sequences_eq(a, b, keying_next))
        changes |= SDP_CHANGE_KEYING;
    return changes;
}

unsigned sdp_changes(const struct sdp *before, const struct sdp *now)
{
    unsigned changes = before->media_count != now->media_count ? SDP_CHANGE_MEDIA : 0;

    for (size_t i = 0; i < before->media_count && i < now->media_count; i++) {
        const struct side a = {before, &before->media[i]}, b = {now, &now->media[i]};
        changes |= media_changes(&a, &b);
    }
    return changes;
}
