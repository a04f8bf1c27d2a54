/* Access to the device, and messages. */
#include "lib/printf.h"
#include "parent/fs/fat_internal.h"

#define REPORTS_MAX 20 /* about damage, per mount: a broken volume must not flood the log */
#define TEXT_SIZE 160

static const uint8_t zeros[FAT_BLOCK_SIZE];

static bool is_inside(const struct fat_volume *volume, uint32_t sector, uint32_t count)
{
    return sector < volume->sectors_end && count <= volume->sectors_end - sector;
}

int fat_device_read(struct fat_volume *volume, uint32_t sector, uint32_t count, void *buffer)
{
    if (!is_inside(volume, sector, count))
        return fat_damage(volume, "sector %u is outside of the volume", sector);

    int error = volume->io.read(volume->io.context, sector, count, buffer);

    if (error != FS_OK)
        fat_report(volume, "cannot read sectors from %u: %s", sector, fs_error_text(error));
    return error;
}

int fat_device_write(struct fat_volume *volume, uint32_t sector, uint32_t count, const void *buffer)
{
    if (volume->io.read_only)
        return FS_READ_ONLY;
    if (!is_inside(volume, sector, count))
        return fat_damage(volume, "sector %u is outside of the volume", sector);
    volume->unflushed = true;

    int error = volume->io.write(volume->io.context, sector, count, buffer);

    if (error != FS_OK)
        fat_report(volume, "cannot write sectors from %u: %s", sector, fs_error_text(error));
    return error;
}

int fat_device_zero(struct fat_volume *volume, uint32_t sector, uint32_t count)
{
    uint32_t step = FAT_BLOCK_SIZE / volume->sector_size;

    while (count > 0) {
        uint32_t now = count < step ? count : step;
        int error = fat_device_write(volume, sector, now, zeros);

        if (error != FS_OK)
            return error;
        sector += now;
        count -= now;
    }
    return FS_OK;
}

int fat_device_flush(struct fat_volume *volume)
{
    if (!volume->unflushed)
        return FS_OK;

    int error = volume->io.flush(volume->io.context);

    if (error != FS_OK)
        fat_report(volume, "cannot flush the device: %s", fs_error_text(error));
    else
        volume->unflushed = false;
    return error;
}

void fat_report(struct fat_volume *volume, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    volume->host.report(volume->host.context, text);
}

int fat_damage(struct fat_volume *volume, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;
    bool is_first = !volume->read_only;

    volume->damaged = true;
    volume->read_only = true;
    if (volume->reports >= REPORTS_MAX)
        return FS_DAMAGED;
    volume->reports++;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    fat_report(volume, "damaged: %s%s", text, is_first ? "; the volume is read-only now" : "");
    return FS_DAMAGED;
}
