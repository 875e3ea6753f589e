/* One datagram as a media port sees it: what is it, and does its header hold. */
#include <assert.h>

#include "rtp/demux.h"
#include "rtp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum rtp_kind kind = rtp_demux(data, size);
    struct rtp_hdr h;
    struct slice payload;

    assert(kind < RTP_KIND_COUNT && (size >= 8 || kind == RTP_KIND_UNKNOWN));
    if (rtp_hdr_parse(data, size, &h) != RTP_OK)
        return 0;
    assert(h.hdr_len >= RTP_HDR_MIN && h.hdr_len <= size && h.hdr_len <= RTP_HDR_MAX);
    if (rtp_payload(data, size, &h, &payload) != RTP_OK)
        return 0;
    assert(payload.n + h.hdr_len <= size);
    assert((const uint8_t *)payload.p == data + h.hdr_len);
    return 0;
}
