/* Keys and certificates out of PEM text (RFC 7468), whatever the layout: blocks are found here, so
 * that a sentence can name file and line; what is in them is OpenSSL's to read. */
#include "cert/cert_priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

void cert_bundle_fini(struct cert_bundle *b)
{
    for (size_t i = 0; i < b->n; i++) {
        X509_free(b->blocks[i].cert);
        EVP_PKEY_free(b->blocks[i].key);
    }
    b->n = 0;
}

/* One block as it lies in a file. */
struct block_text {
    struct slice label, all;
    uint32_t line;
    const char *name;
};

static struct slice next_line(struct slice *rest, uint32_t *line)
{
    ++*line;
    return slice_trim(slice_cut(rest, '\n'));
}

static bool label_of(struct slice line, const char *head, struct slice *ret)
{
    struct slice h = slice_from_str(head);
    if (!slice_starts_with(line, h) || !slice_ends_with_nocase(line, SLICE_LIT(DASHES)) ||
        line.n < h.n + sizeof(DASHES))
        return false;
    *ret = slice_take(slice_skip(line, h.n), line.n - h.n - (sizeof(DASHES) - 1));
    return true;
}

/* 0, or CERT_REFUSED with its sentence, or -ENOENT: no more. */
static int next_block(struct slice *rest, uint32_t *line, const char *name,
                      struct cert_report *report, struct block_text *ret)
{
    struct slice label, end;
    while (rest->n) {
        struct slice head = next_line(rest, line);
        if (!label_of(head, BEGIN, &label))
            continue;
        uint32_t first = *line;
        while (rest->n) {
            struct slice text = next_line(rest, line);
            if (label_of(text, BEGIN, &end))
                break;
            if (!label_of(text, END, &end))
                continue;
            if (!slice_eq(label, end))
                break;
            size_t n = (size_t)(text.p + text.n - head.p);
            *ret = (struct block_text){label, slice_from(head.p, n), first, name};
            return 0;
        }
        return cert_fail(report, CERT_REFUSED,
                         "%s line %u: the block BEGIN " SLICE_FMT
                         " has no END of its own; the file "
                         "was cut, or two were joined without a line end",
                         name, first, SLICE_ARG(slice_take(label, 40)));
    }
    return -ENOENT;
}

static int no_passphrase(char *buf, int size, int rw, void *arg)
{
    (void)buf, (void)size, (void)rw, (void)arg;
    return -1; /* never asks on the terminal */
}

static int refuse(const struct block_text *t, struct cert_report *report, const char *why)
{
    ERR_clear_error();
    return cert_fail(report, CERT_REFUSED, "%s line %u: %s", t->name, t->line, why);
}

static int read_key(BIO *bio, const struct block_text *t, struct cert_report *report,
                    struct cert_block *ret)
{
    if (slice_eq_str(t->label, "ENCRYPTED PRIVATE KEY") ||
        slice_find(t->all, SLICE_LIT("Proc-Type: 4,ENCRYPTED")) < t->all.n)
        return refuse(t, report,
                      "the private key has a passphrase; a server that starts by itself cannot ask "
                      "for it: take it off with `openssl pkey -in KEY -out KEY.open` and import "
                      "that");
    ret->kind = CERT_BLOCK_KEY;
    ret->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    return ret->key ? 0
                    : refuse(t, report,
                             "the private key cannot be read: it is damaged, or of "
                             "a kind that OpenSSL does not know");
}

static int read_cert(BIO *bio, const struct block_text *t, struct cert_report *report,
                     struct cert_block *ret)
{
    ret->kind = CERT_BLOCK_CERT;
    ret->cert = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
    if (!ret->cert || !X509_get0_pubkey(ret->cert)) {
        X509_free(ret->cert);
        ret->cert = NULL;
        return refuse(t, report, "the certificate cannot be read: it is damaged");
    }
    return 0;
}

static int read_block(struct cert_bundle *b, uint8_t file, const struct block_text *t,
                      struct cert_report *report)
{
    bool is_key = slice_eq_str(t->label, "PRIVATE KEY") ||
                  slice_ends_with_nocase(t->label, SLICE_LIT(" PRIVATE KEY"));
    bool is_cert = slice_eq_str(t->label, "CERTIFICATE") ||
                   slice_eq_str(t->label, "X509 CERTIFICATE") ||
                   slice_eq_str(t->label, "TRUSTED CERTIFICATE");
    if (slice_eq_str(t->label, "OPENSSH PRIVATE KEY"))
        return refuse(t, report,
                      "this is a key of SSH; expected is the key of the certificate, "
                      "BEGIN PRIVATE KEY");
    if (!is_key && !is_cert)
        return 0; /* parameters, requests, revocation lists: of no use here, of no harm */
    if (b->n == CERT_BLOCKS_MAX)
        return refuse(t, report, "more than 64 keys and certificates: this is no server's bundle");
    BIO *bio = BIO_new_mem_buf(t->all.p, (int)t->all.n);
    if (!bio)
        return -ENOMEM;
    struct cert_block block = {.file = file, .line = t->line};
    int r = is_key ? read_key(bio, t, report, &block) : read_cert(bio, t, report, &block);
    BIO_free(bio);
    ERR_clear_error();
    if (r == 0)
        b->blocks[b->n++] = block;
    return r;
}

static int refuse_binary(const char *name, struct cert_report *report)
{
    return cert_fail(report, CERT_REFUSED,
                     "%s is binary (DER or PKCS#12); PEM is expected: turn it into that with "
                     "`openssl x509 -inform der -in F -out F.pem`, or `openssl pkcs12 -in F -nodes "
                     "-out F.pem`",
                     name);
}

int cert_bundle_add(struct cert_bundle *b, uint8_t file, const char *name, struct slice text,
                    struct cert_report *report)
{
    struct block_text t = {0};
    uint32_t line = 0;
    int r;
    if (text.n && (uint8_t)text.p[0] == 0x30 && slice_find(text, SLICE_LIT(BEGIN)) == text.n)
        return refuse_binary(name, report);
    if (slice_starts_with(text, SLICE_LIT("\xef\xbb\xbf"))) /* an editor's byte order mark */
        text = slice_skip(text, 3);
    while ((r = next_block(&text, &line, name, report, &t)) == 0) {
        r = read_block(b, file, &t, report);
        if (r)
            return r;
    }
    return r == -ENOENT ? 0 : r;
}

static int copy_out(BIO *bio, char *dst, size_t cap, size_t *ret_n)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);
    if (n < 0 || (size_t)n >= cap)
        return -EIO;
    memcpy(dst, p, (size_t)n);
    dst[n] = '\0';
    *ret_n = (size_t)n;
    return 0;
}

int cert_key_to_pem(EVP_PKEY *key, char *dst, size_t cap, size_t *ret_n)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int r = bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
                ? copy_out(bio, dst, cap, ret_n)
                : -EIO;
    BIO_free(bio);
    return r;
}

int cert_x509_to_pem(X509 *x, struct buf *b)
{
    char *p;
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio && PEM_write_bio_X509(bio, x) == 1;
    if (ok) {
        long n = BIO_get_mem_data(bio, &p);
        buf_put(b, p, (size_t)n);
    }
    BIO_free(bio);
    return ok && !b->overflow ? 0 : -EIO;
}
