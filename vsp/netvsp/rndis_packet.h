/* Reads the RNDIS packets that a guest sends. Pure; any context. */
#ifndef VENEER_NETVSP_RNDIS_PACKET_H
#define VENEER_NETVSP_RNDIS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes at the start of a packet that must hold its header and its per-packet information. */
#define RNDIS_HEAD_MAX 256

/* Where the frame of a packet is, in bytes from the packet's start, and what was said about it. */
struct rndis_frame {
    uint32_t message_size; /* where the next packet of the same message starts */
    uint32_t offset, size; /* within message_size */
    uint32_t checksum;     /* value of RNDIS_INFO_CHECKSUM; 0: nothing is asked for */
    uint32_t large_send;   /* value of RNDIS_INFO_LARGE_SEND; 0: nothing is asked for */
    uint32_t vlan_tag;     /* value of RNDIS_INFO_VLAN, if @vlan */
    bool vlan;             /* a tag is to be inserted */
};

/* Checks the packet whose first @head_size bytes are at @head, a private copy, of which @available
 * are in the guest's buffer; @head_size is the smaller of @available and RNDIS_HEAD_MAX. False: it
 * is malformed or no packet, and *@frame is not changed. */
bool rndis_packet_parse(const uint8_t *head, size_t head_size, uint32_t available,
                        struct rndis_frame *frame);

#endif
