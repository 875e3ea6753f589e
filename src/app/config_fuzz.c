#include <assert.h>

#include "app/config.h"

/* Any text gives settings or findings; what is put of the settings is read again as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct app_config c, again;
    static struct config_report report;
    static char text[16384];
    config_init(&c);
    report.count = 0;
    report.n = 0;
    config_parse_text(&c, "fuzz", slice_from(data, n), &report);
    assert(report.n < sizeof(report.text));
    config_cross_check(&c, "fuzz", &report);
    struct buf b = buf_over(text, sizeof(text));
    config_put(&b, &c);
    assert(!b.overflow);
    config_init(&again);
    report.count = 0;
    report.n = 0;
    config_parse_text(&again, "again", buf_slice(&b), &report);
    again.sip.is_default = c.sip.is_default;
    assert(report.count > 0 || memcmp(&c, &again, sizeof(c)) == 0);
    return 0;
}
