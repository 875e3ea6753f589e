/* Any bytes as a pack of certificates: what is read out of it goes into another and is the same. */
#include <assert.h>

#include "cert/cert_priv.h"
#include "cert/domains.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct slice all = slice_from(data, n), rest = all;
    struct cert_pack again = {0};
    struct cert_domain d;
    size_t count = 0;
    while (cert_pack_next(&rest, &d))
        if (cert_pack_add(&again, &d) == 0)
            count++;
    assert(count <= CERT_DOMAINS_MAX && again.n <= CERT_PACK_MAX);
    assert(slice_eq(slice_from(again.p, again.n), slice_take(all, again.n)));
    cert_pack_fini(&again);
    return 0;
}
