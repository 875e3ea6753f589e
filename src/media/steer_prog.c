#include "media/steer_prog.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/bpf.h"

/* A 32-bit word at src + off. */
static void put_load(struct media_bpf_code *c, int dst, int src, size_t off)
{
    media_bpf_load(c, BPF_W, dst, src, off);
}

/* To the end, where nothing is steered. */
static void put_pass_if(struct media_bpf_code *c, int op, int dst, int src, int imm)
{
    media_bpf_end_if(c, BPF_JMP32, op, dst, src, imm);
}

/* r6: the context, r7: the entry. To the end, unless it is open for that version at the address of n
 * words that the context has at `local`; of an entry that takes all of them addresses are not
 * compared. r8: which of the entry's two sockets. */
static void put_version(struct media_bpf_code *c, bool is6, size_t local, size_t addr, size_t n)
{
    media_bpf_load(c, BPF_B, BPF_REG_2, BPF_REG_7, offsetof(struct media_steer_port, open) + is6);
    put_pass_if(c, BPF_JEQ | BPF_K, BPF_REG_2, 0, 0);
    media_bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_8, 0, 0, is6);
    media_bpf_load(c, BPF_B, BPF_REG_2, BPF_REG_7, offsetof(struct media_steer_port, any) + is6);
    uint32_t any = media_bpf_jump(c, BPF_JMP32, BPF_JNE | BPF_K, BPF_REG_2, 0);
    for (size_t i = 0; i < n; i++) {
        put_load(c, BPF_REG_2, BPF_REG_7, addr + 4 * i);
        put_load(c, BPF_REG_3, BPF_REG_6, local + 4 * i);
        put_pass_if(c, BPF_JNE | BPF_X, BPF_REG_2, BPF_REG_3, 0);
    }
    media_bpf_land(c, any);
}

static void put_addresses(struct media_bpf_code *c)
{
    put_load(c, BPF_REG_2, BPF_REG_6, offsetof(struct bpf_sk_lookup, family));
    uint32_t is_6 = media_bpf_jump(c, BPF_JMP32, BPF_JEQ | BPF_K, BPF_REG_2, AF_INET6);
    put_version(c, false, offsetof(struct bpf_sk_lookup, local_ip4),
                offsetof(struct media_steer_port, addr4), 1);
    uint32_t done = media_bpf_jump(c, BPF_JMP, BPF_JA, 0, 0);
    media_bpf_land(c, is_6);
    put_version(c, true, offsetof(struct bpf_sk_lookup, local_ip6),
                offsetof(struct media_steer_port, addr6), 4);
    media_bpf_land(c, done);
}

static void code_make(struct media_bpf_code *c, uint16_t first_port, uint32_t ports,
                      const struct media_steer_prog *maps)
{
    media_bpf_move(c, BPF_REG_6, BPF_REG_1);
    put_load(c, BPF_REG_2, BPF_REG_6, offsetof(struct bpf_sk_lookup, protocol));
    put_pass_if(c, BPF_JNE | BPF_K, BPF_REG_2, 0, IPPROTO_UDP);
    put_load(c, BPF_REG_3, BPF_REG_6, offsetof(struct bpf_sk_lookup, local_port));
    media_bpf_put(c, BPF_ALU | BPF_SUB | BPF_K, BPF_REG_3, 0, 0, first_port);
    put_pass_if(c, BPF_JGE | BPF_K, BPF_REG_3, 0, (int)ports); /* unsigned: those below, too */
    media_bpf_lookup(c, maps->ports, BPF_REG_7);
    put_addresses(c);
    put_load(c, BPF_REG_3, BPF_REG_7, offsetof(struct media_steer_port, socket));
    media_bpf_put(c, BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_3, BPF_REG_8, 0, 0);
    media_bpf_lookup(c, maps->sockets, BPF_REG_7);
    media_bpf_move(c, BPF_REG_1, BPF_REG_6);
    media_bpf_move(c, BPF_REG_2, BPF_REG_7);
    media_bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0);
    media_bpf_helper(c, BPF_FUNC_sk_assign); /* refused: the search goes on as without us */
    media_bpf_move(c, BPF_REG_1, BPF_REG_7);
    media_bpf_helper(c, BPF_FUNC_sk_release);
    media_bpf_end(c, SK_PASS);
}

/* --- bpf(2) --- */

static int prog_attach(int prog)
{
    int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (net < 0)
        return -errno;
    int r = media_bpf_link(prog, (uint32_t)net, BPF_SK_LOOKUP, 0);
    close(net);
    return r;
}

int media_steer_prog_load(uint16_t first_port, uint32_t ports, uint32_t sockets,
                          struct media_steer_prog *ret)
{
    struct media_steer_prog p = {-1, -1, -1};
    struct media_bpf_code c = {0};
    int r = p.ports = media_bpf_map_new(BPF_MAP_TYPE_ARRAY, sizeof(struct media_steer_port), ports,
                                        BPF_F_MMAPABLE);
    if (r >= 0)
        r = p.sockets = media_bpf_map_new(BPF_MAP_TYPE_SOCKMAP, sizeof(uint64_t), sockets, 0);
    if (r >= 0) {
        code_make(&c, first_port, ports, &p);
        r = media_bpf_load_prog(&c, BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP);
    }
    int prog = r;
    if (r >= 0)
        r = p.link = prog_attach(prog);
    if (prog >= 0)
        close(prog); /* the link keeps it */
    if (r < 0) {
        media_steer_prog_close(&p);
        return r;
    }
    *ret = p;
    return 0;
}

int media_steer_prog_set(const struct media_steer_prog *p, uint32_t socket, int fd)
{
    uint64_t value = (uint64_t)fd;
    return media_bpf_map_set(p->sockets, socket, &value);
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void media_steer_prog_close(struct media_steer_prog *p)
{
    close_one(&p->link);
    close_one(&p->sockets);
    close_one(&p->ports);
}
