; Firmware of the emulated PC that measures what its devices cost. It says nothing: it executes the
; marks that tests/bench/marks.c counts by (tests/bench/pc.py has the rows). 128 KiB; 32-bit code, as
; if a system's driver ran.

ROUNDS equ 31
FIRST_PRD equ 0x8000                    ; tables: for 4 KiB, then for 100 KB
SECOND_PRD equ 0x8100
IDT equ 0x1000
STACK equ 0x7000
DONE equ 0x500                          ; byte: the interrupt has come
BUFFER equ 0x100000                     ; pages, of which every other one is used
PAGES equ 25                            ; of 100 KB
SECTORS equ PAGES * 8
MULTIPLE equ 16                         ; sectors of a block by PIO
CODE equ 0x08
DATA equ 0x10
PM_BASE equ 0xb000
BUS_MASTER equ 0xc000
IDE_VECTOR equ 0x76

%define MARK(n) db 0x0f, 0x1f, 0x80, n, "RNV"

; A row: so many calls of %1.
%macro measure 1
    MARK(2)
    mov dword [rounds], ROUNDS
%%round:
    MARK(3)
    call %1
    MARK(4)
    dec dword [rounds]
    jnz %%round
%endmacro

rounds equ 0x504                        ; dword

section low start=0 align=1
    times 0x10000 db 0

section rom start=0x10000 vstart=0 align=1
bits 16
start:
    cli
    o32 lgdt [cs:gdtr]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword CODE:protected
gdt:
    dq 0
    dq 0x00cf9b0f0000ffff               ; code at F0000h
    dq 0x00cf93000000ffff
gdtr:
    dw gdtr - gdt - 1
    dd 0xf0000 + gdt

bits 32
protected:
    mov ax, DATA
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov esp, STACK
    cld
    call set_up_interrupts
    call set_up_disk
    measure read_status
    measure read_4k
    measure write_100k
    measure write_100k_pio
    MARK(2)
    jmp power_off

; --- What is measured ---
read_status:
    mov edx, 0x1f7
    in al, dx
    ret

read_4k:
    mov ebx, FIRST_PRD
    mov ecx, 0x08c8                     ; to memory; READ DMA
    mov ah, 8
    jmp dma

write_100k:
    mov ebx, SECOND_PRD
    mov ecx, 0x00ca                     ; WRITE DMA
    mov ah, SECTORS
; A transfer of AH sectors by bus master: table EBX, direction CH, command CL.
dma:
    mov byte [DONE], 0
    call select
    call write_task_file
    mov edx, BUS_MASTER + 4
    mov eax, ebx
    out dx, eax
    mov edx, BUS_MASTER
    mov al, ch
    out dx, al
    mov edx, BUS_MASTER + 2
    mov al, 6
    out dx, al
    mov edx, 0x1f7
    mov al, cl
    out dx, al
    mov edx, BUS_MASTER
    mov al, ch
    or al, 1
    out dx, al
.wait:
    cli
    cmp byte [DONE], 0
    jne .done
    sti
    hlt
    jmp .wait
.done:
    ret

; Blocks of 16 sectors, each after a look at the status.
write_100k_pio:
    call select
    mov ah, SECTORS
    call write_task_file
    mov edx, 0x1f7
    mov al, 0xc5                        ; WRITE MULTIPLE
    out dx, al
    mov esi, BUFFER
    mov ebx, SECTORS
.block:
    mov edx, 0x3f6
.request:
    in al, dx
    test al, 0x80
    jnz .request
    mov ecx, MULTIPLE
    cmp ebx, ecx
    jae .size
    mov ecx, ebx
.size:
    sub ebx, ecx
    shl ecx, 8                          ; words
    mov edx, 0x1f0
    rep outsw
    test ebx, ebx
    jnz .block
    mov edx, 0x1f7
.end:
    in al, dx
    test al, 0x80
    jnz .end
    ret

; --- Parts of it ---
select:
    mov edx, 0x1f6
    mov al, 0xe0
    out dx, al
    mov edx, 0x3f6
.busy:
    in al, dx
    test al, 0x88
    jnz .busy
    ret

; AH sectors from sector 64 on.
write_task_file:
    mov edx, 0x1f2
    mov al, ah
    out dx, al
    inc edx
    mov al, 64
    out dx, al
    inc edx
    mov al, 0
    out dx, al
    inc edx
    out dx, al
    ret

; As drivers do: status of the bus master, status of the drive, stop, acknowledge.
interrupt:
    push eax
    push edx
    mov edx, BUS_MASTER + 2
    in al, dx
    test al, 4
    jz .not_ours
    mov edx, 0x1f7
    in al, dx
    mov edx, BUS_MASTER
    mov al, 0
    out dx, al
    mov edx, BUS_MASTER + 2
    mov al, 4
    out dx, al
    mov byte [DONE], 1
.not_ours:
    pop edx
    pop eax
    iret

; --- Set-up ---
; The 8259s end interrupts by themselves: so that is not in the figures, as it is not with an APIC.
set_up_interrupts:
    mov edi, IDT
    mov ecx, 2 * 256
    xor eax, eax
    rep stosd
    mov eax, interrupt
    mov [IDT + IDE_VECTOR * 8], ax
    mov word [IDT + IDE_VECTOR * 8 + 2], CODE
    mov word [IDT + IDE_VECTOR * 8 + 4], 0x8e00
    shr eax, 16
    mov [IDT + IDE_VECTOR * 8 + 6], ax
    lidt [0xf0000 + idtr]
    mov al, 0x11
    out 0x20, al
    out 0xa0, al
    mov al, 0x68
    out 0x21, al
    mov al, 0x70
    out 0xa1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xa1, al
    mov al, 3
    out 0x21, al
    out 0xa1, al
    mov al, 0xfb
    out 0x21, al
    mov al, 0xbf
    out 0xa1, al
    ret
idtr:
    dw 0x7ff
    dd IDT

set_up_disk:
    mov eax, 7 << 11 | 1 << 8 | 0x20    ; the IDE function's bus master
    mov ebx, BUS_MASTER | 1
    call pci_write
    mov eax, 7 << 11 | 1 << 8 | 4
    mov ebx, 5
    call pci_write
    mov dword [FIRST_PRD], BUFFER
    mov dword [FIRST_PRD + 4], 0x80001000
    mov edi, SECOND_PRD
    mov eax, BUFFER
    mov ecx, PAGES
.entry:
    stosd
    mov dword [edi], 0x1000
    add edi, 4
    add eax, 0x2000
    loop .entry
    mov byte [edi - 1], 0x80
    call select
    mov edx, 0x1f2
    mov al, MULTIPLE
    out dx, al
    mov edx, 0x1f7
    mov al, 0xc6                        ; SET MULTIPLE MODE
    out dx, al
    jmp select

; EBX to register EAX.
pci_write:
    mov edx, 0xcf8
    or eax, 0x80000000
    out dx, eax
    mov edx, 0xcfc
    mov eax, ebx
    out dx, eax
    ret

power_off:
    mov eax, 7 << 11 | 3 << 8 | 0x40
    mov ebx, PM_BASE | 1
    call pci_write
    mov eax, 7 << 11 | 3 << 8 | 0x80
    mov ebx, 1
    call pci_write
    mov edx, PM_BASE + 4
    mov ax, 0x2000
    out dx, ax
    hlt

    times 0xfff0 - ($ - $$) db 0
bits 16
    jmp 0xf000:start
    times 0x10000 - ($ - $$) db 0
