/* What a REGISTER and a call cost in the signal role, without sockets and without the media role's
 * own work: both are doubles, and so are the phones, whose cost is measured alone and taken off. */
#define KIT_BENCH
#include "signal/testphone.h"

#define ROUNDS_REGISTER 100000u
#define ROUNDS_CALL 10000u

static double us_since(uint64_t ns, unsigned rounds)
{
    return (double)(loop_clock_ns() - ns) / 1000 / rounds;
}

static void quiet_turn(struct kit *k)
{
    loop_advance(k->loop, 0);
}

/* As phone_inject, but what is parsed is handed over as it is. */
static void give(struct phone *p, char *text, size_t n)
{
    static struct sip_msg m;
    int r = sip_msg_parse(slice_from(text, n), &m);
    assert_int_equal(r, SIP_PARSE_OK);
    kit_transport->cb.on_msg(kit_transport->cb.arg, &m, &p->flow);
    quiet_turn(p->k);
}

static size_t print_register(struct phone *p, char *dst, size_t cap, bool credentials)
{
    struct buf b = buf_over(dst, cap);
    buf_printf(
        &b,
        "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.9:5060"
        ";branch=z9hG4bK-r%u;rport\r\nMax-Forwards: 70\r\nFrom: <sip:1000@example.org>;tag=f\r\n"
        "To: <sip:1000@example.org>\r\nCall-ID: reg\r\nCSeq: %u REGISTER\r\n"
        "Contact: <%s>;expires=600\r\nUser-Agent: phone/1.0\r\n"
        "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE\r\nSupported: timer\r\n",
        ++p->k->serial, ++p->cseq, p->contact);
    if (credentials)
        phone_put_credentials(p, &b, SIP_HDR_AUTHORIZATION, "REGISTER", "sip:example.org");
    BUF_PUT_LIT(&b, "Content-Length: 0\r\n\r\n");
    assert_false(b.overflow);
    return b.n;
}

static double parse_alone(struct phone *p, unsigned rounds, bool credentials)
{
    static char text[4096];
    static struct sip_msg m;
    uint64_t start = loop_clock_ns();
    for (unsigned i = 0; i < rounds; i++) {
        size_t n = print_register(p, text, sizeof(text), credentials);
        int r = sip_msg_parse(slice_from(text, n), &m);
        assert_int_equal(r, SIP_PARSE_OK);
    }
    return us_since(start, rounds);
}

static double registers(struct phone *p, unsigned rounds, bool credentials)
{
    static char text[4096];
    uint64_t start = loop_clock_ns();
    for (unsigned i = 0; i < rounds; i++)
        give(p, text, print_register(p, text, sizeof(text), credentials));
    return us_since(start, rounds);
}

static void bench_register(struct kit *k)
{
    struct phone p;
    phone_up(k, &p, 1, "1000", TRANSPORT_TLS);
    unsigned cseq = p.cseq, nc = p.nc;
    kit_count_only = true;
    double with = registers(&p, ROUNDS_REGISTER, true);
    double without = registers(&p, ROUNDS_REGISTER, false);
    assert_true(kit_sent_count > 2 * ROUNDS_REGISTER);
    p.cseq = cseq;
    p.nc = nc;
    double own = parse_alone(&p, ROUNDS_REGISTER, true);
    double own_without = parse_alone(&p, ROUNDS_REGISTER, false);
    kit_count_only = false;
    printf("REGISTER, us: cached nonce %.2f, challenge %.2f (the phone's own printing, hashing and "
           "our parsing: %.2f, %.2f)\n",
           with - own, without - own_without, own, own_without);
    phone_fini(&p);
}

static void bench_call(struct kit *k, unsigned rounds)
{
    struct phone a, b;
    struct pair c;
    phone_up(k, &a, 1, "1000", TRANSPORT_TLS);
    phone_up(k, &b, 2, "1001", TRANSPORT_TLS);
    uint64_t start = loop_clock_ns();
    for (unsigned i = 0; i < rounds; i++) {
        call_up(&c, &a, &b);
        hang_up(&c.a, &c.b);
        side_fini(&c.a);
        side_fini(&c.b);
    }
    printf("INVITE, 200, ACK, BYE, us: %.1f with both phones, media role and 8 turns of the loop a "
           "message\n",
           us_since(start, rounds));
    phone_fini(&a);
    phone_fini(&b);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : ROUNDS_CALL;
    struct kit *k = kit_new();
    log_set_level(LOG_WARN);
    if (argc < 3)
        bench_register(k);
    bench_call(k, rounds);
    kit_advance(k, 40000);
    kit_fini(k);
    printf("bytes: struct call %zu, struct leg %zu, a call between two %zu\n", sizeof(struct call),
           sizeof(struct leg), sizeof(struct call) + 2 * sizeof(struct leg));
    return 0;
}
