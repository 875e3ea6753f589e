/* Inside the signal role. */
#ifndef SOTTO_SIGNAL_INTERNAL_H
#define SOTTO_SIGNAL_INTERNAL_H

#include <jansson.h>

#include "call/call.h"
#include "registrar/registrar.h"
#include "signal/role.h"
#include "trace/trace.h"
#include "transport/resolve.h"

#define SIGNAL_SERVER_NAME "sotto/" SOTTO_VERSION

struct signal_role {
    struct signal_config cfg;
    struct transport *transport;
    struct txn_layer *txn;
    struct directory *directory;
    struct location *location;
    struct dialog_auth *auth;
    struct access access;
    struct registrar registrar;
    struct call_core *calls;
    struct resolver *resolver;
    struct trace *trace;
    struct ipc_chan *web;
    char *out; /* scratch, SIP_MSG_MAX */
    bool closing;
    int cdr_fd; /* of the day; -1: none */
    int cdr_day;
    uint32_t cdr_lost; /* since the last that was written */
};

/* dispatch.c: from the transaction layer */
void dispatch_request(void *role, struct txn_server *st, struct sip_msg *req,
                      const struct transport_flow *flow);
void dispatch_ack(void *role, struct sip_msg *ack, const struct transport_flow *flow);
void dispatch_cancel(void *role, struct txn_server *invite, struct sip_msg *cancel);
void dispatch_stray_2xx(void *role, struct sip_msg *rsp, const struct transport_flow *flow);
/* A malformed message that can be answered. */
void dispatch_bad(void *role, struct sip_msg *msg, int verdict, const struct transport_flow *flow);

/* cdr.c */
void cdr_write(void *role, struct slice json);

/* metrics.c */
char *metrics_show(struct signal_role *r, const json_t *args);

/* admin.c: from the web role */
void admin_on_msg(void *role, uint32_t type, const void *payload, size_t n, const int *fds,
                  size_t fd_count);

#endif
