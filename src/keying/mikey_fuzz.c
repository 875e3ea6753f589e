/* Any MIKEY message: what is read prints what can be printed of it, and that reads again. */
#include <assert.h>

#include "keying/mikey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t text[MIKEY_MESSAGE_MAX];
    struct buf b = buf_over(text, sizeof(text));
    struct mikey_msg m, again;
    int v = mikey_parse(slice_from(data, size), &m);

    if (v != MIKEY_OK) {
        assert(mikey_verdict_why((enum mikey_verdict)v));
        return 0;
    }
    assert(mikey_type_name((enum mikey_type)m.type));
    assert(m.cs_count <= MIKEY_CS_MAX && m.key.n <= size && m.rand.n <= UINT8_MAX);
    (void)mikey_suite_of(&m.policy);
    if (m.type != MIKEY_PSK_INIT || !m.key_count || m.rand.n == 0)
        return 0;
    mikey_print(&m, &b);
    if (b.overflow)
        return 0;
    v = mikey_parse(buf_slice(&b), &again);
    assert(v == MIKEY_OK && again.csb_id == m.csb_id && again.cs_count == m.cs_count);
    assert(slice_eq(again.key, m.key) && slice_eq(again.rand, m.rand));
    return 0;
}
