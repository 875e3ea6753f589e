/* An intrusive, circular, doubly linked list. A head and a lone node point at themselves, so a
 * node may be removed twice without harm. */
#ifndef SOTTO_BASE_LIST_H
#define SOTTO_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_before(struct list *at, struct list *n)
{
    n->next = at;
    n->prev = at->prev;
    at->prev->next = n;
    at->prev = n;
}

static inline void list_push_back(struct list *head, struct list *n)
{
    list_insert_before(head, n);
}

static inline void list_push_front(struct list *head, struct list *n)
{
    list_insert_before(head->next, n);
}

/* NOLINT here and below: the analyzer does not see that a removed node is out of its head's reach,
 * and takes each node that is freed for one that the list still gives. */
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next; /* NOLINT(clang-analyzer-unix.Malloc) */
    n->next->prev = n->prev;
    list_init(n);
}

/* Over all nodes; the body may remove the current one, and no other. */
#define LIST_FOR_EACH(it, head)                                              \
    for (struct list *it = (head)->next, *it##_next = it->next; /* NOLINT */ \
         it != (head); it = it##_next, it##_next = it->next)    /* NOLINT */

#endif
