; Where VPs enter the kernel: VP 0 from the hypervisor (include/boot_info.h), the others from
; HvCallStartVirtualProcessor (smp.c).

%define BOOT_STACK_SIZE 16384

extern kernel_main
extern secondary_main
extern __stack_chk_guard

section .bss
align 16
boot_stack: resb BOOT_STACK_SIZE
boot_stack_end:

section .text

; RDI = address of the boot information, in the first 4 GiB, which are mapped one to one.
global kernel_entry
kernel_entry:
    mov rsp, boot_stack_end
    xor ebp, ebp

    ; The value that stack smashing has to guess; must be set before the first C function runs. The
    ; lowest byte stays 0: string functions stop there.
    rdtsc
    shl rdx, 32
    or rax, rdx
    mov rdx, 0x9e3779b97f4a7c15
    imul rax, rdx
    xor al, al
    mov [__stack_chk_guard], rax

    call kernel_main
    ud2

; Never returns: calls RDI with an empty stack whose top is RSI.
global stack_switch
stack_switch:
    mov rsp, rsi
    xor ebp, ebp
    call rdi
    ud2

; A VP with a complete context: own stack, tables, GS base.
global secondary_entry
secondary_entry:
    xor ebp, ebp
    call secondary_main
    ud2

section .note.GNU-stack noalloc noexec nowrite progbits
