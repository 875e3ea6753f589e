/* CPU of a DTLS-SRTP handshake, each side by itself: engine, cookie, OpenSSL, export of the keys. And
 * what a side holds in memory while it lasts, and after it. */
#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "keying/dtls_rig.h"

#define HANDSHAKES 500

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One datagram; what it costs goes to *ns. */
static void hear_one(struct rig_end *e, uint64_t *ns)
{
    struct rig_datagram d = e->in[0];
    memmove(e->in, e->in + 1, --e->n * sizeof(e->in[0]));
    uint64_t t0 = cpu_ns();
    keying_dtls.packet(e->engine, slice_from(d.b, d.n), rig_now);
    *ns += cpu_ns() - t0;
}

static void shake_hands(struct rig_end *server, struct rig_end *client, uint64_t *server_ns,
                        uint64_t *client_ns)
{
    server->s.done[KEYING_RTP] = client->s.done[KEYING_RTP] = 0;
    server->secure = client->secure = 0;
    uint64_t t0 = cpu_ns();
    rig_start(server);
    uint64_t t1 = cpu_ns();
    rig_start(client);
    *server_ns += t1 - t0;
    *client_ns += cpu_ns() - t1;
    while (server->n || client->n) {
        if (server->n)
            hear_one(server, server_ns);
        if (client->n)
            hear_one(client, client_ns);
    }
    if (!server->secure || !client->secure) {
        fprintf(stderr, "bench: a handshake failed\n");
        exit(1);
    }
}

static struct rig_end server, client;

int main(void)
{
    uint64_t server_ns = 0, client_ns = 0, warm = 0, hello_ns = 0;
    rig_pair(&server, &client);
    server.n = client.n = 0;
    for (int i = 0; i < 20; i++)
        shake_hands(&server, &client, &warm, &warm);
    rig_end_stop(&server);
    rig_end_stop(&client);
    size_t before = mallinfo2().uordblks;
    shake_hands(&server, &client, &warm, &warm);
    size_t lingering = mallinfo2().uordblks - before;
    keying_dtls.expired(server.engine, rig_now + DTLS_LINGER_MS);
    size_t after = mallinfo2().uordblks - before;
    for (int i = 0; i < HANDSHAKES; i++)
        shake_hands(&server, &client, &server_ns, &client_ns);
    client.s.done[KEYING_RTP] = 0;
    rig_start(&client);
    struct rig_datagram hello = server.in[0];
    client.peer = server.peer = NULL;
    for (int i = 0; i < 100000; i++) {
        server.in[0] = hello;
        server.n = 1;
        hear_one(&server, &hello_ns);
    }
    printf("handshake: server %.0f  client %.0f us; a ClientHello without cookie %.0f ns\n",
           (double)server_ns / 1e3 / HANDSHAKES, (double)client_ns / 1e3 / HANDSHAKES,
           (double)hello_ns / 100000);
    printf("memory of both: %zu bytes just after it, %zu later\n", lingering, after);
    rig_end_fini(&server);
    rig_end_fini(&client);
    return 0;
}
