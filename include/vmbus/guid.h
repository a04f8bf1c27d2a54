/* GUIDs as VMBus has them, and those of the classes of devices. */
#ifndef VENEER_VMBUS_GUID_H
#define VENEER_VMBUS_GUID_H

#include <stdint.h>

/* The first three parts of the text form are little-endian, the rest are bytes in order. */
struct vmbus_guid {
    uint8_t bytes[16];
};

_Static_assert(sizeof(struct vmbus_guid) == 16, "wire format");

/* An initialiser: {a}-{b}-{c}-{d0 d1}-{d2 … d7} of the text form. */
#define VMBUS_GUID(a, b, c, d0, d1, d2, d3, d4, d5, d6, d7)                                        \
    {                                                                                              \
        {                                                                                          \
            (a) & 0xff, (a) >> 8 & 0xff, (a) >> 16 & 0xff, (a) >> 24 & 0xff, (b)&0xff, (b) >> 8,   \
                (c)&0xff, (c) >> 8, d0, d1, d2, d3, d4, d5, d6, d7                                 \
        }                                                                                          \
    }

/* clang-format off */
#define VMBUS_CLASS_NETWORK                                                                        \
    VMBUS_GUID(0xf8615163u, 0xdf3e, 0x46c5, 0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e)
#define VMBUS_CLASS_SCSI                                                                           \
    VMBUS_GUID(0xba6163d9u, 0x04a1, 0x4d29, 0xb6, 0x05, 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f)
#define VMBUS_CLASS_IDE                                                                            \
    VMBUS_GUID(0x32412632u, 0x86cb, 0x44a2, 0x9b, 0x5c, 0x50, 0xd1, 0x41, 0x73, 0x54, 0xf5)
#define VMBUS_CLASS_SHUTDOWN                                                                       \
    VMBUS_GUID(0x0e0b6031u, 0x5213, 0x4934, 0x81, 0x8b, 0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb)
#define VMBUS_CLASS_TIME_SYNC                                                                      \
    VMBUS_GUID(0x9527e630u, 0xd0ae, 0x497b, 0xad, 0xce, 0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf)
#define VMBUS_CLASS_HEARTBEAT                                                                      \
    VMBUS_GUID(0x57164f39u, 0x9115, 0x4e78, 0xab, 0x55, 0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d)
#define VMBUS_CLASS_KVP                                                                            \
    VMBUS_GUID(0xa9a0f4e7u, 0x5a45, 0x4d96, 0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6)
#define VMBUS_CLASS_MOUSE                                                                          \
    VMBUS_GUID(0xcfa8b69eu, 0x5b4a, 0x4cc0, 0xb9, 0x8b, 0x8b, 0xa1, 0xa1, 0xf3, 0xf9, 0x5a)
#define VMBUS_CLASS_KEYBOARD                                                                       \
    VMBUS_GUID(0xf912ad6du, 0x2b17, 0x48ea, 0xbd, 0x65, 0xf9, 0x27, 0xa6, 0x1c, 0x76, 0x84)
#define VMBUS_CLASS_VIDEO                                                                          \
    VMBUS_GUID(0xda0a7802u, 0xe377, 0x4aac, 0x8e, 0x77, 0x05, 0x58, 0xeb, 0x10, 0x73, 0xf8)
#define VMBUS_CLASS_DYNAMIC_MEMORY                                                                 \
    VMBUS_GUID(0x525074dcu, 0x8985, 0x46e2, 0x80, 0x57, 0xa3, 0x07, 0xdc, 0x18, 0xa5, 0x02)
/* clang-format on */

#endif
