/* Any MIKEY message: what is read prints what can be printed of it, in clear and under a key, and that
 * reads again; what is not under the key is not opened. */
#include <assert.h>

#include "keying/mikey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct secret psk = {.n = 32, .b = "a pre-shared key of 32 bytes ..."};
    static uint8_t text[MIKEY_MESSAGE_MAX], opened[MIKEY_MESSAGE_MAX],
        again_opened[MIKEY_MESSAGE_MAX];
    struct buf b = buf_over(text, sizeof(text));
    struct mikey_msg m, again;
    int v = mikey_parse(slice_from(data, size), &m);

    if (v != MIKEY_OK) {
        assert(mikey_verdict_why((enum mikey_verdict)v));
        return 0;
    }
    assert(mikey_type_name((enum mikey_type)m.type));
    assert(m.cs_count <= MIKEY_CS_MAX && m.key.n <= size && m.rand.n <= UINT8_MAX);
    for (size_t cs = 0; cs <= MIKEY_CS_MAX + 1; cs++)
        (void)mikey_suite_of(&m, cs);
    (void)mikey_mac_fits(&m, &psk, &m);
    if (m.has_kemac && mikey_kemac_open(&m, &psk, opened) == 0)
        assert(m.key.n <= size);
    assert(m.cert.n + m.pke.n + m.sign.n + m.kemac.n <= size && m.signed_part.n <= size);
    struct mikey_id id;
    if (mikey_named_keys_parse(m.kemac_data, &m, &id) == MIKEY_OK)
        assert(id.data.n + m.key.n <= size);
    if (m.type != MIKEY_PSK_INIT || !m.key_count || m.rand.n == 0 || !m.policy_count)
        return 0;
    m.salt = SLICE_NONE;
    for (int sealed = 0; sealed < 2; sealed++) {
        b = buf_over(text, sizeof(text));
        mikey_print(&m, &(struct mikey_seal){.key = sealed ? &psk : NULL}, &b);
        if (b.overflow)
            return 0;
        v = mikey_parse(buf_slice(&b), &again);
        if (v == MIKEY_OK && sealed) {
            assert(mikey_mac_fits(&again, &psk, NULL));
            v = mikey_kemac_open(&again, &psk, again_opened);
        }
        assert(v == MIKEY_OK && again.csb_id == m.csb_id && again.cs_count == m.cs_count);
        assert(slice_eq(again.key, m.key) && slice_eq(again.rand, m.rand));
    }
    return 0;
}
