/* Nanoseconds per packet of SRTP: payloads, burst sizes, one session and 2,000, each back end; beside
 * them libsrtp2, and the primitives alone (`bare`). Medians of bursts and of runs, so that what else the machine does does not
 * count; a burst takes its sessions in an order without pattern. `bench-crypto-srtp quick` prints
 * only the 160-byte lines. */
#include <math.h>

#include "crypto/hash.h"
#include "crypto/srtp_bare.h"
#include "crypto/srtp_peer.h"

#define SESSIONS 2000
#define RUNS 5
#define RUN_PACKETS 16384
#define HDR 12
#define ROOM 2112

static const uint32_t payloads[] = {160, 16, 32, 64, 128, 256, 512, 1024, 2048};
static const size_t bursts[] = {1, 8, 32};
static const size_t session_counts[] = {1, SESSIONS};
static const enum srtp_suite suites[] = {SRTP_AES_CM_128_HMAC_SHA1_80, SRTP_AEAD_AES_128_GCM};

struct bench {
    struct srtp_engine *engine; /* NULL: libsrtp2, or … */
    struct bare *bare;          /* … the primitives */
    struct srtp_ctx *ctx[SESSIONS];
    struct peer *out[SESSIONS], *in[SESSIONS];
    uint16_t order[RUN_PACKETS]; /* session of each packet */
    uint16_t seq[SESSIONS];
    enum srtp_suite suite;
    uint8_t (*pkt)[ROOM]; /* RUN_PACKETS of them */
    uint32_t len[RUN_PACKETS];
    double spent[RUN_PACKETS]; /* ns of each burst */
};

static double now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double middle_of(double *v, size_t n)
{
    qsort(v, n, sizeof(v[0]), by_value);
    return v[n / 2];
}

static void make_sessions(struct bench *b, enum srtp_suite suite, size_t n)
{
    const struct srtp_suite_info *info = srtp_suite_info(suite);

    for (size_t i = 0; i < n; i++) {
        struct srtp_keys k = {.suite = suite};

        k.master.n = (size_t)info->key_len + info->salt_len;
        crypto_random(k.master.b, k.master.n);
        if (b->engine) {
            if (srtp_ctx_new(b->engine, &k, &b->ctx[i]) < 0)
                abort();
        } else if (!b->bare) {
            b->out[i] = peer_new(&k, true);
            b->in[i] = peer_new(&k, false);
        }
        b->seq[i] = 0;
    }
}

static void free_sessions(struct bench *b)
{
    for (size_t i = 0; i < SESSIONS; i++) {
        b->ctx[i] = srtp_ctx_free(b->ctx[i]);
        peer_free(b->out[i]);
        peer_free(b->in[i]);
        b->out[i] = b->in[i] = NULL;
    }
}

static void make_packets(struct bench *b, size_t sessions, size_t slots, uint32_t payload)
{
    for (size_t i = 0; i < RUN_PACKETS; i++) {
        b->order[i] = (uint16_t)(i * 1237 % sessions);
        b->len[i] = HDR + payload;
    }
    for (size_t i = 0; i < slots; i++) {
        memset(b->pkt[i], 0x55, ROOM);
        memset(b->pkt[i], 0, HDR);
        b->pkt[i][0] = 0x80;
    }
}

/* One run, all packets in bursts. The packets' memory is as small as one wake-up's, so that only
 * the sessions' state is many. */
static double run_ours(struct bench *b, size_t burst, uint32_t payload, bool protect)
{
    struct srtp_job jobs[SRTP_BURST_MAX];
    size_t runs = 0;

    for (size_t at = 0; at + burst <= RUN_PACKETS; at += burst) {
        for (size_t i = 0; i < burst; i++)
            jobs[i] = (struct srtp_job){.ctx = b->ctx[b->order[at + i]],
                                        .pkt = b->pkt[i],
                                        .len = HDR + payload,
                                        .hdr_len = HDR,
                                        .index = at};
        if (!protect && !b->bare)
            srtp_protect(b->engine, jobs, burst);
        double start = now_ns();

        if (b->bare)
            bare_run(b->bare, b->suite, jobs, burst, protect);
        else
            (protect ? srtp_protect : srtp_unprotect)(b->engine, jobs, burst);
        b->spent[runs++] = now_ns() - start;
        for (size_t i = 0; i < burst && !b->bare; i++)
            if (jobs[i].verdict != SRTP_OK)
                abort();
    }
    return middle_of(b->spent, runs) / (double)burst;
}

/* Both ways always, one of them timed: the receiver must see the rollover counter go. */
static double run_peer(struct bench *b, size_t burst, uint32_t payload, bool protect)
{
    size_t runs = 0;
    bool ok = true;

    for (size_t at = 0; at + burst <= RUN_PACKETS; at += burst) {
        for (size_t i = 0; i < burst; i++) {
            uint16_t seq = ++b->seq[b->order[at + i]];

            b->pkt[i][2] = (uint8_t)(seq >> 8);
            b->pkt[i][3] = (uint8_t)seq;
            b->len[i] = HDR + payload;
        }
        double start = now_ns();

        for (size_t i = 0; i < burst; i++)
            ok = peer_protect(b->out[b->order[at + i]], false, b->pkt[i], &b->len[i]) && ok;
        double middle = now_ns();

        for (size_t i = 0; i < burst; i++)
            ok = peer_unprotect(b->in[b->order[at + i]], false, b->pkt[i], &b->len[i]) && ok;
        b->spent[runs++] = protect ? middle - start : now_ns() - middle;
    }
    if (!ok)
        abort();
    return middle_of(b->spent, runs) / (double)burst;
}

/* What reading the clock twice costs, to be taken off each burst. */
static double clock_cost(void)
{
    double cost = 1e9;

    for (int i = 0; i < 1000; i++) {
        double start = now_ns(), spent = now_ns() - start;

        cost = spent < cost ? spent : cost;
    }
    return cost;
}

static double median(struct bench *b, size_t burst, uint32_t payload, bool protect)
{
    double runs[RUNS] = {0};

    bool ours = b->engine || b->bare;
    size_t n = ours ? RUNS : 1;

    for (size_t r = 0; r < n; r++)
        runs[r] = (ours ? run_ours : run_peer)(b, burst, payload, protect);
    return middle_of(runs, n) - clock_cost() / (double)burst;
}

static void print_row(struct bench *b, const char *name, enum srtp_suite suite, size_t sessions,
                      uint32_t payload)
{
    printf("%-9s %-24s %4zu %5u |", name, srtp_suite_name(suite), sessions, payload);
    make_packets(b, sessions, SRTP_BURST_MAX, payload);
    for (size_t i = 0; i < ARRAY_LEN(bursts); i++)
        printf(" %6.0f", median(b, bursts[i], payload, true));
    printf(" |");
    for (size_t i = 0; i < ARRAY_LEN(bursts); i++)
        printf(" %6.0f", median(b, bursts[i], payload, false));
    printf("\n");
    fflush(stdout);
}

/* Only as many sessions exist as are measured: libsrtp2's NSS is slower for each of them, and with
 * 2,000 it takes minutes. */
static void bench_backend(struct bench *b, const char *name, size_t n_payloads)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        b->suite = suites[i];
        for (size_t s = 0; s < (b->engine ? ARRAY_LEN(session_counts) : 1); s++) {
            make_sessions(b, suites[i], session_counts[s]);
            for (size_t p = 0; p < n_payloads; p++)
                print_row(b, name, suites[i], session_counts[s], payloads[p]);
            free_sessions(b);
        }
    }
}

int main(int argc, char **argv)
{
    static const enum srtp_backend backends[] = {SRTP_BACKEND_IPSEC_MB, SRTP_BACKEND_OPENSSL};
    bool quick = argc > 1 && strcmp(argv[1], "quick") == 0;
    size_t n_payloads = quick ? 1 : ARRAY_LEN(payloads);
    struct bench *b = calloc(1, sizeof(*b));

    if (!b || !(b->pkt = calloc(SRTP_BURST_MAX, ROOM)))
        return 1;
    printf("ns per packet                    sess bytes | protect, burst 1 8 32 | unprotect\n");
    for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
        if (srtp_engine_new(backends[i], &b->engine) < 0)
            continue;
        bench_backend(b, srtp_engine_name(b->engine), n_payloads);
        b->engine = srtp_engine_free(b->engine);
    }
    b->bare = bare_new();
    if (b->bare)
        bench_backend(b, "bare", n_payloads);
    bare_free(b->bare);
    b->bare = NULL;
    if (peer_open())
        bench_backend(b, "libsrtp2", n_payloads);
    free(b->pkt);
    free(b);
    return 0;
}
