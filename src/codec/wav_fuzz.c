#include <assert.h>

#include "codec/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wav w;
    int16_t out[160];
    size_t n = 0, got;
    if (wav_parse(slice_from(data, size), &w) != WAV_OK)
        return 0;
    while ((got = wav_read(&w, (uint32_t)n, out, 160)) > 0)
        n += got;
    assert(n == w.samples);
    return 0;
}
