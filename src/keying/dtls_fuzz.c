/* The first byte: even: texts, split at NUL bytes, come as offers and answers in turn. Odd: two ends
 * shake hands, and the bytes that follow say what becomes of each datagram: it passes, is lost,
 * comes twice, is cut, changed, or another one comes instead. Whatever happens, nobody fails for good
 * (both certificates are right), and where both have keys they are the same. */
#include "keying/dtls_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keying_local ours, theirs; /* made once: keys are slow to make */

static void end_init(struct rig_end *e, const struct keying_local *l)
{
    memset(e, 0, sizeof(*e));
    e->local = *l;
    e->p = (struct keying_policy){.protection = PROTECTION_REQUIRED,
                                  .keying_count = 1,
                                  .keyings = {KEYING_DTLS},
                                  .local = &e->local};
}

static void texts(struct slice rest)
{
    static struct rig_end e;
    char text[2048];
    end_init(&e, &ours);
    for (unsigned i = 0; i < 8 && rest.n; i++) {
        if (!slice_to_str(slice_cut(&rest, '\0'), text, sizeof(text)))
            continue;
        bool answer = i & 1 && rig_offers(&e) == KEYING_OK;
        int r = answer ? rig_answered(&e, text) : rig_offered(&e, text);
        if (r != KEYING_OK)
            continue;
        assert(e.s.active == KEYING_DTLS && e.s.secured && e.res.encrypted);
        assert(e.s.dtls.remote.count >= 1 && e.s.dtls.remote.count <= DTLS_FINGERPRINTS_MAX);
        assert(e.s.dtls.setup > DTLS_SETUP_ACTPASS && e.s.dtls.setup < DTLS_SETUP_COUNT);
        assert(e.s.held || e.s.wanted > 0);
    }
}

/* --- a handshake with a bad network ------------------------------------------------------------ */

static uint8_t take(struct slice *s)
{
    uint8_t v = s->n ? (uint8_t)s->p[0] : 0;
    *s = slice_skip(*s, 1);
    return v;
}

static void deliver(struct rig_end *to, struct rig_datagram *d, struct slice *script)
{
    uint8_t what = take(script);
    size_t at;
    switch (what % 8) {
    case 1: /* lost */
        return;
    case 2: /* twice */
        keying_dtls.packet(to->engine, slice_from(d->b, d->n), rig_now);
        break;
    case 3: /* cut */
        d->n = d->n * take(script) / 256;
        break;
    case 4: /* changed */
        at = d->n ? ((size_t)take(script) << 8 | take(script)) % d->n : 0;
        d->b[at] ^= take(script);
        break;
    case 5: /* another one instead */
        at = take(script);
        d->n = at < script->n ? at : script->n;
        if (d->n)
            memcpy(d->b, script->p, d->n);
        *script = slice_skip(*script, d->n);
        break;
    default:
        break;
    }
    keying_dtls.packet(to->engine, slice_from(d->b, d->n), rig_now);
}

static void handshake(struct slice script)
{
    static struct rig_end a, b;
    end_init(&a, &ours);
    end_init(&b, &theirs);
    a.peer = &b;
    b.peer = &a;
    int r = rig_offers(&a);
    r = r == KEYING_OK ? rig_offered(&b, a.text) : r;
    r = r == KEYING_OK ? rig_answered(&a, b.text) : r;
    assert(r == KEYING_OK);
    rig_start(&a);
    rig_start(&b);
    for (int i = 0; i < 64 && (a.n || b.n); i++) {
        struct rig_end *e = a.n ? &a : &b;
        struct rig_datagram d = e->in[0];
        memmove(e->in, e->in + 1, --e->n * sizeof(e->in[0]));
        deliver(e, &d, &script);
    }
    assert(!a.failed && !b.failed);
    if (a.secure == 1 && b.secure == 1)
        assert(keying_keys_eq(&a.s.tx, &b.s.rx) && keying_keys_eq(&a.s.rx, &b.s.tx));
    rig_end_stop(&a);
    rig_end_stop(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!ours.dtls[0]) {
        rig_identify(&ours);
        rig_identify(&theirs);
    }
    if (size < 1)
        return 0;
    if (data[0] & 1)
        handshake(slice_from(data + 1, size - 1));
    else
        texts(slice_from(data + 1, size - 1));
    return 0;
}
