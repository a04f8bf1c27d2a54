; From the reset vector to post(): makes E0000h-FFFFFh and C0000h-C7FFFh memory, with a copy of the
; image, of which there is always one below 4 GiB. Also: the ways back from a reset that software
; asked for by CMOS register 0Fh.
;
; The host bridge has its PAM registers at 59h-5Fh in the 440BX as in the 440FX.

%define DATA 0xe000

%define IMAGE_TOP 0xfffe0000
%define PAM_READ_WRITE 0x33
%define PAM0_F_READ_ONLY 0x10
%define PAM0_F_READ_WRITE 0x30
%define APIC 0xfee00000

%define CMOS_SHUTDOWN 0x0f
%define SHUTDOWN_JUMP_EOI 0x05
%define SHUTDOWN_BLOCK_MOVE 0x09
%define SHUTDOWN_JUMP 0x0a
%define SHUTDOWN_JUMP_IRET 0x0b
%define SHUTDOWN_JUMP_RETF 0x0c

bits 16
section .text

; PAM VALUE_OF_F: sets all of the registers, all memory but F readable and writable. Clobbers EAX, DX.
%macro PAM 1
    mov eax, 0x80000058
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfd
    mov al, %1
    out dx, al
    inc dx
    mov ax, (PAM_READ_WRITE << 8) | PAM_READ_WRITE
    out dx, ax
    mov eax, 0x8000005c
    mov dx, 0xcf8
    out dx, eax
    mov eax, PAM_READ_WRITE * 0x01010101
    mov dx, 0xcfc
    out dx, eax
%endmacro

; CMOS_READ REGISTER: into AL, NMI masked.
%macro CMOS_READ 1
    mov al, %1 | 0x80
    out 0x70, al
    in al, 0x71
%endmacro

global reset
reset:
    cli
    cld
    CMOS_READ CMOS_SHUTDOWN
    mov bl, al
    test al, al
    jz .cold
    mov al, CMOS_SHUTDOWN | 0x80
    out 0x70, al
    xor al, al
    out 0x71, al
    cmp bl, SHUTDOWN_JUMP_EOI
    je .resume
    cmp bl, SHUTDOWN_BLOCK_MOVE
    jb .cold
    cmp bl, SHUTDOWN_JUMP_RETF
    ja .cold

; Memory is as the software left it, but a reset has locked this segment's copy away.
.resume:
    PAM PAM0_F_READ_ONLY
    mov ax, 0x40
    mov ds, ax
    cmp bl, SHUTDOWN_JUMP
    je .jump
    cmp bl, SHUTDOWN_JUMP_EOI
    je .eoi
    lss sp, [0x67]
    cmp bl, SHUTDOWN_BLOCK_MOVE
    je .moved
    cmp bl, SHUTDOWN_JUMP_RETF
    je .retf
    iret
.retf:
    retf
; What a block move leaves on the stack: ES, DS, all registers, and the interrupt's frame.
.moved:
    pop es
    pop ds
    popa
    iret
.eoi:
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
.jump:
    jmp far [0x67]

; The code goes on in the alias below 4 GiB while the memory under it changes.
.cold:
    o32 lgdt [cs:gdt_register]
    mov eax, cr0
    and eax, ~0x60000000 & 0xffffffff ; caches on
    or al, 1
    mov cr0, eax
    jmp dword GDT_CODE32_HIGH:shadow

bits 32
shadow:
    mov ax, GDT_DATA32
    mov ds, ax
    mov es, ax
    mov ss, ax
    PAM PAM0_F_READ_WRITE

    mov esi, IMAGE_TOP
    mov edi, 0xe0000
    mov ecx, 0x8000 / 4
    rep movsd
    mov edi, 0xc0000
    mov ecx, 0x8000 / 4
    rep movsd
    mov edi, 0xf0000
    mov ecx, 0x10000 / 4
    rep movsd

    ; The data segment: what C expects there, and zeros.
    extern data_load, data_start, data_size
    xor eax, eax
    mov edi, 0xe8000
    mov ecx, 0x8000 / 4
    rep stosd
    mov esi, data_load
    add esi, 0xf0000
    mov edi, data_start
    add edi, DATA << 4
    mov ecx, data_size
    rep movsb

    ; The first processor takes the interrupts of the 8259 at LINT0, and NMI at LINT1.
    mov eax, 1
    cpuid
    test edx, 1 << 9
    jz .no_apic
    mov dword [APIC + 0xf0], 0x10f
    mov dword [APIC + 0x350], 0x700
    mov dword [APIC + 0x360], 0x400
.no_apic:
    jmp GDT_CODE16:leave_protected

bits 16
leave_protected:
    mov ax, GDT_DATA16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov fs, ax
    mov gs, ax
    mov eax, cr0
    and al, ~1
    mov cr0, eax
    jmp 0xf000:.real
.real:
    mov ax, DATA
    mov ds, ax
    mov es, ax
    mov ss, ax
    extern stacks_end, stack_busy_last
    mov esp, stacks_end
    mov byte [stack_busy_last], 0xff
    extern post
    call dword post
.hang:
    hlt
    jmp .hang

; --- Protected mode, also for flat_copy --------------------------------------------------------

GDT_CODE32 equ 0x08
GDT_DATA32 equ 0x10
GDT_CODE16 equ 0x18
GDT_DATA16 equ 0x20
GDT_CODE32_HIGH equ 0x28

align 8
gdt:
    dq 0
    dq 0x00cf9b0f0000ffff ; code, 32 bits, base F0000h
    dq 0x00cf93000000ffff ; data, 32 bits, all of memory
    dq 0x00009b0f0000ffff ; code, 16 bits, base F0000h
    dq 0x0000930e0000ffff ; data, 16 bits, base E0000h
    dq 0xffcf9bff0000ffff ; code, 32 bits, base FFFF0000h: the alias
gdt_register:
    dw gdt_register - gdt - 1
    dd gdt + 0xf0000

; bool flat_copy(uint32_t to, uint32_t from, uint32_t size)
global flat_copy
flat_copy:
    push ebx
    push esi
    push edi
    mov edi, eax
    mov esi, edx
    xor eax, eax
    smsw bx
    test bl, 1 ; PE: virtual-8086 mode
    jnz .done
    pushf
    cli
    o32 lgdt [cs:gdt_register]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp GDT_CODE16:.protected
.protected:
    mov ax, GDT_DATA32
    mov ds, ax
    mov es, ax
    mov edx, ecx
    shr ecx, 2
    a32 rep movsd
    mov ecx, edx
    and ecx, 3
    a32 rep movsb
    mov ax, GDT_DATA16
    mov ds, ax
    mov es, ax
    mov eax, cr0
    and al, ~1
    mov cr0, eax
    jmp 0xf000:.real
.real:
    mov ax, DATA
    mov ds, ax
    mov es, ax
    popf
    mov eax, 1
.done:
    pop edi
    pop esi
    pop ebx
    o32 ret
