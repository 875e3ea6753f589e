/* Several media workers: which of them has a call, and what becomes of it when one is away, has no ports
 * left, or signalling begins anew. */
#include "signal/testphone.h"

#define CALLS 4

struct both {
    struct kit *k;
    struct kit_media *w[2]; /* the doubles; the first is the kit's */
    struct phone a, b;
    struct pair p[CALLS];
};

static int setup(void **state)
{
    struct both *t = calloc(1, sizeof(*t));
    assert_non_null(t);
    t->k = kit_new();
    t->w[0] = &t->k->media;
    t->w[1] = calloc(1, sizeof(*t->w[1]));
    assert_non_null(t->w[1]);
    t->w[1]->first = KIT_ENDPOINTS;
    list_init(&t->w[1]->held);
    t->k->cfg.media_workers = 2;
    kit_role_restart(t->k);
    kit_media_start_as(t->k, t->w[1], 1);
    phone_up(t->k, &t->a, 1, "1000", TRANSPORT_TLS);
    phone_up(t->k, &t->b, 2, "1001", TRANSPORT_TLS);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    struct both *t = *state;
    for (size_t i = 0; i < CALLS; i++) {
        if (t->p[i].a.p)
            hang_up(&t->p[i].a, &t->p[i].b);
        side_fini(&t->p[i].a);
        side_fini(&t->p[i].b);
    }
    phone_fini(&t->a);
    phone_fini(&t->b);
    assert_int_equal(kit_endpoints(t->w[1]), 0);
    assert_int_equal(media_client_pending(t->k->role->calls->media[1]), 0);
    for (size_t w = 0; w < 2; w++)
        assert_int_equal(media_client_endpoints(t->k->role->calls->media[w]), 0);
    ipc_chan_free(t->w[1]->chan);
    kit_fini(t->k);
    free(t->w[1]);
    free(t);
    return 0;
}

static void worker_dies(struct both *t, size_t w)
{
    kit_media_forget_held(t->w[w]);
    t->w[w]->chan = ipc_chan_free(t->w[w]->chan);
    kit_run(t->k);
}

static void begin(struct both *t, size_t call)
{
    call_up(&t->p[call], &t->a, &t->b);
}

static void end(struct both *t, size_t call)
{
    hang_up(&t->p[call].a, &t->p[call].b);
    side_fini(&t->p[call].a);
    side_fini(&t->p[call].b);
    memset(&t->p[call], 0, sizeof(t->p[call]));
}

/* Endpoints of each: two a call. */
static void assert_has(const struct both *t, size_t first, size_t second)
{
    assert_int_equal(kit_endpoints(t->w[0]), first);
    assert_int_equal(kit_endpoints(t->w[1]), second);
    for (size_t w = 0; w < 2; w++)
        assert_int_equal(media_client_endpoints(t->k->role->calls->media[w]),
                         kit_endpoints(t->w[w]));
}

static void test_the_one_with_fewest_endpoints(void **state)
{
    struct both *t = *state;
    begin(t, 0);
    assert_has(t, 2, 0);
    begin(t, 1);
    assert_has(t, 2, 2);
    begin(t, 2);
    assert_has(t, 4, 2);
    end(t, 0);
    end(t, 2);
    assert_has(t, 0, 2);
    begin(t, 0);
    assert_has(t, 2, 2);
}

static void test_one_is_away(void **state)
{
    struct both *t = *state;
    begin(t, 0);
    unsigned asked = t->w[1]->requests;
    worker_dies(t, 0);
    begin(t, 1);
    begin(t, 2);
    assert_has(t, 2, 4);
    assert_true(t->w[1]->requests > asked);
    asked = t->w[1]->requests;
    end(t, 0); /* it waits for its own worker */
    assert_int_equal(kit_endpoints(t->w[0]), 2);
    assert_int_equal(t->w[1]->requests, asked);
    kit_media_start_as(t->k, t->w[0], 0);
    assert_has(t, 0, 4);
    begin(t, 0);
    assert_has(t, 2, 4);
}

static void test_all_are_away(void **state)
{
    struct both *t = *state;
    worker_dies(t, 0);
    worker_dies(t, 1);
    dial(&t->p[0].a, &t->a, "sip:1001@example.org");
    await_nothing(&t->b);
    kit_media_start_as(t->k, t->w[1], 1);
    await_nothing(&t->b);
    kit_media_start_as(t->k, t->w[0], 0); /* whose call it is */
    side_callee(&t->p[0].b, &t->b);
    side_answer(&t->p[0].b, "200 OK", "", phone_sdp(&t->b, 6000, "sendrecv"));
    await(&t->b, "ACK ");
    side_await(&t->p[0].a, "200");
    side_ack(&t->p[0].a, NULL);
    assert_has(t, 2, 0);
}

/* What it was asked and did not answer it is asked again, and nobody else. */
static void test_one_dies_in_the_middle(void **state)
{
    struct both *t = *state;
    begin(t, 0);
    t->w[1]->holds = true;
    dial(&t->p[1].a, &t->a, "sip:1001@example.org");
    unsigned asked = t->w[0]->requests;
    worker_dies(t, 1);
    await_nothing(&t->b);
    t->w[1]->holds = false;
    kit_media_start_as(t->k, t->w[1], 1);
    side_callee(&t->p[1].b, &t->b);
    side_answer(&t->p[1].b, "200 OK", "", phone_sdp(&t->b, 6000, "sendrecv"));
    await(&t->b, "ACK ");
    side_await(&t->p[1].a, "200");
    side_ack(&t->p[1].a, NULL);
    assert_has(t, 2, 2);
    assert_int_equal(t->w[0]->requests, asked);
}

/* With room for two calls each. */
static void test_room(void **state)
{
    struct both *t = *state;
    t->k->cfg.media_room = 5;
    t->w[1]->chan = ipc_chan_free(t->w[1]->chan);
    kit_role_restart(t->k);
    begin(t, 0);
    begin(t, 1);
    assert_has(t, 4, 0);
    dial(&t->p[2].a, &t->a, "sip:1001@example.org"); /* better one that is away than one without */
    await_nothing(&t->b);
    kit_media_start_as(t->k, t->w[1], 1);
    side_callee(&t->p[2].b, &t->b);
    side_answer(&t->p[2].b, "200 OK", "", phone_sdp(&t->b, 6000, "sendrecv"));
    await(&t->b, "ACK ");
    side_await(&t->p[2].a, "200");
    side_ack(&t->p[2].a, NULL);
    assert_has(t, 4, 2);
}

static void refuse_ports(struct both *t, size_t w)
{
    t->w[w]->refuse_ops = MEDIA_OP_OPEN;
    t->w[w]->refuse_leg = 0;
    t->w[w]->refuse_status = MEDIA_STATUS_NO_PORTS;
}

static void test_no_ports(void **state)
{
    struct both *t = *state;
    refuse_ports(t, 0);
    begin(t, 0); /* goes on with the other */
    assert_has(t, 0, 2);
    begin(t, 1); /* and is not tried again at once */
    assert_has(t, 0, 4);
    kit_advance(t->k, MEDIA_CLIENT_FULL_MS);
    begin(t, 2);
    assert_has(t, 2, 4);
    refuse_ports(t, 0);
    refuse_ports(t, 1);
    dial(&t->p[3].a, &t->a, "sip:1001@example.org");
    side_await(&t->p[3].a, "503");
    side_ack_failure(&t->p[3].a);
    side_fini(&t->p[3].a);
    memset(&t->p[3], 0, sizeof(t->p[3]));
    assert_has(t, 2, 4);
    assert_int_equal(t->w[1]->refuse_ops, 0); /* both were asked */
}

/* Calls find their workers; each worker is told of its own alone. */
static void test_signalling_begins_anew(void **state)
{
    struct both *t = *state;
    begin(t, 0);
    begin(t, 1);
    begin(t, 2);
    assert_has(t, 4, 2);
    t->w[1]->chan = ipc_chan_free(t->w[1]->chan);
    kit_role_restart(t->k);
    kit_media_start_as(t->k, t->w[1], 1);
    assert_int_equal(t->w[0]->kept_count, 4);
    assert_int_equal(t->w[1]->kept_count, 2);
    assert_has(t, 4, 2);
    begin(t, 3);
    assert_has(t, 4, 4);
    end(t, 1);
    assert_has(t, 4, 2);
}

static void test_no_such_worker(void **state)
{
    struct both *t = *state;
    int fds[2];
    assert_int_equal(ipc_pair(fds), 0);
    assert_int_equal(signal_role_attach_media(t->k->role, 2, fds[0]), -EPROTO);
    close(fds[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_one_with_fewest_endpoints),
        TEST(test_one_is_away),
        TEST(test_all_are_away),
        TEST(test_one_dies_in_the_middle),
        TEST(test_room),
        TEST(test_no_ports),
        TEST(test_signalling_begins_anew),
        TEST(test_no_such_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
