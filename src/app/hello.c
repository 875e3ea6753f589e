/* What the first start tells: on stderr, because stdout is for the line `ready`. */
#include "app/supervisor.h"

#include "app/identity.h"
#include "base/secret.h"

static void put_listener(struct buf *b, const struct config_listen *l)
{
    buf_printf(b, "    %-4s ", config_listen_kind_name(l->kind));
    addr_put(b, &l->addr);
    if (addr_is_any(&l->addr))
        BUF_PUT_LIT(b, "   (every address of this machine)");
    buf_put_char(b, '\n');
}

void hello_print(const struct app_config *c)
{
    char text[4096];
    struct buf b = buf_over(text, sizeof(text));
    buf_printf(&b, "\nThis is the first start in %s.\n\n", c->data);
    buf_printf(&b,
               "  Add a phone; its password is printed once:\n"
               "    sotto user add 1000 -d %s\n",
               c->data);
    BUF_PUT_LIT(&b, "  Let it register at:\n");
    for (uint32_t i = 0; i < c->sip.count; i++)
        put_listener(&b, &c->sip.at[i]);
    buf_printf(&b, "  Domain: %s\n", c->domain);
    buf_printf(&b, "  Have it trust this CA:\n    %s/tls/ca.crt\n", c->data);
    fwrite(b.p, 1, b.n, stderr);
}

void hello_print_console(const struct app_config *c, const char *password)
{
    char text[1024];
    struct buf b = buf_over(text, sizeof(text));
    if (c->web.count == 0)
        return;
    const struct addr *at = &c->web.at[0].addr;
    BUF_PUT_LIT(&b, "  Console: https://");
    if (!addr_is_any(at))
        addr_put_uri_host(&b, at);
    else
        buf_put_str(&b, c->advertise[0] ? c->advertise : c->domain);
    buf_printf(&b,
               ":%u/\n"
               "    A user's name and password open a phone in the browser there.\n",
               addr_port(at));
    if (*password)
        buf_printf(&b,
                   "    Its API is for %s, with the one-time password %s\n"
                   "    (shown this once; `sotto admin passwd %s` makes another)\n",
                   IDENTITY_ADMIN, password, IDENTITY_ADMIN);
    fwrite(b.p, 1, b.n, stderr);
    secret_wipe(text, sizeof(text));
}
