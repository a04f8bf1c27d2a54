/* Packets as a guest might write them: what is accepted lies within the packet. */
#include "vsp/netvsp/rndis_packet.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t available = (uint32_t)size, head_size = 0;

    for (uint32_t at = 0; at < available;) {
        struct rndis_frame frame;
        uint8_t *head = NULL;

        head_size = available - at < RNDIS_HEAD_MAX ? available - at : RNDIS_HEAD_MAX;
        head = malloc(head_size); /* of its own, so that the sanitizer sees what reads behind it */
        FUZZ_CHECK(head != NULL);
        memcpy(head, data + at, head_size);
        bool good = rndis_packet_parse(head, head_size, available - at, &frame);
        free(head);
        if (!good)
            break;
        FUZZ_CHECK(frame.message_size <= available - at && frame.offset >= 44);
        FUZZ_CHECK(frame.size > 0 && (uint64_t)frame.offset + frame.size <= frame.message_size);
        at += frame.message_size;
    }
    return 0;
}
