/* Fuzzer of the SCSI decoder: what it lets through to a disk is within the disk and the buffer. */
#include "tests/fuzz/fuzz.h"
#include "vsp/storvsp/scsi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct vdisk disk = {.physical_sector_size = 4096};
    struct scsi_unit unit = {.disk = &disk};
    struct scsi_command command = {0};
    uint8_t cdb[16], parameters[4096] = {0}, flags = fuzz_byte(&in);

    disk.sector_size = flags & 1 ? 4096 : 512;
    disk.sector_count = 1 + (flags & 2 ? fuzz_number(&in, 8) >> 1 : fuzz_number(&in, 2));
    disk.read_only = flags & 4;
    disk.can_unmap = flags & 8;
    unit.removable = flags & 16;
    if (unit.removable && flags & 32)
        unit.disk = NULL;
    command.cdb = cdb;
    while (in.size > 0) {
        enum scsi_step step;
        uint32_t length;

        for (uint32_t i = 0; i < sizeof(cdb); i++)
            cdb[i] = fuzz_byte(&in);
        command.transfer_length = (uint32_t)fuzz_number(&in, 3);
        command.luns = fuzz_number(&in, 8);
        step = scsi_decode(&unit, &command);
        FUZZ_CHECK(command.response_size <= sizeof(command.response));
        FUZZ_CHECK(command.response_size <= command.transfer_length);
        if (step == SCSI_PARAMETERS) {
            for (uint32_t i = 0; i < 32; i++)
                parameters[i] = fuzz_byte(&in);
            length = command.transfer_length < 4096 ? command.transfer_length : 4096;
            step = scsi_parameters(&unit, &command, parameters, length);
        }
        if (step != SCSI_DISK || command.operation == VDISK_FLUSH)
            continue;
        FUZZ_CHECK(unit.disk != NULL && !unit.ejected && command.sense == 0);
        FUZZ_CHECK(command.operation == VDISK_READ || !disk.read_only);
        if (command.operation == VDISK_READ || command.operation == VDISK_WRITE) {
            FUZZ_CHECK(command.data_size <=
                       (command.repeated ? SCSI_MAX_TRANSFER : command.transfer_length));
            FUZZ_CHECK(command.data_size == command.sector_count * disk.sector_size);
        }
        FUZZ_CHECK(command.sector < disk.sector_count &&
                   command.sector_count <= disk.sector_count - command.sector);
    }
    return 0;
}
