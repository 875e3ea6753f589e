/* Any text: parse, all accessors, and a print that must be a fixed point. */
#include <assert.h>

#include "sdp/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct sdp *d, const struct sdp_media *m)
{
    struct sdp_codec codecs[SDP_FORMAT_MAX], one;
    struct addr a;
    size_t n = sdp_codecs(d, m, codecs, SDP_FORMAT_MAX);

    for (size_t i = 0; i < n; i++) {
        assert(sdp_codec_of(d, m, codecs[i].pt, &one));
        assert(memcmp(&one, &codecs[i], sizeof(one)) == 0);
        (void)sdp_fmtp(d, m, codecs[i].pt);
    }
    if (sdp_rtcp_addr(d, m, &a))
        assert(sdp_rtp_addr(d, m, &a));
    (void)sdp_is_held(d, m);
    for (int id = 0; id < SDP_A_COUNT; id++)
        (void)sdp_attr_effective(d, m, (enum sdp_attr_id)id);
    (void)sdp_attr_find_name(d, m, SLICE_LIT("x"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp d;
    static char once[4 * SDP_LEN_MAX], twice[4 * SDP_LEN_MAX];
    struct buf a = buf_over(once, sizeof(once)), b = buf_over(twice, sizeof(twice));

    int r = sdp_parse(slice_from(data, size), &d);
    if (r != SDP_OK) {
        assert(sdp_verdict_why((enum sdp_verdict)r));
        return 0;
    }
    for (size_t i = 0; i < d.media_count; i++)
        look_at(&d, &d.media[i]);
    sdp_print(&a, &d);
    /* An empty value is not printed; where that leaves no line, the text may differ once. */
    if (a.overflow || sdp_parse(buf_slice(&a), &d) != SDP_OK)
        return 0;
    sdp_print(&b, &d);
    assert(slice_eq(buf_slice(&a), buf_slice(&b)));
    return 0;
}
