; Entry from a Multiboot2 boot loader, on BIOS as on UEFI: 32-bit protected mode without paging, EAX = magic, EBX =
; physical address of the information block (Multiboot2 specification 2.0, 3.3). Builds the boot page tables and continues in
; hypervisor_main() in 64-bit mode.
;
; The image may be anywhere below 4 GiB on a 2 MiB boundary, so 32-bit code uses no absolute address: EBP holds the
; physical address of image_start.

%include "boot/boot.inc"

extern hypervisor_main
extern image_start
extern __stack_chk_guard

MULTIBOOT2_MAGIC equ 0xe85250d6

section .multiboot align=8
header:
    dd MULTIBOOT2_MAGIC
    dd 0                                ; i386
    dd header_end - header
    dd 0x100000000 - (MULTIBOOT2_MAGIC + (header_end - header))

    align 8                             ; modules on page boundaries
    dw 6, 0
    dd 8

    align 8                             ; relocatable: 2 MiB alignment, as low as possible
    dw 10, 0
    dd 24
    dd 0x100000
    dd 0xffffffff
    dd 0x200000
    dd 1

    align 8
    dw 0, 0
    dd 8
header_end:

section .boot progbits alloc exec nowrite align=16

; Distances to what the linker places, for PHYSICAL.
boot_pml4_distance:     dd boot_pml4 - $
boot_pdpt_distance:     dd boot_pdpt - $
boot_directories_distance: dd boot_directories - $
boot_image_pdpt_distance: dd boot_image_pdpt - $
boot_image_directory_distance: dd boot_image_directory - $
boot_stack_distance:    dd boot_stack_top - $
image_start_distance:   dd image_start - $

; %1 = physical address of the symbol whose distance is at %2; EDX = physical address of .here
%macro PHYSICAL 2
    lea %1, [edx + (%2 - here)]
    add %1, [%1]
%endmacro

bits 32
global start
start:
    cli
    cld
    mov esi, eax                        ; magic
    ; A stack for one call: the loader gives none. ESP may be anything, so borrow 4 bytes of the
    ; information block's reserved field to find out where we are.
    lea esp, [ebx + 8]
    call here
here:
    pop edx
    PHYSICAL esp, boot_stack_distance
    PHYSICAL ebp, image_start_distance

    push edx
    push ebx
    call check_long_mode
    pop ebx
    pop edx

    ; Top level: identity (0) and PHYSMAP (256) share one table; IMAGE is entry 511.
    PHYSICAL edi, boot_pml4_distance
    PHYSICAL eax, boot_pdpt_distance
    or eax, 3
    mov [edi], eax
    mov [edi + 256 * 8], eax
    PHYSICAL eax, boot_image_pdpt_distance
    or eax, 3
    mov [edi + 511 * 8], eax
    mov ecx, edi                        ; for CR3

    ; First 4 GiB by 2 MiB pages.
    PHYSICAL edi, boot_pdpt_distance
    PHYSICAL eax, boot_directories_distance
    or eax, 3
%assign i 0
%rep 4
    mov [edi + i * 8], eax
    add eax, 4096
%assign i i + 1
%endrep
    push ecx
    PHYSICAL edi, boot_directories_distance
    mov eax, 0x83
    mov ecx, 4 * 512
.directory:
    mov [edi], eax
    add edi, 8
    add eax, 0x200000
    loop .directory
    pop ecx

    ; The image: one 2 MiB page.
    PHYSICAL edi, boot_image_pdpt_distance
    PHYSICAL eax, boot_image_directory_distance
    or eax, 3
    mov [edi + 510 * 8], eax
    PHYSICAL edi, boot_image_directory_distance
    lea eax, [ebp + 0x83]
    mov [edi], eax

    mov cr3, ecx
    mov eax, 1 << 5                     ; PAE; nothing that the firmware left
    mov cr4, eax
    mov edi, edx
    mov ecx, 0xc0000080                 ; EFER
    rdmsr
    or eax, 1 << 8                      ; LME
    wrmsr
    mov edx, edi
    mov eax, cr0
    or eax, 0x80010021                  ; PG, WP, NE, PE
    and eax, 0x9fffffff                 ; not CD, NW
    mov cr0, eax

    ; The descriptor table and the far jump are position independent, too.
    lea eax, [edx + (boot_gdt - here)]
    push eax                            ; limit and base on the stack: 6 bytes
    sub esp, 2
    mov word [esp], boot_gdt_end - boot_gdt - 1
    lgdt [esp]
    add esp, 6
    lea eax, [edx + (.long_mode - here)]
    push dword BOOT_CS
    push eax
    retf

bits 64
.long_mode:
    mov eax, BOOT_DS
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov rsp, boot_stack_top
    mov rax, high
    jmp rax
high:
    rdtsc                               ; the stack protector's value: different at each boot
    shl rdx, 32
    or rax, rdx
    xor [__stack_chk_guard], rax
    mov edi, esi
    mov esi, ebx
    mov edx, ebp
    xor ebp, ebp                        ; ends backtraces
    call hypervisor_main
    ud2

bits 32
; Goes on, or halts with a message if this processor has no 64-bit mode (Intel SDM vol. 2, CPUID; every processor that a
; Multiboot2 loader runs on has CPUID). EDX = here.
check_long_mode:
    push edx
    mov eax, 0x80000000
    cpuid
    cmp eax, 0x80000001
    jb .missing
    mov eax, 0x80000001
    cpuid
    bt edx, 29                          ; LM
    jnc .missing
    pop edx
    ret
.missing:
    pop edx
    lea esi, [edx + (no_long_mode - here)]
    mov edi, 0xb8000                    ; no UEFI on such a processor: the screen is in text mode
    mov dx, 0x3f8 + 3                   ; COM1: 115,200 baud, 8 data bits
    mov al, 0x83
    out dx, al
    mov dx, 0x3f8
    mov al, 1
    out dx, al
    inc edx
    mov al, 0
    out dx, al
    mov dx, 0x3f8 + 3
    mov al, 3
    out dx, al
.next:
    lodsb
    test al, al
    jz .halt
    mov ah, 0x0f                        ; white on black
    stosw
    mov ah, al
    mov ecx, 100000                     ; bounded: there may be no UART
    mov dx, 0x3f8 + 5
.wait:
    in al, dx
    test al, 0x20
    loopz .wait
    mov al, ah
    mov dx, 0x3f8
    out dx, al
    jmp .next
.halt:
    hlt
    jmp .halt

no_long_mode:
    db "Veneer cannot start: this processor has no 64-bit mode (long mode). "
    db "Use a 64-bit x86 processor with AMD-V or Intel VT-x.", 0

align 8
boot_gdt:
    dq 0
    dq 0x00af9b000000ffff               ; BOOT_CS: 64-bit code
    dq 0x00cf93000000ffff               ; BOOT_DS
boot_gdt_end:

section .scratch nobits alloc noexec write align=4096
global boot_pml4
boot_pml4:              resb 4096
boot_pdpt:              resb 4096
boot_directories:       resb 4 * 4096
boot_image_pdpt:        resb 4096
boot_image_directory:   resb 4096
boot_stack:             resb 16384
boot_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
