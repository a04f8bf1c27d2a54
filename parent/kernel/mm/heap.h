/* The heap's insides; what everybody may call is in parent/include/memory.h. */
#ifndef VENEER_PARENT_HEAP_H
#define VENEER_PARENT_HEAP_H

/* Bytes of the largest block: requests beyond it are errors of arithmetic. */
#define HEAP_LARGEST (256ull << 20)

/* Boot, before the first allocation. */
void heap_init(void);

#endif
