#include "media/bpf.h"

#include <assert.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_KEY (-4)

/* --- instructions --- */

void media_bpf_put(struct media_bpf_code *c, int op, int dst, int src, int off, int imm)
{
    assert(c->n < MEDIA_BPF_CODE_MAX);
    c->insns[c->n++] = (struct bpf_insn){.code = (uint8_t)op,
                                         .dst_reg = (uint8_t)(dst & 15),
                                         .src_reg = (uint8_t)(src & 15),
                                         .off = (int16_t)off,
                                         .imm = imm};
}

void media_bpf_move(struct media_bpf_code *c, int dst, int src)
{
    media_bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void media_bpf_load(struct media_bpf_code *c, int size, int dst, int src, size_t off)
{
    media_bpf_put(c, BPF_LDX | BPF_MEM | size, dst, src, (int)off, 0);
}

void media_bpf_map(struct media_bpf_code *c, int dst, int map)
{
    media_bpf_put(c, BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_FD, 0, map);
    media_bpf_put(c, 0, 0, 0, 0, 0);
}

void media_bpf_helper(struct media_bpf_code *c, int helper)
{
    media_bpf_put(c, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void media_bpf_end_if(struct media_bpf_code *c, int class, int op, int dst, int src, int imm)
{
    c->to_end[c->to_end_n++] = c->n;
    media_bpf_put(c, class | op, dst, src, 0, imm);
}

void media_bpf_lookup(struct media_bpf_code *c, int map, int dst)
{
    media_bpf_put(c, BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, BPF_REG_3, STACK_KEY, 0);
    media_bpf_map(c, BPF_REG_1, map);
    media_bpf_move(c, BPF_REG_2, BPF_REG_10);
    media_bpf_put(c, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, STACK_KEY);
    media_bpf_helper(c, BPF_FUNC_map_lookup_elem);
    media_bpf_end_if(c, BPF_JMP, BPF_JEQ | BPF_K, BPF_REG_0, 0, 0);
    media_bpf_move(c, dst, BPF_REG_0);
}

uint32_t media_bpf_jump(struct media_bpf_code *c, int class, int op, int dst, int imm)
{
    media_bpf_put(c, class | op, dst, 0, 0, imm);
    return c->n - 1;
}

void media_bpf_land(struct media_bpf_code *c, uint32_t jump)
{
    c->insns[jump].off = (int16_t)(c->n - jump - 1);
}

void media_bpf_end(struct media_bpf_code *c, int verdict)
{
    for (uint32_t i = 0; i < c->to_end_n; i++)
        media_bpf_land(c, c->to_end[i]);
    media_bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, verdict);
    media_bpf_put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* --- bpf(2) --- */

int media_bpf_call(int cmd, union bpf_attr *attr, size_t n)
{
    long r = syscall(SYS_bpf, cmd, attr, n);
    return r < 0 ? -errno : (int)r;
}

int media_bpf_map_new(enum bpf_map_type type, uint32_t value_size, uint32_t entries, uint32_t flags)
{
    union bpf_attr a;
    memset(&a, 0, sizeof(a));
    a.map_type = type;
    a.key_size = sizeof(uint32_t);
    a.value_size = value_size;
    a.max_entries = entries;
    a.map_flags = flags;
    memcpy(a.map_name, "sotto_media", sizeof("sotto_media"));
    return media_bpf_call(BPF_MAP_CREATE, &a, sizeof(a));
}

int media_bpf_map_set(int map, uint32_t key, const void *value)
{
    union bpf_attr a;
    memset(&a, 0, sizeof(a));
    a.map_fd = (uint32_t)map;
    a.key = (uintptr_t)&key;
    a.value = (uintptr_t)value;
    return media_bpf_call(BPF_MAP_UPDATE_ELEM, &a, sizeof(a));
}

int media_bpf_load_prog(const struct media_bpf_code *c, enum bpf_prog_type type,
                        enum bpf_attach_type attach)
{
    static const char license[] = "Apache-2.0";
    union bpf_attr a;
    memset(&a, 0, sizeof(a));
    a.prog_type = type;
    a.expected_attach_type = attach;
    a.insn_cnt = c->n;
    a.insns = (uintptr_t)c->insns;
    a.license = (uintptr_t)license;
    memcpy(a.prog_name, "sotto_media", sizeof("sotto_media"));
    return media_bpf_call(BPF_PROG_LOAD, &a, sizeof(a));
}

int media_bpf_link(int prog, uint32_t target, enum bpf_attach_type attach, uint32_t flags)
{
    union bpf_attr a;
    memset(&a, 0, sizeof(a));
    a.link_create.prog_fd = (uint32_t)prog;
    a.link_create.target_fd = target; /* the same place as target_ifindex */
    a.link_create.attach_type = attach;
    a.link_create.flags = flags;
    return media_bpf_call(BPF_LINK_CREATE, &a, sizeof(a));
}
