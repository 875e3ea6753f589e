#include <assert.h>

#include "sip/dtmf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the content type. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice body = slice_from(data, size), type = slice_cut(&body, '\n');
    struct sip_dtmf d;
    if (sip_dtmf_parse(type, body, &d))
        assert(d.event <= 16 && d.ms > 0 && d.ms <= SIP_DTMF_MS_MAX);
    return 0;
}
