#include "vsp/netvsp/receive_buffer.h"

#include "lib/string.h"

#define RESERVE_MAX 16u /* sections: control requests that a guest may have waiting */

static void append(struct receive_buffer *buffer, struct receive_list *list, uint16_t section)
{
    buffer->sections[section].next = RECEIVE_SECTION_NONE;
    if (list->count++ == 0)
        list->first = section;
    else
        buffer->sections[list->last].next = section;
    list->last = section;
}

static uint16_t take_first(struct receive_buffer *buffer, struct receive_list *list)
{
    uint16_t section = list->first;

    list->first = buffer->sections[section].next;
    list->count--;
    return section;
}

static void release(struct receive_buffer *buffer, uint16_t section)
{
    buffer->sections[section].state = RECEIVE_FREE;
    append(buffer, &buffer->free, section);
}

bool receive_buffer_start(struct receive_buffer *buffer, uint8_t *const *pages, uint32_t page_count,
                          uint32_t section_size)
{
    uint64_t count = (uint64_t)page_count * VMBUS_PAGE_SIZE / section_size;

    if (count < RECEIVE_SECTIONS_MIN)
        return false;
    receive_buffer_stop(buffer);
    buffer->pages = pages;
    buffer->section_size = section_size;
    buffer->section_count = count < RECEIVE_SECTIONS_MAX ? (uint32_t)count : RECEIVE_SECTIONS_MAX;
    buffer->reserve =
        buffer->section_count / 4 < RESERVE_MAX ? buffer->section_count / 4 : RESERVE_MAX;
    buffer->generation++;
    for (uint32_t i = 0; i < buffer->section_count; i++)
        release(buffer, (uint16_t)i);
    return true;
}

void receive_buffer_stop(struct receive_buffer *buffer)
{
    buffer->pages = NULL;
    buffer->section_count = 0;
    buffer->free.count = 0;
    for (unsigned kind = 0; kind < RECEIVE_KINDS; kind++)
        buffer->ready[kind].count = 0;
}

uint16_t receive_buffer_take(struct receive_buffer *buffer, enum receive_kind kind)
{
    if (buffer->free.count <= (kind == RECEIVE_CONTROL ? 0 : buffer->reserve))
        return RECEIVE_SECTION_NONE;
    uint16_t section = take_first(buffer, &buffer->free);

    buffer->sections[section].state = RECEIVE_TAKEN;
    return section;
}

void receive_buffer_write(const struct receive_buffer *buffer, uint16_t section, uint32_t offset,
                          const void *data, uint32_t size)
{
    uint32_t place = section * buffer->section_size + offset;
    const uint8_t *from = data;

    while (size > 0) {
        uint32_t in_page = place % VMBUS_PAGE_SIZE;
        uint32_t part = VMBUS_PAGE_SIZE - in_page;

        if (part > size)
            part = size;
        memcpy(buffer->pages[place / VMBUS_PAGE_SIZE] + in_page, from, part);
        place += part;
        from += part;
        size -= part;
    }
}

bool receive_buffer_ready(struct receive_buffer *buffer, enum receive_kind kind, uint16_t section,
                          uint32_t size)
{
    buffer->sections[section].state = RECEIVE_READY;
    buffer->sections[section].size = size;
    append(buffer, &buffer->ready[kind], section);
    return buffer->ready[kind].count == 1;
}

uint32_t receive_buffer_peek(const struct receive_buffer *buffer, enum receive_kind kind,
                             struct vmbus_transfer_range *ranges, uint32_t limit)
{
    const struct receive_list *list = &buffer->ready[kind];
    uint32_t count = list->count < limit ? list->count : limit;
    uint16_t section = list->first;

    for (uint32_t i = 0; i < count; i++) {
        ranges[i] = (struct vmbus_transfer_range){.byte_count = buffer->sections[section].size,
                                                  .byte_offset = section * buffer->section_size};
        section = buffer->sections[section].next;
    }
    return count;
}

uint64_t receive_buffer_transaction(const struct receive_buffer *buffer, enum receive_kind kind)
{
    return (uint64_t)buffer->generation << 32 | buffer->ready[kind].first;
}

void receive_buffer_sent(struct receive_buffer *buffer, enum receive_kind kind, uint32_t count)
{
    uint16_t section = take_first(buffer, &buffer->ready[kind]);

    buffer->sections[section].state = RECEIVE_SENT;
    for (uint32_t i = 1; i < count; i++) {
        section = take_first(buffer, &buffer->ready[kind]);
        buffer->sections[section].state = RECEIVE_MEMBER;
    }
    buffer->sections[section].next = RECEIVE_SECTION_NONE;
}

bool receive_buffer_complete(struct receive_buffer *buffer, uint64_t transaction)
{
    uint32_t section = (uint32_t)transaction;

    /* Of a buffer that the guest has revoked meanwhile. */
    if (buffer->pages == NULL || (uint32_t)(transaction >> 32) != buffer->generation)
        return true;
    if (section >= buffer->section_count || buffer->sections[section].state != RECEIVE_SENT)
        return false;
    while (section != RECEIVE_SECTION_NONE) {
        uint16_t next = buffer->sections[section].next;

        release(buffer, (uint16_t)section);
        section = next;
    }
    return true;
}
