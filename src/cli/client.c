/* The files of `sotto cert client`. */
#include "cli/cli_priv.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/hash.h"

/* Never over a file that is there: it may be a phone's only key. */
static int write_file(const char *folder, const char *name, const char *ending, struct slice text,
                      bool secret)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        fprintf(stderr, "sotto: the path is too long\n");
        return API_FAILED;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
    bool ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n;
    int why = errno;
    if (fd >= 0 && close(fd)) {
        ok = false;
        why = errno;
    }
    if (ok) {
        printf("  %s\n", path);
        return API_DONE;
    }
    fprintf(stderr, "sotto: cannot write %s: %s\n", path, log_strerror(why));
    if (fd >= 0)
        (void)unlink(path);
    return API_FAILED;
}

static struct slice text_at(const json_t *r, const char *key)
{
    return slice_from_str(json_string_value(json_object_get(r, key)));
}

static int write_p12(const json_t *r, const char *folder, const char *aor)
{
    static uint8_t p12[CERT_P12_MAX];
    size_t n;
    if (crypto_base64_get(text_at(r, "p12"), p12, sizeof(p12), &n))
        return API_FAILED;
    int status = write_file(folder, aor, ".p12", slice_from(p12, n), true);
    secret_wipe(p12, sizeof(p12));
    if (status == API_DONE)
        printf("\n  password   %s\n             (shown this once: the phone asks for it)\n",
               json_string_value(json_object_get(r, "p12_password")));
    return status;
}

int cli_write_client(const json_t *r, const struct cli_line *line)
{
    const char *folder = line->folder ? line->folder : ".";
    const char *aor = json_string_value(json_object_get(r, "aor"));
    if (!aor || strchr(aor, '/'))
        return API_FAILED; /* names have none; a server that says so is not ours */
    printf("Made a certificate for %s:\n\n", aor);
    if (json_object_get(r, "p12"))
        return write_p12(r, folder, aor);
    int status = write_file(folder, aor, ".key", text_at(r, "key"), true);
    if (status == API_DONE)
        status = write_file(folder, aor, ".crt", text_at(r, "cert"), false);
    if (status == API_DONE)
        status = write_file(folder, aor, ".ca.crt", text_at(r, "ca"), false);
    return status;
}
