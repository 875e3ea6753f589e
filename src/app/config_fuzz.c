#include <assert.h>

#include "app/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Any text gives settings or findings; what is put of the settings is read again as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct app_config c, again;
    static struct config_report report;
    static char text[16384], text_again[16384];
    config_init(&c);
    report = (struct config_report){0};
    config_parse_text(&c, "fuzz", slice_from(data, n), &report);
    assert(report.n < sizeof(report.text));
    config_cross_check(&c, "fuzz", &report);
    struct buf b = buf_over(text, sizeof(text));
    config_put(&b, &c);
    config_init(&again);
    report = (struct config_report){0};
    config_parse_text(&again, "again", buf_slice(&b), &report);
    struct buf b_again = buf_over(text_again, sizeof(text_again));
    config_put(&b_again, &again);
    assert(!b.overflow && !b_again.overflow);
    /* Only a list may go on in the next line: a long path can be set, but not be put. */
    assert(report.count > 0 || slice_eq(buf_slice(&b), buf_slice(&b_again)));
    return 0;
}
