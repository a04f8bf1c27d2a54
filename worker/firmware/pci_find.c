/* What INT 1Ah AH=B1h and BIOS32 have in common: "PCI BIOS Specification", revision 2.1. */

#include "worker/firmware/pci_find.h"
#include "worker/firmware/pci.h"

#define PCI_SIGNATURE 0x20494350u /* "PCI " */
#define MECHANISM_1 0x01

unsigned pci_next(int function)
{
    unsigned next = (unsigned)(function + 1);

    for (; next < PCI_FUNCTIONS; next++) {
        bool first = !(next & 7);

        if (!first &&
            !(pci_read8((uint8_t)(next & ~7u), PCI_HEADER_TYPE) & PCI_HEADER_MULTIFUNCTION)) {
            next |= 7;
            continue;
        }
        if (pci_present((uint8_t)next))
            return next;
        if (first)
            next |= 7;
    }
    return PCI_FUNCTIONS;
}

void pci_answer(struct frame *frame, uint8_t status)
{
    frame->ah = status;
    set_carry(frame, status != PCI_SUCCESSFUL);
}

static void installed(struct frame *frame)
{
    frame->edx = PCI_SIGNATURE;
    frame->al = MECHANISM_1;
    frame->bx = 0x0210;
    frame->cl = 0; /* the last bus */
    pci_answer(frame, PCI_SUCCESSFUL);
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
        pci_answer(frame, PCI_SUCCESSFUL);
        return;
    }
    pci_answer(frame, PCI_NOT_FOUND);
}

/* B108h to B10Dh: bytes, words and double words are read, then written. */
static void access(struct frame *frame)
{
    uint8_t operation = (uint8_t)(frame->al - 0x08), size = (uint8_t)(1 << operation % 3);
    uint8_t function = frame->bl, reg = (uint8_t)frame->di;

    if (frame->di & (size - 1) || frame->di > 0xff) {
        pci_answer(frame, PCI_BAD_REGISTER);
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
    pci_answer(frame, PCI_SUCCESSFUL);
}

void pci_functions(struct frame *frame)
{
    switch (frame->al & 0x7f) {
    case 0x01:
        installed(frame);
        return;
    case 0x02:
        if (frame->dx == 0xffff)
            pci_answer(frame, PCI_BAD_VENDOR);
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
    default:
        pci_answer(frame, PCI_NOT_SUPPORTED);
    }
}
