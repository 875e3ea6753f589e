/* Any bytes as a file to import: read, chosen from, never written. */
#include "cert/cert_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const files[] = {"input"};
    struct cert_report report = {0};
    struct cert_bundle b = {0};
    struct cert_choice c;
    if (cert_bundle_add(&b, 0, files[0], slice_from(data, n), &report) == 0 &&
        cert_bundle_choose(&b, files, &report, &c) == 0) {
        struct cert_names sans;
        char subject[64];
        cert_x509_sans(c.leaf, &sans);
        cert_x509_subject(c.leaf, subject, sizeof(subject));
    }
    cert_bundle_fini(&b);
    return 0;
}
