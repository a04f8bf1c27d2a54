/* Limits how often something is done: a long-term rate, and a burst above it. */
#ifndef VENEER_PARENT_NET_RATE_LIMIT_H
#define VENEER_PARENT_NET_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct rate_limit {
    uint64_t next_us; /* when everything that was allowed would be done at the long-term rate */
};

/* Whether it may be done once more at @now_us: on average every @interval_us, but @burst times at
 * once after a pause. */
static inline bool rate_limit_allows(struct rate_limit *limit, uint64_t now_us,
                                     uint64_t interval_us, unsigned burst)
{
    if (limit->next_us < now_us)
        limit->next_us = now_us;
    if (limit->next_us - now_us >= burst * interval_us)
        return false;
    limit->next_us += interval_us;
    return true;
}

#endif
