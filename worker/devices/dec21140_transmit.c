/* The transmit process. 21140A Hardware Reference Manual, 4.2.2 and 4.3.3. */
#include "lib/string.h"
#include "worker/devices/dec21140_registers.h"

#define TDES0_LO 0x00000800u    /* loss of carrier */
#define TDES0_NC 0x00000400u    /* no carrier */
#define TDES0_UF 0x00000002u    /* underflow */
#define TDES0_SETUP 0x7fffffffu /* status of a setup frame */

#define TDES1_IC 0x80000000u  /* interrupt on completion */
#define TDES1_LS 0x40000000u  /* last segment */
#define TDES1_FS 0x20000000u  /* first segment */
#define TDES1_SET 0x08000000u /* setup frame */
#define TDES1_AC 0x04000000u  /* no check sequence is to be added */
#define TDES1_DPD 0x00800000u /* no padding */
#define TDES1_FT(control) (((control) >> 27 & 2) | ((control) >> 22 & 1))

#define FRAME_HEADER 14
#define FRAME_MIN 60 /* without check sequence */

/* Descriptors at once; then the machine may do something else. */
#define DESCRIPTORS_AT_ONCE 256

/* Intervals of automatic polling by CSR0's TAP, ns. */
static const uint64_t poll_intervals[] = {0, 200000, 800000, 1600000};

static void suspend(struct dec21140 *nic)
{
    dec21140_set_process(nic, CSR5_TS_SHIFT, TRANSMIT_SUSPENDED);
    dec21140_event(nic, CSR5_TU);
}

/* Appends a buffer to the frame. False: bus error. */
static bool gather(struct dec21140 *nic, uint32_t address, uint32_t size)
{
    struct dec21140_state *state = &nic->state;
    const uint8_t *data;

    if (size == 0)
        return true;
    data = dec21140_memory(nic, address, size);
    if (data == NULL)
        return false;
    if (size > DEC21140_MAX_FRAME - state->frame_size) {
        state->frame_too_long = true;
        return true;
    }
    memcpy(state->frame + state->frame_size, data, size);
    state->frame_size += size;
    return true;
}

/* Sends the frame that is complete; its status. What no network carries is lost there. */
static uint32_t send(struct dec21140 *nic, uint32_t control)
{
    struct dec21140_state *state = &nic->state;
    bool looped = CSR6_OM(state->csr[CSR6]) != 0;
    uint32_t size = state->frame_size;
    bool padded = size < FRAME_MIN + DEC21140_CRC_SIZE && !(control & TDES1_DPD);

    if (state->frame_too_long)
        return DES0_ES | TDES0_UF;
    /* What is padded gets a check sequence in any case. */
    if (control & TDES1_AC && !padded && size >= DEC21140_CRC_SIZE)
        size -= DEC21140_CRC_SIZE;
    if (padded && size < FRAME_MIN) {
        memset(state->frame + size, 0, FRAME_MIN - size);
        size = FRAME_MIN;
    }
    if (!looped && !nic->link->up)
        return DES0_ES | TDES0_LO | TDES0_NC;
    if (size < FRAME_HEADER || size > NIC_MAX_FRAME)
        return 0;
    if (looped)
        dec21140_receive(nic, state->frame, size, true);
    else
        nic->link->send(nic->link, state->frame, size);
    return 0;
}

/* False: bus error. */
static bool setup(struct dec21140 *nic, const struct dec21140_descriptor *descriptor)
{
    const uint8_t *data;
    uint8_t frame[SETUP_FRAME_SIZE];

    if (DES1_SIZE1(descriptor->control) != SETUP_FRAME_SIZE)
        return true;
    data = dec21140_memory(nic, descriptor->buffer1, SETUP_FRAME_SIZE);
    if (data == NULL)
        return false;
    memcpy(frame, data, sizeof(frame));
    dec21140_filter_setup(&nic->state.filter, TDES1_FT(descriptor->control), frame);
    return true;
}

/* Does what the descriptor says, and sets *@status of it. False: bus error. */
static bool serve(struct dec21140 *nic, const struct dec21140_descriptor *descriptor,
                  uint32_t *status)
{
    uint32_t control = descriptor->control;

    *status = 0;
    if (control & TDES1_SET) {
        *status = TDES0_SETUP;
        return setup(nic, descriptor);
    }
    if (control & TDES1_FS) {
        nic->state.frame_size = 0;
        nic->state.frame_too_long = false;
    }
    if (!gather(nic, descriptor->buffer1, DES1_SIZE1(control)))
        return false;
    if (!(control & DES1_CHAINED) && !gather(nic, descriptor->buffer2, DES1_SIZE2(control)))
        return false;
    if (!(control & TDES1_LS))
        return true;
    *status = send(nic, control);
    nic->state.frame_size = 0;
    nic->state.frame_too_long = false;
    return true;
}

/* The current descriptor. False: there is nothing more to do. */
static bool transmit_one(struct dec21140 *nic)
{
    struct dec21140_state *state = &nic->state;
    struct dec21140_descriptor descriptor;
    uint32_t status;

    if (!dec21140_read_descriptor(nic, state->transmit_at, &descriptor))
        return false;
    if (!(descriptor.status & DES0_OWN)) {
        suspend(nic);
        return false;
    }
    /* A frame that loops back may meet a bus error, too. */
    if (!serve(nic, &descriptor, &status) || state->bus_error)
        return false;
    dec21140_close_descriptor(nic, &descriptor, status);
    state->transmit_at = dec21140_next_descriptor(nic, &descriptor, state->csr[CSR4]);
    if (descriptor.control & TDES1_IC)
        dec21140_event(nic, CSR5_TI);
    return true;
}

/* Has it look again in @interval ns; 0: not by itself. What time it is is only asked if that
 * matters. */
static void arm_poll(struct dec21140 *nic, uint64_t interval)
{
    const struct device_host *host = nic->host;

    if (interval != 0)
        host->arm(host->machine, &nic->poll, host->now(host->machine) + interval);
    else if (nic->poll.deadline != DEVICE_NEVER)
        host->arm(host->machine, &nic->poll, DEVICE_NEVER);
}

void dec21140_transmit(struct dec21140 *nic)
{
    uint32_t left = DESCRIPTORS_AT_ONCE;

    if (!(nic->state.csr[CSR6] & CSR6_ST) || nic->state.bus_error || !dec21140_is_master(nic)) {
        arm_poll(nic, 0);
        return;
    }
    while (left > 0 && transmit_one(nic))
        left--;
    if (left == 0)
        arm_poll(nic, 1);
    else
        arm_poll(nic, nic->state.bus_error ? 0 : poll_intervals[CSR0_TAP(nic->state.csr[CSR0])]);
    dec21140_update_interrupt(nic);
}
