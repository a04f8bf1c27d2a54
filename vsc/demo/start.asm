; Entry of VP 0 (include/child_start.h), and of the others when HvCallStartVirtualProcessor starts them.

%include "vsc/demo/demo.inc"

extern demo_main, ap_main
extern ap_start_vp
extern __stack_chk_guard

section .text
bits 64

global _start
_start:
    mov rsp, boot_stack_end
    lgdt [start_gdt_pointer]
    call load_segments
    rdtsc                               ; only has to differ from boot to boot
    shl rdx, 32
    or rax, rdx
    mov [__stack_chk_guard], rax
    xor ebp, ebp
    call demo_main
    ud2

; The context has a stack and 64-bit mode; all else as in a trampoline's end.
global ap_start_long
ap_start_long:
    lgdt [start_gdt_pointer]
    call load_segments
    mov rdi, [ap_start_vp]
    xor ebp, ebp
    call ap_main
    ud2

; Reloads CS and the data segments from the GDT that is loaded.
global load_segments
load_segments:
    pop rax
    push KERNEL_CS
    push rax
    mov eax, KERNEL_DS
    mov ds, eax
    mov es, eax
    mov ss, eax
    xor eax, eax
    mov fs, eax
    mov gs, eax
    retfq

section .rodata
align 8
start_gdt:
    dq 0
    dq 0x00af9b000000ffff               ; KERNEL_CS
    dq 0x00cf93000000ffff               ; KERNEL_DS
start_gdt_end:
start_gdt_pointer:
    dw start_gdt_end - start_gdt - 1
    dq start_gdt

section .bss
align 16
    resb 8192
boot_stack_end:

section .text.hypercall_page progbits alloc exec nowrite align=4096

; The page over which the hypervisor lays its own. Until then a call to it is a bug.
global hypercall_page
hypercall_page:
    times 4096 db 0xcc                  ; INT3

section .note.GNU-stack noalloc noexec nowrite progbits
