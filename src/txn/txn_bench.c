/* What the layer adds to a REGISTER that is answered within on_request, in
 * nanoseconds; parsing and sending are not counted. */
#include "txn/txn.h"

static const char answer[] =
    "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 192.0.2.9:50612;branch=z9hG4bK1;rport=50612;"
    "received=192.0.2.9\r\nFrom: <sip:1000@example.org>;tag=8a7b6c5d4e\r\n"
    "To: <sip:1000@example.org>;tag=1122334455667788\r\nCall-ID: 3848276298220188511@192.0.2.9\r\n"
    "CSeq: 2 REGISTER\r\nContact: <sip:1000@192.0.2.9:50612;transport=tls>;expires=3600\r\n"
    "Content-Length: 0\r\n\r\n";

static void on_request(void *arg, struct txn_server *st, struct sip_msg *req,
                       const struct transport_flow *flow)
{
    (void)arg, (void)req, (void)flow;
    txn_server_respond(st, 200, SLICE_LIT(answer));
}

static int send_nowhere(void *arg, const struct transport_flow *flow, struct slice msg)
{
    (void)arg, (void)flow, (void)msg;
    return 0;
}

/* Every round another branch and Call-ID, as on the wire. */
static double run(enum transport_kind kind, uint32_t rounds)
{
    static struct sip_msg m;
    char text[] =
        "REGISTER sip:example.org SIP/2.0\r\n"
        "Via: SIP/2.0/TLS 192.0.2.9:50612;branch=z9hG4bK0123456789abcdef0123456789abcdef;rport\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:1000@example.org>;tag=8a7b6c5d4e\r\n"
        "To: <sip:1000@example.org>\r\nCall-ID: 3848276298220188511@192.0.2.9\r\n"
        "CSeq: 2 REGISTER\r\nContact: <sip:1000@192.0.2.9:50612;transport=tls>\r\n"
        "Expires: 3600\r\nContent-Length: 0\r\n\r\n";
    struct txn_cb cb = {.on_request = on_request, .send = send_nowhere};
    struct transport_flow flow = {.kind = kind, .conn = kind == TRANSPORT_UDP ? 0 : 5};
    struct txn_layer *l;
    struct loop *loop;
    if (loop_new_virtual(0, &loop) < 0 || txn_layer_new(loop, &cb, NULL, &l) < 0 ||
        sip_msg_parse(SLICE_LIT(text), &m) != SIP_PARSE_OK)
        return -1;
    char *branch = text + (m.via.branch.p - text) + 10;
    char *call_id = text + (m.call_id.p - text);
    uint64_t start = loop_clock_ns();
    for (uint32_t i = 0; i < rounds; i++) {
        memcpy(branch, &i, sizeof(i));
        memcpy(call_id, &i, sizeof(i));
        txn_layer_input(l, &m, &flow);
        if (i % 64 == 63)
            loop_advance(loop, 1);
    }
    double ns = (double)(loop_clock_ns() - start) / rounds;
    txn_layer_free(l);
    loop_free(loop);
    return ns;
}

int main(void)
{
    printf("REGISTER, ns: TLS %.0f  UDP, %d answers remembered %.0f\n", run(TRANSPORT_TLS, 2000000),
           TXN_LINGER_MAX, run(TRANSPORT_UDP, 1000000));
    return 0;
}
