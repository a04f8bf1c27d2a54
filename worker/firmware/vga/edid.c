/* VESA's "Enhanced Extended Display Identification Data Standard", release A (EDID 1.3). */

#include "worker/firmware/vga/vbe.h"

void vbe_edid(uint8_t edid[VBE_EDID_SIZE])
{
    static const uint8_t start[] = {
        0x00,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0xff,
        0x00,
        0x5a,
        0x85, /* "VLE" */
        0x01,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x01,
        36, /* made in 2026 */
        1,
        3, /* EDID 1.3 */
        0x80,
        0,
        0,    /* digital, of no size */
        120,  /* gamma 2.2 */
        0x0a, /* RGB; the first timing is the preferred one */
        0xee,
        0x91,
        0xa3,
        0x54,
        0x4c,
        0x99,
        0x26,
        0x0f,
        0x50,
        0x54, /* sRGB */
        0x20,
        0x08,
        0x00, /* 640x480, 800x600, 1024x768 at 60 Hz */
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        0x01,
        /* 1024x768 at 60 Hz: 65 MHz, 320 pixels and 38 lines blank, syncs both negative */
        0x64,
        0x19,
        0x00,
        0x40,
        0x41,
        0x00,
        0x26,
        0x30,
        0x18,
        0x88,
        0x36,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x00,
        0x18,
        /* Name */
        0x00,
        0x00,
        0x00,
        0xfc,
        0x00,
        'V',
        'e',
        'n',
        'e',
        'e',
        'r',
        '\n',
        ' ',
        ' ',
        ' ',
        ' ',
        ' ',
        ' ',
        /* Limits: 50 to 75 Hz, 30 to 60 kHz, 80 MHz */
        0x00,
        0x00,
        0x00,
        0xfd,
        0x00,
        50,
        75,
        30,
        60,
        8,
        0x00,
        '\n',
        ' ',
        ' ',
        ' ',
        ' ',
        ' ',
        ' ',
    };
    uint8_t sum = 0;

    memset(edid, 0, VBE_EDID_SIZE);
    memcpy(edid, start, sizeof(start));
    edid[sizeof(start) + 3] = 0x10; /* a descriptor of no use */
    for (unsigned i = 0; i < VBE_EDID_SIZE - 1; i++)
        sum = (uint8_t)(sum + edid[i]);
    edid[VBE_EDID_SIZE - 1] = (uint8_t)-sum;
}
