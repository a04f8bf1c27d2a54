/* System calls: what the kernel and programs in ring 3 agree on. Programs use parent/user/system.h.
 *
 * SYSCALL with the number in RAX and up to six arguments in RDI, RSI, RDX, R10, R8, R9. The result
 * is in RAX: not negative, or a negative enum system_error. RCX and R11 are lost; all else is kept.
 * Pointers must lie in the lower half and may be bad: then SYSTEM_ERROR_ADDRESS. Deadlines are
 * microseconds since the kernel started (SYSTEM_TIME), SYSTEM_FOREVER is none. */
#ifndef VENEER_PARENT_INCLUDE_SYSTEM_CALL_H
#define VENEER_PARENT_INCLUDE_SYSTEM_CALL_H

#include <stdint.h>

enum system_call_number {
    SYSTEM_NULL,             /* () → 0 */
    SYSTEM_EXIT,             /* (status): ends the process */
    SYSTEM_PRINT,            /* (text, size): to the console */
    SYSTEM_YIELD,            /* () */
    SYSTEM_SLEEP,            /* (deadline) */
    SYSTEM_TIME,             /* () → microseconds since the kernel started */
    SYSTEM_WALL_CLOCK,       /* () → seconds since 1970-01-01 00:00 UTC */
    SYSTEM_HANDLE_CLOSE,     /* (handle) */
    SYSTEM_HANDLE_DUPLICATE, /* (handle, rights) → handle with those of its rights; needs DUPLICATE
                              */
    SYSTEM_MEMORY_CREATE,    /* (size) → handle of zeroed memory, rounded up to pages */
    SYSTEM_MEMORY_MAP,       /* (handle, offset, size, rights) → address. READ, perhaps WRITE */
    SYSTEM_MEMORY_UNMAP,     /* (address of a mapping): all of it */
    SYSTEM_PIPE_CREATE,      /* (uint32_t handles[2]): the two ends */
    SYSTEM_PIPE_SEND,        /* (handle, const struct system_message *, deadline); needs WRITE */
    SYSTEM_PIPE_RECEIVE,     /* (handle, struct system_message *, deadline); needs READ */
    SYSTEM_PROCESS_START,    /* (const struct system_process_start *) → handle */
    SYSTEM_PROCESS_KILL,     /* (handle, status); needs KILL */
    SYSTEM_PROCESS_WAIT,     /* (handle, struct system_process_end *, deadline); needs WAIT */
    SYSTEM_PROCESS_ID,       /* () → own id */
    SYSTEM_THREAD_START,     /* (entry, stack pointer, argument): one more thread of the process */
    SYSTEM_THREAD_EXIT,      /* (): ends the thread, and the process with its last one */
    /* Child partitions (docs/parent.md). All but the first need WRITE, but where it says otherwise.
     */
    SYSTEM_VM_CREATE, /* (privileges, synthetic features, uint64_t *partition id) → handle */
    SYSTEM_VM_MAP,    /* (vm, memory, offset, size, guest address, access): enum system_vm_access,
                         for which the memory's handle has rights */
    SYSTEM_VM_UNMAP,  /* (vm, guest address of a mapping): all of it */
    SYSTEM_VP_CREATE, /* (vm, VP index: the next one) → address of its register page; that of its
                         intercept messages is behind. This process may dispatch it */
    SYSTEM_VP_WAIT,   /* (vm, VP index, TSC, enum system_vp_wait): until the VP can go on; → 0, or
                         1 if the TSC has passed, or will within a microsecond; needs READ */
    SYSTEM_VM_CALL,   /* (vm, input value, input, size, output, size) → result value of a
                         hypercall, whose partition id the kernel fills in */
    SYSTEM_VM_PORT_CREATE, /* (vm, enum system_port_type, connection id, count of flags) */
    SYSTEM_VM_RECEIVE,     /* (vm, struct system_vm_event *, deadline); needs READ */
    SYSTEM_VM_STATISTICS,  /* (vm, VP index, struct veneer_vp_statistics[2]): of the VP, and of all
                              root VPs together; needs READ */
    /* Synthetic devices (docs/vmbus.md). */
    SYSTEM_VM_BUS_START, /* (vm): its memory so far is what devices reach, and stays mapped */
    SYSTEM_VM_ATTACH, /* (vm, device, slot): offers the device to the child; needs WRITE on both */
    SYSTEM_VM_DETACH, /* (vm, slot): the device goes when its requests have ended */
    SYSTEM_VM_SHUTDOWN,  /* (vm, enum system_vm_shutdown): asks the child's system to end;
                            UNAVAILABLE: it does not listen */
    SYSTEM_VM_KEY,       /* (vm, make code of scan code set 1, enum system_vm_key) */
    SYSTEM_VM_HEARTBEAT, /* (vm) → microseconds since the child's last beat; UNAVAILABLE: none yet;
                            needs READ */
    /* Disks that the program was started with. */
    SYSTEM_DISK_INFORMATION, /* (disk, struct system_disk_information *) */
    SYSTEM_DISK_TRANSFER,    /* (disk, enum system_disk_operation, sector, const struct
                                system_disk_segment *, count): returns when it has ended. Needs WRITE;
                                a read needs READ, and memory that may be written */
    /* Ports of virtual switches (docs/switch.md). Frames are one behind the other, each as a struct
     * system_frame. */
    SYSTEM_PORT_INFORMATION, /* (port, struct system_port_information *); needs READ */
    SYSTEM_PORT_SEND,        /* (port, frames, bytes): all of them, or, if they are none, nothing.
                                What the network cannot take is lost. Needs WRITE */
    SYSTEM_PORT_RECEIVE, /* (port, buffer, its bytes, deadline) → bytes of frames; 0: the link has
                            changed since SYSTEM_PORT_INFORMATION; needs READ */
    SYSTEM_PORT_FILTER,  /* (port, set of enum system_port_filter): what it receives from now on,
                            and what waits is dropped. Nothing until this is called; needs READ */
    SYSTEM_CALL_COUNT,
};

enum system_error {
    SYSTEM_OK,
    SYSTEM_ERROR_CALL,        /* no such system call */
    SYSTEM_ERROR_ARGUMENT,    /* an argument is out of its range */
    SYSTEM_ERROR_ADDRESS,     /* a pointer does not point to memory of the program */
    SYSTEM_ERROR_HANDLE,      /* no such handle, or not of the right kind */
    SYSTEM_ERROR_RIGHTS,      /* the handle does not have the right */
    SYSTEM_ERROR_MEMORY,      /* no memory left */
    SYSTEM_ERROR_LIMIT,       /* the program may not have more of it */
    SYSTEM_ERROR_NOT_FOUND,   /* no program of that name */
    SYSTEM_ERROR_EXECUTABLE,  /* the file is not a program that can be run */
    SYSTEM_ERROR_TIMEOUT,     /* the deadline passed */
    SYSTEM_ERROR_CLOSED,      /* the other end of the pipe is closed */
    SYSTEM_ERROR_SIZE,        /* the message is larger than the buffer; it stays */
    SYSTEM_ERROR_INTERRUPTED, /* the process is being ended */
    SYSTEM_ERROR_UNAVAILABLE, /* this hypervisor does not run children */
    SYSTEM_ERROR_HYPERVISOR,  /* it refuses */
    SYSTEM_ERROR_BUSY,        /* something else uses it */
    SYSTEM_ERROR_MEDIUM,      /* the disk cannot read or write these sectors */
    SYSTEM_ERROR_READ_ONLY,   /* the disk cannot be written */
    SYSTEM_ERROR_NO_MEDIUM,   /* the disk has been stopped or taken away */
    SYSTEM_ERROR_FULL,        /* there is no room for the disk to grow */
    SYSTEM_ERROR_COUNT,
};

#define SYSTEM_FOREVER UINT64_MAX

/* Rights of a handle. A handle is a small positive number; 0 is none. */
enum system_right {
    SYSTEM_RIGHT_READ = 1,      /* map memory to read; receive from a pipe */
    SYSTEM_RIGHT_WRITE = 2,     /* map memory to write; send into a pipe */
    SYSTEM_RIGHT_DUPLICATE = 4, /* also: give it to a process that one starts */
    SYSTEM_RIGHT_TRANSFER = 8,  /* send it through a pipe. Ends of pipes have it never */
    SYSTEM_RIGHT_WAIT = 16,     /* for the end of a process */
    SYSTEM_RIGHT_KILL = 32,     /* a process */
};

#define SYSTEM_RIGHTS_ALL 63u

/* Limits of one process, but for the last two, which all processes that descend from one share. */
#define SYSTEM_MAX_HANDLES 128
#define SYSTEM_MAX_MAPPINGS 256
#define SYSTEM_MAX_THREADS 64
#define SYSTEM_MAX_PRINT 4096
#define SYSTEM_MAX_PROCESSES 32
#define SYSTEM_MAX_MEMORY_PART 4 /* 1/4 of the machine's memory */

/* A message: bytes and handles. A pipe keeps the order and the bounds of messages. */
#define SYSTEM_MAX_MESSAGE 4096
#define SYSTEM_MAX_MESSAGE_HANDLES 4

struct system_message {
    uint64_t buffer;       /* address */
    uint32_t size;         /* bytes; receiving: of the buffer, then of the message */
    uint32_t handle_count; /* receiving: of the message */
    uint32_t handles[SYSTEM_MAX_MESSAGE_HANDLES];
};

/* What a process starts with. */
#define SYSTEM_MAX_PROGRAM_NAME 64
#define SYSTEM_MAX_ARGUMENTS 2048 /* bytes */
#define SYSTEM_MAX_START_HANDLES 24

struct system_process_start {
    uint64_t name;           /* address of the program's name */
    uint64_t arguments;      /* address of the words, each ended by NUL */
    uint32_t name_size;      /* bytes, without a NUL */
    uint32_t arguments_size; /* bytes, with all NULs */
    uint32_t handle_count;
    uint32_t handles[SYSTEM_MAX_START_HANDLES]; /* in the new process: 1, 2, 3, … */
};

/* A program is entered at its ELF entry point with RDI = address and RSI = size of its arguments,
 * RDX = number of its handles, RCX = a number that is hard to guess. The stack is aligned as for a
 * call. */

/* Limits of a VM; of ports there are SYSTEM_MAX_PORTS in all VMs together. */
#define SYSTEM_MAX_VPS 64
#define SYSTEM_MAX_GUEST_MAPPINGS 256
#define SYSTEM_MAX_VM_PORTS 8
#define SYSTEM_MAX_PORTS 512
#define SYSTEM_MAX_PORT_FLAGS 16
#define SYSTEM_MAX_VM_MESSAGES 32 /* that have not been received; further ones are dropped */

enum system_vm_access { SYSTEM_VM_READ = 1, SYSTEM_VM_WRITE = 2, SYSTEM_VM_EXECUTE = 4 };

enum system_vp_wait { SYSTEM_VP_WAIT_EVENTS = 1 }; /* also until SYSTEM_VM_RECEIVE has something */

#define SYSTEM_VM_SLOTS 24 /* for devices of a VM */

enum system_vm_shutdown { SYSTEM_VM_POWER_OFF, SYSTEM_VM_RESTART };

/* Of a key stroke; they can be combined. */
enum system_vm_key { SYSTEM_VM_KEY_RELEASE = 2, SYSTEM_VM_KEY_E0 = 4, SYSTEM_VM_KEY_E1 = 8 };

enum system_port_type { SYSTEM_PORT_MESSAGE = 1, SYSTEM_PORT_EVENT = 2 };

/* What came from a child. */
#define SYSTEM_MAX_VM_PAYLOAD 240

struct system_vm_event {
    uint32_t type; /* enum system_port_type */
    uint32_t connection_id;
    uint32_t flags;        /* events: bit n: flag n was signalled since the last time */
    uint32_t message_type; /* messages */
    uint32_t size;         /* bytes of payload */
    uint32_t dropped;      /* messages that there was no room for before this one */
    uint8_t payload[SYSTEM_MAX_VM_PAYLOAD];
};

/* Disks. */
#define SYSTEM_MAX_DISK_SEGMENTS 256
#define SYSTEM_MAX_DISK_TRANSFER (32u << 20) /* bytes of one call */

enum system_disk_operation { SYSTEM_DISK_READ, SYSTEM_DISK_WRITE, SYSTEM_DISK_FLUSH };

/* Memory of the program within one mapping. */
struct system_disk_segment {
    uint64_t address; /* even */
    uint64_t size;    /* bytes, even, > 0; those of all segments together are whole sectors */
};

enum system_disk_flags { SYSTEM_DISK_IS_READ_ONLY = 1, SYSTEM_DISK_IS_REMOVABLE = 2 };

struct system_disk_information {
    uint64_t sector_count;
    uint32_t sector_size; /* bytes: 512, 2048 or 4096 */
    uint32_t flags;       /* enum system_disk_flags */
    uint8_t identity[16]; /* does not change as long as the image exists */
};

/* A frame from its destination address on, without check sequence. The next one begins at the next
 * multiple of 4 bytes. */
#define SYSTEM_FRAME_MIN 14u
#define SYSTEM_FRAME_MAX 1518u
#define SYSTEM_MAX_FRAMES_SIZE 16384u /* bytes of one call to send */

struct system_frame {
    uint32_t size; /* bytes of data: SYSTEM_FRAME_MIN to SYSTEM_FRAME_MAX */
    uint8_t data[];
};

/* Bytes that a frame of @size takes with what is around it. */
static inline uint32_t system_frame_space(uint32_t size)
{
    return (uint32_t)sizeof(struct system_frame) + ((size + 3) & ~3u);
}

struct system_port_information {
    uint8_t mac[6];
    uint8_t link_up;
    uint8_t reserved;
    uint64_t dropped; /* frames that there was no room for */
};

/* Frames that a port wants: to its own address, to groups, to all. What is for others is not to be
 * had. */
enum system_port_filter {
    SYSTEM_PORT_DIRECTED = 1,
    SYSTEM_PORT_MULTICAST = 2,
    SYSTEM_PORT_BROADCAST = 4,
};

enum system_end_cause {
    SYSTEM_END_EXIT,   /* by itself: status */
    SYSTEM_END_KILLED, /* by another one, which gave the status */
    SYSTEM_END_FAULT,  /* by an exception: see the fault */
};

#define SYSTEM_BACKTRACE_SIZE 16

struct system_fault {
    uint64_t vector, error_code;
    uint64_t address; /* of a page fault */
    uint64_t rip, rflags, rsp;
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t backtrace_count;
    uint64_t backtrace[SYSTEM_BACKTRACE_SIZE]; /* return addresses, innermost first */
};

struct system_process_end {
    uint32_t cause; /* enum system_end_cause */
    int32_t status;
    struct system_fault fault;
};

_Static_assert(sizeof(struct system_message) == 32, "layout");
_Static_assert(sizeof(struct system_process_start) == 128, "layout");
_Static_assert(sizeof(struct system_process_end) == 312, "layout");

_Static_assert(sizeof(struct system_disk_segment) == 16, "layout");
_Static_assert(sizeof(struct system_disk_information) == 32, "layout");
_Static_assert(sizeof(struct system_vm_event) == 264, "layout");
_Static_assert(sizeof(struct system_port_information) == 16, "layout");

#endif
