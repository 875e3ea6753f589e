/* Descriptions with MIKEY messages from a user who has a certificate: each message is given that
 * certificate, an envelope for the other side, key data encrypted and authenticated under its key, and
 * a good signature, so that what lies behind them is reached. What must hold: keys are agreed on only in
 * both directions and never the same in both, a refusal has a reason, and nothing is half done. */
#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/hash.h"
#include "crypto/tls_testcert.h"
#include "keying/mikey_wire.h"
#include "keying/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER_LEN 10
#define CS_LEN 9
#define FIRST_AT 2 /* the number of the first payload */
#define CS_COUNT_AT 8

enum { AS_ANSWER = 1, AS_IT_IS = 2 };

static const struct secret env = {.n = 16, .b = "an envelope key"};
static struct crypto_rsa *server, *phone;
static struct crypto_rsa_peer *to_server;
static uint64_t now;
static char line[MIKEY_MESSAGE_MAX * 2], out[8192];

static struct crypto_rsa *own(const struct testcert_spec *spec, const struct testcert *ca)
{
    struct testcert c = testcert_new(spec, ca);
    struct crypto_rsa *r = NULL;
    if (crypto_rsa_new(c.cert_pem, c.key_pem, ca->cert_pem, &r) < 0)
        abort();
    testcert_free(&c);
    return r;
}

static void make(void)
{
    struct testcert ca = testcert_new(&(struct testcert_spec){.cn = "CA", .ca = true}, NULL);
    now = (uint64_t)time(NULL);
    server = own(&(struct testcert_spec){.cn = "s", .san = "DNS:example.org", .rsa = true}, &ca);
    phone = own(&(struct testcert_spec){.cn = "p", .san = "URI:sip:1000@example.org", .rsa = true},
                &ca);
    if (crypto_rsa_peer_new(phone, crypto_rsa_cert(server), "example.org", now, &to_server) != 0)
        abort();
    testcert_free(&ca);
}

static void put_payload(struct buf *b, unsigned next, int type, struct slice s)
{
    buf_put_char(b, (char)next);
    if (type >= 0)
        buf_put_char(b, (char)type);
    buf_put_char(b, (char)(s.n >> 8));
    buf_put_char(b, (char)s.n);
    buf_put_slice(b, s);
}

/* The message with certificate, envelope and time, which no seed can have, behind its header. */
static void dress(const uint8_t *data, size_t size, struct buf *b)
{
    static uint8_t envelope[CRYPTO_RSA_MAX];
    static size_t envelope_n;
    size_t head = size > CS_COUNT_AT ? HEADER_LEN + (size_t)data[CS_COUNT_AT] * CS_LEN : size;

    if (!envelope_n && crypto_rsa_seal(to_server, &env, envelope, &envelope_n) < 0)
        abort();
    if (head >= size) {
        buf_put(b, data, size);
        return;
    }
    buf_put(b, data, head);
    b->p[FIRST_AT] = MIKEY_PL_T;
    buf_put_char(b, MIKEY_PL_CERT);
    buf_put_char(b, 0); /* NTP-UTC */
    mikey_put64(b, mikey_ntp_of(now));
    put_payload(b, MIKEY_PL_PKE, MIKEY_CERT_X509, crypto_rsa_cert(phone));
    put_payload(b, data[FIRST_AT], -1, slice_from(envelope, envelope_n));
    buf_put(b, data + head, size - head);
}

#define CSB_AT 4

/* Encrypts, authenticates and signs what is there of it. `init`: what it answers, or NULL. */
static void finish(struct buf *b, const struct mikey_msg *init)
{
    struct mikey_msg m;
    struct buf csb = buf_over(b->p + CSB_AT, 4);

    if (init && b->n > HEADER_LEN)
        mikey_put32(&csb, init->csb_id);
    if (b->overflow || mikey_parse(buf_slice(b), &m) != MIKEY_OK || !m.signed_part.n)
        return;
    if (init)
        m.rand = init->rand;
    if (m.has_kemac && m.rand.n) {
        if (mikey_crypt(&m, &env, (uint8_t *)(uintptr_t)m.kemac_data.p, m.kemac_data.n) < 0)
            abort();
        char room[MIKEY_MESSAGE_MAX];
        struct buf w = buf_over(room, sizeof(room));
        buf_put_slice(&w, m.kemac);
        mikey_put_mac_from(&w, 0, &m, &env);
        if (m.mac.n == MIKEY_MAC_LEN && !w.overflow)
            memcpy((char *)(uintptr_t)m.mac.p, room + m.kemac.n, MIKEY_MAC_LEN);
    }
    b->n = m.signed_part.n - 2;
    size_t len = crypto_rsa_sign_len(phone);
    buf_put_char(b, (char)(len >> 8)); /* of PKCS#1 */
    buf_put_char(b, (char)len);
    mikey_put_sign(b, phone, init);
}

static struct slice line_of(struct slice bytes)
{
    struct buf b = buf_over(line, sizeof(line));
    size_t len = 0;

    buf_put_str(&b, "a=key-mgmt:mikey ");
    crypto_base64_put(bytes, line + b.n, sizeof(line) - b.n, &len);
    return slice_from(line, b.n + len);
}

static void judge(int v, const struct keying_result *r, const struct keying_state *next)
{
    assert(v >= 0 && r->why);
    if (v != KEYING_OK)
        return;
    assert(next->active == KEYING_MIKEY && keying_mikey_how(&next->mikey) >= MIKEY_HOW_PK);
    assert(next->tx.suite && next->rx.suite && !keying_keys_eq(&next->tx, &next->rx));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!server)
        make();
    struct mikey_terms terms = {.unix_s = now,
                                .call = 1,
                                .cert_required = true,
                                .self = "example.org",
                                .peer = "1000@example.org"};
    struct keying_local local = {.rsa = server};
    struct keying_policy p = {
        .keying_count = 1, .keyings = {KEYING_MIKEY}, .local = &local, .mikey = &terms};
    struct keying_state s = {0}, next = {0};
    struct keying_result r = {0};
    char bytes[MIKEY_MESSAGE_MAX];
    struct buf b = buf_over(bytes, sizeof(bytes)), answer = buf_over(out, sizeof(out));

    if (size < 2)
        return 0;
    if (mikey_seen_new(now - 1, &local.mikey_seen) < 0)
        abort();
    unsigned how = data[0];
    dress(data + 1, size - 1, &b);
    if (how & AS_ANSWER) {
        if (keying_local_offer(&s, &p, &answer, &next, &r) != KEYING_OK)
            abort();
        s = next;
    }
    const struct mikey_msg init = {.csb_id = s.mikey.offered.csb_id,
                                   .time = s.mikey.offered.time,
                                   .id_count = 2,
                                   .id = {{MIKEY_ID_URI, SLICE_LIT("sip:example.org")},
                                          {MIKEY_ID_URI, SLICE_LIT("sip:1000@example.org")}},
                                   .rand = slice_from(s.mikey.offered.rand, MIKEY_RAND_MIN)};
    if (!(how & AS_IT_IS))
        finish(&b, how & AS_ANSWER ? &init : NULL);
    if (!b.overflow && how & AS_ANSWER) {
        judge(keying_remote_answer(&s, &p, KEYING_SAVP, line_of(buf_slice(&b)), &next, &r), &r,
              &next);
    } else if (!b.overflow) {
        int v =
            keying_remote_offer(&s, &p, KEYING_SAVP, line_of(buf_slice(&b)), &answer, &next, &r);
        assert(v == KEYING_OK || answer.n == 0);
        judge(v, &r, &next);
    }
    local.mikey_seen = mikey_seen_free(local.mikey_seen);
    keying_state_wipe(&s);
    keying_state_wipe(&next);
    return 0;
}
