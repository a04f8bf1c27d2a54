/* Atomic operations on memory that several LPs use. Sequentially consistent. */
#ifndef VENEER_HYPERVISOR_ATOMIC_H
#define VENEER_HYPERVISOR_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

static inline uint32_t atomic_load(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void atomic_store(uint32_t *p, uint32_t value)
{
    __atomic_store_n(p, value, __ATOMIC_SEQ_CST);
}

static inline uint32_t atomic_exchange(uint32_t *p, uint32_t value)
{
    return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);
}

/* Result: the value before. */
static inline uint32_t atomic_and(uint32_t *p, uint32_t bits)
{
    return __atomic_fetch_and(p, bits, __ATOMIC_SEQ_CST);
}

/* Likewise. */
static inline uint32_t atomic_or(uint32_t *p, uint32_t bits)
{
    return __atomic_fetch_or(p, bits, __ATOMIC_SEQ_CST);
}

/* Returns the new value. */
static inline uint32_t atomic_add(uint32_t *p, uint32_t value)
{
    return __atomic_add_fetch(p, value, __ATOMIC_SEQ_CST);
}

static inline bool atomic_compare_exchange(uint32_t *p, uint32_t expected, uint32_t value)
{
    return __atomic_compare_exchange_n(p, &expected, value, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

#endif
