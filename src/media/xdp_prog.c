/* Which frames are ours: to this interface's own address, IPv4 without options or IPv6 without extension
 * headers, whole UDP datagrams to a port that is open for that very address. Everything else passes, and
 * with it all that is odd: the kernel knows what to do. Ports at all addresses pass as well: only
 * the kernel can tell whether a datagram to whatever address is for this machine. */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <string.h>

#include "media/bpf.h"
#include "media/datagram.h"
#include "media/xdp.h"

#define AT_TYPE (2 * FRAME_MAC)
#define AT_IP FRAME_ETH
#define FRAGMENT 0xbfff /* all of the field but "don't" */

enum { CTX = BPF_REG_6, FRAME = BPF_REG_7, END = BPF_REG_8, ENTRY = BPF_REG_9 };

/* To the end, unless the frame's bytes from `at` on are this. */
static void want(struct media_bpf_code *c, int size, size_t at, uint32_t value)
{
    media_bpf_load(c, size, BPF_REG_2, FRAME, at);
    media_bpf_end_if(c, BPF_JMP32, BPF_JNE | BPF_K, BPF_REG_2, 0, (int)value);
}

/* To the end, if the frame has less (BPF_JGT) bytes, or as many or more (BPF_JLE). */
static void end_if_size(struct media_bpf_code *c, int op, uint32_t n)
{
    media_bpf_move(c, BPF_REG_2, FRAME);
    media_bpf_put(c, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, (int)n);
    media_bpf_end_if(c, BPF_JMP, op | BPF_X, BPF_REG_2, END, 0);
}

/* ENTRY = that of the port to which the UDP header at `udp` says; it has to be open at the address that
 * the frame has from `to` on. */
static void want_open(struct media_bpf_code *c, const struct media_xdp_filter *f, size_t udp,
                      size_t to, bool is6)
{
    size_t addr =
        is6 ? offsetof(struct media_steer_port, addr6) : offsetof(struct media_steer_port, addr4);
    media_bpf_load(c, BPF_H, BPF_REG_3, FRAME, udp + 2);
    media_bpf_put(c, BPF_ALU | BPF_END | BPF_TO_BE, BPF_REG_3, 0, 0, 16);
    media_bpf_put(c, BPF_ALU | BPF_SUB | BPF_K, BPF_REG_3, 0, 0, f->first_port);
    /* unsigned: those below, too */
    media_bpf_end_if(c, BPF_JMP32, BPF_JGE | BPF_K, BPF_REG_3, 0, (int)f->port_count);
    media_bpf_lookup(c, f->ports, ENTRY);
    media_bpf_load(c, BPF_B, BPF_REG_2, ENTRY, offsetof(struct media_steer_port, open) + is6);
    media_bpf_end_if(c, BPF_JMP32, BPF_JEQ | BPF_K, BPF_REG_2, 0, 0);
    media_bpf_load(c, BPF_B, BPF_REG_2, ENTRY, offsetof(struct media_steer_port, any) + is6);
    media_bpf_end_if(c, BPF_JMP32, BPF_JNE | BPF_K, BPF_REG_2, 0, 0);
    for (size_t i = 0; i < (is6 ? 4 : 1); i++) {
        media_bpf_load(c, BPF_W, BPF_REG_2, ENTRY, addr + 4 * i);
        media_bpf_load(c, BPF_W, BPF_REG_3, FRAME, to + 4 * i);
        media_bpf_end_if(c, BPF_JMP32, BPF_JNE | BPF_X, BPF_REG_2, BPF_REG_3, 0);
    }
}

static void want_ip4(struct media_bpf_code *c, const struct media_xdp_filter *f)
{
    want(c, BPF_B, AT_IP, 0x45);
    media_bpf_load(c, BPF_H, BPF_REG_2, FRAME, AT_IP + 6);
    media_bpf_put(c, BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, htons(FRAGMENT));
    media_bpf_end_if(c, BPF_JMP32, BPF_JNE | BPF_K, BPF_REG_2, 0, 0);
    want(c, BPF_B, AT_IP + 9, IPPROTO_UDP);
    want_open(c, f, AT_IP + FRAME_IP4, AT_IP + 16, false);
}

static void want_ip6(struct media_bpf_code *c, const struct media_xdp_filter *f)
{
    end_if_size(c, BPF_JGT, AT_IP + FRAME_IP6 + DATAGRAM_HEAD);
    media_bpf_load(c, BPF_B, BPF_REG_2, FRAME, AT_IP);
    media_bpf_put(c, BPF_ALU | BPF_AND | BPF_K, BPF_REG_2, 0, 0, 0xf0);
    media_bpf_end_if(c, BPF_JMP32, BPF_JNE | BPF_K, BPF_REG_2, 0, 0x60);
    want(c, BPF_B, AT_IP + 6, IPPROTO_UDP);
    want_open(c, f, AT_IP + FRAME_IP6, AT_IP + 24, true);
}

static void code_make(struct media_bpf_code *c, const struct media_xdp_filter *f)
{
    uint32_t mac_4;
    uint16_t mac_2;
    memcpy(&mac_4, f->mac, 4);
    memcpy(&mac_2, f->mac + 4, 2);
    media_bpf_move(c, CTX, BPF_REG_1);
    media_bpf_load(c, BPF_W, FRAME, CTX, offsetof(struct xdp_md, data));
    media_bpf_load(c, BPF_W, END, CTX, offsetof(struct xdp_md, data_end));
    end_if_size(c, BPF_JGT, AT_IP + FRAME_IP4 + DATAGRAM_HEAD);
    end_if_size(c, BPF_JLE, MEDIA_XDP_FRAME_MAX + 1);
    want(c, BPF_W, 0, mac_4);
    want(c, BPF_H, 4, mac_2);
    media_bpf_load(c, BPF_H, BPF_REG_2, FRAME, AT_TYPE);
    uint32_t is_6 = media_bpf_jump(c, BPF_JMP32, BPF_JEQ | BPF_K, BPF_REG_2, htons(ETHERTYPE_IPV6));
    media_bpf_end_if(c, BPF_JMP32, BPF_JNE | BPF_K, BPF_REG_2, 0, htons(ETHERTYPE_IP));
    want_ip4(c, f);
    uint32_t found = media_bpf_jump(c, BPF_JMP, BPF_JA, 0, 0);
    media_bpf_land(c, is_6);
    want_ip6(c, f);
    media_bpf_land(c, found);
    media_bpf_map(c, BPF_REG_1, f->sockets);
    media_bpf_load(c, BPF_W, BPF_REG_2, CTX, offsetof(struct xdp_md, rx_queue_index));
    media_bpf_put(c, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, XDP_PASS); /* no socket there */
    media_bpf_helper(c, BPF_FUNC_redirect_map);
    media_bpf_put(c, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    media_bpf_end(c, XDP_PASS);
}

int media_xdp_prog_load(const struct media_xdp_filter *f)
{
    struct media_bpf_code c = {0};
    code_make(&c, f);
    return media_bpf_load_prog(&c, BPF_PROG_TYPE_XDP, BPF_XDP);
}
