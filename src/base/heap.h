/* Fresh memory comes from the kernel a page at a time, when it is first written: in a virtual machine
 * that costs more than what is then done with it. So the pages by which malloc's heap has grown (it
 * grows in steps) are made present by one call. */
#ifndef SOTTO_BASE_HEAP_H
#define SOTTO_BASE_HEAP_H

/* Once, before the process has much. Without it heap_present does nothing. */
void heap_init(void);
/* After each wake-up. No system call where the heap has not grown. */
void heap_present(void);

#endif
