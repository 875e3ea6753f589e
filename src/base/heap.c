#include "base/heap.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static uintptr_t
    present; /* up to here the heap's pages have been asked for; 0: nobody wants that */

void heap_init(void)
{
    present = (uintptr_t)sbrk(0);
}

void heap_present(void)
{
    if (!present)
        return;
    uintptr_t end = (uintptr_t)sbrk(0); /* glibc remembers it */
    if (end > present)
        (void)madvise((void *)present, end - present, MADV_POPULATE_WRITE);
    present = end;
}
