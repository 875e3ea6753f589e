#include "base/secret.h"

int secret_set(struct secret *s, const void *p, size_t n)
{
    if (n > SECRET_CAP)
        return -EMSGSIZE;
    secret_fini(s);
    memcpy(s->b, p, n);
    s->n = n;
    return 0;
}

void secret_fini(struct secret *s)
{
    secret_wipe(s, sizeof(*s));
}

void secret_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

bool secret_eq(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < n; i++)
        diff |= (uint8_t)(x[i] ^ y[i]);
    return diff == 0;
}
