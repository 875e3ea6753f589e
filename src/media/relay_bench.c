/* What the relay costs: CPU time (user + system) of the role's process for a packet of 172 bytes
 * that it forwards, at N streams of 50 packets a second each; and memory for a call. The load is this
 * process, on another core if there is one: phones with real sockets, packets spread evenly over time.
 *
 *   bench-media-relay [--shared | --cable | --xdp] [--workers N [--peak]] [--gather MS] [--lag]
 *                     [--kind NAME] [streams [seconds]]
 *   bench-media-relay [--lag] --plan NAME FILE PID [seconds]
 *
 * --cable: as --shared, but phones are in a network namespace of their own, at the other end of a veth
 * pair; --xdp: likewise, and media goes past the kernel's stack. As on loopback, the kernel does what receiving
 * takes in the time of who sends: the role's holds the phones' part, up to their sockets, and the load's
 * that of the role's end, the XDP program with it. So a second figure is told, of packets that the
 * phones' end of the cable drops at once: what the role's end alone costs, as with a network card.
 *
 * With several workers each has a share of ports and calls; CPU time is that of all of them. --peak asks
 * for cores: one for each worker and one for what loads it, as fast as it can. --lag: how much later a
 * packet comes, too.
 *
 * The second loads another relay, whose process is PID, with the same phones. FILE has a line for each
 * stream: our port, its port, our key and its key (SUITE:KEY, as in a=crypto, or `-`); streams 2i and
 * 2i+1 are one call. */
#include "media/rig.h"

#include <net/ethernet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "media/bpf.h"

#define WORKERS_MAX 4u
#define SLICES 20 /* of the 20 ms between two packets of a stream */
#define SENT 64   /* packets of a stream whose times are kept; a power of 2 */

static struct {
    bool (*go)(void); /* to where its way is; NULL: here */
    bool lag, peak;
    uint32_t workers;
    uint32_t gather_ms;
    const char *kind; /* NULL: all */
} options;

static const struct kind {
    const char *name;
    enum protection_policy a, b;
    bool pass; /* the phones' keys, which the relay does not have */
} kinds[] = {
    {"SRTP-SRTP", PROTECTION_REQUIRED, PROTECTION_REQUIRED, false},
    {"RTP-RTP", PROTECTION_OFF, PROTECTION_OFF, false},
    {"RTP-SRTP", PROTECTION_OFF, PROTECTION_REQUIRED, false},
    {"SRTP passed", PROTECTION_REQUIRED, PROTECTION_REQUIRED, true},
};

static void no_hold(void *arg, uint64_t tag, int fd)
{
    (void)arg, (void)tag, (void)fd;
}

static void no_unhold(void *arg, uint64_t tag)
{
    (void)arg, (void)tag;
}

static void on_cpu(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set); /* one core is fine too */
}

static void child_run(struct rig *g, int fd, unsigned cpu)
{
    const struct media_role_ops ops = {.hold = no_hold, .unhold = no_unhold};
    struct media_role *role;
    struct loop *l;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "role"); /* for profilers */
    on_cpu(cpu);
    RIG_EQ(loop_new(&l), 0);
    RIG_EQ(media_role_new(l, &g->cfg, g->state_fd, g->stats_fd, &ops, &role), 0);
    RIG_EQ(media_role_start(role), 0);
    RIG_EQ(media_role_attach(role, fd), 0);
    RIG_EQ(loop_run(l), 0);
    _exit(0);
}

static uint64_t cpu_ns(pid_t pid)
{
    clockid_t id;
    struct timespec ts;
    RIG_EQ(clock_getcpuclockid(pid, &id), 0);
    RIG_EQ(clock_gettime(id, &ts), 0);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static long resident_kb(pid_t pid)
{
    char path[64], text[128] = "";
    long pages = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "r");
    RIG(f);
    if (fgets(text, sizeof(text), f)) {
        char *at = strchr(text, ' ');
        pages = at ? strtol(at, NULL, 10) : 0;
    }
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* --- how much later a packet comes --- */

/* From the call that sends to the kernel's time stamp at the other phone's socket: what the phones
 * themselves do later does not count. Off while CPU time is read. */
static struct {
    bool on;
    uint64_t (*sent)[SENT]; /* of each phone, by the last bits of the sequence number */
    uint32_t *ns;           /* what was seen */
    size_t n, room;
} lag;

static uint64_t stamp_ns(const struct timespec *ts)
{
    return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

static void lag_sent(size_t phone, const uint8_t *pkt)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* as the kernel's */
    lag.sent[phone][pkt[3] % SENT] = stamp_ns(&now);
}

static void lag_came(size_t phone, const uint8_t *pkt, const struct msghdr *m)
{
    uint64_t sent = lag.sent[phone ^ 1][pkt[3] % SENT];
    struct timespec ts;
    const struct cmsghdr *c = CMSG_FIRSTHDR(m);
    if (!sent || !c || c->cmsg_type != SCM_TIMESTAMPNS || lag.n == lag.room)
        return;
    memcpy(&ts, CMSG_DATA(c), sizeof(ts));
    uint64_t came = stamp_ns(&ts);
    lag.ns[lag.n++] = came > sent ? (uint32_t)(came - sent) : 0;
}

static void lag_begin(struct phone *phones, size_t n, unsigned seconds)
{
    int yes = 1;
    lag.room = n * 50 * (seconds + 1);
    lag.n = 0;
    lag.sent = calloc(n, sizeof(*lag.sent));
    lag.ns = calloc(lag.room, sizeof(*lag.ns));
    RIG(lag.sent && lag.ns);
    for (size_t i = 0; i < n; i++)
        RIG_EQ(setsockopt(phones[i].rtp, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes)), 0);
    lag.on = true;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Those that were under way when it began are not counted. */
static void lag_end(size_t sent)
{
    if (lag.n > sent / 2) {
        qsort(lag.ns, lag.n, sizeof(*lag.ns), by_size);
        printf("  comes later by %.1f us (p50), %.1f us (p99), %.1f us (p99.9)\n",
               lag.ns[lag.n / 2] / 1000.0, lag.ns[lag.n * 99 / 100] / 1000.0,
               lag.ns[lag.n * 999 / 1000] / 1000.0);
    } else {
        printf("  comes too seldom: %zu of %zu packets\n", lag.n, sent);
    }
    free(lag.sent);
    free(lag.ns);
    lag.on = false;
}

/* --- the load --- */

static uint64_t heard; /* packets that came to the phones */

static void stream_hear(struct phone *p, size_t i)
{
    uint8_t pkt[2048], control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec iov = {pkt, sizeof(pkt)};
    for (;;) {
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};
        if (recvmsg(p->rtp, &m, 0) < 0)
            return;
        heard++;
        if (lag.on)
            lag_came(i, pkt, &m);
    }
}

static void stream_turn(struct phone *p, size_t i)
{
    uint8_t pkt[2048];
    stream_hear(p, i);
    uint32_t n = phone_make_rtp(p, pkt, 1);
    if (lag.on)
        lag_sent(i, pkt);
    (void)sendto(p->rtp, pkt, n, 0, &p->server.sa, addr_len(&p->server));
}

/* Every stream once in 20 ms, a share of them in each slice. The seconds that it took: more than were
 * asked for where this process cannot send so much. */
static double load_run(struct phone *phones, size_t n, unsigned ms)
{
    const uint64_t start = loop_clock_ns();
    uint64_t next = start;
    for (unsigned t = 0; t < ms; t += 20 / SLICES) {
        size_t slice = t % SLICES;
        for (size_t i = slice; i < n; i += SLICES)
            stream_turn(&phones[i], i);
        next += 20000000u / SLICES;
        uint64_t now = loop_clock_ns();
        if (now < next) {
            struct timespec ts = {0, (long)(next - now)};
            nanosleep(&ts, NULL);
        }
    }
    return (double)(loop_clock_ns() - start) / 1e9;
}

static void lag_run(struct phone *phones, size_t n, unsigned seconds)
{
    lag_begin(phones, n, seconds);
    load_run(phones, n, seconds * 1000);
    lag_end(n * 50 * seconds);
}

/* --- a cable whose far end drops --- */

#define TCX_INGRESS 46 /* BPF_TCX_INGRESS of Linux 6.6 */
enum { TCX_ON = -1, TCX_SHOT = 2 };

/* All IPv4, before the stack sees it; a descriptor that has it so, or -1: not on this machine. */
static int far_end_drops(void)
{
    struct media_bpf_code c = {0};
    media_bpf_load(&c, BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, protocol));
    media_bpf_end_if(&c, BPF_JMP32, BPF_JNE | BPF_K, BPF_REG_2, 0, htons(ETHERTYPE_IP));
    media_bpf_put(&c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, TCX_SHOT);
    media_bpf_put(&c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    media_bpf_end(&c, TCX_ON);
    int prog = media_bpf_load_prog(&c, BPF_PROG_TYPE_SCHED_CLS, 0);
    RIG(prog >= 0);
    RIG_EQ(setns(rig_net.phones, CLONE_NEWNET), 0);
    int link = media_bpf_link(prog, if_nametoindex("rig1"), TCX_INGRESS, 0);
    RIG_EQ(setns(rig_net.server, CLONE_NEWNET), 0);
    close(prog);
    return link;
}

/* --- the workers --- */

static struct team {
    uint32_t n;
    struct rig g[WORKERS_MAX];
    pid_t pid[WORKERS_MAX];
} team;

static unsigned cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

/* The first core is the load's. */
static unsigned cpu_of(uint32_t worker)
{
    return worker + 1 < cores() ? worker + 1 : 1;
}

static struct rig *rig_of(size_t phone)
{
    return &team.g[phone / 2 % team.n];
}

static uint64_t team_cpu_ns(void)
{
    uint64_t ns = 0;
    for (uint32_t w = 0; w < team.n; w++)
        ns += cpu_ns(team.pid[w]);
    return ns;
}

static long team_kb(void)
{
    long kb = 0;
    for (uint32_t w = 0; w < team.n; w++)
        kb += resident_kb(team.pid[w]);
    return kb;
}

static uint64_t forwarded(void)
{
    uint64_t n = 0;
    for (uint32_t w = 0; w < team.n; w++) {
        const struct rig *g = &team.g[w];
        for (uint32_t i = 0; i < g->cfg.max_endpoints; i++)
            n += g->stats[g->cfg.first_endpoint + i].tx_packets;
    }
    return n;
}

static void worker_start(uint32_t w, const struct media_config *all)
{
    struct rig *g = &team.g[w];
    int fds[2];
    rig_be_worker(g, &team.g[0], all, w);
    RIG_EQ(ipc_pair(fds), 0);
    team.pid[w] = fork();
    RIG(team.pid[w] >= 0);
    if (team.pid[w] == 0)
        child_run(g, fds[1], cpu_of(w));
    close(fds[1]);
    RIG_EQ(loop_new(&g->loop), 0);
    RIG_EQ(ipc_chan_new(g->loop, fds[0], rig_on_msg, rig_on_closed, g, &g->chan), 0);
    g->wait_ms = 2000;
}

static void team_start(uint32_t workers, uint32_t endpoints)
{
    team.n = workers;
    for (uint32_t w = 0; w < workers; w++)
        rig_memory_n(&team.g[w], endpoints, 10000, 31000);
    team.g[0].cfg.workers = workers;
    team.g[0].cfg.gather_ms = options.gather_ms;
    rig_steer(&team.g[0]);
    const struct media_config all = team.g[0].cfg;
    for (uint32_t w = 0; w < workers; w++)
        worker_start(w, &all);
    on_cpu(0);
}

static void team_stop(void)
{
    for (uint32_t w = team.n; w-- > 0;) {
        kill(team.pid[w], SIGKILL);
        waitpid(team.pid[w], NULL, 0);
        rig_fini(&team.g[w]);
    }
}

/* --- measuring --- */

/* A key that the relay is not told. */
static void pass_key(struct rig *g, uint8_t fill, struct srtp_ctx **ret)
{
    struct srtp_keys k = {.suite = SRTP_AES_CM_128_HMAC_SHA1_80};
    uint8_t raw[30];
    memset(raw, fill, sizeof(raw));
    RIG_EQ(secret_set(&k.master, raw, sizeof(raw)), 0);
    RIG_EQ(srtp_ctx_new(g->engine, &k, ret), 0);
}

static void pass_describe(struct phone *p, const struct phone *peer)
{
    struct media_request rq = phone_request(p, MEDIA_OP_OPEN | MEDIA_OP_REMOTE);
    rq.path = MEDIA_PATH_PASS;
    rq.is_offer = !peer;
    if (peer) {
        rq.ops |= MEDIA_OP_CONNECT;
        rq.mode = MEDIA_MODE_RELAY;
        rq.peer = peer->endpoint;
    }
    RIG_EQ(rig_request(p->rig, &rq, SLICE_LIT("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:-\r\n"))
               ->status,
           MEDIA_STATUS_OK);
    phone_take_reply(p);
    pass_key(p->rig, (uint8_t)p->leg, &p->tx);
}

static void call_up(struct rig *g, struct phone *a, struct phone *b, size_t number,
                    const struct kind *k)
{
    phone_init(a, g, number, 0, k->a);
    phone_init(b, g, number, 1, k->b);
    if (!k->pass) {
        rig_call(a, b, &a->policy, &b->policy);
        return;
    }
    pass_describe(a, NULL);
    pass_describe(b, a);
}

static void calls_make(struct phone *phones, size_t n, const struct kind *k, long *ret_kb)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        if (i == 20) /* libraries and buffers are in memory by then */
            *ret_kb = team_kb();
        call_up(rig_of(i), &phones[i], &phones[i + 1], i, k);
    }
}

/* Without the phones' part. */
static void measure_alone(struct phone *phones, size_t n, unsigned seconds)
{
    int link = far_end_drops();
    if (link < 0)
        return;
    uint64_t cpu = team_cpu_ns(), packets = forwarded();
    load_run(phones, n, seconds * 1000);
    cpu = team_cpu_ns() - cpu;
    packets = forwarded() - packets;
    printf("  alone: %.2f us CPU a packet\n", (double)cpu / 1000 / (double)packets);
    close(link);
}

static void measure(struct phone *phones, size_t n, unsigned seconds, const struct kind *k)
{
    long before = 0;
    calls_make(phones, n, k, &before);
    load_run(phones, n, 1500); /* the sockets are connected by then */
    uint64_t cpu = team_cpu_ns(), packets = forwarded();
    double took = load_run(phones, n, seconds * 1000);
    cpu = team_cpu_ns() - cpu;
    packets = forwarded() - packets;
    printf("%s %zu streams: %.2f us CPU a packet, %.0f packets/s (%.1f %% of what was sent), "
           "%.1f kB a call\n",
           k->name, n, (double)cpu / 1000 / (double)packets, (double)packets / took,
           100.0 * (double)packets / (double)(n * 50 * seconds),
           (double)(team_kb() - before) / ((double)(n - 20) / 2));
    if (rig_net.phones >= 0)
        measure_alone(phones, n, seconds);
    if (options.lag)
        lag_run(phones, n, seconds);
}

/* Phones of one worker send as fast as they can, each its packet in turn, until we are killed. */
__attribute__((noreturn)) static void flood(struct phone *phones, size_t n, uint32_t worker)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    on_cpu(worker ? team.n + worker : 0);
    for (;;) {
        for (size_t i = 0; i < n; i++) {
            if (rig_of(i) == &team.g[worker])
                stream_turn(&phones[i], i);
        }
    }
}

static void peak(struct phone *phones, size_t n, unsigned seconds, const char *what)
{
    pid_t load[WORKERS_MAX];
    const struct timespec warm = {1, 0}, all = {seconds, 0};
    for (uint32_t w = 0; w < team.n; w++) {
        load[w] = fork();
        RIG(load[w] >= 0);
        if (load[w] == 0)
            flood(phones, n, w);
    }
    nanosleep(&warm, NULL);
    uint64_t cpu = team_cpu_ns(), packets = forwarded(), start = loop_clock_ns();
    nanosleep(&all, NULL);
    cpu = team_cpu_ns() - cpu;
    packets = forwarded() - packets;
    uint64_t took = loop_clock_ns() - start;
    for (uint32_t w = 0; w < team.n; w++) {
        kill(load[w], SIGKILL);
        waitpid(load[w], NULL, 0);
    }
    printf("%s peak: %.0f packets/s, workers busy %.0f %%\n", what,
           (double)packets * 1e9 / (double)took,
           100.0 * (double)cpu / (double)took / (double)team.n);
}

static void bench(size_t n, unsigned seconds, const struct kind *k)
{
    struct phone *phones = calloc(n, sizeof(*phones));
    RIG(phones);
    team_start(options.workers, (uint32_t)n + 2);
    measure(phones, n, seconds, k);
    if (options.peak)
        peak(phones, n, seconds, k->name);
    team_stop();
    for (size_t i = 0; i < n; i++)
        phone_fini(&phones[i]);
    free(phones);
}

/* --- another relay --- */

static void take_key(struct rig *g, const char *text, struct srtp_ctx **ret)
{
    struct srtp_keys k;
    struct slice rest = slice_from_str(text), name = slice_cut(&rest, ':');
    uint8_t raw[64];
    size_t n;
    if (text[0] == '-')
        return;
    k.suite = srtp_suite_from_name(name);
    RIG_EQ(crypto_base64_get(rest, raw, sizeof(raw), &n), 0);
    RIG_EQ(secret_set(&k.master, raw, n), 0);
    RIG_EQ(srtp_ctx_new(g->engine, &k, ret), 0);
}

static size_t read_plan(struct rig *g, const char *path, struct phone *phones, size_t max)
{
    char line[256], *save;
    size_t n = 0;
    FILE *f = fopen(path, "r");
    RIG(f);
    for (; fgets(line, sizeof(line), f); n++) {
        const char *word[4];
        for (int i = 0; i < 4; i++) {
            word[i] = strtok_r(i ? NULL : line, " \n", &save);
            RIG(word[i]);
        }
        RIG(n < max);
        struct phone *p = &phones[n];
        phone_init(p, g, n / 2, n % 2, PROTECTION_OFF);
        close(p->rtp);
        p->rtp = phone_socket_on((uint16_t)strtoul(word[0], NULL, 10), &p->addr);
        p->server = p->addr;
        addr_set_port(&p->server, (uint16_t)strtoul(word[1], NULL, 10));
        p->ssrc += (uint32_t)n;
        take_key(g, word[2], &p->tx);
        take_key(g, word[3], &p->rx);
    }
    fclose(f);
    return n;
}

/* What comes is authentic: a peer that sends rubbish must not look fast. One packet more for each
 * phone, so that none has heard its last one. */
static void check_plan(struct phone *phones, size_t n)
{
    uint8_t pkt[256];
    for (size_t i = 0; i < n; i++)
        phone_put(&phones[i], pkt, phone_make_rtp(&phones[i], pkt, 1));
    for (size_t i = 0; i < n; i++) {
        struct pollfd last = {.fd = phones[i].rtp, .events = POLLIN};
        RIG_EQ(poll(&last, 1, 10000), 1); /* a slow peer on a busy machine */
        for (int v; (v = phone_hear(&phones[i])) != 0;)
            RIG_EQ(v, 1);
    }
}

static void bench_plan(const char *name, const char *path, pid_t pid, unsigned seconds)
{
    static struct rig g;
    struct phone *phones = calloc(MEDIA_ENDPOINTS_MAX, sizeof(*phones));
    RIG(phones);
    RIG_EQ(srtp_engine_new(SRTP_BACKEND_AUTO, &g.engine), 0);
    size_t n = read_plan(&g, path, phones, MEDIA_ENDPOINTS_MAX);
    on_cpu(0);
    load_run(phones, n, 1500); /* sources are learned by then */
    uint64_t cpu = cpu_ns(pid);
    heard = 0;
    double took = load_run(phones, n, seconds * 1000);
    cpu = cpu_ns(pid) - cpu;
    printf("%s %zu streams: %.2f us CPU a packet, %.0f packets/s (%.1f %% of what was sent)\n",
           name, n, (double)cpu / 1000 / (double)heard, (double)heard / took,
           100.0 * (double)heard / (double)(n * 50 * seconds));
    if (options.lag)
        lag_run(phones, n, seconds);
    check_plan(phones, n);
    for (size_t i = 0; i < n; i++)
        phone_fini(&phones[i]);
    free(phones);
    srtp_engine_free(g.engine);
}

static unsigned seconds_from(const char *text)
{
    unsigned n = text ? (unsigned)strtoul(text, NULL, 10) : 5;
    return n ? n : 1;
}

/* What is left of the arguments. */
static char **options_take(char **argv)
{
    options.gather_ms = media_config_default.gather_ms;
    options.workers = 1;
    for (; *argv; argv++) {
        if (strcmp(*argv, "--shared") == 0)
            options.go = rig_go_shared;
        else if (strcmp(*argv, "--cable") == 0)
            options.go = rig_go_apart;
        else if (strcmp(*argv, "--xdp") == 0)
            options.go = rig_go_xdp;
        else if (strcmp(*argv, "--lag") == 0)
            options.lag = true;
        else if (strcmp(*argv, "--peak") == 0)
            options.peak = true;
        else if (strcmp(*argv, "--workers") == 0 && argv[1])
            options.workers = (uint32_t)strtoul(*++argv, NULL, 10);
        else if (strcmp(*argv, "--gather") == 0 && argv[1])
            options.gather_ms = (uint32_t)strtoul(*++argv, NULL, 10);
        else if (strcmp(*argv, "--kind") == 0 && argv[1])
            options.kind = *++argv;
        else
            break;
    }
    return argv;
}

int main(int argc, char **argv)
{
    argv = options_take(argv + (argc > 0));
    if (options.workers < 1 || options.workers > WORKERS_MAX ||
        (options.peak && cores() < 2 * options.workers) || (options.go && !options.go()))
        return 1;
    struct rlimit files = {65536, 65536};
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        fprintf(stderr, "the limit of open files stays as it is\n");
    if (*argv && strcmp(*argv, "--plan") == 0 && argv[1] && argv[2] && argv[3]) {
        bench_plan(argv[1], argv[2], (pid_t)strtol(argv[3], NULL, 10), seconds_from(argv[4]));
        return 0;
    }
    size_t n = *argv ? strtoul(*argv, NULL, 10) & ~1ul : 1000;
    n = n < 40 ? 40 : n;
    unsigned seconds = seconds_from(*argv ? argv[1] : NULL);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!options.kind || strcmp(options.kind, kinds[i].name) == 0)
            bench(n, seconds, &kinds[i]);
    }
    return 0;
}
