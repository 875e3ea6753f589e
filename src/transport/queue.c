/* Bytes on their way out. Most leave in the wake-up that made them, so blocks of one size go round
 * on a short shelf; what is larger, because the peer reads slowly, comes from the heap. */
#include "transport/internal.h"

static uint8_t *block_take(struct transport *t)
{
    return t->spare_count ? t->spares[--t->spare_count] : malloc(QUEUE_BLOCK);
}

static void block_give(struct transport *t, uint8_t *p, size_t cap)
{
    if (cap == QUEUE_BLOCK && t->spare_count < QUEUE_SPARES)
        t->spares[t->spare_count++] = p;
    else
        free(p);
}

static bool grow(struct transport *t, struct conn_queue *q, size_t need)
{
    size_t cap = QUEUE_BLOCK;

    while (cap < need)
        cap *= 2;
    uint8_t *p = cap == QUEUE_BLOCK ? block_take(t) : malloc(cap);
    if (!p)
        return false;
    if (q->p) {
        memcpy(p, q->p + q->off, q->n - q->off);
        block_give(t, q->p, q->cap);
    }
    *q = (struct conn_queue){.p = p, .n = q->n - q->off, .cap = (uint32_t)cap};
    return true;
}

uint8_t *queue_room(struct transport *t, struct conn_queue *q, size_t n)
{
    if (n > q->cap - q->n && !grow(t, q, q->n - q->off + n))
        return NULL;
    return q->p + q->n;
}

void queue_free(struct transport *t, struct conn_queue *q)
{
    if (q->p)
        block_give(t, q->p, q->cap);
    *q = (struct conn_queue){0};
}
