#include "load.h"

#include <errno.h>
#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define STALL_MS 10000
#define OUT_MAX 8192

static const char usage[] =
    "usage: bench-load register|challenge|call|fresh|ping|hold --server HOST:PORT [options]\n"
    "  --transport udp|tcp|tls|wss --tls 12|13      --domain D    --password P\n"
    "  --users N  --first N (the number of the first, 1000)\n"
    "  --inflight N   --count N        --rate N (a second: ping; call, instead of\n"
    "                                            --inflight)\n"
    "  --shared (one connection for all)          --rtp (no SRTP in offers)\n"
    "  --calls N (hold: for each line of stdin)      --pids PID,... (whose CPU time is read)\n";

/* User and system time of all threads, in ns: the first number of schedstat. */
static uint64_t cpu_of(int pid)
{
    char path[300], text[128];
    uint64_t sum = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    DIR *d = opendir(path);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%.20s/schedstat", pid, e->d_name);
        FILE *f = fopen(path, "r");
        if (f && fgets(text, sizeof(text), f))
            sum += strtoull(text, NULL, 10);
        if (f)
            fclose(f);
    }
    if (d)
        closedir(d);
    return sum;
}

/* --- what one operation is --- */

static struct phone *next_phone(struct load *l, unsigned step)
{
    for (;;) {
        struct phone *p = &l->phones[l->next];
        l->next = (l->next + step) % (l->users / step * step);
        if (!p->busy)
            return p;
    }
}

static void on_fresh_open(struct phone *p)
{
    phone_register(p, true);
}

static void start_one(struct load *l)
{
    struct phone *p = next_phone(l, l->what == LOAD_CALL || l->what == LOAD_HOLD ? 2 : 1);
    p->busy = true;
    l->started++;
    l->under_way++;
    switch (l->what) {
    case LOAD_REGISTER:
        phone_register(p, true);
        break;
    case LOAD_CHALLENGE:
        phone_register(p, false);
        break;
    case LOAD_CALL:
    case LOAD_HOLD:
        p->callee = p + 1;
        caller_start(p);
        break;
    case LOAD_FRESH:
        link_close(p->link);
        link_open(l, p->link, on_fresh_open);
        break;
    case LOAD_PING:
    case LOAD_WHAT_COUNT:
        break;
    }
}

/* --- phases --- */

static void wait_all(struct load *l)
{
    uint64_t seen = l->events, since = lag_now();
    while (l->under_way) {
        link_turn(l, 100);
        uint64_t now = lag_now();
        if (l->events != seen)
            since = now;
        seen = l->events;
        if (now - since > STALL_MS * 1000000ull)
            load_die("no answer for 10 s; first failure", l->first_failure);
    }
}

static void run(struct load *l, uint64_t count, unsigned inflight, void (*start)(struct load *))
{
    l->started = l->done = l->requests = l->failures = l->again = 0;
    l->count = count;
    l->start_one = start;
    for (unsigned i = 0; i < inflight && l->started < count; i++)
        start(l);
    wait_all(l);
}

static void on_first_open(struct phone *p)
{
    phone_register(p, false);
}

static struct link *link_of(struct load *l, unsigned i)
{
    return &l->links[i % l->link_count];
}

static void start_opening(struct load *l)
{
    struct phone *p = &l->phones[l->started];
    struct link *k = link_of(l, p->number);
    p->busy = true;
    l->started++;
    l->under_way++;
    if (k->fd >= 0) {
        phone_register(p, false);
        return;
    }
    k->phone = p;
    link_open(l, k, on_first_open);
}

/* Else a later run would find phones with many contacts. */
static void start_leaving(struct load *l)
{
    struct phone *p = &l->phones[l->started];
    l->leaving = p->busy = true;
    l->started++;
    l->under_way++;
    phone_register(p, true);
}

static void make_phones(struct load *l)
{
    l->link_count = l->shared ? 1 : l->kind == LOAD_UDP ? LOAD_UDP_LINKS : l->users;
    l->phones = calloc(l->users, sizeof(*l->phones));
    l->links = calloc(l->link_count, sizeof(*l->links));
    l->out = malloc(OUT_MAX);
    if (!l->phones || !l->links || !l->out)
        load_die("malloc", "no memory");
    for (size_t i = 0; i < l->link_count; i++)
        l->links[i].fd = -1;
    for (unsigned i = 0; i < l->users; i++) {
        struct phone *p = &l->phones[i];
        p->load = l;
        p->number = i;
        p->link = link_of(l, i);
        snprintf(p->name, sizeof(p->name), "%u", l->first + i);
    }
    if (l->kind != LOAD_UDP && l->link_count == 1) { /* the others wait for it */
        link_open(l, &l->links[0], NULL);
        while (!l->links[0].open)
            link_turn(l, 100);
    }
}

static void ping_run(struct load *l)
{
    uint64_t gap = 1000000000u / l->rate, next = lag_now();
    for (uint64_t i = 0; i < l->count; i++) {
        link_send(link_of(l, (unsigned)(i % l->users)), SLICE_LIT("\r\n\r\n"));
        l->done++;
        next += gap;
        for (uint64_t now = lag_now(); now < next; now = lag_now())
            link_turn(l, (int)((next - now) / 1000000u));
    }
}

/* Calls at --rate: what they take of CPU time and how much later an INVITE comes out. */
static void paced_run(struct load *l, uint64_t count)
{
    uint64_t gap = 1000000000u / l->rate, next = lag_now();
    l->started = l->done = l->requests = l->failures = l->again = 0;
    l->count = 0; /* one that is done starts no other */
    lag_begin(l, count);
    while (l->started < count) {
        start_one(l);
        next += gap;
        for (uint64_t now = lag_now(); now < next; now = lag_now())
            link_turn(l, (int)((next - now) / 1000000u));
    }
    wait_all(l);
}

static void print_held(const struct load *l)
{
    printf("{\"held\": %llu, \"failures\": %llu, \"first_failure\": \"%s\"}\n",
           (unsigned long long)l->done, (unsigned long long)l->failures, l->first_failure);
    fflush(stdout);
}

/* Each line on stdin: as many calls more as --calls says. */
static void hold_run(struct load *l)
{
    char c;
    print_held(l);
    while (read(STDIN_FILENO, &c, 1) > 0) {
        if (c != '\n')
            continue;
        run(l, l->calls, l->inflight, start_one);
        print_held(l);
    }
    exit(0);
}

static void print_result(struct load *l, const uint64_t cpu[], uint64_t wall)
{
    printf("{\"done\": %llu, \"requests\": %llu, \"failures\": %llu, \"again\": %llu, "
           "\"first_failure\": \"%s\", \"wall_ns\": %llu, ",
           (unsigned long long)l->done, (unsigned long long)l->requests,
           (unsigned long long)l->failures, (unsigned long long)l->again, l->first_failure,
           (unsigned long long)wall);
    lag_print(l);
    printf("\"cpu_ns\": {");
    for (size_t i = 0; i < l->pid_count; i++)
        printf("%s\"%d\": %llu", i ? ", " : "", l->pids[i], (unsigned long long)cpu[i]);
    printf("}}\n");
}

static void measure(struct load *l)
{
    uint64_t cpu[LOAD_PIDS_MAX], count = l->count, wall;
    for (size_t i = 0; i < l->pid_count; i++)
        cpu[i] = cpu_of(l->pids[i]);
    wall = lag_now();
    if (l->what == LOAD_PING)
        ping_run(l);
    else if (l->what == LOAD_CALL && l->rate > 0)
        paced_run(l, count);
    else
        run(l, count, l->inflight, start_one);
    wall = lag_now() - wall;
    for (size_t i = 0; i < l->pid_count; i++)
        cpu[i] = cpu_of(l->pids[i]) - cpu[i];
    print_result(l, cpu, wall);
}

/* --- options --- */

static unsigned word_index(const char *word, const char *const *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(word, words[i]) == 0)
            return i;
    }
    load_die("what is this", word);
}

static void take_server(struct load *l, const char *text)
{
    struct slice s = slice_from_str(text), host = slice_cut(&s, ':');
    uint32_t port = 0;
    if (slice_to_u32(s, &port) < 0 || port > 65535 || addr_parse(host, (uint16_t)port, &l->server))
        load_die("--server wants ADDRESS:PORT, not", text);
}

static void take_pids(struct load *l, char *text)
{
    for (char *at = text; *at && l->pid_count < LOAD_PIDS_MAX;) {
        l->pids[l->pid_count++] = (int)strtol(at, &at, 10);
        at += *at == ',';
    }
}

static void take_option(struct load *l, int option)
{
    static const char *const kinds[] = {"udp", "tcp", "tls", "wss"};
    unsigned n = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;
    switch (option) {
    case 's':
        take_server(l, optarg);
        break;
    case 't':
        l->kind = (enum load_kind)word_index(optarg, kinds, LOAD_KIND_COUNT);
        break;
    case 'd':
        l->domain = optarg;
        break;
    case 'w':
        l->password = optarg;
        break;
    case 'p':
        take_pids(l, optarg);
        break;
    case 'u':
        l->users = n;
        break;
    case 'f':
        l->first = n;
        break;
    case 'i':
        l->inflight = n;
        break;
    case 'n':
        l->count = n;
        break;
    case 'r':
        l->rate = n;
        break;
    case 'c':
        l->calls = n;
        break;
    case 'v':
        l->tls_version = n;
        break;
    case 'S':
        l->shared = true;
        break;
    case 'R':
        l->rtp = true;
        break;
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

static void take_options(struct load *l, int argc, char **argv)
{
    static const char *const whats[] = {"register", "challenge", "call", "fresh", "ping", "hold"};
    static const struct option longs[] = {{"server", required_argument, NULL, 's'},
                                          {"transport", required_argument, NULL, 't'},
                                          {"domain", required_argument, NULL, 'd'},
                                          {"password", required_argument, NULL, 'w'},
                                          {"pids", required_argument, NULL, 'p'},
                                          {"users", required_argument, NULL, 'u'},
                                          {"first", required_argument, NULL, 'f'},
                                          {"inflight", required_argument, NULL, 'i'},
                                          {"count", required_argument, NULL, 'n'},
                                          {"rate", required_argument, NULL, 'r'},
                                          {"calls", required_argument, NULL, 'c'},
                                          {"tls", required_argument, NULL, 'v'},
                                          {"shared", no_argument, NULL, 'S'},
                                          {"rtp", no_argument, NULL, 'R'},
                                          {NULL, 0, NULL, 0}};
    int option;
    if (argc < 2) {
        fputs(usage, stderr);
        exit(2);
    }
    l->what = (enum load_what)word_index(argv[1], whats, LOAD_WHAT_COUNT);
    while ((option = getopt_long(argc - 1, argv + 1, "", longs, NULL)) != -1)
        take_option(l, option);
    if (l->what == LOAD_PING && l->rate == 0)
        l->rate = 100;
    if (l->users < 2 || l->inflight == 0)
        load_die("wants", "two users, an operation in flight");
    bool pairs = l->what == LOAD_CALL || l->what == LOAD_HOLD;
    if (l->inflight > l->users / (pairs ? 2 : 1))
        l->inflight = l->users / (pairs ? 2 : 1);
}

static SSL_CTX *make_ctx(unsigned version)
{
    SSL_CTX *c = SSL_CTX_new(TLS_client_method());
    int v = version == 12 ? TLS1_2_VERSION : TLS1_3_VERSION;
    if (!c || SSL_CTX_set_min_proto_version(c, v) != 1 || SSL_CTX_set_max_proto_version(c, v) != 1)
        load_die("SSL_CTX_new", "no memory");
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    return c;
}

int main(int argc, char **argv)
{
    static struct load l = {.domain = "bench.example",
                            .password = "secret",
                            .users = 100,
                            .first = 1000,
                            .inflight = 64,
                            .count = 1000,
                            .tls_version = 13};
    l.run = (unsigned)getpid();
    signal(SIGPIPE, SIG_IGN); /* a server that closes is told as one that does not answer */
    take_options(&l, argc, argv);
    l.ctx = make_ctx(l.tls_version);
    l.epoll = epoll_create1(0);
    if (l.epoll < 0)
        load_die("epoll_create1", strerror(errno));
    uint64_t count = l.count;
    make_phones(&l);
    run(&l, l.users, l.inflight, start_opening);
    if (l.failures)
        load_die("the first registrations failed", l.first_failure);
    if (l.what == LOAD_HOLD)
        hold_run(&l);
    l.count = count;
    measure(&l);
    run(&l, l.users, l.inflight, start_leaving);
    return 0;
}
