/* A compound packet: what rtcp_check calls good is walked to its last byte; anything else is
 * walked without harm. */
#include <assert.h>

#include "rtp/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_from(data, size);
    bool good = rtcp_check(rest, true) == RTCP_OK;
    struct rtcp_packet p;
    struct rtcp_block block;
    struct rtcp_sender sender;

    assert(good || rtcp_check(rest, false) != RTCP_OK);
    while (rtcp_next(&rest, &p)) {
        size_t blocks = 0;

        assert(p.count <= 31 && p.body.n <= size);
        while (rtcp_block(&p, blocks, &block)) {
            assert(block.lost >= -0x800000 && block.lost <= 0x7fffff);
            blocks++;
        }
        assert(blocks <= p.count);
        (void)rtcp_sender(&p, &sender);
    }
    assert(!good || rest.n == 0);
    return 0;
}
