/* BPF programs by the bpf(2) system call alone: no compiler, no library. Instructions are put one behind
 * the other; all jumps to the end, where the packet goes on as if the program were not there, get
 * their target by media_bpf_end. */
#ifndef SOTTO_MEDIA_BPF_H
#define SOTTO_MEDIA_BPF_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MEDIA_BPF_CODE_MAX 96

struct media_bpf_code {
    struct bpf_insn insns[MEDIA_BPF_CODE_MAX];
    uint32_t n;
    uint32_t to_end[MEDIA_BPF_CODE_MAX]; /* jumps whose target is not known yet */
    uint32_t to_end_n;
};

void media_bpf_put(struct media_bpf_code *c, int op, int dst, int src, int off, int imm);
void media_bpf_move(struct media_bpf_code *c, int dst, int src);
/* size: BPF_B, BPF_H or BPF_W at src + off. */
void media_bpf_load(struct media_bpf_code *c, int size, int dst, int src, size_t off);
void media_bpf_map(struct media_bpf_code *c, int dst, int map);
void media_bpf_helper(struct media_bpf_code *c, int helper);
/* class: BPF_JMP32, or BPF_JMP for pointers. */
void media_bpf_end_if(struct media_bpf_code *c, int class, int op, int dst, int src, int imm);
/* dst = the value of r3 in the map, which takes 4 bytes of stack; to the end where there is none. */
void media_bpf_lookup(struct media_bpf_code *c, int map, int dst);
/* A jump forward: its place, until `land` makes this its target. */
uint32_t media_bpf_jump(struct media_bpf_code *c, int class, int op, int dst, int imm);
void media_bpf_land(struct media_bpf_code *c, uint32_t jump);
void media_bpf_end(struct media_bpf_code *c, int verdict);

/* bpf(2); -errno. Clear all of `attr` first, its padding too: the kernel looks at it. */
int media_bpf_call(int cmd, union bpf_attr *attr, size_t n) MUST_CHECK;
int media_bpf_map_new(enum bpf_map_type type, uint32_t value_size, uint32_t entries,
                      uint32_t flags) MUST_CHECK;
int media_bpf_map_set(int map, uint32_t key, const void *value) MUST_CHECK;
int media_bpf_load_prog(const struct media_bpf_code *c, enum bpf_prog_type type,
                        enum bpf_attach_type attach) MUST_CHECK;
/* The program is attached as long as the descriptor is open. target: an interface's index, or a
 * descriptor of a namespace. */
int media_bpf_link(int prog, uint32_t target, enum bpf_attach_type attach,
                   uint32_t flags) MUST_CHECK;

#endif
