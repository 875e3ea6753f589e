#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/server.h"

struct place {
    char data[64], path[96];
    struct loop *loop;
    struct api *api;
    struct api_server *server;
    api_forward_reply_fn *reply; /* a request on its way */
    void *reply_arg;
};

static void on_forward(void *arg, const char *name, struct slice request,
                       api_forward_reply_fn *reply, void *reply_arg)
{
    struct place *p = arg;
    (void)name, (void)request;
    p->reply = reply;
    p->reply_arg = reply_arg;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    struct stat st;
    int fd;
    (void)snprintf(p->data, sizeof(p->data), "/tmp/sotto-api-XXXXXX");
    assert_non_null(mkdtemp(p->data));
    (void)snprintf(p->path, sizeof(p->path), "%s/control.sock", p->data);
    assert_int_equal(loop_new_virtual(0, &p->loop), 0);
    struct api_config cfg = {.data = p->data, .arg = p, .forward = on_forward};
    assert_int_equal(api_new(&cfg, &p->api), 0);
    assert_int_equal(api_listen(p->data, &fd), 0);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(api_server_new(p->loop, p->api, fd, &p->server), 0);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    api_server_free(p->server);
    api_free(p->api);
    loop_free(p->loop);
    (void)unlink(p->path);
    (void)rmdir(p->data);
    free(p);
    return 0;
}

static void turn(struct place *p)
{
    for (int i = 0; i < 8; i++)
        assert_int_equal(loop_once(p->loop, 0), 0);
}

static int join(struct place *p)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, p->path, sizeof(p->path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    turn(p);
    return fd;
}

static void say(struct place *p, int fd, const char *text)
{
    assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
    turn(p);
}

/* What has come: "" nothing, "(end)" the end. */
static const char *hear(int fd)
{
    static char room[65536];
    ssize_t n = recv(fd, room, sizeof(room) - 1, 0);
    if (n == 0)
        return "(end)";
    room[n > 0 ? n : 0] = '\0';
    return room;
}

static size_t lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void answer(struct place *p, const char *text)
{
    api_forward_reply_fn *reply = p->reply;
    p->reply = NULL;
    reply(p->reply_arg, slice_from_str(text));
    turn(p);
}

static void lines_are_answered_in_order(void **state)
{
    struct place *p = *state;
    int fd = join(p);
    say(p, fd, "{\"cmd\":\"no");
    assert_string_equal(hear(fd), "");
    say(p, fd, "thing\"}\n\r\n");
    const char *text = hear(fd);
    assert_int_equal(lines(text), 1);
    assert_non_null(strstr(text, "\"ok\":false"));
    say(p, fd, "{\n[]\n{\"cmd\":\"cert show\"}\n");
    text = hear(fd);
    assert_int_equal(lines(text), 3);
    assert_non_null(strstr(text, "one line with one JSON object"));
    assert_non_null(strstr(text, "no certificate"));
    close(fd);
}

static void many_lines_at_once(void **state)
{
    struct place *p = *state;
    static char many[200000];
    size_t n = 0, heard = 0;
    for (size_t i = 0; i < 20000; i++, n += 3)
        memcpy(many + n, "[]\n", 4);
    int fd = join(p);
    say(p, fd, many);
    for (int i = 0; i < 1000 && heard < 20000; i++) {
        heard += lines(hear(fd));
        turn(p);
    }
    assert_int_equal(heard, 20000);
    close(fd);
}

static void a_later_request_waits_for_its_turn(void **state)
{
    struct place *p = *state;
    int fd = join(p);
    say(p, fd, "{\"cmd\":\"show calls\"}\n{\"cmd\":\"reload\"}\n[]\n");
    assert_string_equal(hear(fd), "");
    answer(p, "{\"ok\":true,\"result\":[]}");
    assert_string_equal(hear(fd), "{\"ok\":true,\"result\":[]}\n");
    assert_non_null(p->reply);
    answer(p, "{\"ok\":true,\"result\":{}}");
    const char *text = hear(fd);
    assert_int_equal(lines(text), 2);
    assert_non_null(strstr(text, "a request is an object"));
    close(fd);
}

static void a_client_that_left_is_no_harm(void **state)
{
    struct place *p = *state;
    int fd = join(p);
    say(p, fd, "{\"cmd\":\"show calls\"}\n");
    close(fd);
    turn(p);
    answer(p, "{\"ok\":true,\"result\":[]}");
    /* Nor is a server that was stopped meanwhile. */
    fd = join(p);
    say(p, fd, "{\"cmd\":\"show calls\"}\n");
    p->server = api_server_free(p->server);
    answer(p, "{\"ok\":true,\"result\":[]}");
    close(fd);
}

static void no_answer_is_told_in_time(void **state)
{
    struct place *p = *state;
    int fd = join(p);
    say(p, fd, "{\"cmd\":\"show calls\"}\n[]\n");
    loop_advance(p->loop, API_FORWARD_TIMEOUT_MS - 1);
    turn(p);
    assert_string_equal(hear(fd), "");
    loop_advance(p->loop, 2);
    turn(p);
    const char *text = hear(fd);
    assert_int_equal(lines(text), 2);
    assert_non_null(strstr(text, "did not answer in time"));
    answer(p, "{\"ok\":true,\"result\":[]}"); /* too late: for no one */
    assert_string_equal(hear(fd), "");
    loop_advance(p->loop, API_IDLE_MS + 1);
    turn(p);
    assert_string_equal(hear(fd), "(end)");
    close(fd);
}

static void requests_are_bounded(void **state)
{
    struct place *p = *state;
    static char text[API_REQUEST_MAX + 2];
    /* At the limit: blanks around an object, and the line's end. */
    memset(text, ' ', sizeof(text));
    text[0] = '{';
    text[API_REQUEST_MAX - 1] = '}';
    text[API_REQUEST_MAX] = '\n';
    int fd = join(p);
    for (size_t at = 0; at < API_REQUEST_MAX + 1;) {
        ssize_t n = send(fd, text + at, API_REQUEST_MAX + 1 - at, MSG_NOSIGNAL);
        at += n > 0 ? (size_t)n : 0;
        turn(p);
    }
    for (int i = 0; i < 100; i++)
        turn(p);
    assert_non_null(strstr(hear(fd), "a request is an object"));
    /* One past it. */
    text[API_REQUEST_MAX] = ' ';
    for (size_t at = 0; at < API_REQUEST_MAX + 1;) {
        ssize_t n = send(fd, text + at, API_REQUEST_MAX + 1 - at, MSG_NOSIGNAL);
        at += n > 0 ? (size_t)n : 0;
        turn(p);
    }
    for (int i = 0; i < 100; i++)
        turn(p);
    assert_non_null(strstr(hear(fd), "at most 1 MiB"));
    assert_string_equal(hear(fd), "(end)");
    close(fd);
}

static void clients_are_bounded(void **state)
{
    struct place *p = *state;
    int fds[API_CLIENTS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        fds[i] = join(p);
    assert_string_equal(hear(fds[API_CLIENTS_MAX]), "(end)");
    say(p, fds[API_CLIENTS_MAX - 1], "[]\n");
    assert_int_equal(lines(hear(fds[API_CLIENTS_MAX - 1])), 1);
    close(fds[0]);
    turn(p);
    int fd = join(p);
    say(p, fd, "[]\n");
    assert_int_equal(lines(hear(fd)), 1);
    for (size_t i = 1; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
    close(fd);
}

static void one_server_for_a_folder(void **state)
{
    struct place *p = *state;
    int fd;
    assert_int_equal(api_listen(p->data, &fd), -EADDRINUSE);
    p->server = api_server_free(p->server); /* leaves the file behind, as a crash does */
    assert_int_equal(access(p->path, F_OK), 0);
    assert_int_equal(api_listen(p->data, &fd), 0);
    assert_int_equal(api_server_new(p->loop, p->api, fd, &p->server), 0);
    close(join(p));
    char longer[200];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(api_listen(longer, &fd), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_answered_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(many_lines_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_later_request_waits_for_its_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_left_is_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(no_answer_is_told_in_time, setup, teardown),
        cmocka_unit_test_setup_teardown(requests_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(clients_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(one_server_for_a_folder, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
