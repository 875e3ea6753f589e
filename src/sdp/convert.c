/* Descriptions of a call whose audio the media role may convert (RFC 3264 leaves room for both):
 *
 *   offer   what the one phone offered, then what can be made of it
 *   answer  what the other phone took of that, as far as it was offered: a codec that both have
 *           always wins; only if there is none, one of the offer alone
 */
#include "sdp/attr.h"
#include "sdp/print.h"

#define DYNAMIC_FIRST 96
#define DYNAMIC_LAST 127

bool sdp_codec_is_convertible(const struct sdp_codec *c)
{
    static const struct {
        struct slice name;
        uint32_t clock;
        uint8_t channels; /* at most */
    } known[] = {
        {{"PCMA", 4}, 8000, 1},  {{"PCMU", 4}, 8000, 1}, {{"G722", 4}, 8000, 1},
        {{"OPUS", 4}, 48000, 2}, {{"L16", 3}, 8000, 2},  {{"L16", 3}, 11025, 2},
        {{"L16", 3}, 16000, 2},  {{"L16", 3}, 22050, 2}, {{"L16", 3}, 24000, 2},
        {{"L16", 3}, 32000, 2},  {{"L16", 3}, 44100, 2}, {{"L16", 3}, 48000, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (slice_eq_str(known[i].name, c->name) && known[i].clock == c->clock &&
            c->channels <= known[i].channels)
            return true;
    }
    return false;
}

void sdp_opus_parse(struct slice fmtp, struct sdp_opus *ret)
{
    *ret = (struct sdp_opus){.bitrate = 0};
    while (fmtp.n) {
        struct slice value = slice_trim(slice_cut(&fmtp, ';')), name = slice_cut(&value, '=');
        uint32_t v = 0;
        name = slice_trim(name);
        if (slice_to_u32(slice_trim(value), &v) < 0)
            continue;
        if (slice_eq_nocase_str(name, "useinbandfec"))
            ret->fec = v == 1;
        else if (slice_eq_nocase_str(name, "cbr"))
            ret->cbr = v == 1;
        else if (slice_eq_nocase_str(name, "maxaveragebitrate"))
            ret->bitrate = v;
    }
}

static bool codec_eq(const struct sdp_codec *a, const struct sdp_codec *b)
{
    return a->clock == b->clock && memcmp(a->name, b->name, sizeof(a->name)) == 0 &&
           (a->channels > 1) == (b->channels > 1);
}

static bool is_companion(const struct sdp_codec *c)
{
    struct slice name = slice_from_str(c->name);
    return slice_eq(name, SLICE_LIT("TELEPHONE-EVENT")) || slice_eq(name, SLICE_LIT("CN"));
}

/* --- offers ----------------------------------------------------------------------------------- */

struct picking {
    const struct sdp_media *m;
    struct sdp_codec codecs[SDP_FORMAT_MAX]; /* that m keeps */
    size_t codec_count;
    struct sdp_extra *extras;
    size_t n;
};

static bool has(const struct picking *p, const struct sdp_own_codec *own)
{
    for (size_t i = 0; i < p->codec_count; i++) {
        if (p->codecs[i].clock == own->clock &&
            slice_eq_nocase_str(slice_from_str(p->codecs[i].name), own->name))
            return true;
    }
    return false;
}

static bool is_free(const struct picking *p, uint8_t pt)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->extras[i].pt == pt)
            return false;
    }
    return memchr(p->m->pt, pt, p->m->pt_count) == NULL;
}

/* Our usual number where the phone has not given it to something else (RFC 3264 s.8.3.2: a number
 * keeps its meaning). */
static bool number_for(const struct picking *p, const struct sdp_own_codec *own, uint8_t *ret)
{
    if (is_free(p, own->pt)) {
        *ret = own->pt;
        return true;
    }
    for (uint8_t pt = DYNAMIC_LAST; pt >= DYNAMIC_FIRST; pt--) {
        if (is_free(p, pt)) {
            *ret = pt;
            return true;
        }
    }
    return false;
}

size_t sdp_extras(const struct sdp *d, const struct sdp_media *m, const struct sdp_leg_plan *plan,
                  const uint8_t *pt, size_t pt_count, struct sdp_extra ret[SDP_OWN_ALL])
{
    struct picking p = {.m = m, .extras = ret};
    struct sdp_codec all[SDP_FORMAT_MAX];
    uint8_t list[SDP_OWN_ALL];
    size_t count = sdp_codecs(d, m, all, SDP_FORMAT_MAX), listed = sdp_own_list(plan, list);
    bool convertible = false;

    for (size_t i = 0; i < count; i++) {
        convertible = convertible || sdp_codec_is_convertible(&all[i]);
        if (memchr(pt, all[i].pt, pt_count))
            p.codecs[p.codec_count++] = all[i];
    }
    for (size_t i = 0; i < listed && convertible; i++) {
        uint8_t number;
        const struct sdp_own_codec *own = &sdp_own_codecs[list[i]];
        if (!has(&p, own) && number_for(&p, own, &number))
            ret[p.n++] = (struct sdp_extra){list[i], number};
    }
    return p.n;
}

/* --- answers ---------------------------------------------------------------------------------- */

size_t sdp_offered_only(const struct sdp *d, const struct sdp_media *m, const struct sdp *offer,
                        const struct sdp_media *offered, uint8_t *pt, size_t pt_count)
{
    struct sdp_codec theirs[SDP_FORMAT_MAX], c;
    size_t count = sdp_codecs(offer, offered, theirs, SDP_FORMAT_MAX), n = 0;
    bool audio = false;

    for (size_t i = 0; i < pt_count; i++) {
        bool known = sdp_codec_of(d, m, pt[i], &c), keep = false;
        for (size_t k = 0; k < count && known; k++)
            keep = keep || codec_eq(&c, &theirs[k]);
        /* An answer without rtpmap lines means the offer's numbers. */
        keep = keep || (!known && memchr(offered->pt, pt[i], offered->pt_count));
        audio = audio || (keep && !(known && is_companion(&c)));
        if (keep)
            pt[n++] = pt[i];
    }
    return audio ? n : 0;
}

static bool is_event(const struct sdp_codec *c)
{
    return slice_eq_str(SLICE_LIT("TELEPHONE-EVENT"), c->name);
}

/* Those of its clocks that are ours. */
static int own_event(uint32_t clock)
{
    for (int i = SDP_OWN_AUDIO; i < SDP_OWN_ALL; i++) {
        if (sdp_own_codecs[i].clock == clock)
            return i;
    }
    return -1;
}

size_t sdp_offered_events(const struct sdp *d, const struct sdp_media *m, const struct sdp *offer,
                          const struct sdp_media *offered, const uint8_t *pt, size_t pt_count,
                          struct sdp_extra ret[SDP_OWN_ALL])
{
    struct sdp_codec theirs[SDP_FORMAT_MAX], c;
    size_t count = sdp_codecs(offer, offered, theirs, SDP_FORMAT_MAX), n = 0;

    for (size_t i = 0; i < pt_count; i++) {
        if (sdp_codec_of(d, m, pt[i], &c) && is_event(&c))
            return 0;
    }
    for (size_t k = 0; k < count && n < SDP_OWN_ALL; k++) {
        bool fits = false;
        for (size_t i = 0; i < pt_count; i++)
            fits = fits || (sdp_codec_of(d, m, pt[i], &c) && c.clock == theirs[k].clock);
        int own = is_event(&theirs[k]) && fits ? own_event(theirs[k].clock) : -1;
        /* Its number may be that of an audio codec of the other phone: then it is left out. */
        if (own >= 0 && !memchr(m->pt, theirs[k].pt, m->pt_count))
            ret[n++] = (struct sdp_extra){(uint8_t)own, theirs[k].pt};
    }
    return n;
}
