/* Test program in place of the worker of an emulated machine: tries whether it reaches more than
 * what it was started with. With vps=2 it is the other machine, which has a disk and a port of its
 * own, and waits. Status 0: it reaches nothing else; else the line that was not as it should be. */
#include <stdbool.h>

#include "lib/string.h"
#include "parent/user/program.h"
#include "parent/user/system.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("reach: line %d: not true: %s\n", __LINE__, #condition);                        \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

#define FIRMWARE 1u /* handles: the firmware, the serial port's pipe, */
#define CONTROL 3u  /* the control pipe, and then what is attached */
#define HANDLES 4096u
#define SECTOR 512u

static uint8_t sector[SECTOR];
static struct system_disk_segment segments[] = {{(uint64_t)sector, SECTOR}};

static int64_t write(uint32_t handle, uint64_t at)
{
    return system_disk_transfer(handle, SYSTEM_DISK_WRITE, at, segments, 1);
}

/* Handle @handle, which is none of ours, is good for nothing. */
static int try_handle(uint32_t handle)
{
    static struct system_disk_information disk;
    static struct system_port_information port;
    static struct {
        uint32_t size;
        uint8_t data[60];
    } frame = {.size = 60};
    struct system_vm_event event;
    void *address;
    MUST(system_disk_information(handle, &disk) == -SYSTEM_ERROR_HANDLE);
    MUST(write(handle, 0) == -SYSTEM_ERROR_HANDLE);
    MUST(system_port_information(handle, &port) == -SYSTEM_ERROR_HANDLE);
    MUST(system_port_filter(handle, SYSTEM_PORT_DIRECTED) == -SYSTEM_ERROR_HANDLE);
    MUST(system_port_send(handle, &frame, sizeof(frame)) == -SYSTEM_ERROR_HANDLE);
    MUST(system_memory_map(handle, 0, SECTOR, SYSTEM_RIGHT_READ, &address) == -SYSTEM_ERROR_HANDLE);
    MUST(system_pipe_send(handle, sector, 1, NULL, 0, 0) == -SYSTEM_ERROR_HANDLE);
    MUST(system_process_kill(handle, 1) == -SYSTEM_ERROR_HANDLE);
    MUST(system_vm_receive(handle, &event, 0) == -SYSTEM_ERROR_HANDLE);
    MUST(system_vm_heartbeat(handle) == -SYSTEM_ERROR_HANDLE);
    MUST(system_handle_close(handle) == -SYSTEM_ERROR_HANDLE);
    return 0;
}

/* The file that the firmware is from is not to be changed: other machines have it, too. */
static int try_firmware(void)
{
    void *address;
    MUST(system_memory_map(FIRMWARE, 0, SECTOR, SYSTEM_RIGHT_READ | SYSTEM_RIGHT_WRITE, &address) ==
         -SYSTEM_ERROR_RIGHTS);
    return 0;
}

/* Where on the store our image ends, something else may begin. */
static int try_disk(uint32_t handle)
{
    struct system_disk_information disk;
    MUST(system_disk_information(handle, &disk) == 0 && disk.sector_size == SECTOR);
    MUST(write(handle, disk.sector_count) == -SYSTEM_ERROR_ARGUMENT);
    MUST(write(handle, UINT64_MAX) == -SYSTEM_ERROR_ARGUMENT);
    MUST(write(handle, UINT64_MAX / SECTOR + 1) == -SYSTEM_ERROR_ARGUMENT);
    MUST(write(handle, disk.sector_count - 1) == 0);
    return 0;
}

static int try_all(uint32_t disk)
{
    int line = try_firmware();
    if (line == 0)
        line = try_disk(disk);
    for (uint32_t i = program_handle_count() + 1; line == 0 && i < HANDLES; i++)
        line = try_handle(i);
    for (uint32_t bit = 12; line == 0 && bit < 32; bit++)
        for (uint32_t i = 0; line == 0 && i <= program_handle_count(); i++)
            line = try_handle(1u << bit | i);
    return line != 0 ? line : try_handle(0);
}

int main(int argc, char **argv)
{
    uint32_t disk = CONTROL;
    bool other = false;
    for (int i = 1; i < argc; i++) {
        other = other || strcmp(argv[i], "vps=2") == 0;
        if (disk == CONTROL && strcmp(argv[i], "attach=hd:0") == 0)
            disk = CONTROL + 1;
    }
    if (other)
        system_sleep(SYSTEM_FOREVER);
    MUST(disk != CONTROL && program_handle_count() == CONTROL + 2);
    int line = try_all(disk);
    if (line == 0)
        printf("reach: nothing else\n");
    return line;
}
