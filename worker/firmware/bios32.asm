; BIOS32: "Standard BIOS 32-bit Service Directory Proposal", revision 0.4, with the PCI BIOS as its only
; service. Called far in protected mode by systems whose segments are flat or begin at F0000h.

%define SERVICE_PCI 0x49435024 ; "$PCI"
%define NO_SUCH_SERVICE 0x80
%define NO_SUCH_FUNCTION 0x81

bits 32
section .text

; EAX: the service's name, BL: 0. Returns AL, EBX: where it is, ECX: its size, EDX: its entry.
global bios32_directory
bios32_directory:
    test bl, bl
    jnz .no_function
    cmp eax, SERVICE_PCI
    jne .no_service
    mov ebx, 0xf0000
    mov ecx, 0x10000
    mov edx, pci_entry
    xor al, al
    retf
.no_service:
    mov al, NO_SUCH_SERVICE
    retf
.no_function:
    mov al, NO_SUCH_FUNCTION
    retf

; Registers as for INT 1Ah AH=B1h. Makes a struct frame of them.
pci_entry:
    pushfw
    cld
    lea esp, [esp - 6]
    pushad
    sub esp, 8
    mov eax, esp
    extern protected_pci_functions
    call protected_pci_functions
    add esp, 8
    popad
    lea esp, [esp + 6]
    popfw
    retf
