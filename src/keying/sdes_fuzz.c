/* Any a=crypto value: a line that is taken prints and parses to the same keys. */
#include <assert.h>

#include "keying/keying.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sdes_line line, again;
    char text[256];
    struct buf b = buf_over(text, sizeof(text));
    int r = sdes_line_parse(slice_from(data, size), &line);

    if (r != SDES_OK) {
        assert(sdes_verdict_why((enum sdes_verdict)r));
        return 0;
    }
    sdes_line_print(&b, line.tag, line.suite_name, &line.keys);
    assert(!b.overflow);
    r = sdes_line_parse(slice_skip(buf_slice(&b), sizeof("a=crypto:") - 1), &again);
    assert(r == SDES_OK && again.tag == line.tag && keying_keys_eq(&line.keys, &again.keys));
    return 0;
}
