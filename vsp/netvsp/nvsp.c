/* NVSP: versions, and the buffers that the guest gives. */
#include "lib/string.h"
#include "vsp/netvsp/internal.h"

static const uint32_t versions[] = {NVSP_VERSION_6_1, NVSP_VERSION_6, NVSP_VERSION_5,
                                    NVSP_VERSION_4,   NVSP_VERSION_2, NVSP_VERSION_1};

#define VERSION_COUNT (sizeof(versions) / sizeof(versions[0]))

/* The newest version in the guest's range. Once there are buffers, it is too late to choose. */
static void init(struct netvsp *adapter, struct nvsp_message *message)
{
    uint32_t least = message->init.minimum_version, most = message->init.maximum_version;
    uint32_t version = 0, status = NVSP_STATUS_FAIL;

    if (adapter->receive.pages == NULL && adapter->send_pages == NULL) {
        for (unsigned i = 0; i < VERSION_COUNT && version == 0; i++) {
            if (versions[i] >= least && versions[i] <= most)
                version = versions[i];
        }
        adapter->version = version;
        if (version != 0)
            status = NVSP_STATUS_SUCCESS;
        else
            status =
                least > versions[0] ? NVSP_STATUS_PROTOCOL_TOO_NEW : NVSP_STATUS_PROTOCOL_TOO_OLD;
    }
    *message = (struct nvsp_message){.type = NVSP_MESSAGE_INIT_COMPLETE,
                                     .init_complete = {.version = version,
                                                       .maximum_chain_length = NETVSP_SEGMENTS_MAX,
                                                       .status = status}};
}

static void set_mtu(struct netvsp *adapter, uint32_t mtu)
{
    uint64_t flags = spin_lock(&adapter->lock);

    adapter->mtu = mtu;
    spin_unlock(&adapter->lock, flags);
}

/* The guest says how large its frames will be; sections are as large as that. A smaller MTU than
 * the usual one is the guest's own matter: others' frames still come in usual sizes. */
static void configure(struct netvsp *adapter, const struct nvsp_message *message)
{
    uint32_t frame = message->ndis_config.mtu, mtu = NETVSP_MTU_DEFAULT;

    if (adapter->receive.pages != NULL)
        return;
    if (frame > NETVSP_MTU_DEFAULT + NET_HEADER_SIZE)
        mtu = frame - NET_HEADER_SIZE;
    set_mtu(adapter, mtu < NETVSP_MTU_MAX ? mtu : NETVSP_MTU_MAX);
}

/* Bytes of a section that has room for the largest frame; a multiple of 8. */
static uint32_t receive_section_size(const struct netvsp *adapter)
{
    uint32_t size =
        (uint32_t)sizeof(struct rndis_packet) + NET_HEADER_SIZE + NET_VLAN_TAG_SIZE + adapter->mtu;

    size = (size + 7) / 8 * 8;
    return size > NETVSP_RECEIVE_SECTION_MIN ? size : NETVSP_RECEIVE_SECTION_MIN;
}

static void set_receive_buffer(struct netvsp *adapter, struct nvsp_message *message)
{
    struct receive_buffer *receive = &adapter->receive;
    struct nvsp_message answer = {
        .type = NVSP_MESSAGE_SEND_RECEIVE_BUFFER_COMPLETE,
        .receive_buffer_complete.status = NVSP_STATUS_FAIL,
    };
    uint32_t page_count = 0, size = receive_section_size(adapter);
    uint8_t *const *pages = NULL;

    if (adapter->version != 0 && receive->pages == NULL)
        pages = vmbus_channel_gpadl(adapter->channel, message->buffer.gpadl, &page_count);
    if (pages != NULL) {
        uint64_t flags = spin_lock(&adapter->lock);
        bool good = receive_buffer_start(receive, pages, page_count, size);

        spin_unlock(&adapter->lock, flags);
        if (good) {
            adapter->receive_id = message->buffer.id;
            answer.receive_buffer_complete.status = NVSP_STATUS_SUCCESS;
            answer.receive_buffer_complete.section_count = 1;
            answer.receive_buffer_complete.section = (struct nvsp_receive_section){
                .sub_allocation_size = size,
                .sub_allocation_count = receive->section_count,
                .end_offset = size * receive->section_count,
            };
        }
    }
    *message = answer;
}

static void set_send_buffer(struct netvsp *adapter, struct nvsp_message *message)
{
    struct nvsp_message answer = {
        .type = NVSP_MESSAGE_SEND_SEND_BUFFER_COMPLETE,
        .send_buffer_complete.status = NVSP_STATUS_FAIL,
    };
    uint32_t page_count = 0;
    uint8_t *const *pages = NULL;

    if (adapter->version != 0 && adapter->send_pages == NULL)
        pages = vmbus_channel_gpadl(adapter->channel, message->buffer.gpadl, &page_count);
    if (pages != NULL && page_count * VMBUS_PAGE_SIZE >= NETVSP_SEND_SECTION_SIZE) {
        adapter->send_pages = pages;
        adapter->send_sections = page_count * VMBUS_PAGE_SIZE / NETVSP_SEND_SECTION_SIZE;
        adapter->send_id = message->buffer.id;
        answer.send_buffer_complete.status = NVSP_STATUS_SUCCESS;
        answer.send_buffer_complete.section_size = NETVSP_SEND_SECTION_SIZE;
    }
    *message = answer;
}

static void stop_receiving(struct netvsp *adapter)
{
    uint64_t flags = spin_lock(&adapter->lock);

    receive_buffer_stop(&adapter->receive);
    spin_unlock(&adapter->lock, flags);
}

static void revoke(struct netvsp *adapter, const struct nvsp_message *message)
{
    uint16_t id = message->revoke.id;

    if (message->type == NVSP_MESSAGE_REVOKE_RECEIVE_BUFFER && id == adapter->receive_id)
        stop_receiving(adapter);
    if (message->type == NVSP_MESSAGE_REVOKE_SEND_BUFFER && id == adapter->send_id)
        adapter->send_pages = NULL;
}

uint32_t nvsp_control(struct netvsp *adapter, struct nvsp_message *message)
{
    switch (message->type) {
    case NVSP_MESSAGE_INIT:
        init(adapter, message);
        return sizeof(*message);
    case NVSP_MESSAGE_SEND_RECEIVE_BUFFER:
        set_receive_buffer(adapter, message);
        return sizeof(*message);
    case NVSP_MESSAGE_SEND_SEND_BUFFER:
        set_send_buffer(adapter, message);
        return sizeof(*message);
    case NVSP_MESSAGE_REVOKE_RECEIVE_BUFFER:
    case NVSP_MESSAGE_REVOKE_SEND_BUFFER:
        revoke(adapter, message);
        return 0;
    case NVSP_MESSAGE_SEND_NDIS_CONFIG:
        configure(adapter, message);
        return 0;
    case NVSP_MESSAGE_SUBCHANNEL:
        /* There is this channel and no other. */
        *message = (struct nvsp_message){.type = NVSP_MESSAGE_SUBCHANNEL,
                                         .subchannel_complete.status = NVSP_STATUS_SUCCESS};
        return sizeof(*message);
    default:
        /* Those that say something that does not matter here (the NDIS version; there is one data
         * path), or that the protocol has not: there is no answer that would mean "unknown". */
        return 0;
    }
}

void nvsp_reset(struct netvsp *adapter)
{
    rndis_halt(adapter);
    stop_receiving(adapter);
    set_mtu(adapter, NETVSP_MTU_DEFAULT);
    adapter->send_pages = NULL;
    adapter->version = 0;
}
