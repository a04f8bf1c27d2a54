/* Data between a disk and the guest: through the channel's buffer by programmed I/O, or straight
 * between the disk and the guest's memory by the bus master. */
#include "lib/string.h"
#include "worker/devices/ide.h"

static struct ide_drive *drive_of(const struct ide_channel *channel)
{
    return channel->drives[channel->state.drive];
}

static uint32_t sector_size(const struct ide_channel *channel)
{
    return drive_of(channel)->ops->sector_size;
}

static void end(struct ide_channel *channel, enum ide_end how)
{
    channel->state.transfer.phase = IDE_IDLE;
    drive_of(channel)->ops->ended(drive_of(channel), how);
}

/* Gives the disk a request for @filled bytes, if it (still) has such sectors: the medium can change
 * in the middle of a transfer. */
static void submit(struct ide_channel *channel, enum disk_operation operation, uint32_t segments)
{
    struct disk *disk = drive_of(channel)->disk;
    const struct ide_transfer *transfer = &channel->state.transfer;

    if (operation != DISK_FLUSH &&
        transfer->sector + transfer->filled / sector_size(channel) > disk->sector_count) {
        end(channel, IDE_NO_MEDIUM);
        return;
    }
    channel->state.transfer.phase = IDE_DISK;
    ide_set_status(channel, IDE_STATUS_BSY);
    channel->request.operation = operation;
    channel->request.sector = channel->state.transfer.sector;
    channel->request.segments = channel->segments;
    channel->request.segment_count = segments;
    channel->in_flight = true;
    disk->submit(disk, &channel->request);
}

/* The buffer's data are @size bytes for, or of, the disk. */
static void submit_buffer(struct ide_channel *channel, enum disk_operation operation, uint32_t size)
{
    channel->state.transfer.filled = size;
    channel->segments[0] = (struct disk_segment){channel->state.buffer, size};
    submit(channel, operation, 1);
}

/* Bytes of the next piece that goes through the buffer. */
static uint32_t next_chunk(const struct ide_channel *channel)
{
    const struct ide_transfer *transfer = &channel->state.transfer;
    uint64_t rest = (uint64_t)transfer->sectors * sector_size(channel);

    return rest < transfer->chunk ? (uint32_t)rest : transfer->chunk;
}

/* --- Programmed I/O ----------------------------------------------------------------------------
 */

static bool to_guest(const struct ide_transfer *transfer)
{
    return transfer->operation == IDE_READ || transfer->operation == IDE_DATA_IN;
}

/* Asks the guest for the next block of the buffer. */
static void begin_block(struct ide_channel *channel)
{
    struct ide_transfer *transfer = &channel->state.transfer;
    uint32_t rest = transfer->filled - transfer->position;
    uint32_t size = rest < transfer->block ? rest : transfer->block;
    struct ide_drive *drive = drive_of(channel);

    transfer->block_end = transfer->position + size;
    transfer->phase = IDE_DRQ;
    ide_set_status(channel, IDE_STATUS_READY | IDE_STATUS_DRQ);
    if (drive->ops->block != NULL)
        drive->ops->block(drive, size);
    if (!transfer->quiet)
        ide_interrupt(channel);
    transfer->quiet = false;
}

/* The buffer, emptied or not yet filled, is for the guest. */
static void begin_buffer(struct ide_channel *channel)
{
    channel->state.transfer.position = 0;
    begin_block(channel);
}

/* Goes on with what goes through the buffer, from one piece to the next. */
static void next_piece(struct ide_channel *channel)
{
    struct ide_transfer *transfer = &channel->state.transfer;

    if (transfer->sectors == 0) {
        if (transfer->operation == IDE_WRITE && transfer->flush) {
            transfer->operation = IDE_FLUSH;
            submit(channel, DISK_FLUSH, 0);
            return;
        }
        end(channel, IDE_OK);
        return;
    }
    if (transfer->operation != IDE_WRITE) {
        submit_buffer(channel, DISK_READ, next_chunk(channel));
        return;
    }
    transfer->filled = next_chunk(channel);
    begin_buffer(channel);
}

/* The guest has moved all of a block. */
static void block_done(struct ide_channel *channel)
{
    struct ide_transfer *transfer = &channel->state.transfer;

    if (transfer->position < transfer->filled)
        begin_block(channel);
    else if (transfer->operation == IDE_WRITE)
        submit_buffer(channel, DISK_WRITE, transfer->filled);
    else if (transfer->operation == IDE_READ)
        next_piece(channel);
    else
        end(channel, IDE_OK);
}

/* Bytes of @total that the guest can move now; 0: it is not asked to. */
static uint32_t movable(const struct ide_channel *channel, bool in, uint32_t total)
{
    const struct ide_transfer *transfer = &channel->state.transfer;
    uint32_t rest = transfer->block_end - transfer->position;

    if (transfer->phase != IDE_DRQ || to_guest(transfer) != in ||
        channel->state.selected != channel->state.drive)
        return 0;
    return rest < total ? rest : total;
}

static void moved(struct ide_channel *channel, uint32_t size)
{
    channel->state.transfer.position += size;
    if (channel->state.transfer.position == channel->state.transfer.block_end)
        block_done(channel);
}

void ide_read_data(struct ide_channel *channel, uint32_t size, uint8_t *data, uint32_t total)
{
    uint32_t done = 0, count;

    while (done < total && (count = movable(channel, true, total - done)) != 0) {
        memcpy(data + done, channel->state.buffer + channel->state.transfer.position, count);
        done += count;
        for (; done % size != 0; done++) /* the end of an odd number of bytes */
            data[done] = 0;
        moved(channel, count);
    }
    memset(data + done, 0xff, total - done);
}

void ide_write_data(struct ide_channel *channel, uint32_t size, const uint8_t *data, uint32_t total)
{
    uint32_t done = 0, count;

    while (done < total && (count = movable(channel, false, total - done)) != 0) {
        memcpy(channel->state.buffer + channel->state.transfer.position, data + done, count);
        done += count;
        done += (size - done % size) % size;
        moved(channel, count);
    }
}

/* --- Bus master --------------------------------------------------------------------------------
 */

static void dma_end(struct ide_channel *channel, enum ide_end how)
{
    ide_dma_finish(&channel->dma);
    end(channel, how);
}

/* A table that is too short: what is read does not matter any longer, but what is to be written is
 * not there. Hardware would wait for the driver to give up. */
static void dma_failed(struct ide_channel *channel, enum ide_dma_result result)
{
    bool read = channel->state.transfer.operation != IDE_WRITE;

    end(channel, result == IDE_DMA_END && read ? IDE_OK : IDE_DMA_FAILED);
}

/* The buffer's data to the guest's memory. */
static void dma_buffer(struct ide_channel *channel)
{
    struct ide_transfer *transfer = &channel->state.transfer;

    for (transfer->position = 0; transfer->position < transfer->filled;) {
        struct disk_segment segment;
        enum ide_dma_result result =
            ide_dma_next(&channel->dma, transfer->filled - transfer->position, &segment);

        if (result != IDE_DMA_OK) {
            dma_failed(channel, result);
            return;
        }
        memcpy(segment.data, channel->state.buffer + transfer->position, segment.size);
        transfer->position += (uint32_t)segment.size;
    }
    dma_end(channel, IDE_OK);
}

static void add_segment(struct ide_channel *channel, struct disk_segment segment)
{
    uint32_t end_of_list = channel->segments_end;
    struct disk_segment *last = &channel->segments[end_of_list == 0 ? 0 : end_of_list - 1];

    if (end_of_list > 0 && (uint8_t *)last->data + last->size == segment.data)
        last->size += segment.size;
    else
        channel->segments[channel->segments_end++] = segment;
}

/* Collects memory for up to @limit bytes, beginning with what was left over; how much it is. */
static uint64_t gather(struct ide_channel *channel, uint64_t limit)
{
    enum ide_dma_result *result = &channel->state.transfer.table;
    uint32_t kept = channel->segments_end - channel->segments_first;
    uint64_t total = 0;

    memmove(channel->segments, channel->segments + channel->segments_first,
            kept * sizeof(channel->segments[0]));
    channel->segments_first = 0;
    channel->segments_end = kept;
    for (uint32_t i = 0; i < kept; i++)
        total += channel->segments[i].size;
    while (total < limit && channel->segments_end < DISK_MAX_SEGMENTS) {
        struct disk_segment segment;

        *result = ide_dma_next(&channel->dma, limit - total, &segment);
        if (*result != IDE_DMA_OK)
            break;
        add_segment(channel, segment);
        total += segment.size;
    }
    return total;
}

/* Divides the segments after @size bytes; the rest is for the next request. */
static void divide(struct ide_channel *channel, uint64_t size)
{
    struct disk_segment *segments = channel->segments;
    uint32_t i = 0;

    while (i < channel->segments_end && segments[i].size <= size)
        size -= segments[i++].size;
    channel->segments_first = i;
    if (size == 0)
        return;
    memmove(&segments[i + 1], &segments[i], (channel->segments_end - i) * sizeof(segments[0]));
    channel->segments_end++;
    channel->segments_first = i + 1;
    segments[i].size = size;
    segments[i + 1].data = (uint8_t *)segments[i + 1].data + size;
    segments[i + 1].size -= size;
}

/* As much as one request to the disk can take. A table that cuts a sector into more pieces than a
 * request can have is answered like one that names no memory. */
static void dma_sectors(struct ide_channel *channel)
{
    struct ide_transfer *transfer = &channel->state.transfer;
    uint64_t size = gather(channel, (uint64_t)transfer->sectors * sector_size(channel));

    size -= size % sector_size(channel);
    if (size == 0) {
        if (transfer->table == IDE_DMA_OK)
            ide_dma_fail(&channel->dma);
        dma_failed(channel, transfer->table);
        return;
    }
    divide(channel, size);
    transfer->filled = (uint32_t)size;
    submit(channel, transfer->operation == IDE_WRITE ? DISK_WRITE : DISK_READ,
           channel->segments_first);
}

/* Goes on with a transfer by the bus master. */
static void dma_continue(struct ide_channel *channel)
{
    struct ide_transfer *transfer = &channel->state.transfer;

    transfer->phase = IDE_WAIT_DMA;
    ide_set_status(channel, IDE_STATUS_BSY);
    if (transfer->operation != IDE_DATA_IN && transfer->sectors == 0) {
        ide_dma_finish(&channel->dma);
        next_piece(channel);
    } else if (transfer->table != IDE_DMA_OK) { /* which had something for the last request */
        dma_failed(channel, transfer->table);
    } else if (ide_dma_ready(&channel->dma) && transfer->operation == IDE_DATA_IN) {
        dma_buffer(channel);
    } else if (ide_dma_ready(&channel->dma)) {
        dma_sectors(channel);
    }
}

void ide_dma_started(void *context, bool anew)
{
    struct ide_channel *channel = context;

    if (anew) { /* what is left of the table before does not count any longer */
        channel->segments_first = channel->segments_end = 0;
        channel->state.transfer.table = IDE_DMA_OK;
    }
    if (channel->state.transfer.phase == IDE_WAIT_DMA)
        dma_continue(channel);
}

/* --- Requests ----------------------------------------------------------------------------------
 */

static enum ide_end end_of(enum disk_status status)
{
    if (status == DISK_OK)
        return IDE_OK;
    if (status == DISK_ERROR_READ_ONLY)
        return IDE_READ_ONLY;
    return status == DISK_ERROR_NO_MEDIUM ? IDE_NO_MEDIUM : IDE_MEDIUM;
}

/* Bytes that go through the buffer at once, at least: whole sectors, and whole blocks if a block
 * has more than one. */
static uint32_t smallest_chunk(const struct ide_channel *channel)
{
    const struct ide_transfer *transfer = &channel->state.transfer;

    if (transfer->operation == IDE_VERIFY || transfer->block < sector_size(channel))
        return sector_size(channel);
    return transfer->block;
}

/* A large piece that cannot be read: block by block, up to the one that is bad. */
static bool try_smaller(struct ide_channel *channel, enum disk_status status)
{
    struct ide_transfer *transfer = &channel->state.transfer;
    uint32_t smallest = smallest_chunk(channel);

    if (status != DISK_ERROR_MEDIUM || transfer->dma || transfer->filled <= smallest ||
        (transfer->operation != IDE_READ && transfer->operation != IDE_VERIFY))
        return false;
    transfer->chunk = smallest;
    next_piece(channel);
    return true;
}

static void request_done(struct disk_request *request, enum disk_status status)
{
    struct ide_channel *channel = request->context;
    struct ide_transfer *transfer = &channel->state.transfer;

    channel->in_flight = false;
    if (transfer->phase != IDE_DISK) {
        ide_request_ended(channel);
        return;
    }
    if (status != DISK_OK) {
        if (!try_smaller(channel, status))
            end(channel, end_of(status));
        return;
    }
    if (transfer->operation == IDE_FLUSH) {
        end(channel, IDE_OK);
        return;
    }
    transfer->sectors -= transfer->filled / sector_size(channel);
    transfer->sector += transfer->filled / sector_size(channel);
    if (transfer->dma)
        dma_continue(channel);
    else if (transfer->operation == IDE_READ)
        begin_buffer(channel);
    else
        next_piece(channel);
}

void ide_transfer(struct ide_drive *drive, const struct ide_transfer *wanted)
{
    struct ide_channel *channel = drive->channel;
    struct ide_transfer *transfer = &channel->state.transfer;

    channel->state.drive = channel->drives[1] == drive ? 1 : 0;
    *transfer = *wanted;
    if (transfer->block == 0)
        transfer->block = IDE_BUFFER_SIZE;
    transfer->chunk = IDE_BUFFER_SIZE - IDE_BUFFER_SIZE % smallest_chunk(channel);
    channel->segments_first = channel->segments_end = 0;
    channel->request.done = request_done;
    channel->request.context = channel;
    if (transfer->operation == IDE_FLUSH)
        submit(channel, DISK_FLUSH, 0);
    else if (transfer->dma)
        dma_continue(channel);
    else if (transfer->operation == IDE_DATA_IN || transfer->operation == IDE_DATA_OUT)
        begin_buffer(channel);
    else
        next_piece(channel);
}
