#include "parent/drivers/ata.h"

#include <stddef.h>

#include "lib/string.h"

/* Words of the identification. */
#define WORD_GENERAL 0
#define WORD_MODEL 27
#define WORD_CAPABILITIES 49
#define WORD_SECTORS_28 60
#define WORD_MULTIWORD_DMA 63
#define WORD_QUEUE_DEPTH 75
#define WORD_SATA_CAPABILITIES 76
#define WORD_SUPPORTED_1 82
#define WORD_SUPPORTED_2 83
#define WORD_SUPPORTED_3 84
#define WORD_ENABLED_1 85
#define WORD_ULTRA_DMA 88
#define WORD_SECTORS_48 100
#define WORD_SECTOR_FORMAT 106
#define WORD_SECTOR_SIZE 117

#define GENERAL_NOT_ATA 0x8000u
#define GENERAL_PACKET 0x4000u
#define GENERAL_PACKET_MASK 0xc000u
#define GENERAL_PACKET_16 0x0001u
#define CAPABILITY_LBA 0x0200u
#define CAPABILITY_DMA 0x0100u
#define SATA_NCQ 0x0100u
#define QUEUE_DEPTH_MASK 0x001fu
#define SUPPORTED_1_WRITE_CACHE 0x0020u
#define SUPPORTED_2_LBA48 0x0400u
#define SUPPORTED_3_FUA 0x0040u
#define ENABLED_1_WRITE_CACHE 0x0020u
/* Words 83, 84 and 106 are valid with this in their upper two bits. */
#define VALID_MASK 0xc000u
#define VALID 0x4000u
#define SECTOR_FORMAT_LONG 0x1000u

#define SECTORS_MAX_28 (1ull << 28)
#define SECTORS_MAX_48 (1ull << 48)

#define SECTORS_PER_COMMAND_28 256u

#define ATAPI_SECTOR_SIZE 2048

/* Text is in words, the first character in the upper byte, padded with blanks. */
static void read_text(const uint16_t *words, size_t size, char *text)
{
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        char c = (char)(i % 2 == 0 ? words[i / 2] >> 8 : words[i / 2]);

        text[i] = c >= ' ' && c <= '~' ? c : ' ';
        if (text[i] != ' ')
            length = i + 1;
    }
    text[length] = '\0';
}

static uint64_t read_number(const uint16_t *words, unsigned count)
{
    uint64_t number = 0;

    while (count-- > 0)
        number = number << 16 | words[count];
    return number;
}

static bool supported(const uint16_t *words, unsigned word, uint16_t bit)
{
    return (words[word] & VALID_MASK) == VALID && (words[word] & bit) != 0;
}

static uint8_t highest_bit(unsigned bits)
{
    uint8_t bit = 0;

    while (bits >>= 1)
        bit++;
    return bit;
}

/* Words 88 and 63 have the selected mode in the upper byte and the supported ones in the lower. */
static void read_transfer_mode(const uint16_t *words, struct ata_identity *identity)
{
    uint8_t ultra = words[WORD_ULTRA_DMA] >> 8;
    uint8_t multiword = words[WORD_MULTIWORD_DMA] >> 8 & 7;
    uint8_t multiword_supported = words[WORD_MULTIWORD_DMA] & 7;

    identity->mode_selected = ultra != 0 || multiword != 0;
    identity->transfer_mode = 0;
    if (ultra != 0)
        identity->transfer_mode = ATA_TRANSFER_ULTRA_DMA | (highest_bit(ultra) & 7);
    else if (multiword != 0)
        identity->transfer_mode = ATA_TRANSFER_MULTIWORD_DMA | highest_bit(multiword);
    else if (multiword_supported != 0)
        identity->transfer_mode = ATA_TRANSFER_MULTIWORD_DMA | highest_bit(multiword_supported);
}

static bool read_capacity(const uint16_t *words, struct ata_identity *identity)
{
    uint64_t limit = identity->lba48 ? SECTORS_MAX_48 : SECTORS_MAX_28;
    uint64_t size = 512;

    if (!(words[WORD_CAPABILITIES] & CAPABILITY_LBA))
        return false;
    identity->sector_count = identity->lba48 ? read_number(words + WORD_SECTORS_48, 4)
                                             : read_number(words + WORD_SECTORS_28, 2);
    if (supported(words, WORD_SECTOR_FORMAT, SECTOR_FORMAT_LONG))
        size = 2 * read_number(words + WORD_SECTOR_SIZE, 2);
    if (size < 512 || size > 4096 || (size & (size - 1)) != 0)
        return false;
    identity->sector_size = (uint32_t)size;
    return identity->sector_count > 0 && identity->sector_count <= limit;
}

bool ata_parse_identity(const uint16_t words[ATA_IDENTIFY_WORDS], bool packet,
                        struct ata_identity *identity)
{
    uint16_t general = words[WORD_GENERAL];
    bool sata = words[WORD_SATA_CAPABILITIES] != 0 && words[WORD_SATA_CAPABILITIES] != UINT16_MAX;

    *identity = (struct ata_identity){0};
    read_text(words + WORD_MODEL, ATA_MODEL_SIZE - 1, identity->model);
    read_transfer_mode(words, identity);
    identity->dma = (words[WORD_CAPABILITIES] & CAPABILITY_DMA) != 0;
    if (packet) {
        identity->sector_size = ATAPI_SECTOR_SIZE;
        return (general & GENERAL_PACKET_MASK) == (GENERAL_NOT_ATA & ~GENERAL_PACKET) &&
               !(general & GENERAL_PACKET_16);
    }
    identity->lba48 = supported(words, WORD_SUPPORTED_2, SUPPORTED_2_LBA48);
    identity->fua = identity->lba48 && supported(words, WORD_SUPPORTED_3, SUPPORTED_3_FUA);
    identity->write_cache = (words[WORD_SUPPORTED_1] & SUPPORTED_1_WRITE_CACHE) != 0 &&
                            (words[WORD_ENABLED_1] & ENABLED_1_WRITE_CACHE) != 0;
    identity->ncq = sata && identity->lba48 && (words[WORD_SATA_CAPABILITIES] & SATA_NCQ) != 0;
    if (identity->ncq)
        identity->queue_depth = (words[WORD_QUEUE_DEPTH] & QUEUE_DEPTH_MASK) + 1;
    return !(general & GENERAL_NOT_ATA) && read_capacity(words, identity);
}

uint32_t ata_max_sectors(const struct ata_identity *identity)
{
    uint32_t limit = ATA_COMMAND_BYTES / identity->sector_size;

    return !identity->lba48 && limit > SECTORS_PER_COMMAND_28 ? SECTORS_PER_COMMAND_28 : limit;
}

void ata_make_taskfile(const struct ata_identity *identity, const struct block_command *command,
                       struct ata_taskfile *taskfile)
{
    bool write = command->operation == BLOCK_WRITE;
    bool wide = identity->lba48;

    *taskfile = (struct ata_taskfile){
        .device = ATA_DEVICE_LBA | ATA_DEVICE_OBSOLETE,
        .wide = wide,
    };
    if (command->operation == BLOCK_FLUSH) {
        taskfile->command = wide ? ATA_FLUSH_CACHE_EXT : ATA_FLUSH_CACHE;
        return;
    }
    taskfile->lba = command->sector;
    /* The largest number is written as 0. */
    taskfile->count = (uint16_t)command->sector_count;
    if (!wide) {
        taskfile->count &= 0xff;
        taskfile->command = write ? ATA_WRITE_DMA : ATA_READ_DMA;
        taskfile->device |= command->sector >> 24 & 0xf;
    } else if (write) {
        taskfile->command = command->force_unit_access ? ATA_WRITE_DMA_FUA_EXT : ATA_WRITE_DMA_EXT;
    } else {
        taskfile->command = ATA_READ_DMA_EXT;
    }
}

void ata_describe(const struct ata_identity *identity, bool packet, struct block_device *block)
{
    string_copy(block->name, packet ? "cd" : "disk", sizeof(block->name));
    string_copy(block->model, identity->model, sizeof(block->model));
    block->sector_size = identity->sector_size;
    block->sector_count = identity->sector_count;
    block->read_only = block->removable = packet;
    block->write_cache = identity->write_cache;
    block->has_fua = identity->fua;
}

enum block_status ata_result(uint8_t status, uint8_t error)
{
    if (!(status & (ATA_STATUS_ERR | ATA_STATUS_DF)))
        return BLOCK_OK;
    /* A fault of the drive or of the cable; everything else is said of these sectors. */
    if ((status & ATA_STATUS_DF) || (error & ATA_ERROR_ICRC))
        return BLOCK_ERROR_DEVICE;
    return BLOCK_ERROR_MEDIUM;
}
