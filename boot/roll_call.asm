; What processors execute that the firmware has not listed (roll_call.c): each enters its APIC id into the list and halts.
; The code is copied to a page below 1 MiB, where CS:0 is its start, and runs in the real mode of a SIPI. The list
; follows it in the same page.

%include "asm_offsets.inc"

section .rodata progbits alloc noexec nowrite align=16
bits 16
global roll_call_code, roll_call_code_end
global roll_call_count, roll_call_apic_ids

%define AT(label) (label - roll_call_code)

roll_call_code:
    cli
    mov ax, cs
    mov ds, ax

    ; The id with all its bits from leaf 0Bh, else the 8 bits of leaf 1.
    xor eax, eax
    cpuid
    cmp eax, 0x0b
    jb .short_id
    mov eax, 0x0b
    xor ecx, ecx
    cpuid
    test ebx, ebx
    jz .short_id
    mov eax, edx
    jmp .report
.short_id:
    mov eax, 1
    cpuid
    shr ebx, 24
    mov eax, ebx

.report:
    mov ecx, 1
    lock xadd [AT(roll_call_count)], ecx
    cmp ecx, MAX_LPS
    jae .halt
    mov [AT(roll_call_apic_ids) + ecx * 4], eax
.halt:
    hlt
    jmp .halt

align 4
roll_call_count: dd 0
roll_call_apic_ids:                     ; MAX_LPS of them
roll_call_code_end:

section .note.GNU-stack noalloc noexec nowrite progbits
