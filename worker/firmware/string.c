#include "worker/firmware/firmware.h"

void *memset(void *to, int value, size_t size)
{
    uint8_t *bytes = to;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;

    for (size_t i = 0; i < size; i++)
        out[i] = in[i];
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;

    for (size_t i = 0; i < size; i++) {
        if (x[i] != y[i])
            return x[i] - y[i];
    }
    return 0;
}
