/* INT 1Ah AH=B1h: "PCI BIOS Specification", revision 2.1. */

#include "worker/firmware/memory.h"
#include "worker/firmware/pci.h"
#include "worker/firmware/time.h"

#define PCI_SIGNATURE 0x20494350u /* "PCI " */
#define MECHANISM_1 0x01

#define SUCCESSFUL 0x00
#define NOT_SUPPORTED 0x81
#define BAD_VENDOR 0x83
#define NOT_FOUND 0x86
#define BAD_REGISTER 0x87
#define BUFFER_TOO_SMALL 0x89

#define PIR_HEADER 32 /* of $PIR, before its slots */

static void answer(struct frame *frame, uint8_t status)
{
    frame->ah = status;
    set_carry(frame, status != SUCCESSFUL);
}

static void installed(struct frame *frame)
{
    frame->edx = PCI_SIGNATURE;
    frame->al = MECHANISM_1;
    frame->bx = 0x0210;
    frame->cl = 0; /* the last bus */
    answer(frame, SUCCESSFUL);
}

/* The function number @index among those whose register @reg, shifted, is @wanted. */
static void find(struct frame *frame, uint8_t reg, uint8_t shift, uint32_t wanted)
{
    uint16_t left = frame->si;

    for (unsigned f = pci_next(-1); f < PCI_FUNCTIONS; f = pci_next((int)f)) {
        if (pci_read32((uint8_t)f, reg) >> shift != wanted || left--)
            continue;
        frame->bh = 0;
        frame->bl = (uint8_t)f;
        answer(frame, SUCCESSFUL);
        return;
    }
    answer(frame, NOT_FOUND);
}

/* B108h to B10Dh: bytes, words and double words are read, then written. */
static void access(struct frame *frame)
{
    uint8_t operation = (uint8_t)(frame->al - 0x08), size = (uint8_t)(1 << operation % 3);
    uint8_t function = frame->bl, reg = (uint8_t)frame->di;

    if (frame->di & (size - 1) || frame->di > 0xff) {
        answer(frame, BAD_REGISTER);
        return;
    }
    if (frame->bh) { /* there is one bus: elsewhere nobody answers */
        if (operation == 0)
            frame->cl = 0xff;
        else if (operation == 1)
            frame->cx = 0xffff;
        else if (operation == 2)
            frame->ecx = 0xffffffff;
    } else if (operation == 0) {
        frame->cl = pci_read8(function, reg);
    } else if (operation == 1) {
        frame->cx = pci_read16(function, reg);
    } else if (operation == 2) {
        frame->ecx = pci_read32(function, reg);
    } else if (operation == 3) {
        pci_write8(function, reg, frame->cl);
    } else if (operation == 4) {
        pci_write16(function, reg, frame->cx);
    } else {
        pci_write32(function, reg, frame->ecx);
    }
    answer(frame, SUCCESSFUL);
}

/* B10Eh: the slots of $PIR into the buffer whose size and address are at ES:DI. */
static void get_routing(struct frame *frame)
{
    const struct firmware_info *info = firmware_info();
    const struct firmware_copy *pir = info ? &info->copies[FIRMWARE_COPY_PIR] : NULL;
    uint16_t room = far_read16(frame->es, frame->di), size;
    uint16_t offset = far_read16(frame->es, (uint16_t)(frame->di + 2));
    uint16_t segment = far_read16(frame->es, (uint16_t)(frame->di + 4));

    if (!pir || pir->size < PIR_HEADER) {
        answer(frame, NOT_SUPPORTED);
        return;
    }
    size = (uint16_t)(pir->size - PIR_HEADER);
    far_write16(frame->es, frame->di, size);
    if (room < size) {
        answer(frame, BUFFER_TOO_SMALL);
        return;
    }
    for (uint16_t i = 0; i < size; i++)
        far_write8(segment, (uint16_t)(offset + i),
                   far_read8((uint16_t)(pir->address >> 4),
                             (uint16_t)((pir->address & 15) + PIR_HEADER + i)));
    frame->bx = 0; /* no IRQ belongs to PCI alone */
    answer(frame, SUCCESSFUL);
}

void pci_bios_service(struct frame *frame)
{
    switch (frame->al & 0x7f) {
    case 0x01:
        installed(frame);
        return;
    case 0x02:
        if (frame->dx == 0xffff)
            answer(frame, BAD_VENDOR);
        else
            find(frame, PCI_ID, 0, (uint32_t)frame->cx << 16 | frame->dx);
        return;
    case 0x03:
        find(frame, PCI_CLASS, 8, frame->ecx & 0xffffff);
        return;
    case 0x08:
    case 0x09:
    case 0x0a:
    case 0x0b:
    case 0x0c:
    case 0x0d:
        access(frame);
        return;
    case 0x0e:
        get_routing(frame);
        return;
    default:
        answer(frame, NOT_SUPPORTED);
    }
}
