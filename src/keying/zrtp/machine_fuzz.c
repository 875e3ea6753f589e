/* Sequences of events for two machines: each byte of the input loses, doubles, delays, swaps or
 * changes a packet, lets time pass, or calls one of the functions that a user calls. Whatever
 * happens, nobody has keys that the other has not agreed to, and nothing is called after an end. */
#include "keying/zrtp/machine.h"
#include "keying/zrtp/rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice script;
static bool tampered;

static uint8_t next_byte(void)
{
    uint8_t v = script.n ? (uint8_t)script.p[0] : 0;

    script = slice_skip(script, 1);
    return v;
}

static void change(struct rig_flight *f)
{
    size_t n = f->n - ZRTP_PACKET_HEADER - ZRTP_PACKET_CRC;
    size_t at = (size_t)next_byte() << 8;

    at = (at | next_byte()) % n;
    f->b[ZRTP_PACKET_HEADER + at] ^= next_byte();
    if (next_byte() & 1)
        rig_reseal(f);
    tampered = true;
}

static int pass(struct rig *r, int from, struct rig_flight *f, uint64_t *delay)
{
    uint8_t op = next_byte();
    (void)from;

    if (r->n + 4 > RIG_QUEUE)
        return 0;
    switch (op & 7) {
    case 1:
        return 0;
    case 2:
        return 2;
    case 3:
        *delay = (uint64_t)(op >> 3) * 40;
        return 1;
    case 4:
        change(f);
        return 1;
    case 5: /* both: the true one later */
        change(f);
        *delay = 0;
        return 1;
    case 6: /* to the wrong side: reflected */
        f->to = from;
        tampered = true;
        return 1;
    default:
        return 1;
    }
}

static void user(struct rig_side *s, uint64_t now)
{
    struct zrtp_relay relay = {.sas = ZRTP_B32};
    struct zrtp_secrets none = {0};

    switch (next_byte() & 7) {
    case 0:
        zrtp_sas_verified(s->z, true);
        break;
    case 1:
        zrtp_sas_verified(s->z, false);
        break;
    case 2:
        zrtp_enroll(s->z);
        break;
    case 3:
        (void)zrtp_relay_sas(s->z, &relay, now);
        break;
    case 4:
        (void)zrtp_go_clear(s->z, now);
        break;
    case 5:
        zrtp_found(s->z, &none, now);
        break;
    case 6:
        zrtp_media_seen(s->z, now);
        break;
    default:
        zrtp_expired(s->z, now);
        break;
    }
}

static void check(const struct rig *r)
{
    const struct rig_side *a = &r->side[0], *b = &r->side[1];

    for (int i = 0; i < 2; i++) {
        const struct rig_side *s = &r->side[i];
        assert(s->secure <= 1 && s->cleared <= 1);
        assert(s->failed <= 1);
        assert(!s->failed || s->why);
        assert(!s->failed || !zrtp_is_secure(s->z));
        assert(!s->cleared || (s->cfg.allow_clear && r->side[1 - i].cfg.allow_clear));
        assert(s->secure || s->saved == 0);
    }
    if (a->secure && b->secure && a->result.choice.of[ZRTP_KEY_AGREEMENT] != 0)
        assert(memcmp(a->result.tx.master.b, b->result.rx.master.b, 16) == 0 &&
               memcmp(a->result.rx.master.b, b->result.tx.master.b, 16) == 0);
}

static void configure(struct rig *r, uint8_t flags)
{
    for (int i = 0; i < 2; i++) {
        struct zrtp_config *c = &r->side[i].cfg;
        uint8_t mine = (uint8_t)(flags >> (4 * i));
        c->lists.of[ZRTP_KEY_AGREEMENT] =
            (struct zrtp_list){.n = 3, .v = {ZRTP_X255, ZRTP_MULT, ZRTP_PRSH}};
        c->is_passive = mine & 1;
        c->allow_clear = mine & 2;
        c->is_mitm = c->ask_enroll = mine & 4;
        r->side[i].find_later = mine & 8;
        c->accept_enroll = true;
    }
}

static void modes(struct rig *r, uint8_t flags)
{
    for (int i = 0; i < 2; i++) {
        struct rig_side *s = &r->side[i];
        s->cfg.use_preshared = flags & 1;
        s->kept.of[ZRTP_RS1].n = flags & (2 << i) ? ZRTP_SECRET_LEN : 0;
        s->cfg.session.n = flags & (8 << i) ? ZRTP_SECRET_LEN : 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig r;

    if (size < 2 || size > 400)
        return 0;
    script = slice_from(data, size);
    tampered = false;
    rig_init(&r);
    configure(&r, next_byte());
    modes(&r, next_byte());
    r.pass = pass;
    rig_start(&r);
    for (int i = 0; i < 400 && rig_step(&r, r.now + 20000); i++) {
        check(&r);
        if (script.n && (next_byte() & 15) == 0)
            user(&r.side[next_byte() & 1], r.now);
    }
    check(&r);
    rig_fini(&r);
    return 0;
}
