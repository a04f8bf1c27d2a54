; Firmware of the emulated PC that is hostile: it accesses ports, registers in memory and PCI configuration
; at random, and has devices transfer to and from random addresses, its own code among them. Any fault starts
; the next step; what breaks more ends in a reset, after which it goes on.
;     nasm -D SEED=n -D STEPS=n
; Left out is what ends the machine or the run by design: power-off, resets by their registers, moving the
; power management's ports.
bits 16

BASE equ 0x20000                        ; where the code runs
IMAGE_SIZE equ 0x2000
STACK equ 0x1f000
IDT equ 0x1f000
STATE equ 0x6000                        ; is kept over resets, unless a device writes there:
magic equ STATE
starts equ STATE + 4
steps equ STATE + 8
random_state equ STATE + 12
MAGIC equ 0x1badf00d
DATA equ 0x100000                       ; descriptors
RAM_END equ 0x1000000                   ; the machine has 16 MiB
WATCHDOG equ 0x7000
WATCHDOG_VECTOR equ 0x40
WATCHDOG_PERIOD equ 200000              ; of 640 ns
LAPIC equ 0xfee00000
COM1 equ 0x3f8
PM_BASE equ 0xb000
BUS_MASTER equ 0xc000
NIC equ 0xc100
CONFIG equ 0x80000000
IDE_FUNCTION equ CONFIG | 7 << 11 | 1 << 8
PM_FUNCTION equ CONFIG | 7 << 11 | 3 << 8
VGA_FUNCTION equ CONFIG | 8 << 11
NIC_FUNCTION equ CONFIG | 10 << 11
SAY_EVERY equ 2048

section rom start=0 vstart=0 align=1
start:
    cli
    cld
    xor ax, ax
    mov ss, ax
    mov sp, 0x7000
    mov ax, 0xf000
    mov ds, ax
    mov ax, BASE >> 4
    mov es, ax
    mov si, image
    xor di, di
    mov cx, IMAGE_SIZE / 4
    rep movsd
    mov ax, WATCHDOG >> 4
    mov es, ax
    mov si, watchdog_start
    xor di, di
    mov cx, watchdog_end - watchdog_start
    rep movsb
    lgdt [cs:gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 8:main

; The other processor begins here, at WATCHDOG.
watchdog_start:
    cli
    lgdt [cs:watchdog_gdtr - watchdog_start]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 8:WATCHDOG + watchdog - watchdog_start
watchdog_gdtr:
    dw 3 * 8 - 1
    dd WATCHDOG + watchdog_gdt - watchdog_start
watchdog_gdt:
    dq 0
    dq 0x00cf9b000000ffff
    dq 0x00cf93000000ffff

; Looks once in a while. A system that has come to no other step meanwhile does not run any more.
bits 32
watchdog:
    mov ax, 0x10
    mov ds, ax
    mov ss, ax
    mov esp, WATCHDOG + 0xf00
    lidt [WATCHDOG + watchdog_idtr - watchdog_start]
    mov dword [LAPIC + 0xf0], 0x1ff
    mov dword [LAPIC + 0x3e0], 0x0a     ; by 128
    mov dword [LAPIC + 0x320], 0x20000 | WATCHDOG_VECTOR
    mov dword [LAPIC + 0x380], WATCHDOG_PERIOD
.wait:
    mov ebx, [steps]
    sti
    hlt
    cli
    cmp ebx, [steps]
    jne .wait
    mov dx, 0xcf9
    mov al, 6
    out dx, al
    jmp .wait
watchdog_tick:
    mov dword [LAPIC + 0xb0], 0
    iret
watchdog_idtr:
    dw WATCHDOG_VECTOR * 8 + 7
    dd WATCHDOG + watchdog_idt - watchdog_start - WATCHDOG_VECTOR * 8
watchdog_idt:
    dw WATCHDOG + watchdog_tick - watchdog_start, 8, 0x8e00, 0
watchdog_end:
bits 16
gdtr:
    dw gdt_end - gdt - 1
    dd gdt

    align 4
image:
section code follows=rom vstart=BASE align=4
bits 32
gdt:
    dq 0
    dq 0x00cf9b000000ffff
    dq 0x00cf93000000ffff
gdt_end:
idtr:
    dw 256 * 8 - 1
    dd IDT

main:
    mov ax, 0x10
    mov ds, ax
    mov es, ax
    mov fs, ax
    mov gs, ax
    mov ss, ax
    mov esp, STACK
    call make_idt
    cmp dword [magic], MAGIC
    je .again
    mov dword [magic], MAGIC
    mov dword [starts], 0
    mov dword [steps], 0
.again:
    inc dword [starts]
    imul eax, [starts], 0x9e3779b9
    imul edx, [steps], 0x85ebca6b
    xor eax, edx
    add eax, SEED * 0x01000193 + 1
    mov [random_state], eax
    mov dword [LAPIC + 0x310], 1 << 24
    mov dword [LAPIC + 0x300], 0x00004500
    mov dword [LAPIC + 0x300], 0x00004600 | WATCHDOG >> 12
    call set_up_ports
    call report

next_step:
    mov esp, STACK
    cld
    inc dword [steps]
    mov eax, [steps]
    cmp eax, STEPS
    jae finish
    test eax, SAY_EVERY - 1
    jnz .quiet
    call report
.quiet:
    call random
    and eax, ACTIONS - 1
    call [actions + 4 * eax]
    jmp next_step

; Faults, and interrupts on their vectors.
fault:
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    mov dword [LAPIC + 0xb0], 0
    jmp next_step

interrupt:
    push eax
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    mov dword [LAPIC + 0xb0], 0
    pop eax
    iret

make_idt:
    mov edi, IDT
    mov ecx, 256
.next:
    mov eax, fault
    cmp ecx, 256 - 32
    ja .low
    mov eax, interrupt
.low:
    mov edx, eax
    and eax, 0xffff
    or eax, 8 << 16
    mov dx, 0x8e00
    stosd
    mov eax, edx
    stosd
    loop .next
    lidt [idtr]
    ret

; --- Random numbers ---

random:                                 ; EAX: xorshift32
    push edx
    mov eax, [random_state]
    test eax, eax
    jnz .some
    mov eax, SEED * 2 + 1
.some:
    mov edx, eax
    shl edx, 13
    xor eax, edx
    mov edx, eax
    shr edx, 17
    xor eax, edx
    mov edx, eax
    shl edx, 5
    xor eax, edx
    mov [random_state], eax
    imul eax, eax, 0x2545f491
    rol eax, 11
    pop edx
    ret

random_below:                           ; EAX: less than ECX
    push edx
    call random
    mul ecx
    mov eax, edx
    pop edx
    ret

; EAX: where a device is to transfer to: mostly RAM that nobody uses.
random_address:
    push edx
    call random
    mov edx, eax
    call random
    and edx, 63
    cmp edx, 8
    jae .unused
    jmp [.places + 4 * edx]
.places: dd .done, .done, .low, .end, .registers, .window, .table, .rom
.low:                                   ; the state and the watchdog are below, and not in reach
    and eax, 0x7ffff
    add eax, 0x10000
    jmp .done
.end:
    and eax, 0x1fff
    add eax, RAM_END - 0x1000
    jmp .done
.registers:
    and eax, 0x2fffff
    or eax, 0xfec00000
    jmp .done
.window:
    and eax, 0x3fffff
    or eax, 0xe0000000
    jmp .done
.table:
    and eax, 0xffff
    or eax, DATA
    jmp .done
.rom:
    and eax, 0x7ffff
    or eax, 0x80000
    jmp .done
.unused:
    and eax, 0x7fffff
    add eax, 0x400000
.done:
    pop edx
    ret

; --- Saying how far it is ---

put_character:                          ; AL
    push edx
    mov dx, COM1
    out dx, al
    pop edx
    ret

put_text:                               ; ESI
    lodsb
    test al, al
    jz .end
    call put_character
    jmp put_text
.end:
    ret

put_number:                             ; EAX
    mov ebx, 10
    xor ecx, ecx
.divide:
    xor edx, edx
    div ebx
    push edx
    inc ecx
    test eax, eax
    jnz .divide
.digit:
    pop eax
    add al, '0'
    call put_character
    loop .digit
    ret

%macro put 1+
    mov esi, %%text
    call put_text
    jmp %%end
%%text: db %1, 0
%%end:
%endmacro

report:
    call set_up_ports
    call set_up_serial
    put "hostile: seed "
    mov eax, SEED
    call put_number
    put ": start "
    mov eax, [starts]
    call put_number
    put ", step "
    mov eax, [steps]
    call put_number
    put 13, 10
    ret

set_up_serial:
    mov esi, .registers
    xor edx, edx
.next:
    mov dx, [esi]
    mov al, [esi + 2]
    add esi, 3
    test edx, edx
    jz .end
    out dx, al
    jmp .next
.end:
    ret
.registers:
    dw COM1 + 3
    db 0x03
    dw COM1 + 1
    db 0
    dw COM1 + 4
    db 3
    dw 0
    db 0

finish:
    call set_up_ports
    call set_up_serial
    put 10, "hostile: done after "
    mov eax, [steps]
    call put_number
    put " steps and "
    mov eax, [starts]
    call put_number
    put " starts", 10
    mov dx, PM_BASE + 4
    mov ax, 0x2000
    out dx, ax
    cli
    hlt
    jmp finish

%include "tests/guest/pc_hostile_access.inc"
%include "tests/guest/pc_hostile_devices.inc"

; --- Interrupts, time, and code that is nowhere ---

let_interrupts:
    sti
    mov ecx, 100
.next:
    pause
    loop .next
    cli
    ret

run_nowhere:
    call random
    test eax, 0xff
    jnz let_interrupts
    call register_address
    jmp edi

align 4
actions:
    dd access_known, access_known, access_known, access_known, access_known, access_any, access_memory
    dd access_memory, access_memory, access_memory, access_memory, access_memory, memory_string
    dd memory_string, pci_access, pci_access, ide_command, ide_command, ide_command, packet_command
    dd packet_command, nic_rings, nic_rings, nic_register, floppy_command, video_mode, port_string
    dd let_interrupts, run_nowhere, access_known, access_memory, nic_rings
ACTIONS equ ($ - actions) / 4
    times -($ - $$ > IMAGE_SIZE) db 0

section vector start=0xfff0 vstart=0xfff0
bits 16
    jmp 0xf000:start
    times 16 - ($ - $$) db 0
