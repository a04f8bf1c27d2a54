/* Which frames the card wants by their destination. 21140A Hardware Reference Manual, 4.2.3. */
#include "lib/crc32.h"
#include "lib/string.h"
#include "worker/devices/dec21140_registers.h"

/* A setup frame has two bytes in each four. */
#define SETUP_HASH_BYTES (DEC21140_HASH_BITS / 8)
#define SETUP_HASHED_ADDRESS 156 /* the one perfect address of a hash filter */

enum { SETUP_PERFECT = 0, SETUP_HASH = 1, SETUP_INVERSE = 2, SETUP_HASH_ONLY = 3 };

void dec21140_filter_reset(struct dec21140_filter *filter, const uint8_t mac[6])
{
    *filter = (struct dec21140_filter){0};
    memset(filter->perfect, 0xff, sizeof(filter->perfect));
    memcpy(filter->perfect[0], mac, 6);
}

static void take_address(uint8_t address[6], const uint8_t *setup)
{
    for (uint32_t i = 0; i < 6; i++)
        address[i] = setup[i / 2 * 4 + i % 2];
}

void dec21140_filter_setup(struct dec21140_filter *filter, uint32_t kind,
                           const uint8_t frame[SETUP_FRAME_SIZE])
{
    static const uint32_t modes[] = {0, CSR6_HP, CSR6_IF, CSR6_HO | CSR6_HP};

    filter->mode = modes[kind];
    if (kind == SETUP_PERFECT || kind == SETUP_INVERSE) {
        for (uint32_t i = 0; i < DEC21140_PERFECT; i++)
            take_address(filter->perfect[i], frame + i * 12);
        return;
    }
    for (uint32_t i = 0; i < SETUP_HASH_BYTES; i++)
        filter->hash[i] = frame[i / 2 * 4 + i % 2];
    take_address(filter->perfect[0], frame + SETUP_HASHED_ADDRESS);
}

static bool is_listed(const struct dec21140_filter *filter, uint32_t count,
                      const uint8_t *destination)
{
    for (uint32_t i = 0; i < count; i++) {
        if (memcmp(filter->perfect[i], destination, 6) == 0)
            return true;
    }
    return false;
}

bool dec21140_filter_accepts(const struct dec21140_filter *filter, const uint8_t *destination)
{
    uint32_t bit;

    if (!(filter->mode & CSR6_HP))
        return is_listed(filter, DEC21140_PERFECT, destination) == !(filter->mode & CSR6_IF);
    if (!(filter->mode & CSR6_HO) && !(destination[0] & 1))
        return is_listed(filter, 1, destination);
    bit = ~crc32(0, destination, 6) & (DEC21140_HASH_BITS - 1);
    return filter->hash[bit / 8] >> bit % 8 & 1;
}
