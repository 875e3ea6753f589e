/* Looking into a parsed message: headers by id or name, lists, numbers. */
#include "sip/msg.h"

#include "sip/lex.h"

const struct sip_hdr *sip_msg_hdr(const struct sip_msg *m, enum sip_hdr_id id)
{
    return m->first[id] < 0 ? NULL : &m->hdrs[m->first[id]];
}

const struct sip_hdr *sip_msg_hdr_next(const struct sip_msg *m, const struct sip_hdr *h)
{
    return h->next < 0 ? NULL : &m->hdrs[h->next];
}

struct slice sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id)
{
    return m->first[id] < 0 ? SLICE_NONE : m->hdrs[m->first[id]].value;
}

const struct sip_hdr *sip_msg_hdr_named(const struct sip_msg *m, struct slice name)
{
    enum sip_hdr_id id = sip_hdr_id_from(name);
    const struct sip_hdr *h = sip_msg_hdr(m, id);

    while (h && id == SIP_HDR_OTHER && !slice_eq_nocase(h->name, name))
        h = sip_msg_hdr_next(m, h);
    return h;
}

bool sip_msg_list_next(const struct sip_msg *m, enum sip_hdr_id id, struct sip_list_iter *it,
                       struct slice *ret_element)
{
    if (it->hdr == 0) {
        if (m->first[id] < 0)
            return false;
        it->hdr = (int16_t)(m->first[id] + 1);
        it->rest = m->hdrs[m->first[id]].value;
    }
    for (;;) {
        while (it->rest.p) {
            struct slice element = lex_list_cut(&it->rest);
            if (element.n) {
                *ret_element = element;
                return true;
            }
        }
        int16_t next = m->hdrs[it->hdr - 1].next;
        if (next < 0)
            return false;
        it->hdr = (int16_t)(next + 1);
        it->rest = m->hdrs[next].value;
    }
}

bool sip_msg_list_has(const struct sip_msg *m, enum sip_hdr_id id, const char *token)
{
    struct slice wanted = slice_from_str(token), element;
    struct sip_list_iter it = {0};

    while (sip_msg_list_next(m, id, &it, &element)) {
        if (slice_eq_nocase(element, wanted))
            return true;
    }
    return false;
}
