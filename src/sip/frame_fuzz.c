/* A stream: what is framed does not depend on how it arrives, and a message that parses is framed
 * where the parser ends it. */
#include "sip/msg.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg msg;

static void check(struct slice in, size_t skip, size_t n)
{
    size_t s, m;

    assert(skip + n <= in.n && n > 0 && n <= SIP_MSG_MAX);
    int whole = sip_msg_frame(slice_take(in, skip + n), &s, &m);
    assert(whole == SIP_FRAME_OK && s == skip && m == n);
    int part = sip_msg_frame(slice_take(in, skip + n - 1), &s, &m);
    assert(part == SIP_FRAME_MORE);
    struct slice frame = slice_take(slice_skip(in, skip), n);
    if (sip_msg_parse(frame, &msg) == SIP_PARSE_OK)
        assert(msg.raw.p == frame.p && msg.raw.n == n && msg.has_content_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_from(data, size);
    size_t skip, n;

    for (int i = 0; i < 64 && sip_msg_frame(in, &skip, &n) == SIP_FRAME_OK; i++) {
        check(in, skip, n);
        in = slice_skip(in, skip + n);
    }
    return 0;
}
