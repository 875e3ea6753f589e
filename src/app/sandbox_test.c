/* Each case is a child: what a sandbox takes is not given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/landlock.h"
#include "app/sandbox.h"

enum { CHILD_FINE = 42, CHILD_NO_LANDLOCK = 43 };

static struct app_config cfg;
static char folder[] = "/tmp/sotto-sandbox-XXXXXX";

/* How the child ended that did this in the sandbox of `role`. */
static int in_sandbox(enum role_kind role, int (*fn)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)dup2(quiet, STDERR_FILENO);
        if (sandbox_enter(role, &cfg) < 0 || sandbox_seal(role) < 0)
            _exit(99);
        _exit(fn());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void *thread_fn(void *arg)
{
    return arg;
}

static int ordinary_work(void)
{
    pthread_t t;
    int sv[2];
    char c = 'x';
    void *got, *p = malloc(10 << 20);
    struct stat st;
    if (!p || pthread_create(&t, NULL, thread_fn, &c) || pthread_join(t, &got) || got != &c)
        return 1;
    free(p);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp < 0 || fstat(udp, &st) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) < 0)
        return 2;
    if (write(sv[0], &c, 1) != 1 || read(sv[1], &c, 1) != 1 || prctl(PR_SET_NAME, "worker") < 0)
        return 3;
    return time(NULL) > 0 ? CHILD_FINE : 4;
}

static int fork_call(void)
{
    return fork() < 0 ? 1 : CHILD_FINE;
}

static int exec_call(void)
{
    char *argv[] = {NULL};
    execve("/bin/true", argv, argv);
    return CHILD_FINE;
}

static int executable_memory(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 1 : CHILD_FINE;
}

static int packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? 1 : CHILD_FINE;
}

static int open_is_refused(void)
{
    return open("/etc/hostname", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES ? CHILD_FINE : 1;
}

static int data_folder_alone(void)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/file", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) < 0 || unlink(path) < 0)
        return 1;
    int hosts = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
    if (hosts < 0 && errno == EACCES)
        return 2;
    if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
        return CHILD_NO_LANDLOCK;
    return errno == EACCES ? CHILD_FINE : 3;
}

static void roles_can_do_their_work(void **state)
{
    (void)state;
    for (int r = ROLE_SIGNAL; r < ROLE_COUNT; r++)
        assert_int_equal(in_sandbox((enum role_kind)r, ordinary_work), CHILD_FINE);
}

static void what_no_role_needs_ends_it(void **state)
{
    (void)state;
    static int (*const calls[])(void) = {fork_call, exec_call, executable_memory, packet_socket};
    for (int r = ROLE_SIGNAL; r < ROLE_COUNT; r++) {
        for (size_t i = 0; i < ARRAY_LEN(calls); i++)
            assert_int_equal(in_sandbox((enum role_kind)r, calls[i]), 1);
    }
}

static void media_opens_no_file(void **state)
{
    (void)state;
    assert_int_equal(in_sandbox(ROLE_MEDIA, open_is_refused), CHILD_FINE);
}

static bool has_landlock(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && landlock_limit(NULL, 0) == 0);
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void signal_and_web_see_the_data_folder(void **state)
{
    (void)state;
    int wanted = has_landlock() ? CHILD_FINE : CHILD_NO_LANDLOCK;
    if (wanted == CHILD_NO_LANDLOCK)
        print_message("this kernel has no Landlock\n");
    assert_int_equal(in_sandbox(ROLE_SIGNAL, data_folder_alone), wanted);
    int web = in_sandbox(ROLE_WEB, data_folder_alone);
    assert_true(web == wanted || web == 2); /* it resolves no names: /etc/hosts is not its */
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    config_init(&cfg);
    snprintf(cfg.data, sizeof(cfg.data), "%s", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    if (!SANDBOX_BUILT)
        return 77; /* skipped: this build has no sandbox */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_can_do_their_work),
        cmocka_unit_test(what_no_role_needs_ends_it),
        cmocka_unit_test(media_opens_no_file),
        cmocka_unit_test(signal_and_web_see_the_data_folder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
