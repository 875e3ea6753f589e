/* The error contract of every function in sotto that returns int.
 *
 *   0         done
 *   negative  fatal: -errno. The caller cannot mend it; it passes it up unchanged.
 *   positive  a verdict: an enum that the prototype documents and the caller handles.
 *
 * A peer's mistake is a verdict, never a fatal error. Output parameters come last, are named
 * ret_x, and are written only when the function returns 0. */
#ifndef SOTTO_BASE_ERR_H
#define SOTTO_BASE_ERR_H

#include <errno.h>

#define MUST_CHECK __attribute__((warn_unused_result))
/* For large locals on a path that every message takes: the build clears locals (as a net under
 * forgotten initialisers), and here each field is set before it is read. */
#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* A result that is ignored on purpose; the line says why. */
static inline void err_ignore(int r)
{
    (void)r;
}

/* Runs fn(&var) when var leaves its scope. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The object of type T whose member m is at p. */
#define CONTAINER_OF(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))

#endif
