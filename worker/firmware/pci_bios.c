/* INT 1Ah AH=B1h: "PCI BIOS Specification", revision 2.1. */

#include "worker/firmware/memory.h"
#include "worker/firmware/pci_find.h"
#include "worker/firmware/time.h"

#define PIR_HEADER 32 /* of $PIR, before its slots */

/* B10Eh: the slots of $PIR into the buffer whose size and address are at ES:DI. */
static void get_routing(struct frame *frame)
{
    const struct firmware_info *info = firmware_info();
    const struct firmware_copy *pir = info ? &info->copies[FIRMWARE_COPY_PIR] : NULL;
    uint16_t room = far_read16(frame->es, frame->di), size;
    uint16_t offset = far_read16(frame->es, (uint16_t)(frame->di + 2));
    uint16_t segment = far_read16(frame->es, (uint16_t)(frame->di + 4));

    if (!pir || pir->size < PIR_HEADER) {
        pci_answer(frame, PCI_NOT_SUPPORTED);
        return;
    }
    size = (uint16_t)(pir->size - PIR_HEADER);
    far_write16(frame->es, frame->di, size);
    if (room < size) {
        pci_answer(frame, PCI_BUFFER_TOO_SMALL);
        return;
    }
    for (uint16_t i = 0; i < size; i++)
        far_write8(segment, (uint16_t)(offset + i),
                   far_read8((uint16_t)(pir->address >> 4),
                             (uint16_t)((pir->address & 15) + PIR_HEADER + i)));
    frame->bx = 0; /* no IRQ belongs to PCI alone */
    pci_answer(frame, PCI_SUCCESSFUL);
}

void pci_bios_service(struct frame *frame)
{
    if ((frame->al & 0x7f) == 0x0e)
        get_routing(frame);
    else
        pci_functions(frame);
}
