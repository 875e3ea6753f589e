#include <assert.h>

#include "policy/quirk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is a User-Agent, the rest the own lines: what was read is read again as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct quirk_table t, again;
    char room[STORE_SETTING_MAX], twice[STORE_SETTING_MAX];
    struct buf b = buf_over(room, sizeof(room)), c = buf_over(twice, sizeof(twice));
    struct slice text = slice_from(data, size), agent = slice_cut(&text, '\n');
    quirk_table_init(&t, text);
    quirk_table_print(&b, &t);
    assert(!b.overflow && t.own <= QUIRKS_OWN_MAX && t.count <= QUIRKS_MAX);
    quirk_table_init(&again, buf_slice(&b));
    quirk_table_print(&c, &again);
    assert(slice_eq(buf_slice(&b), buf_slice(&c)));
    const struct quirk *q = quirk_find(&t, agent), *r = quirk_find(&again, agent);
    assert(!q == !r);
    if (q)
        assert(strcmp(q->pattern, r->pattern) == 0 && q->digest == r->digest &&
               q->offer == r->offer && q->crypto_lines == r->crypto_lines);
    return 0;
}
