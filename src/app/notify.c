#include "app/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/slice.h"

static int notify_address(struct sockaddr_un *ret, socklen_t *ret_n)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    if ((n && path[0] != '/' && path[0] != '@') || n < 2 || n >= sizeof(sa.sun_path))
        return -EINVAL;
    memcpy(sa.sun_path, path, n);
    if (path[0] == '@') /* an abstract name */
        sa.sun_path[0] = '\0';
    *ret = sa;
    *ret_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return 0;
}

void notify_send(const char *fmt, ...)
{
    char text[512];
    struct sockaddr_un sa;
    socklen_t sa_n;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text) || notify_address(&sa, &sa_n) < 0)
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&sa, sa_n);
    close(fd);
}

uint32_t notify_watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t us, who;
    if (slice_to_u64(slice_from_str(usec), &us) < 0 || us == 0)
        return 0;
    if (pid && (slice_to_u64(slice_from_str(pid), &who) < 0 || who != (uint64_t)getpid()))
        return 0;
    uint64_t ms = us / 2000;
    return ms == 0 ? 1 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

uint64_t notify_monotonic_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}
