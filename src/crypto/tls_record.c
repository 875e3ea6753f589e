/* Records after the handshake (RFC 8446 s.5, RFC 5246 s.6.2.3.3). What a peer may still send there
 * besides data is little: alerts, and in TLS 1.3 KeyUpdate and, to a client, tickets that we do
 * not want. All else ends the connection. */
#include "crypto/tls_internal.h"

enum { TYPE_CCS = 20, TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_DATA = 23 };
enum { MSG_NEW_SESSION_TICKET = 4, MSG_KEY_UPDATE = 24 };
enum { ALERT_CLOSE_NOTIFY = 0, ALERT_USER_CANCELED = 90 };
enum { LEVEL_WARNING = 1, LEVEL_FATAL = 2 };

#define HEAD_LEN 5u
#define EXPLICIT_LEN 8u
#define PLAIN_MAX 16384u
/* Records under one key: AES-GCM's margin is 2^24.5 full records (RFC 8446 s.5.5). TLS 1.2 has no
 * KeyUpdate, and ours are far from full. */
#define SEQ_UPDATE ((uint64_t)1 << 24)
#define SEQ_END_12 ((uint64_t)1 << 32)

struct verdict_row {
    const char *text;
    uint8_t alert;
};

static const struct verdict_row verdicts[CRYPTO_TLS_VERDICT_COUNT] = {
    [CRYPTO_TLS_DATA] = {"data", 0},
    [CRYPTO_TLS_MORE] = {"the record is not complete", 0},
    [CRYPTO_TLS_CLOSED] = {"the peer closed the TLS session", 0},
    [CRYPTO_TLS_ALERTED] = {"the peer ended the TLS session with an alert", 0},
    [CRYPTO_TLS_FORGED] = {"a TLS record failed authentication", 20},
    [CRYPTO_TLS_OVERSIZED] = {"a TLS record was too large", 22},
    [CRYPTO_TLS_UNEXPECTED] = {"a TLS record came that has no place after the handshake", 10},
    [CRYPTO_TLS_RENEGOTIATES] = {"the peer wants to renegotiate TLS, which is refused", 100},
    [CRYPTO_TLS_FLOODS] = {"too many TLS records without data", 10},
};

const char *crypto_tls_verdict_text(enum crypto_tls_verdict v)
{
    return verdicts[v].text;
}

uint8_t crypto_tls_verdict_alert(enum crypto_tls_verdict v)
{
    return verdicts[v].alert;
}

const char *crypto_tls_record_version(const struct crypto_tls_record *r)
{
    return r->version == CRYPTO_TLS_13 ? "TLSv1.3" : "TLSv1.2";
}

const char *crypto_tls_record_cipher(const struct crypto_tls_record *r)
{
    return tls_ciphers[r->cipher].name;
}

bool crypto_tls_record_is_sound(const struct crypto_tls_record *r)
{
    return r->cipher < tls_cipher_count && r->version == tls_ciphers[r->cipher].version &&
           r->suite == tls_ciphers[r->cipher].suite && r->msg_n < sizeof(r->msg) &&
           r->fragment >= 512 && r->fragment <= PLAIN_MAX;
}

/* Bytes that TLS 1.2's AES-GCM puts before the ciphertext. */
static size_t explicit_len(const struct crypto_tls_record *r)
{
    return r->version == CRYPTO_TLS_12 && r->suite != CRYPTO_TLS_CHACHA20 ? EXPLICIT_LEN : 0;
}

static void put_be64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

/* RFC 8446 s.5.3 and RFC 7905 s.2: the counter is mixed into the iv. RFC 5288 s.3: it stands
 * behind the salt, and in the record. */
static void make_nonce(const struct crypto_tls_record *r, const struct crypto_tls_keys *k,
                       uint64_t seq, const uint8_t *explicit_nonce, uint8_t nonce[TLS_NONCE_LEN])
{
    if (explicit_len(r)) {
        memcpy(nonce, k->iv, 4);
        memcpy(nonce + 4, explicit_nonce, EXPLICIT_LEN);
        return;
    }
    memset(nonce, 0, 4);
    put_be64(nonce + 4, seq);
    for (int i = 0; i < TLS_NONCE_LEN; i++)
        nonce[i] ^= k->iv[i];
}

/* What is authenticated beside the data: TLS 1.3 the head, TLS 1.2 counter, type, version and the
 * data's length. */
static struct slice make_aad(const struct crypto_tls_record *r, uint64_t seq, const uint8_t *head,
                             size_t data_n, uint8_t aad[13])
{
    if (r->version == CRYPTO_TLS_13)
        return slice_from(head, HEAD_LEN);
    put_be64(aad, seq);
    memcpy(aad + 8, head, 3);
    aad[11] = (uint8_t)(data_n >> 8);
    aad[12] = (uint8_t)data_n;
    return slice_from(aad, 13);
}

/* --- out --------------------------------------------------------------------------------------- */

static int seal_one(struct crypto_tls_aead *a, struct crypto_tls_record *r, uint8_t type,
                    struct slice data, uint8_t *out, size_t *io_n)
{
    uint64_t seq = r->tx.seq;
    size_t ex = explicit_len(r), inner = data.n + (r->version == CRYPTO_TLS_13);
    size_t body = ex + inner + TLS_TAG_LEN;
    uint8_t nonce[TLS_NONCE_LEN], aad[13], *p = out + *io_n;

    /* Before anything is made under it: a process that dies here has lost a number, and the next
     * one never uses it again. */
    __atomic_store_n(&r->tx.seq, seq + 1, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    p[0] = r->version == CRYPTO_TLS_13 ? TYPE_DATA : type;
    p[1] = p[2] = 3;
    p[3] = (uint8_t)(body >> 8);
    p[4] = (uint8_t)body;
    put_be64(p + HEAD_LEN, seq); /* overwritten where the suite has no explicit nonce */
    make_nonce(r, &r->tx, seq, p + HEAD_LEN, nonce);
    struct tls_job j = {.suite = r->suite,
                        .key = r->tx.key,
                        .nonce = nonce,
                        .aad = make_aad(r, seq, p, data.n, aad),
                        .in = data,
                        .tail = r->version == CRYPTO_TLS_13 ? type : -1,
                        .out = p + HEAD_LEN + ex,
                        .tag = p + HEAD_LEN + ex + inner};
    int e = tls_aead_seal(a, &j);
    if (e == 0)
        *io_n += HEAD_LEN + body;
    return e;
}

/* RFC 8446 s.4.6.3: the last record under the old key says so. */
static int seal_key_update(struct crypto_tls_aead *a, struct crypto_tls_record *r, uint8_t *out,
                           size_t *io_n)
{
    static const uint8_t msg[] = {MSG_KEY_UPDATE, 0, 0, 1, 0};
    int e = seal_one(a, r, TYPE_HANDSHAKE, slice_from(msg, sizeof(msg)), out, io_n);

    if (e < 0)
        return e;
    r->update_due = false;
    return tls_keys_update(r, &r->tx);
}

size_t crypto_tls_seal_room(const struct crypto_tls_record *r, size_t n)
{
    size_t records = n / r->fragment + 2; /* the last, shorter one, and a KeyUpdate */

    return n + 5 + records * (HEAD_LEN + EXPLICIT_LEN + 1 + TLS_TAG_LEN);
}

int crypto_tls_seal(struct crypto_tls_aead *a, struct crypto_tls_record *r, struct slice data,
                    uint8_t *out, size_t *ret_n)
{
    size_t n = 0;
    int e = 0;

    while (data.n && e == 0) {
        size_t part = data.n < r->fragment ? data.n : r->fragment;
        if (r->version == CRYPTO_TLS_12 && r->tx.seq >= SEQ_END_12)
            return -EOVERFLOW;
        if (r->version == CRYPTO_TLS_13 && (r->update_due || r->tx.seq >= SEQ_UPDATE))
            e = seal_key_update(a, r, out, &n);
        if (e == 0)
            e = seal_one(a, r, TYPE_DATA, slice_take(data, part), out, &n);
        data = slice_skip(data, part);
    }
    if (e == 0)
        *ret_n = n;
    return e;
}

int crypto_tls_seal_alert(struct crypto_tls_aead *a, struct crypto_tls_record *r, uint8_t alert,
                          uint8_t out[CRYPTO_TLS_ALERT_ROOM], size_t *ret_n)
{
    uint8_t msg[2] = {alert == ALERT_CLOSE_NOTIFY ? LEVEL_WARNING : LEVEL_FATAL, alert};
    size_t n = 0;
    int e = seal_one(a, r, TYPE_ALERT, slice_from(msg, 2), out, &n);

    if (e == 0)
        *ret_n = n;
    return e;
}

/* --- in ---------------------------------------------------------------------------------------- */

static int on_alert(const struct crypto_tls_record *r, struct slice s)
{
    if (s.n != 2)
        return CRYPTO_TLS_UNEXPECTED;
    uint8_t level = (uint8_t)s.p[0], what = (uint8_t)s.p[1];
    if (what == ALERT_CLOSE_NOTIFY)
        return CRYPTO_TLS_CLOSED;
    /* RFC 8446 s.6: the level means nothing any more. RFC 5246 s.7.2.2: warnings may be ignored. */
    bool harmless =
        what == ALERT_USER_CANCELED || (r->version == CRYPTO_TLS_12 && level == LEVEL_WARNING);
    return harmless ? CRYPTO_TLS_DATA : CRYPTO_TLS_ALERTED;
}

static int on_key_update(struct crypto_tls_record *r, size_t left)
{
    r->msg_n = 0;
    /* RFC 8446 s.5.1: nothing of the old key may follow within the record. */
    if (left != 0 || r->msg[4] > 1)
        return CRYPTO_TLS_UNEXPECTED;
    if (r->msg[4] == 1)
        r->update_due = true;
    int e = tls_keys_update(r, &r->rx);
    return e < 0 ? e : CRYPTO_TLS_DATA;
}

/* TLS 1.3 messages after the handshake; they may be cut by records anywhere. */
static int on_handshake(struct crypto_tls_record *r, struct slice s)
{
    if (r->version == CRYPTO_TLS_12)
        return CRYPTO_TLS_RENEGOTIATES;
    if (s.n == 0) /* RFC 8446 s.5.1 */
        return CRYPTO_TLS_UNEXPECTED;
    while (s.n) {
        if (r->msg_skip) {
            size_t n = s.n < r->msg_skip ? s.n : r->msg_skip;
            r->msg_skip -= (uint32_t)n;
            s = slice_skip(s, n);
            continue;
        }
        r->msg[r->msg_n++] = (uint8_t)s.p[0];
        s = slice_skip(s, 1);
        if (r->msg_n < 4)
            continue;
        uint32_t len = (uint32_t)r->msg[1] << 16 | (uint32_t)r->msg[2] << 8 | r->msg[3];
        if (r->msg[0] == MSG_NEW_SESSION_TICKET && r->is_client) {
            r->msg_skip = len;
            r->msg_n = 0;
        } else if (r->msg[0] != MSG_KEY_UPDATE || len != 1) {
            r->msg_n = 0;
            return CRYPTO_TLS_UNEXPECTED;
        } else if (r->msg_n == 5) {
            return on_key_update(r, s.n);
        }
    }
    return CRYPTO_TLS_DATA;
}

static int on_record(struct crypto_tls_record *r, uint8_t type, struct slice s,
                     struct slice *ret_data)
{
    int v;

    /* RFC 8446 s.5.1: no other record within a message. */
    if (type != TYPE_HANDSHAKE && (r->msg_n || r->msg_skip))
        return CRYPTO_TLS_UNEXPECTED;
    if (type == TYPE_DATA && s.n) {
        r->control = 0;
        *ret_data = s;
        return CRYPTO_TLS_DATA;
    }
    if (++r->control > CRYPTO_TLS_CONTROL_MAX)
        return CRYPTO_TLS_FLOODS;
    if (type == TYPE_DATA)
        v = CRYPTO_TLS_DATA;
    else if (type == TYPE_ALERT)
        v = on_alert(r, s);
    else
        v = type == TYPE_HANDSHAKE ? on_handshake(r, s) : CRYPTO_TLS_UNEXPECTED;
    if (v == CRYPTO_TLS_DATA)
        *ret_data = SLICE_NONE;
    return v;
}

/* Decrypts; *ret_type and *ret_data are of what was inside. */
static int open_one(struct crypto_tls_aead *a, struct crypto_tls_record *r, uint8_t *in,
                    size_t body, uint8_t *ret_type, struct slice *ret_data)
{
    size_t ex = explicit_len(r);

    if (body < ex + TLS_TAG_LEN)
        return CRYPTO_TLS_FORGED;
    size_t n = body - ex - TLS_TAG_LEN;
    uint8_t *p = in + HEAD_LEN + ex, nonce[TLS_NONCE_LEN], aad[13];
    make_nonce(r, &r->rx, r->rx.seq, in + HEAD_LEN, nonce);
    struct tls_job j = {.suite = r->suite,
                        .key = r->rx.key,
                        .nonce = nonce,
                        .aad = make_aad(r, r->rx.seq, in, n, aad),
                        .in = slice_from(p, n),
                        .tail = -1,
                        .out = p,
                        .tag = p + n};
    int e = tls_aead_open(a, &j);
    if (e != TLS_AEAD_OK)
        return e < 0 ? e : CRYPTO_TLS_FORGED;
    r->rx.seq++;
    *ret_type = in[0];
    if (r->version == CRYPTO_TLS_13) { /* data, its type, padding of zeros */
        while (n && p[n - 1] == 0)
            n--;
        if (n == 0)
            return CRYPTO_TLS_UNEXPECTED;
        *ret_type = p[--n];
    }
    *ret_data = slice_from(p, n);
    return n > PLAIN_MAX ? CRYPTO_TLS_OVERSIZED : CRYPTO_TLS_DATA;
}

int crypto_tls_open(struct crypto_tls_aead *a, struct crypto_tls_record *r, uint8_t *in, size_t n,
                    size_t *ret_used, struct slice *ret_data)
{
    struct slice inner;
    uint8_t type;

    if (n < HEAD_LEN)
        return CRYPTO_TLS_MORE;
    size_t body = (size_t)in[3] << 8 | in[4];
    if (in[1] != 3 || (r->version == CRYPTO_TLS_13 && in[0] != TYPE_DATA))
        return CRYPTO_TLS_UNEXPECTED;
    if (body > CRYPTO_TLS_RECORD_MAX - HEAD_LEN)
        return CRYPTO_TLS_OVERSIZED;
    if (n < HEAD_LEN + body)
        return CRYPTO_TLS_MORE;
    int v = open_one(a, r, in, body, &type, &inner);
    if (v == CRYPTO_TLS_DATA)
        v = on_record(r, type, inner, ret_data);
    if (v == CRYPTO_TLS_DATA)
        *ret_used = HEAD_LEN + body;
    return v;
}
