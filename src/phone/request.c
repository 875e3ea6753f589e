#include "phone/request.h"

#include "phone/ua.h"

void phone_request_init(struct phone_request *r, struct phone *ph, struct dialog *d,
                        enum sip_method method, phone_request_fn *fn, void *arg)
{
    *r = (struct phone_request){.ph = ph, .dialog = d, .method = method, .fn = fn, .arg = arg};
}

void phone_request_drop(struct phone_request *r)
{
    if (r->ct)
        txn_client_detach(r->ct);
    r->ct = NULL;
}

bool phone_request_is_pending(const struct phone_request *r)
{
    return r->ct && !txn_client_has_final(r->ct);
}

void phone_request_cancel(struct phone_request *r)
{
    if (r->ct)
        txn_client_cancel(r->ct, SLICE_NONE);
}

static void on_event(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg);

/* One try. `auth`: a whole header line, or empty. */
static int send_try(struct phone_request *r, struct slice auth)
{
    struct phone *ph = r->ph;
    char branch[TXN_BRANCH_MAX];
    struct buf b = buf_over(ph->out, sizeof(ph->out));
    struct transport_flow flow;
    int e = phone_flow_for(ph, r->flow, &flow);

    if (e < 0)
        return e;
    phone_request_drop(r);
    txn_branch_new(branch);
    r->cseq = dialog_next_cseq(r->dialog);
    phone_put_request(ph, &b, r->dialog, r->method, r->cseq, branch, &flow);
    buf_put(&b, r->headers, r->headers_n);
    buf_put_slice(&b, auth);
    sip_put_body(&b,
                 !r->body_n ? NULL
                 : r->type  ? r->type
                            : "application/sdp",
                 slice_from(r->body, r->body_n));
    if (b.overflow)
        return -EMSGSIZE;
    r->tries++;
    return txn_client_new(ph->txn, &flow, buf_slice(&b), on_event, r, &r->ct);
}

int phone_request_send(struct phone_request *r, struct slice headers, struct slice body)
{
    if (headers.n > sizeof(r->headers) || body.n > sizeof(r->body))
        return -EMSGSIZE;
    memcpy(r->headers, headers.p ? headers.p : "", headers.n);
    r->headers_n = headers.n;
    memcpy(r->body, body.p ? body.p : "", body.n);
    r->body_n = body.n;
    r->tries = 0;
    return send_try(r, SLICE_NONE);
}

/* True: sent again with credentials, the answer is not the user's business. A second challenge
 * that does not say stale means that ours were wrong (RFC 7616 s.3.3). */
static bool answer_challenge(struct phone_request *r, const struct sip_msg *rsp,
                             const char **ret_why)
{
    char line[2048];
    struct buf b = buf_over(line, sizeof(line));
    bool stale = false;

    *ret_why = phone_auth_answer(&r->ph->auth, rsp, slice_from_str(sip_method_name(r->method)),
                                 slice_from_str(r->dialog->remote_target), &b, &stale);
    if (*ret_why)
        return false;
    if ((r->tries > 1 && !stale) || r->tries >= PHONE_TRIES_MAX) {
        *ret_why = "the server does not accept this user or password";
        return false;
    }
    *ret_why = "the server asks for a password, but the request could not be sent again";
    return send_try(r, buf_slice(&b)) == 0;
}

static void on_event(void *arg, struct txn_client *ct, enum txn_event ev, struct sip_msg *msg)
{
    struct phone_request *r = arg;
    const char *why = NULL;

    (void)ct;
    if (ev == TXN_EVENT_TERMINATED) {
        r->ct = NULL;
        return;
    }
    if (ev == TXN_EVENT_RESPONSE && (msg->status == 401 || msg->status == 407) &&
        answer_challenge(r, msg, &why))
        return;
    r->fn(r->arg, ev, msg, why);
}
