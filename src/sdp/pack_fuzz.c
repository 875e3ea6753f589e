/* Any bytes: packed and unpacked they are the same; taken as packed they are refused or give a text. */
#include <assert.h>

#include "sdp/pack.h"

#define TEXT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char packed[2 * TEXT_MAX], text[64 * TEXT_MAX];
    struct slice in = slice_from(data, size < TEXT_MAX ? size : TEXT_MAX);
    struct buf p = buf_over(packed, 2 * in.n), t = buf_over(text, in.n),
               any = buf_over(text, sizeof(text));

    if (!sdp_unpack(&any, in))
        assert(in.n > 0);
    sdp_pack(&p, in);
    assert(!p.overflow && sdp_unpack(&t, buf_slice(&p)));
    assert(slice_eq(buf_slice(&t), in));
    return 0;
}
