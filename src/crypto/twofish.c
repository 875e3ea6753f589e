/* The one use of libgcrypt: Twofish, which OpenSSL has not. */
#include <gcrypt.h>
#include <pthread.h>

#include "crypto/cfb_priv.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Keys are short-lived and our processes lock nothing else into memory: no secure heap, whose
 * mlock the sandbox would have to allow. */
static void library_init(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return;
    if (!gcry_check_version(NULL))
        abort();
    (void)gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
    (void)gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
}

int crypto_twofish_cfb(bool encrypt, struct slice key, const uint8_t iv[CRYPTO_CFB_IV_LEN],
                       uint8_t *data, size_t n)
{
    int algo = key.n == 16 ? GCRY_CIPHER_TWOFISH128 : GCRY_CIPHER_TWOFISH;
    gcry_cipher_hd_t h;

    (void)pthread_once(&once, library_init);
    if (gcry_cipher_open(&h, algo, GCRY_CIPHER_MODE_CFB, 0) != 0)
        return -EIO;
    gcry_error_t e = gcry_cipher_setkey(h, key.p, key.n);
    if (!e)
        e = gcry_cipher_setiv(h, iv, CRYPTO_CFB_IV_LEN);
    if (!e)
        e = encrypt ? gcry_cipher_encrypt(h, data, n, NULL, 0)
                    : gcry_cipher_decrypt(h, data, n, NULL, 0);
    gcry_cipher_close(h); /* wipes */
    return e ? -EIO : 0;
}
