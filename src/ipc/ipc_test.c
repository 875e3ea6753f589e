#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/hold.h"
#include "ipc/ipc.h"
#include "ipc/role_msg.h"

struct end {
    struct ipc_chan *c;
    unsigned msgs, closed, drained, fds;
    uint32_t last_type;
    size_t last_n;
    char last[IPC_MSG_MAX];
    bool in_order, keep_fds, free_on_msg;
    int fd;
};

static struct loop *loop;
static struct end a, b;

static void on_msg(void *arg, uint32_t type, const void *payload, size_t n, const int *fds,
                   size_t fd_count)
{
    struct end *e = arg;
    assert_int_equal((uintptr_t)payload % 8, 0);
    e->in_order = e->in_order && (e->msgs == 0 || type == e->last_type + 1);
    e->msgs++;
    e->last_type = type;
    e->last_n = n;
    memcpy(e->last, payload, n);
    for (size_t i = 0; i < fd_count; i++) {
        e->fds++;
        if (e->keep_fds)
            e->fd = fds[i];
        else
            close(fds[i]);
    }
    if (e->free_on_msg)
        e->c = ipc_chan_free(e->c);
}

static void on_closed(void *arg)
{
    struct end *e = arg;
    e->closed++;
    e->c = ipc_chan_free(e->c);
}

static void on_drained(void *arg)
{
    ((struct end *)arg)->drained++;
}

static int setup(void **state)
{
    (void)state;
    int fds[2];
    a = b = (struct end){.in_order = true};
    if (loop_new(&loop) < 0 || ipc_pair(fds) < 0)
        return -1;
    if (ipc_chan_new(loop, fds[0], on_msg, on_closed, &a, &a.c) < 0)
        return -1;
    return ipc_chan_new(loop, fds[1], on_msg, on_closed, &b, &b.c);
}

static int teardown(void **state)
{
    (void)state;
    a.c = ipc_chan_free(a.c);
    b.c = ipc_chan_free(b.c);
    loop = loop_free(loop);
    return 0;
}

static void run(int wakeups)
{
    for (int i = 0; i < wakeups; i++)
        assert_int_equal(loop_once(loop, 0), 0);
}

static int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void messages_come_in_order_and_whole(void **state)
{
    (void)state;
    uint64_t v = 42;
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(ipc_send(a.c, i, &v, sizeof(v), NULL, 0), 0);
    assert_int_equal(b.msgs, 0); /* only at the end of the wake-up */
    run(30);
    assert_int_equal(b.msgs, 100);
    assert_true(b.in_order);
    assert_int_equal(b.last_n, sizeof(v));
    assert_memory_equal(b.last, &v, sizeof(v));
    assert_int_equal(ipc_chan_queued(a.c), 0);
    assert_int_equal(ipc_send(b.c, 7, NULL, 0, NULL, 0), 0);
    run(2);
    assert_int_equal(a.last_type, 7);
    assert_int_equal(a.last_n, 0);
}

static void two_parts_are_one_message(void **state)
{
    (void)state;
    assert_int_equal(ipc_send2(a.c, 1, "head", 4, "-and-tail", 9), 0);
    run(2);
    assert_int_equal(b.last_n, 13);
    assert_memory_equal(b.last, "head-and-tail", 13);
}

static void the_longest_message_passes_and_one_byte_more_does_not(void **state)
{
    (void)state;
    static char big[IPC_MSG_MAX + 1];
    memset(big, 'x', sizeof(big));
    assert_int_equal(ipc_send(a.c, 1, big, IPC_MSG_MAX, NULL, 0), 0);
    assert_int_equal(ipc_send(a.c, 2, big, IPC_MSG_MAX + 1, NULL, 0), -EMSGSIZE);
    assert_int_equal(ipc_send2(a.c, 2, big, IPC_MSG_MAX, "y", 1), -EMSGSIZE);
    run(2);
    assert_int_equal(b.msgs, 1);
    assert_int_equal(b.last_n, IPC_MSG_MAX);
}

static void a_full_queue_refuses_and_drains_in_order(void **state)
{
    (void)state;
    static char big[8000];
    uint32_t sent = 0;
    int r;
    ipc_chan_on_drained(a.c, on_drained);
    while ((r = ipc_send(a.c, sent, big, sizeof(big), NULL, 0)) == 0)
        sent++;
    assert_int_equal(r, -ENOBUFS);
    size_t record = 16 + sizeof(big);
    assert_int_equal(sent, IPC_QUEUE_MAX / record); /* at the limit, and the next one failed */
    assert_int_equal(ipc_flush(a.c), -EAGAIN);      /* more than a socket takes */
    run((int)sent);
    assert_int_equal(b.msgs, sent);
    assert_true(b.in_order);
    assert_int_equal(ipc_chan_queued(a.c), 0);
    assert_int_equal(a.drained, 1);
    assert_int_equal(ipc_send(a.c, sent, big, sizeof(big), NULL, 0), 0);
    run(2);
    assert_true(b.in_order);
}

static void descriptors_pass_at_once_and_from_the_queue(void **state)
{
    (void)state;
    int before = open_fds();
    static char big[8000];
    int fds[IPC_FD_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = STDERR_FILENO;
    assert_int_equal(ipc_send(a.c, 0, NULL, 0, fds, IPC_FD_MAX), 0);
    assert_int_equal(ipc_send(a.c, 1, NULL, 0, fds, IPC_FD_MAX + 1), -EMSGSIZE);
    uint32_t n = 1;
    while (ipc_flush(a.c) == 0) /* until the socket is full */
        assert_int_equal(ipc_send(a.c, n++, big, sizeof(big), NULL, 0), 0);
    uint32_t queued = 0;
    int r;
    while ((r = ipc_send(a.c, n, &n, sizeof(n), fds, IPC_FD_MAX)) == 0)
        n++, queued++;
    assert_int_equal(r, -ENOBUFS);
    assert_int_equal(queued, IPC_QUEUE_FD_MAX / IPC_FD_MAX);
    run((int)n);
    assert_int_equal(b.msgs, n);
    assert_true(b.in_order);
    assert_int_equal(b.fds, IPC_FD_MAX * (queued + 1));
    assert_int_equal(open_fds(), before);
}

static void a_descriptor_arrives_working(void **state)
{
    (void)state;
    int p[2];
    char c = 0;
    b.keep_fds = true;
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    assert_int_equal(ipc_hold(a.c, 99, p[1]), 0);
    close(p[1]);
    run(2);
    assert_int_equal(b.last_type, ROLE_MSG_HOLD);
    assert_int_equal(fcntl(b.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(write(b.fd, "z", 1), 1);
    assert_int_equal(read(p[0], &c, 1), 1);
    assert_int_equal(c, 'z');
    close(p[0]);
    close(b.fd);
}

static void a_bad_descriptor_is_refused_and_the_channel_lives(void **state)
{
    (void)state;
    int bad = 987;
    assert_int_equal(ipc_send(a.c, 1, NULL, 0, &bad, 1), -EBADF);
    assert_int_equal(ipc_send(a.c, 2, NULL, 0, NULL, 0), 0);
    run(2);
    assert_int_equal(b.msgs, 1);
}

static void queued_descriptors_are_closed_with_the_channel(void **state)
{
    (void)state;
    int before = open_fds();
    static char big[8000];
    int fd = STDERR_FILENO;
    while (ipc_flush(a.c) == 0)
        assert_int_equal(ipc_send(a.c, 0, big, sizeof(big), NULL, 0), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ipc_send(a.c, 1, NULL, 0, &fd, 1), 0);
    assert_int_equal(open_fds(), before + 10);
    a.c = ipc_chan_free(a.c);
    assert_int_equal(open_fds(), before - 1);
}

static void a_dying_peer_is_told_once_after_its_last_words(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(ipc_send(a.c, i, NULL, 0, NULL, 0), 0);
    assert_int_equal(ipc_flush(a.c), 0);
    assert_int_equal(ipc_send(b.c, 1, NULL, 0, NULL, 0), 0); /* never read: the kernel resets */
    assert_int_equal(ipc_flush(b.c), 0);
    a.c = ipc_chan_free(a.c);
    run(10);
    assert_int_equal(b.msgs, 20);
    assert_int_equal(b.closed, 1);
}

static void the_last_words_can_be_drained(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(ipc_send(a.c, i, NULL, 0, NULL, 0), 0);
    assert_int_equal(ipc_flush(a.c), 0);
    ipc_drain(b.c);
    assert_int_equal(b.msgs, 100);
    assert_int_equal(b.closed, 0);
    a.c = ipc_chan_free(a.c);
    ipc_drain(b.c);
    assert_int_equal(b.closed, 1);
}

static void sending_to_the_dead_fails_and_does_not_call_back(void **state)
{
    (void)state;
    a.c = ipc_chan_free(a.c);
    assert_int_equal(ipc_send(b.c, 1, NULL, 0, NULL, 0), 0);
    assert_int_equal(ipc_flush(b.c), -EPIPE);
    assert_int_equal(b.closed, 0);
    assert_int_equal(ipc_send(b.c, 1, NULL, 0, NULL, 0), -EPIPE);
    run(2);
    assert_int_equal(b.closed, 1);
}

static void a_callback_may_free_the_channel_in_a_batch(void **state)
{
    (void)state;
    int before = open_fds();
    int fd = STDERR_FILENO;
    b.free_on_msg = true;
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(ipc_send(a.c, i, NULL, 0, &fd, 1), 0);
    run(3);
    assert_int_equal(b.msgs, 1);
    assert_int_equal(a.closed, 1);
    assert_int_equal(open_fds(), before - 2); /* both ends, and no descriptor of the batch */
}

/* A peer that speaks to the raw socket. */
static void raw_packet(const void *p, size_t n, int fd_count)
{
    int fds[2];
    assert_int_equal(ipc_pair(fds), 0);
    b.c = ipc_chan_free(b.c);
    assert_int_equal(ipc_chan_new(loop, fds[1], on_msg, on_closed, &b, &b.c), 0);
    char control[CMSG_SPACE(64 * sizeof(int))] __attribute__((aligned(8))) = {0};
    struct iovec iov = {(void *)(uintptr_t)p, n};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fd_count) {
        m.msg_control = control;
        m.msg_controllen = CMSG_SPACE((size_t)fd_count * sizeof(int));
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_len = CMSG_LEN((size_t)fd_count * sizeof(int));
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        for (int i = 0; i < fd_count; i++) {
            int fd = STDERR_FILENO;
            memcpy(CMSG_DATA(h) + (size_t)i * sizeof(fd), &fd, sizeof(fd));
        }
    }
    assert_int_equal(sendmsg(fds[0], &m, 0), n);
    run(2);
    close(fds[0]);
}

static void broken_framing_ends_the_channel_and_leaks_nothing(void **state)
{
    (void)state;
    static uint32_t oversized[(8 + IPC_MSG_MAX) / 4 + 1] = {1, IPC_MSG_MAX + 4};
    static const uint32_t lies[] = {1, 100, 0}, good[] = {1, 4, 0};
    static const uint32_t two[] = {1, 4, 0, 0, 1, 4, 0}, second_lies[] = {1, 4, 0, 0, 1, 5, 0};
    static const uint32_t half_padded[] = {1, 1,
                                           0}; /* neither ends with the packet nor is padded */
    static const struct {
        const void *p;
        size_t n;
        int fds;
        unsigned msgs;
        bool open;
    } cases[] = {
        {oversized, sizeof(oversized), 1, 0, false},
        {lies, sizeof(lies), 2, 0, false},
        {"abc", 3, 1, 0, false},
        {half_padded, sizeof(half_padded), 1, 0, false},
        {two, sizeof(two), 1, 0, false}, /* with descriptors it is one message */
        {second_lies, sizeof(second_lies), 0, 1, false},
        {good, sizeof(good), IPC_FD_MAX + 4, 0, false},
        {good, sizeof(good), IPC_FD_MAX, 1, true},
        {two, sizeof(two), 0, 2, true},
    };
    a.c = ipc_chan_free(a.c);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        b.msgs = b.closed = 0;
        b.c = ipc_chan_free(b.c);
        int before = open_fds();
        raw_packet(cases[i].p, cases[i].n, cases[i].fds);
        assert_int_equal(b.msgs, cases[i].msgs);
        assert_int_equal(b.closed, !cases[i].open);
        assert_int_equal(open_fds(), before + (b.c ? 1 : 0));
    }
}

/* As many as fit, so that a wake-up's messages are few packets. */
static void messages_share_packets(void **state)
{
    (void)state;
    static char text[IPC_MSG_MAX];
    int fds[2];
    a.c = ipc_chan_free(a.c);
    assert_int_equal(ipc_pair(fds), 0);
    assert_int_equal(ipc_chan_new(loop, fds[0], on_msg, on_closed, &a, &a.c), 0);
    assert_int_equal(ipc_send(a.c, 1, "hello", 5, NULL, 0), 0);
    assert_int_equal(ipc_send(a.c, 2, NULL, 0, NULL, 0), 0);
    assert_int_equal(ipc_send(a.c, 3, text, IPC_MSG_MAX - 32, NULL, 0), 0);
    assert_int_equal(ipc_send(a.c, 4, text, 1, NULL, 0), 0);
    run(1);
    assert_int_equal(recv(fds[1], text, sizeof(text), MSG_TRUNC), IPC_MSG_MAX);
    assert_int_equal(recv(fds[1], text, sizeof(text), 0), 8 + 8);
    assert_int_equal(recv(fds[1], text, sizeof(text), 0), -1);
    close(fds[1]);
}

static void memfds_keep_their_size(void **state)
{
    (void)state;
    int fd;
    void *rw, *ro;
    assert_int_equal(ipc_memfd_new("t", 8192, &fd), 0);
    assert_int_equal(ftruncate(fd, 100), -1);
    assert_int_equal(ftruncate(fd, 100000), -1);
    assert_int_equal(ipc_memfd_map(fd, 8193, true, &rw), -EINVAL);
    assert_int_equal(ipc_memfd_map(fd, 8192, true, &rw), 0);
    assert_int_equal(ipc_memfd_map(fd, 8192, false, &ro), 0);
    assert_int_equal(*(char *)ro, 0);
    *(char *)rw = 'q';
    assert_int_equal(*(char *)ro, 'q');
    munmap(rw, 8192);
    munmap(ro, 8192);
    close(fd);
    int unsealed = memfd_create("u", MFD_CLOEXEC);
    assert_int_equal(ftruncate(unsealed, 8192), 0);
    assert_int_equal(ipc_memfd_map(unsealed, 8192, false, &ro), -EINVAL);
    close(unsealed);
}

static void a_memfd_of_bytes_is_read_only(void **state)
{
    (void)state;
    int fd;
    void *p;
    assert_int_equal(ipc_memfd_of("t", "content", 7, &fd), 0);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(ipc_memfd_map(fd, 7, true, &p), -EPERM);
    assert_int_equal(ipc_memfd_map(fd, 7, false, &p), 0);
    assert_memory_equal(p, "content", 7);
    munmap(p, 7);
    close(fd);
}

static void held_descriptors(void **state)
{
    (void)state;
    int before = open_fds(), fd;
    uint64_t tag;
    struct ipc_held *h;
    assert_int_equal(ipc_held_new(IPC_HELD_MAX + 1, &h), -EINVAL);
    assert_int_equal(ipc_held_new(3, &h), 0);
    for (uint64_t t = 10; t < 13; t++)
        assert_int_equal(ipc_held_put(h, t, dup(STDERR_FILENO)), 0);
    assert_int_equal(ipc_held_put(h, 13, dup(STDERR_FILENO)), -ENOSPC); /* and closed */
    assert_int_equal(ipc_held_put(h, 11, dup(STDERR_FILENO)), 0);       /* in place of the old */
    assert_int_equal(ipc_held_count(h), 3);
    assert_int_equal(open_fds(), before + 3);

    ipc_held_rewind(h);
    assert_true(ipc_held_next(h, &tag, &fd));
    assert_int_equal(tag, 10);
    ipc_held_drop(h, 11); /* the walk's next one */
    ipc_held_drop(h, 77);
    assert_true(ipc_held_next(h, &tag, &fd));
    assert_int_equal(tag, 12);
    assert_false(ipc_held_next(h, &tag, &fd));
    assert_int_equal(ipc_held_put(h, 14, dup(STDERR_FILENO)), 0);
    assert_true(ipc_held_next(h, &tag, &fd));
    assert_int_equal(tag, 14);
    ipc_held_free(h);
    assert_int_equal(open_fds(), before);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(messages_come_in_order_and_whole),
        CASE(two_parts_are_one_message),
        CASE(the_longest_message_passes_and_one_byte_more_does_not),
        CASE(a_full_queue_refuses_and_drains_in_order),
        CASE(descriptors_pass_at_once_and_from_the_queue),
        CASE(a_descriptor_arrives_working),
        CASE(a_bad_descriptor_is_refused_and_the_channel_lives),
        CASE(queued_descriptors_are_closed_with_the_channel),
        CASE(a_dying_peer_is_told_once_after_its_last_words),
        CASE(the_last_words_can_be_drained),
        CASE(sending_to_the_dead_fails_and_does_not_call_back),
        CASE(a_callback_may_free_the_channel_in_a_batch),
        CASE(broken_framing_ends_the_channel_and_leaks_nothing),
        CASE(messages_share_packets),
        CASE(memfds_keep_their_size),
        CASE(a_memfd_of_bytes_is_read_only),
        CASE(held_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
