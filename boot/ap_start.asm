; Start of the other processors: from the real mode of a SIPI through the boot page tables into ap_main() on the LP's own
; stack. The code between ap_trampoline and ap_trampoline_end is copied to a page below 1 MiB (lp.c), where CS:0 is its
; start; LP 0 fills the variables behind it first. Processors start one after the other.

%include "boot/boot.inc"

extern ap_main
extern ap_start_cr3, ap_start_stack

section .rodata progbits alloc noexec nowrite align=16
bits 16
global ap_trampoline, ap_trampoline_end
global ap_trampoline_page, ap_trampoline_cr3

%define AT(label) (label - ap_trampoline)

ap_trampoline:
    cli
    mov ax, cs
    mov ds, ax
    mov ebx, [AT(ap_trampoline_page)]   ; our physical address

    lea eax, [ebx + AT(gdt)]
    mov [AT(gdt_pointer) + 2], eax
    o32 lgdt [AT(gdt_pointer)]
    lea eax, [ebx + AT(.long_mode)]
    mov [AT(long_mode_pointer)], eax

    mov eax, cr4
    or eax, 1 << 5                      ; PAE
    mov cr4, eax
    mov eax, [AT(ap_trampoline_cr3)]
    mov cr3, eax
    mov ecx, 0xc0000080                 ; EFER
    rdmsr
    or eax, 1 << 8                      ; LME; straight from real to long mode
    wrmsr
    mov eax, cr0
    or eax, 0x80010021                  ; PG, WP, NE, PE
    and eax, 0x9fffffff                 ; not CD, NW
    mov cr0, eax
    jmp far dword [AT(long_mode_pointer)]

bits 64
.long_mode:
    mov eax, BOOT_DS
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov rax, ap_high
    jmp rax

align 4
ap_trampoline_page:     dd 0
ap_trampoline_cr3:      dd 0            ; boot_pml4
gdt_pointer:            dw gdt_end - gdt - 1
                        dd 0
long_mode_pointer:      dd 0
                        dw BOOT_CS
align 8
gdt:
    dq 0
    dq 0x00af9b000000ffff               ; BOOT_CS
    dq 0x00cf93000000ffff               ; BOOT_DS
gdt_end:
ap_trampoline_end:

section .text
bits 64
; In the image now. The final tables need EFER.NXE.
ap_high:
    mov ecx, 0xc0000080
    rdmsr
    or eax, 1 << 11
    wrmsr
    mov rax, [ap_start_cr3]
    mov cr3, rax
    mov rsp, [ap_start_stack]
    xor ebp, ebp
    call ap_main
    ud2

section .note.GNU-stack noalloc noexec nowrite progbits
