/* Descriptions with MIKEY messages from a peer that has the key: each message's MAC is made right, so
 * that what lies behind it is reached. Messages come one after the other, two bytes of length before
 * each, whose top bits say how it comes. What must hold: keys are agreed on only in both directions
 * and never the same in both, a refusal has a reason, and nothing is half done. */
#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "keying/mikey_wire.h"
#include "keying/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1700000000u
#define MESSAGES_MAX 8

enum how { AS_ANSWER = 0x8000, OF_SESSION = 0x4000, AS_IT_IS = 0x2000 };

static char line[MIKEY_MESSAGE_MAX * 2], out[8192];

/* Puts the right MAC into a message that has one. */
static void seal(uint8_t *bytes, size_t n, const struct secret *psk, const struct mikey_msg *init)
{
    uint8_t room[MIKEY_MESSAGE_MAX];
    struct mikey_msg m;

    if (mikey_parse(slice_from(bytes, n), &m) != MIKEY_OK || m.mac.n != MIKEY_MAC_LEN)
        return;
    struct buf b = buf_over(room, sizeof(room));
    buf_put_slice(&b, m.covered);
    mikey_put_mac(&b, init ? init : &m, psk, init);
    if (!b.overflow)
        memcpy(bytes + m.covered.n, room + m.covered.n, MIKEY_MAC_LEN);
}

/* The same for an answer, which names the bundle: ours is random. */
static void answer_to(uint8_t *bytes, size_t n, const struct secret *psk,
                      const struct mikey_msg *init)
{
    struct buf b = buf_over(bytes + 4, 4);

    if (n < 8)
        return;
    mikey_put32(&b, init->csb_id);
    seal(bytes, n, psk, init);
}

static struct slice line_of(const uint8_t *bytes, size_t n, bool of_session)
{
    struct buf b = buf_over(line, sizeof(line));
    size_t len = 0;

    buf_put_str(&b, of_session ? "a=session-key-mgmt:mikey " : "a=key-mgmt:mikey ");
    crypto_base64_put(slice_from(bytes, n), line + b.n, sizeof(line) - b.n, &len);
    return slice_from(line, b.n + len);
}

static void step(const struct keying_policy *p, struct keying_state *s, unsigned how,
                 uint8_t *bytes, size_t n)
{
    struct keying_state next;
    struct keying_result r = {0};
    struct buf b = buf_over(out, sizeof(out));
    int v;

    if (how & AS_ANSWER) {
        v = keying_local_offer(s, p, &b, &next, &r);
        assert(v == KEYING_OK);
        *s = next;
        struct mikey_msg init = {.csb_id = s->mikey.offered.csb_id,
                                 .time = s->mikey.offered.time,
                                 .id_count = 2,
                                 .id = {{MIKEY_ID_URI, SLICE_LIT("sip:example.org")},
                                        {MIKEY_ID_URI, SLICE_LIT("sip:1000@example.org")}},
                                 .rand = slice_from(s->mikey.offered.rand, MIKEY_RAND_MIN)};
        if (!(how & AS_IT_IS))
            answer_to(bytes, n, &p->mikey->psk, &init);
        v = keying_remote_answer(s, p, KEYING_SAVP, line_of(bytes, n, how & OF_SESSION), &next, &r);
    } else {
        if (!(how & AS_IT_IS))
            seal(bytes, n, &p->mikey->psk, NULL);
        v = keying_remote_offer(s, p, KEYING_SAVP, line_of(bytes, n, how & OF_SESSION), &b, &next,
                                &r);
        assert(v == KEYING_OK || b.n == 0);
    }
    assert(v >= 0 && r.why);
    if (v != KEYING_OK)
        return;
    assert(next.active == KEYING_MIKEY && keying_mikey_how(&next.mikey) != MIKEY_HOW_CLEAR);
    assert(next.tx.suite && next.rx.suite && !keying_keys_eq(&next.tx, &next.rx));
    *s = next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mikey_terms terms = {.psk = {.n = 32, .b = "a pre-shared key of 32 bytes ..."},
                                .unix_s = NOW,
                                .call = 1,
                                .self = "example.org",
                                .peer = "1000@example.org"};
    struct keying_local local = {0};
    struct keying_policy p = {
        .keying_count = 1, .keyings = {KEYING_MIKEY}, .local = &local, .mikey = &terms};
    struct keying_state s = {0};
    uint8_t bytes[MIKEY_MESSAGE_MAX];

    if (mikey_seen_new(NOW - 1, &local.mikey_seen) < 0)
        abort();
    for (unsigned i = 0; i < MESSAGES_MAX && size > 2; i++) {
        unsigned head = (unsigned)data[0] << 8 | data[1];
        size_t n = head & 0x0fff;
        n = n < size - 2 ? n : size - 2;
        memcpy(bytes, data + 2, n);
        step(&p, &s, head, bytes, n);
        data += 2 + n;
        size -= 2 + n;
    }
    local.mikey_seen = mikey_seen_free(local.mikey_seen);
    keying_state_wipe(&s);
    return 0;
}
