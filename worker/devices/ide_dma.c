#include "worker/devices/ide_dma.h"

#include "lib/string.h"

enum { BMICX = 0, BMISX = 2, BMIDTPX = 4 };

#define BMICX_START 0x01
#define BMICX_TO_MEMORY 0x08

#define BMISX_ACTIVE 0x01
#define BMISX_ERROR 0x02
#define BMISX_INTERRUPT 0x04
#define BMISX_DRIVES 0x60 /* whether they can do DMA: for software to remember */

#define BMIDTPX_RESERVED 0x03u

#define PRD_SIZE 8
#define PRD_LAST 0x80000000u
#define PRD_MAX_COUNT 0x10000u /* written as 0 */

bool ide_dma_ready(const struct ide_dma *dma)
{
    return dma->state.status & BMISX_ACTIVE && dma->state.enabled;
}

static void stop(struct ide_dma *dma)
{
    dma->state.status &= (uint8_t)~BMISX_ACTIVE;
}

void ide_dma_fail(struct ide_dma *dma)
{
    dma->state.status |= BMISX_ERROR;
    stop(dma);
}

static enum ide_dma_result fault(struct ide_dma *dma)
{
    ide_dma_fail(dma);
    return IDE_DMA_FAULT;
}

/* Makes the descriptor at @next the current one; false if it is not in RAM. */
static bool read_descriptor(struct ide_dma *dma)
{
    struct ide_dma_state *state = &dma->state;
    const void *memory = dma->host->memory(dma->host->machine, state->next, PRD_SIZE);
    uint32_t words[2];

    if (memory == NULL)
        return false;
    memcpy(words, memory, sizeof(words));
    state->next += PRD_SIZE;
    state->address = words[0] & ~1u;
    state->left = words[1] & 0xfffe;
    if (state->left == 0)
        state->left = PRD_MAX_COUNT;
    state->last = words[1] & PRD_LAST;
    return true;
}

enum ide_dma_result ide_dma_next(struct ide_dma *dma, uint64_t limit, struct disk_segment *segment)
{
    struct ide_dma_state *state = &dma->state;
    uint32_t moved;

    if (state->left == 0 && state->last) {
        stop(dma);
        return IDE_DMA_END;
    }
    if (state->left == 0 && !read_descriptor(dma))
        return fault(dma);
    segment->size = state->left < limit ? state->left : limit;
    segment->data = dma->host->memory(dma->host->machine, state->address, segment->size);
    if (segment->data == NULL)
        return fault(dma);
    moved = (uint32_t)(segment->size + segment->size % 2); /* it moves words */
    state->address += moved;
    state->left -= moved;
    return IDE_DMA_OK;
}

void ide_dma_finish(struct ide_dma *dma)
{
    if (dma->state.left == 0 && dma->state.last)
        stop(dma);
}

void ide_dma_interrupt(struct ide_dma *dma)
{
    dma->state.status |= BMISX_INTERRUPT;
}

/* --- Registers ---------------------------------------------------------------------------------
 */

static void write_command(struct ide_dma *dma, uint8_t value)
{
    struct ide_dma_state *state = &dma->state;
    bool starts = value & BMICX_START && !(state->command & BMICX_START);

    state->command = value & (BMICX_START | BMICX_TO_MEMORY);
    if (!(value & BMICX_START))
        stop(dma);
    if (!starts)
        return;
    state->status |= BMISX_ACTIVE;
    state->next = state->table;
    state->left = 0;
    state->last = false;
    if (ide_dma_ready(dma))
        dma->started(dma->device, true);
}

uint8_t ide_dma_read(const struct ide_dma *dma, uint32_t offset)
{
    if (offset == BMICX)
        return dma->state.command;
    if (offset == BMISX)
        return dma->state.status;
    return offset < BMIDTPX ? 0 : (uint8_t)(dma->state.table >> 8 * (offset - BMIDTPX));
}

void ide_dma_write(struct ide_dma *dma, uint32_t offset, uint8_t value)
{
    struct ide_dma_state *state = &dma->state;
    uint32_t shift = 8 * (offset - BMIDTPX);

    if (offset == BMICX) {
        write_command(dma, value);
    } else if (offset == BMISX) {
        state->status &= (uint8_t) ~(value & (BMISX_ERROR | BMISX_INTERRUPT));
        state->status = (uint8_t)((state->status & ~BMISX_DRIVES) | (value & BMISX_DRIVES));
    } else if (offset >= BMIDTPX) {
        state->table &= ~(0xffu << shift);
        state->table |= ((uint32_t)value << shift) & ~BMIDTPX_RESERVED;
    }
}

void ide_dma_enable(struct ide_dma *dma, bool enabled)
{
    bool was = dma->state.enabled;

    dma->state.enabled = enabled;
    if (!was && ide_dma_ready(dma))
        dma->started(dma->device, false);
}

void ide_dma_reset(struct ide_dma *dma)
{
    bool enabled = dma->state.enabled; /* the function's, which resets it itself */

    dma->state = (struct ide_dma_state){.enabled = enabled};
}

void ide_dma_init(struct ide_dma *dma, const struct device_host *host,
                  void (*started)(void *device, bool anew), void *device)
{
    *dma = (struct ide_dma){.host = host, .started = started, .device = device};
}
