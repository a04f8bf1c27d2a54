; Start of a VP by INIT and SIPI: through real mode, protected mode without paging, and long mode, with an exit in each, so
; that all three are exercised. smp.c copies the code to AP_TRAMPOLINE, one VP starts at a time, and the test `modes` looks
; at what was read.

%include "vsc/demo/demo.inc"

extern ap_main, ap_start_vp, ap_start_stack, ap_start_cr3
extern load_segments

%define AP_TRAMPOLINE 0x8000            ; as in smp.c
%define AT(label) (AP_TRAMPOLINE + (label - ap_trampoline))
%define IN_SEGMENT(label) (label - ap_trampoline)
%define PROTECTED_CS 0x18

; Of include/child_start.h.
%define PORT_SCRATCH 0x500
%define PORT_MIRRORED 0x520
%define PORT_STRING 0x530
%define MMIO_MIRRORED 0xfed80020

section .rodata progbits alloc noexec nowrite align=16
bits 16
global ap_trampoline, ap_trampoline_end, ap_trampoline_seen

ap_trampoline:
    cli
    cld
    mov ax, cs
    mov ds, ax
    mov es, ax

    mov dx, PORT_MIRRORED
    in eax, dx
    mov [IN_SEGMENT(seen_real_mirrored)], eax
    mov dx, PORT_STRING
    mov di, IN_SEGMENT(seen_real_string)
    mov cx, 4
    rep insb                            ; 16-bit addresses
    xor eax, eax
    cpuid
    mov [IN_SEGMENT(seen_real_cpuid)], ebx

    lgdt [IN_SEGMENT(gdt_pointer)]
    mov eax, cr0
    or al, 1                            ; PE
    mov cr0, eax
    jmp dword PROTECTED_CS:AT(protected_mode)

bits 32
protected_mode:
    mov ax, KERNEL_DS
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov dx, PORT_MIRRORED
    in eax, dx
    mov [AT(seen_protected_mirrored)], eax
    mov eax, [MMIO_MIRRORED]
    mov [AT(seen_protected_mmio)], eax
    mov dx, PORT_SCRATCH
    mov eax, 0x50524f54
    out dx, eax
    in eax, dx
    mov [AT(seen_protected_scratch)], eax

    mov eax, cr4
    or eax, 1 << 5                      ; PAE
    mov cr4, eax
    mov eax, [ap_start_cr3]
    mov cr3, eax
    mov ecx, 0xc0000080                 ; EFER
    rdmsr
    or eax, 1 << 8 | 1 << 11            ; LME, NXE
    wrmsr
    mov eax, cr0
    or eax, 0x80010022                  ; PG, WP, NE, MP
    and eax, 0x9fffffff                 ; not CD, NW
    mov cr0, eax
    jmp KERNEL_CS:long_mode             ; in the image, below 4 GiB

align 8
gdt:
    dq 0
    dq 0x00af9b000000ffff               ; KERNEL_CS
    dq 0x00cf93000000ffff               ; KERNEL_DS
    dq 0x00cf9b000000ffff               ; PROTECTED_CS
gdt_end:
gdt_pointer:
    dw gdt_end - gdt - 1
    dd AT(gdt)
align 4
; struct ap_seen (smp.h)
ap_trampoline_seen:
seen_real_mirrored: dd 0
seen_real_string: dd 0
seen_real_cpuid: dd 0
seen_protected_mirrored: dd 0
seen_protected_mmio: dd 0
seen_protected_scratch: dd 0
ap_trampoline_end:

section .text
bits 64
long_mode:
    mov rsp, [ap_start_stack]
    call load_segments
    mov rdi, [ap_start_vp]
    xor ebp, ebp
    call ap_main
    ud2

section .note.GNU-stack noalloc noexec nowrite progbits
