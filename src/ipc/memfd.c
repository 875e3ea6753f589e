#include "ipc/ipc.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int memfd_open(const char *name, size_t size, int *ret_fd)
{
    if (size > INT64_MAX)
        return -EFBIG;
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) /* an older kernel */
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)size) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int memfd_seal(int fd, int seals, int *ret_fd)
{
    if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

int ipc_memfd_new(const char *name, size_t size, int *ret_fd)
{
    int fd = -1;
    int r = memfd_open(name, size, &fd);
    return r < 0 ? r : memfd_seal(fd, 0, ret_fd);
}

int ipc_memfd_of(const char *name, const void *p, size_t n, int *ret_fd)
{
    int fd = -1;
    int r = memfd_open(name, n, &fd);
    if (r < 0)
        return r;
    ssize_t done = pwrite(fd, p, n, 0); /* into memory: whole, or an error */
    if (done != (ssize_t)n) {
        r = done < 0 ? -errno : -EIO;
        close(fd);
        return r;
    }
    return memfd_seal(fd, F_SEAL_WRITE, ret_fd);
}

int ipc_memfd_map(int fd, size_t size, bool writable, void **ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || st.st_size < 0 || (uint64_t)st.st_size < size)
        return -EINVAL;
    /* Before Linux 6.7 a memfd sealed against writing cannot be mapped shared, not even to read; what
     * nobody can change any more reads the same either way. */
    int sharing = seals & F_SEAL_WRITE && !writable ? MAP_PRIVATE : MAP_SHARED;
    void *p = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, sharing, fd, 0);
    if (p == MAP_FAILED)
        return -errno;
    *ret = p;
    return 0;
}
