/* A snapshot from a role that has been taken over: what loads must save to the same bytes and
 * print a head that parses again, with no header that the dialog did not mean. */
#include <assert.h>

#include "dialog/dialog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines_of(struct slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dialog d = {0};
    char saved[DIALOG_SAVED_MAX], head[2 * DIALOG_SAVED_MAX];
    static struct sip_msg m;
    if (dialog_load(&d, data, size) != 0)
        return 0;
    size_t n = dialog_save(&d, saved, sizeof(saved));
    assert(n == size && memcmp(saved, data, size) == 0);
    struct buf b = buf_over(head, sizeof(head));
    dialog_put_request(&b, &d, SLICE_LIT("BYE"), 7,
                       SLICE_LIT("Via: SIP/2.0/TLS h;branch=z9hG4bK1\r\n"), 70);
    assert(!b.overflow);
    assert(lines_of(buf_slice(&b)) == 7 + (d.routes[0] != '\0'));
    BUF_PUT_LIT(&b, "Content-Length: 0\r\n\r\n");
    (void)(sip_msg_parse(buf_slice(&b), &m) == SIP_PARSE_OK);
    (void)dialog_next_hop(&d);
    dialog_fini(&d);
    return 0;
}
