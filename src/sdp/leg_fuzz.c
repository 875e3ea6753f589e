/* Two texts, split at the first NUL byte: an offer and what the other leg described. All of the
 * arithmetic; what we print must be readable to us and hold no keying of the other leg. */
#include <assert.h>

#include "sdp/leg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sdp offer, other, printed;
static char text[8 * SDP_LEN_MAX];

static void reread(struct buf *b)
{
    if (b->overflow)
        return;
    int r = sdp_parse(buf_slice(b), &printed);
    assert(r == SDP_OK || r == SDP_TOO_LONG || r == SDP_TOO_MANY_ATTRS);
    if (r != SDP_OK)
        return;
    for (size_t i = 0; i < printed.media_count; i++) {
        assert(!sdp_attr_find(&printed, &printed.media[i], SDP_A_CRYPTO));
        assert(!sdp_attr_find(&printed, NULL, SDP_A_FINGERPRINT));
    }
}

static void fill(struct sdp_leg_plan *p)
{
    if (addr_parse(SLICE_LIT("192.0.2.1"), 0, &p->address) != 0)
        return;
    for (size_t i = 0; i < SDP_MEDIA_MAX; i++) {
        p->media[i].rtp = p->address;
        addr_set_port(&p->media[i].rtp, (uint16_t)(20000 + 2 * i));
        p->media[i].bundled = i < 2;
        p->media[i].keying = SLICE_LIT("a=ice-lite\na=ice-ufrag:abcd\n");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct slice codecs[] = {{"PCMA", 4}, {"opus/48000", 10}};
    struct slice rest = slice_from(data, size), first = slice_cut(&rest, '\0');
    struct sdp_leg_map map;
    struct sdp_leg_plan plan;
    struct sdp_own_choice choice;
    struct buf b = buf_over(text, sizeof(text));

    if (sdp_parse(first, &offer) != SDP_OK)
        return 0;
    sdp_leg_map(&offer, size & 1, &map);
    sdp_leg_plan_offer(&offer, &map, &plan);
    fill(&plan);
    plan.last = rest;
    plan.codecs = codecs;
    plan.codec_count = size % 3;
    sdp_leg_print(&b, &offer, &plan);
    reread(&b);
    plan.crossing = (uint8_t)size;
    plan.direct = size & 1;
    b = buf_over(text, sizeof(text));
    sdp_leg_print(&b, &offer, &plan);
    assert(b.overflow || sdp_parse(buf_slice(&b), &printed) == SDP_OK);
    if (sdp_own_choose(&offer, size & 1, codecs, size % 3, &choice) == SDP_OWN_OK) {
        sdp_own_plan_answer(&offer, &choice, &plan);
        fill(&plan);
        b = buf_over(text, sizeof(text));
        sdp_own_print_answer(&b, &choice, &plan);
        reread(&b);
    }
    if (sdp_parse(rest, &other) != SDP_OK)
        return 0;
    (void)sdp_changes(&offer, &other);
    assert(sdp_fit_why((enum sdp_fit)sdp_answer_check(&offer, &other)));
    sdp_leg_plan_answer(&offer, &other, &map, &plan);
    fill(&plan);
    b = buf_over(text, sizeof(text));
    sdp_leg_print(&b, &other, &plan);
    reread(&b);
    for (size_t i = 0; i < offer.media_count; i++) {
        b = buf_over(text, sizeof(text));
        sdp_keying_text(&b, &offer, &offer.media[i]);
    }
    return 0;
}
