#include "media/steer_prog.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE_MAX 64
#define STACK_KEY (-4)

/* --- instructions --- */

struct code {
    struct bpf_insn insns[CODE_MAX];
    uint32_t n;
    uint32_t to_pass[CODE_MAX]; /* jumps whose target is not known yet */
    uint32_t to_pass_n;
};

static void put(struct code *c, int op, int dst, int src, int off, int imm)
{
    c->insns[c->n++] = (struct bpf_insn){.code = (uint8_t)op,
                                         .dst_reg = (uint8_t)(dst & 15),
                                         .src_reg = (uint8_t)(src & 15),
                                         .off = (int16_t)off,
                                         .imm = imm};
}

static void put_move(struct code *c, int dst, int src)
{
    put(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

/* A 32-bit word at src + off. */
static void put_load(struct code *c, int dst, int src, size_t off)
{
    put(c, BPF_LDX | BPF_MEM | BPF_W, dst, src, (int)off, 0);
}

static void put_call(struct code *c, int helper)
{
    put(c, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

/* To the end, where nothing is steered. */
static void put_pass_if(struct code *c, int op, int dst, int src, int imm)
{
    c->to_pass[c->to_pass_n++] = c->n;
    put(c, BPF_JMP32 | op, dst, src, 0, imm);
}

/* r0 = the value of r3 in the map. */
static void put_lookup(struct code *c, int map)
{
    put(c, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_3, STACK_KEY, 0);
    put(c, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map);
    put(c, 0, 0, 0, 0, 0);
    put_move(c, BPF_REG_2, BPF_REG_10);
    put(c, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, STACK_KEY);
    put_call(c, BPF_FUNC_map_lookup_elem);
    c->to_pass[c->to_pass_n++] = c->n;
    put(c, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0);
    put_move(c, BPF_REG_7, BPF_REG_0);
}

/* r6: the context, r7: the entry. Jumps over what compares addresses where the entry takes all. */
static void put_addresses(struct code *c)
{
    put_load(c, BPF_REG_2, BPF_REG_7, offsetof(struct media_steer_port, any));
    uint32_t any = c->n;
    put(c, BPF_JMP32 | BPF_JNE | BPF_K, BPF_REG_2, 0, 0, 0);
    put_load(c, BPF_REG_2, BPF_REG_7, offsetof(struct media_steer_port, family));
    uint32_t is_6 = c->n;
    put(c, BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_2, 0, 0, AF_INET6);
    put_load(c, BPF_REG_2, BPF_REG_7, offsetof(struct media_steer_port, addr));
    put_load(c, BPF_REG_3, BPF_REG_6, offsetof(struct bpf_sk_lookup, local_ip4));
    put_pass_if(c, BPF_JNE | BPF_X, BPF_REG_2, BPF_REG_3, 0);
    uint32_t done = c->n;
    put(c, BPF_JMP | BPF_JA, 0, 0, 0, 0);
    c->insns[is_6].off = (int16_t)(c->n - is_6 - 1);
    for (size_t i = 0; i < 4; i++) {
        put_load(c, BPF_REG_2, BPF_REG_7, offsetof(struct media_steer_port, addr) + 4 * i);
        put_load(c, BPF_REG_3, BPF_REG_6, offsetof(struct bpf_sk_lookup, local_ip6) + 4 * i);
        put_pass_if(c, BPF_JNE | BPF_X, BPF_REG_2, BPF_REG_3, 0);
    }
    c->insns[done].off = (int16_t)(c->n - done - 1);
    c->insns[any].off = (int16_t)(c->n - any - 1);
}

static void code_make(struct code *c, uint16_t first_port, uint32_t ports,
                      const struct media_steer_prog *maps)
{
    put_move(c, BPF_REG_6, BPF_REG_1);
    put_load(c, BPF_REG_2, BPF_REG_6, offsetof(struct bpf_sk_lookup, protocol));
    put_pass_if(c, BPF_JNE | BPF_K, BPF_REG_2, 0, IPPROTO_UDP);
    put_load(c, BPF_REG_3, BPF_REG_6, offsetof(struct bpf_sk_lookup, local_port));
    put(c, BPF_ALU | BPF_SUB | BPF_K, BPF_REG_3, 0, 0, first_port);
    put_pass_if(c, BPF_JGE | BPF_K, BPF_REG_3, 0, (int)ports); /* unsigned: those below, too */
    put_lookup(c, maps->ports);
    put_load(c, BPF_REG_2, BPF_REG_7, offsetof(struct media_steer_port, family));
    put_load(c, BPF_REG_3, BPF_REG_6, offsetof(struct bpf_sk_lookup, family));
    put_pass_if(c, BPF_JNE | BPF_X, BPF_REG_2, BPF_REG_3, 0);
    put_addresses(c);
    put_load(c, BPF_REG_3, BPF_REG_7, offsetof(struct media_steer_port, socket));
    put_lookup(c, maps->sockets);
    put_move(c, BPF_REG_1, BPF_REG_6);
    put_move(c, BPF_REG_2, BPF_REG_7);
    put(c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0);
    put_call(c, BPF_FUNC_sk_assign); /* refused: the search goes on as without us */
    put_move(c, BPF_REG_1, BPF_REG_7);
    put_call(c, BPF_FUNC_sk_release);
    for (uint32_t i = 0; i < c->to_pass_n; i++)
        c->insns[c->to_pass[i]].off = (int16_t)(c->n - c->to_pass[i] - 1);
    put(c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, SK_PASS);
    put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* --- bpf(2) --- */

static int call(int cmd, union bpf_attr *attr, size_t n)
{
    long r = syscall(SYS_bpf, cmd, attr, n);
    return r < 0 ? -errno : (int)r;
}

static int map_make(enum bpf_map_type type, uint32_t value_size, uint32_t entries, uint32_t flags)
{
    union bpf_attr a;
    memset(&a, 0, sizeof(a)); /* with its padding: the kernel looks at all of it */
    a.map_type = type;
    a.key_size = sizeof(uint32_t);
    a.value_size = value_size;
    a.max_entries = entries;
    a.map_flags = flags;
    memcpy(a.map_name, "sotto_media", sizeof("sotto_media"));
    return call(BPF_MAP_CREATE, &a, sizeof(a));
}

static int prog_load(const struct code *c)
{
    static const char license[] = "Apache-2.0";
    union bpf_attr a;
    memset(&a, 0, sizeof(a));
    a.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
    a.expected_attach_type = BPF_SK_LOOKUP;
    a.insn_cnt = c->n;
    a.insns = (uintptr_t)c->insns;
    a.license = (uintptr_t)license;
    memcpy(a.prog_name, "sotto_media", sizeof("sotto_media"));
    return call(BPF_PROG_LOAD, &a, sizeof(a));
}

static int prog_attach(int prog)
{
    union bpf_attr a;
    int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (net < 0)
        return -errno;
    memset(&a, 0, sizeof(a));
    a.link_create.prog_fd = (uint32_t)prog;
    a.link_create.target_fd = (uint32_t)net;
    a.link_create.attach_type = BPF_SK_LOOKUP;
    int r = call(BPF_LINK_CREATE, &a, sizeof(a));
    close(net);
    return r;
}

int media_steer_prog_load(uint16_t first_port, uint32_t ports, uint32_t sockets,
                          struct media_steer_prog *ret)
{
    struct media_steer_prog p = {-1, -1, -1};
    struct code c = {0};
    int r = p.ports =
        map_make(BPF_MAP_TYPE_ARRAY, sizeof(struct media_steer_port), ports, BPF_F_MMAPABLE);
    if (r >= 0)
        r = p.sockets = map_make(BPF_MAP_TYPE_SOCKMAP, sizeof(uint64_t), sockets, 0);
    if (r >= 0) {
        code_make(&c, first_port, ports, &p);
        r = prog_load(&c);
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
    union bpf_attr a;
    memset(&a, 0, sizeof(a));
    a.map_fd = (uint32_t)p->sockets;
    a.key = (uintptr_t)&socket;
    a.value = (uintptr_t)&value;
    return call(BPF_MAP_UPDATE_ELEM, &a, sizeof(a));
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
