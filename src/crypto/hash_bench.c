/* Nanoseconds per call at the sizes of digest authentication. */
#include "crypto/hash.h"

static double now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

int main(void)
{
    enum { ROUNDS = 500000 };
    static char text[100];
    struct slice parts[3] = {{text, 40}, {text + 40, 20}, {text + 60, 40}};
    uint8_t out[CRYPTO_SHA256_LEN];

    double t0 = now_ns();
    for (int i = 0; i < ROUNDS; i++)
        crypto_md5(parts, 3, out);
    double t1 = now_ns();
    for (int i = 0; i < ROUNDS; i++)
        crypto_sha256(parts, 3, out);
    double t2 = now_ns();
    for (int i = 0; i < ROUNDS; i++)
        crypto_hmac_sha256(parts[0], parts, 3, out);
    double t3 = now_ns();
    for (int i = 0; i < ROUNDS; i++)
        crypto_random(out, 16);
    double t4 = now_ns();
    printf("100 bytes: md5 %.0f  sha256 %.0f  hmac-sha256 %.0f ns; 16 random bytes %.0f ns\n",
           (t1 - t0) / ROUNDS, (t2 - t1) / ROUNDS, (t3 - t2) / ROUNDS, (t4 - t3) / ROUNDS);
    return 0;
}
