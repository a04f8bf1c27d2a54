; A Multiboot kernel that says on COM1 what it has been told, and switches itself off.
; ADDRESSES: the header says where the file goes; else it is an ELF file.
bits 32

MAGIC equ 0x1badb002
COM1 equ 0x3f8
SLEEP_CONTROL equ 0x600
SLEEP_S5 equ 5 << 2 | 0x20

%ifdef ADDRESSES
FLAGS equ 0x10003
org 0x200000
%else
FLAGS equ 3
%endif

section .text
global _start
header:
    dd MAGIC, FLAGS, -(MAGIC + FLAGS)
%ifdef ADDRESSES
    dd header, header, file_end, bss_end, _start
%endif

_start:
    mov esp, stack_top
    cmp eax, 0x2badb002
    jne bad
    cmp dword [zero], 0             ; what is behind the file is clear
    jne bad
    mov esi, [ebx + 64]             ; the loader's name
    call print
    mov esi, [ebx + 16]             ; the command line
    call print
    cmp dword [ebx + 20], 1         ; modules
    jne bad
    mov edi, [ebx + 24]
    mov esi, [edi]
    call print                      ; the module is a text that ends with NUL
    mov ecx, [ebx + 44]             ; the memory map, as it must be: at least RAM below 640 KiB
    cmp ecx, 24
    jb bad
    mov edi, [ebx + 48]
    cmp dword [edi], 20
    jne bad
    cmp dword [edi + 20], 1
    jne bad
    mov esi, good_text
    call print
off:
    mov dx, SLEEP_CONTROL
    mov al, SLEEP_S5
    out dx, al
    hlt
    jmp off

bad:
    mov esi, bad_text
    call print
    jmp off

; Prints the text at ESI and a new line.
print:
    mov dx, COM1
.next:
    lodsb
    test al, al
    jz .end
    out dx, al
    jmp .next
.end:
    mov al, 10
    out dx, al
    ret

good_text: db "multiboot: good", 0
bad_text: db "multiboot: bad", 0
file_end:

section .bss
alignb 16
zero: resd 1
    resb 1024
stack_top:
bss_end:
