/* The first byte: even: the rest is keying text; odd: the rest is a packet, ZRTP or DTLS by the next bit. */
#include <assert.h>

#include "keying/pass.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keying_pass p = {.announced = 1u << KEYING_ZRTP, .hash_count = 1};
    if (size == 0)
        return 0;
    struct slice rest = slice_from(data + 1, size - 1);
    if (data[0] & 1) {
        enum rtp_kind kind = data[0] & 2 ? RTP_KIND_DTLS : RTP_KIND_ZRTP;
        enum keying_pass_event ev = keying_pass_hear(&p, kind, rest);
        assert(ev < KEYING_PASS_EVENT_COUNT);
        assert(ev != KEYING_PASS_HELLO); /* nobody finds a message whose SHA-256 is 0 */
        return 0;
    }
    keying_pass_read(rest, data[0] >> 1, &p);
    assert(p.hash_count <= KEYING_PASS_HASHES_MAX);
    assert(!(p.announced & ~(unsigned)(data[0] >> 1)));
    assert((p.hash_count > 0) == ((p.announced & 1u << KEYING_ZRTP) != 0));
    return 0;
}
