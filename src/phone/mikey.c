#include "phone/mikey.h"

#include <stdio.h>

#define PEM_MAX 65536

static int say(char *why, size_t cap, const char *option, const char *path, const char *what)
{
    snprintf(why, cap, "%s: %s %s", option, path, what);
    return -1;
}

/* Into `room` of PEM_MAX. */
static int read_file(const char *path, char *room, struct slice *ret)
{
    FILE *f = path ? fopen(path, "re") : NULL;

    if (!f)
        return -1;
    size_t n = fread(room, 1, PEM_MAX, f);
    bool ok = !ferror(f) && n < PEM_MAX;
    (void)fclose(f); /* nothing was written */
    *ret = slice_from(room, n);
    return ok ? 0 : -1;
}

/* What the server of this machine's data folder has; or what the option names. */
static int read_peer(struct phone_mikey *m, const struct phone_options *opt,
                     const struct phone_server *server, char *room, char *why, size_t cap)
{
    char local[PHONE_PATH_MAX + 16];
    const char *path = opt->mikey_server_cert;
    struct slice pem;

    if (opt->mikey_rsa_r || (!path && !server->data[0]))
        return 0;
    snprintf(local, sizeof(local), "%s/tls/mikey.crt", server->data);
    if (read_file(path ? path : local, room, &pem) == 0 &&
        crypto_rsa_cert_of(pem, m->peer, &m->peer_n) == 0)
        return 0;
    return path ? say(why, cap, "--mikey-server-cert", path, "holds no certificate (PEM)") : 0;
}

static int read_own(struct phone_mikey *m, const struct phone_options *opt,
                    const struct phone_server *server, char *room, char *why, size_t cap)
{
    struct slice cert, key, ca;

    if (read_file(opt->mikey_cert, room, &cert) < 0)
        return say(why, cap, "--mikey-cert", opt->mikey_cert, "cannot be read");
    if (read_file(opt->mikey_key, room + PEM_MAX, &key) < 0)
        return say(why, cap, "--mikey-key", opt->mikey_key, "cannot be read");
    if (read_file(server->ca, room + 2 * (size_t)PEM_MAX, &ca) < 0)
        return say(why, cap, "--ca", server->ca, "cannot be read: MIKEY needs the server's ca.crt");
    if (crypto_rsa_new(cert, key, ca, &m->rsa) == 0)
        return 0;
    return say(why, cap, "--mikey-cert", opt->mikey_cert,
               "and --mikey-key are no RSA certificate with its key (`sotto cert client NUMBER "
               "--rsa` makes them), or --ca is no certificate");
}

int phone_mikey_open(struct phone_mikey *m, const struct phone_options *opt,
                     const struct phone_server *server, char *why, size_t cap)
{
    if (!opt->mikey_cert)
        return 0;
    char *room = malloc(3 * (size_t)PEM_MAX);
    if (!room)
        return say(why, cap, "--mikey-cert", opt->mikey_cert, "there is no memory for it");
    int r = read_own(m, opt, server, room, why, cap);
    if (r == 0)
        r = read_peer(m, opt, server, room, why, cap);
    secret_wipe(room, 3 * (size_t)PEM_MAX);
    free(room);
    return r;
}

void phone_mikey_fini(struct phone_mikey *m)
{
    m->rsa = crypto_rsa_free(m->rsa);
}
