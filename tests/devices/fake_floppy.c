#include "tests/devices/fake_floppy.h"

void fake_floppy_create(struct fake_floppy *pc, struct disk *const disks[I82077_DRIVES])
{
    fake_create(&pc->machine);
    pc->irq = (struct fake_line){0};
    i8237_init(&pc->dma, &pc->machine.host);
    i82077_init(&pc->fdc, &pc->machine.host, fake_line(&pc->irq), &pc->dma, disks);
    for (int i = 0; i < 3; i++)
        fake_add_ports(&pc->machine, &pc->dma.ports[i].ports);
    fake_add_ports(&pc->machine, &pc->fdc.ports[0].ports);
    fake_add_ports(&pc->machine, &pc->fdc.ports[1].ports);
    fake_outb(&pc->machine, 0xd6, 0xc0); /* channel 4: cascade mode, not masked */
    fake_outb(&pc->machine, 0xd4, 0);
}
