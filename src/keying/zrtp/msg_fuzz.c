/* Any packet: what is taken prints and parses to the same again. */
#include <assert.h>

#include "keying/zrtp/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void message(struct slice s)
{
    static uint8_t one[ZRTP_PACKET_MAX], two[ZRTP_PACKET_MAX];
    struct buf a = buf_over(one, sizeof(one)), b = buf_over(two, sizeof(two));
    struct zrtp_msg m, again;
    struct zrtp_confirm c;
    struct zrtp_relay r;
    int v = zrtp_msg_parse(s, &m);

    if (v != ZRTP_MSG_OK) {
        assert(zrtp_msg_why((enum zrtp_msg_verdict)v));
        return;
    }
    zrtp_msg_print(&m, &a);
    assert(!a.overflow && zrtp_kind_name(m.kind));
    v = zrtp_msg_parse(buf_slice(&a), &again);
    /* an unknown algorithm of a Commit has no name to print */
    if (m.kind == ZRTP_COMMIT && v != ZRTP_MSG_OK)
        return;
    assert(v == ZRTP_MSG_OK && again.kind == m.kind);
    zrtp_msg_print(&again, &b);
    assert(slice_eq(buf_slice(&a), buf_slice(&b)));
    if (m.kind == ZRTP_CONFIRM1 || m.kind == ZRTP_CONFIRM2)
        v = zrtp_confirm_parse(m.sealed.text, &c);
    else if (m.kind == ZRTP_SASRELAY)
        v = zrtp_relay_parse(m.sealed.text, &r);
    (void)v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t framed[ZRTP_PACKET_MAX];
    struct zrtp_packet p;
    int v = zrtp_packet_parse(slice_from(data, size), &p);

    assert(v == ZRTP_PACKET_OK || zrtp_packet_why((enum zrtp_packet_verdict)v));
    if (v == ZRTP_PACKET_OK)
        assert(zrtp_packet_print(&p, framed) == size);
    /* the checksum would stop nearly every mutation: the message alone as well */
    message(slice_from(data, size));
    if (size > ZRTP_PACKET_HEADER)
        message(slice_from(data + ZRTP_PACKET_HEADER, size - ZRTP_PACKET_HEADER));
    return 0;
}
