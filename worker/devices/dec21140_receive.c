/* The receive process. 21140A Hardware Reference Manual, 4.2.1 and 4.3.2. */
#include "lib/string.h"
#include "worker/devices/dec21140_registers.h"

#define RDES0_FF 0x40000000u /* the filter did not want it */
#define RDES0_FL_SHIFT 16    /* length, with check sequence */
#define RDES0_DE 0x00004000u /* there was no further descriptor for the rest */
#define RDES0_DT_SHIFT 12    /* how it came: as CSR6's OM */
#define RDES0_MF 0x00000400u /* to a group */
#define RDES0_FS 0x00000200u
#define RDES0_LS 0x00000100u
#define RDES0_TL 0x00000080u /* more than 1,518 bytes */
#define RDES0_FT 0x00000020u /* it has a type, not a length */

#define FRAME_HEADER 14
#define FRAME_MIN 60 /* without check sequence */
#define FRAME_LONG 1518
#define FRAME_TYPE 12
#define FIRST_TYPE 0x0600

#define CSR8_COUNT 0x0000ffffu
#define CSR8_OVERFLOW 0x00010000u

/* As many as the largest frame can need, if each buffer has at least 4 bytes; a chain of empty
 * ones does not hold the machine up. */
#define DESCRIPTORS_OF_FRAME 400

/* How far a frame is in memory. */
struct reception {
    const uint8_t *data;
    uint32_t size, done;
};

static void suspend(struct dec21140 *nic)
{
    dec21140_set_process(nic, CSR5_RS_SHIFT, RECEIVE_SUSPENDED);
    dec21140_event(nic, CSR5_RU);
}

static void missed(struct dec21140 *nic)
{
    uint32_t *csr8 = &nic->state.csr[CSR8];

    if ((*csr8 & CSR8_COUNT) == CSR8_COUNT)
        *csr8 = CSR8_OVERFLOW;
    else
        (*csr8)++;
}

static bool is_running(const struct dec21140 *nic)
{
    return nic->state.csr[CSR6] & CSR6_SR && !nic->state.bus_error && dec21140_is_master(nic);
}

/* Whether the frame is wanted, and bits of its status. */
static bool is_wanted(const struct dec21140 *nic, const uint8_t *frame, uint32_t *status)
{
    uint32_t mode = nic->state.csr[CSR6];
    bool group = frame[0] & 1;

    if (group)
        *status |= RDES0_MF;
    if (dec21140_filter_accepts(&nic->state.filter, frame) || (group && mode & CSR6_PM))
        return true;
    *status |= RDES0_FF;
    return (mode & (CSR6_PR | CSR6_RA)) != 0;
}

/* Puts the next bytes into a buffer. False: bus error. */
static bool scatter(struct dec21140 *nic, struct reception *reception, uint32_t address,
                    uint32_t size)
{
    uint32_t left = reception->size - reception->done;
    void *buffer;

    if (size > left)
        size = left;
    if (size == 0)
        return true;
    buffer = dec21140_memory(nic, address, size);
    if (buffer == NULL)
        return false;
    memcpy(buffer, reception->data + reception->done, size);
    reception->done += size;
    return true;
}

static bool fill(struct dec21140 *nic, struct reception *reception,
                 const struct dec21140_descriptor *descriptor)
{
    uint32_t control = descriptor->control;

    if (!scatter(nic, reception, descriptor->buffer1, DES1_SIZE1(control)))
        return false;
    return control & DES1_CHAINED ||
           scatter(nic, reception, descriptor->buffer2, DES1_SIZE2(control));
}

/* Reads the one after *@descriptor, which is still the adapter's, into *@next. False: it is not the
 * adapter's. */
static bool find_next(struct dec21140 *nic, const struct dec21140_descriptor *descriptor,
                      struct dec21140_descriptor *next)
{
    uint32_t address = dec21140_next_descriptor(nic, descriptor, nic->state.csr[CSR3]);

    return address != descriptor->address && dec21140_read_descriptor(nic, address, next) &&
           next->status & DES0_OWN;
}

/* Writes the frame from *@descriptor on. @status: bits for the last one. */
static void store(struct dec21140 *nic, struct reception *reception,
                  struct dec21140_descriptor *descriptor, uint32_t status)
{
    struct dec21140_state *state = &nic->state;
    struct dec21140_descriptor next;
    uint32_t place = RDES0_FS;

    for (uint32_t count = 1;; count++) {
        bool more;

        if (!fill(nic, reception, descriptor))
            return;
        more = reception->done < reception->size;
        if (more && (count == DESCRIPTORS_OF_FRAME || !find_next(nic, descriptor, &next))) {
            if (state->bus_error)
                return;
            status |= DES0_ES | RDES0_DE;
            more = false;
        }
        state->receive_at = dec21140_next_descriptor(nic, descriptor, state->csr[CSR3]);
        if (!more)
            break;
        dec21140_close_descriptor(nic, descriptor, place);
        place = 0;
        *descriptor = next;
    }
    dec21140_close_descriptor(nic, descriptor, status | place | RDES0_LS);
    dec21140_event(nic, CSR5_RI);
    if (status & RDES0_DE)
        suspend(nic);
}

/* The frame with padding and check sequence, as it comes from the wire. */
static uint32_t complete(struct dec21140 *nic, const uint8_t *frame, uint32_t size)
{
    uint8_t *received = nic->received;

    memcpy(received, frame, size);
    if (size < FRAME_MIN) {
        memset(received + size, 0, FRAME_MIN - size);
        size = FRAME_MIN;
    }
    pci_set32(received, size, crc32_by_tables(&nic->crc, 0, received, size));
    return size + DEC21140_CRC_SIZE;
}

static uint32_t describe(const struct dec21140 *nic, uint32_t size, bool looped)
{
    const uint8_t *type = nic->received + FRAME_TYPE;
    uint32_t status = size << RDES0_FL_SHIFT;

    if ((type[0] << 8 | type[1]) >= FIRST_TYPE)
        status |= RDES0_FT;
    if (size > FRAME_LONG)
        status |= RDES0_TL;
    if (looped)
        status |= CSR6_OM(nic->state.csr[CSR6]) << RDES0_DT_SHIFT;
    return status;
}

void dec21140_receive(struct dec21140 *nic, const uint8_t *frame, uint32_t size, bool looped)
{
    struct dec21140_descriptor descriptor;
    struct reception reception = {.data = nic->received};
    uint32_t status = 0;

    if (!is_running(nic) || size < FRAME_HEADER || size > NIC_MAX_FRAME)
        return;
    if (!is_wanted(nic, frame, &status))
        return;
    if (!dec21140_read_descriptor(nic, nic->state.receive_at, &descriptor))
        return;
    if (!(descriptor.status & DES0_OWN)) {
        missed(nic);
        suspend(nic);
        return;
    }
    dec21140_set_process(nic, CSR5_RS_SHIFT, RECEIVE_WAITING);
    reception.size = complete(nic, frame, size);
    store(nic, &reception, &descriptor, status | describe(nic, reception.size, looped));
}

void dec21140_receive_poll(struct dec21140 *nic)
{
    struct dec21140_descriptor descriptor;

    if (!is_running(nic) || dec21140_process(nic, CSR5_RS_SHIFT) != RECEIVE_SUSPENDED)
        return;
    if (dec21140_read_descriptor(nic, nic->state.receive_at, &descriptor) &&
        descriptor.status & DES0_OWN)
        dec21140_set_process(nic, CSR5_RS_SHIFT, RECEIVE_WAITING);
}
