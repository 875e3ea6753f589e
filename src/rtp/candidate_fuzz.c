/* A candidate line: what is read is printed and read again as the same. */
#include <assert.h>

#include "rtp/candidate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtp_candidate c, again;
    char text[256];
    struct buf b = buf_over(text, sizeof(text));

    if (rtp_candidate_parse(slice_from(data, size), &c) != RTP_CANDIDATE_OK)
        return 0;
    rtp_candidate_put(&b, &c);
    assert(!b.overflow);
    /* An IPv4-mapped address is printed as the IPv4 one that it is. */
    int v = rtp_candidate_parse(buf_slice(&b), &again);
    assert(v == RTP_CANDIDATE_OK || memchr(c.foundation, ' ', sizeof(c.foundation)));
    assert(v != RTP_CANDIDATE_OK ||
           (again.priority == c.priority && addr_port(&again.addr) == addr_port(&c.addr)));
    return 0;
}
