; Firmware of the emulated PC that tests the machine from the reset vector on, and says on COM1 what
; is good. 128 KiB: F000:0000 is at file offset 10000h.
bits 16

COM1 equ 0x3f8
STACK equ 0x7000
DATA equ 0x500                          ; variables, in segment 0:
ticks equ DATA                          ; dword
vectors equ DATA + 4                    ; byte: the last interrupt
starts equ DATA + 8                     ; dword: how often the machine has started
ap_count equ DATA + 12                  ; dword
saved_sp equ DATA + 16                  ; dword
fault_error equ DATA + 24               ; qword
fault_cr2 equ DATA + 32                 ; qword
PM_BASE equ 0xb000

%macro say 1+
    call print
    db %1, 0
%endmacro

; Says that test %1 is good, or bad if the zero flag is clear.
%macro verdict 1
    call print_verdict
    db %1, 0
%endmacro

section low start=0 align=1
    times 0x10000 db 0xe0               ; E0000h, as long as it is ROM

section rom start=0x10000 vstart=0 align=1
start:
    mov sp, 0                           ; flags and EDX as they are
    mov ax, 0
    mov ss, ax
    mov sp, STACK
    mov ds, ax
    mov es, ax
    mov ebp, edx
    cld
    inc dword [starts]
    cmp dword [starts], 1
    jne again
    say "pc: started", 10

    call check_reset_state
    verdict "reset state"

    call test_strings
    call setup_pic
    call test_pit
    call test_masked
    call test_rtc
    call test_keyboard
    call test_pci
    call test_shadow
    call test_video
    call test_protected_mode
    call test_long_mode
    call test_other_processor
    mov dx, 0xcf9                       ; the first reset
    mov al, 6
    out dx, al
    jmp not_reset

; Started once more: memory is as it was, nothing else.
again:
    say "pc: started again", 10
    call check_reset_state
    verdict "state after a reset"
    call check_devices
    verdict "devices after a reset"
    cmp dword [starts], 3
    jb .triple_fault
    je .keyboard
    cmp dword [starts], 5
    jae power_off
    in al, 0x92
    or al, 1
    out 0x92, al
    jmp not_reset
.keyboard:
    mov al, 0xfe
    out 0x64, al
    jmp not_reset
.triple_fault:
    lidt [cs:.no_idt]
    int3
.no_idt: dw 0, 0, 0

not_reset:
    test sp, sp
    verdict "reset, which has not come:"
    jmp power_off

; EBP is EDX as it was.
check_reset_state:
    cmp ebp, 0x600                      ; family 6
    jne .reset_done
    mov eax, cr0
    cmp eax, 0x60000010
    jne .reset_done
    mov ax, cs
    cmp ax, 0xf000
.reset_done:
    ret

; The 8259 masked, the bridges' registers 0.
check_devices:
    in al, 0x21
    cmp al, 0xff
    jne .done
    mov eax, 7 << 11 | 3 << 8 | 0x80
    call pci_read
    test al, 1
    jne .done
    mov eax, 0x58
    call pci_read
    cmp eax, 0
.done:
    ret

%include "tests/guest/pc_print.inc"

; --- Strings to a port ---
test_strings:
    push ds
    push cs
    pop ds
    mov si, .text
    mov cx, .text_end - .text
    mov dx, COM1
    rep outsb
    pop ds
    cmp cx, 0
    jne .done
    cmp si, .text_end
.done:
    verdict "strings"
    ret
.text: db "pc: by a string", 10
.text_end:

; --- 8259 and 8254 ---
setup_pic:
    mov al, 0x11
    out 0x20, al
    out 0xa0, al
    mov al, 8
    out 0x21, al
    mov al, 0x70
    out 0xa1, al
    mov al, 4
    out 0x21, al
    mov al, 2
    out 0xa1, al
    mov al, 1
    out 0x21, al
    out 0xa1, al
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    ret

; Interrupt vector AL goes to F000:BX.
set_vector:
    push di
    movzx di, al
    shl di, 2
    mov [di], bx
    mov [di + 2], cs
    pop di
    ret

timer_handler:
    push ax
    inc dword [cs:0]                    ; ROM: is dropped
    push ds
    xor ax, ax
    mov ds, ax
    inc dword [ticks]
    pop ds
    mov al, 0x20
    out 0x20, al
    pop ax
    iret

test_pit:
    mov al, 8
    mov bx, timer_handler
    call set_vector
    mov dword [ticks], 0
    mov al, 0x34                        ; mode 2, 11932 ticks: 100 Hz
    out 0x43, al
    mov al, 0x9c
    out 0x40, al
    mov al, 0x2e
    out 0x40, al
    mov al, 0xfe
    out 0x21, al
    sti
.halt:
    hlt
    cmp dword [ticks], 5
    jb .halt
    mov ecx, 0                          ; and while it does not halt
.spin:
    cmp dword [ticks], 8
    jae .good
    inc ecx
    cmp ecx, 0x40000000
    jb .spin
    jmp .done
.good:
    cmp al, al
.done:
    cli
    verdict "timer"
    ret

; What comes while interrupts are off waits, as one, and goes if it is masked meanwhile.
test_masked:
    cli
    mov al, 0x0a                        ; OCW3: read IRR
    out 0x20, al
.wait:
    in al, 0x20
    test al, 1
    jz .wait
    mov eax, [ticks]
    mov ebx, eax
    mov al, 0xff
    out 0x21, al
    sti
    nop
    nop
    cli
    cmp [ticks], ebx                    ; masked: none
    jne .done
    mov al, 0xfe
    out 0x21, al
    sti
    nop
    nop
    cli
    inc ebx
    cmp [ticks], ebx                    ; exactly the one
.done:
    pushf
    mov al, 0xff
    out 0x21, al
    popf
    verdict "masked interrupts"
    ret

; --- Clock: periodic interrupt by the slave ---
rtc_handler:
    push ax
    push ds
    xor ax, ax
    mov ds, ax
    inc dword [ticks]
    pop ds
    mov al, 0x0c
    out 0x70, al
    in al, 0x71
    mov al, 0x20
    out 0xa0, al
    out 0x20, al
    pop ax
    iret

test_rtc:
    mov al, 0x70
    mov bx, rtc_handler
    call set_vector
    mov dword [ticks], 0
    mov al, 0x0a
    out 0x70, al
    mov al, 0x26                        ; 1024 Hz
    out 0x71, al
    mov al, 0x0b
    out 0x70, al
    in al, 0x71
    or al, 0x40
    mov ah, al
    mov al, 0x0b
    out 0x70, al
    mov al, ah
    out 0x71, al
    mov al, 0xfb
    out 0x21, al
    mov al, 0xfe
    out 0xa1, al
    sti
.halt:
    hlt
    cmp dword [ticks], 20
    jb .halt
    cli
    mov al, 0x0b
    out 0x70, al
    mov al, 0x02
    out 0x71, al
    mov al, 0xff
    out 0x21, al
    out 0xa1, al
    cmp al, al
    verdict "clock"
    ret

; --- Keyboard controller ---
test_keyboard:
    mov al, 0xaa
    out 0x64, al
.wait:
    in al, 0x64
    test al, 1
    jz .wait
    in al, 0x60
    cmp al, 0x55
    verdict "keyboard controller"
    ret

; --- PCI ---
; EAX of register EAX (with device and function) of the bus.
pci_read:
    or eax, 0x80000000
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    in eax, dx
    ret

; Writes EBX.
pci_write:
    or eax, 0x80000000
    mov dx, 0xcf8
    out dx, eax
    mov dx, 0xcfc
    mov eax, ebx
    out dx, eax
    ret

test_pci:
    mov eax, 0
    call pci_read
    cmp eax, 0x71928086
    jne .done
    mov eax, 7 << 11
    call pci_read
    cmp eax, 0x71108086
    jne .done
    mov eax, 30 << 11
    call pci_read
    cmp eax, -1
.done:
    verdict "PCI"
    ret

; --- Shadow RAM: the host bridge's PAM registers. We run in F0000h to FFFFFh. ---
PAM0 equ 0x59

; PAM register BL = BH.
pam:
    movzx eax, bl
    and al, 0xfc
    or eax, 0x80000000
    mov dx, 0xcf8
    out dx, eax
    movzx dx, bl
    and dl, 3
    add dx, 0xcfc
    mov al, bh
    out dx, al
    ret

test_shadow:
    push ds
    push es
    mov ax, 0xc000
    mov es, ax
    mov bx, 0x005a                      ; C0000h to C7FFFh: nothing
    call pam
    cmp word [es:0], 0xffff
    jne .done
    mov bx, 0x225a                      ; writes only
    call pam
    mov word [es:0], 0x1234
    cmp word [es:0], 0xffff
    jne .done
    mov bx, 0x115a                      ; reads only
    call pam
    cmp word [es:0], 0x1234
    jne .done
    mov word [es:0], 0x4321             ; is dropped
    inc byte [es:0]                     ; so is this
    cmp word [es:0], 0x1234
    jne .done
    mov bx, 0x335a
    call pam
    inc word [es:0]
    cmp word [es:0], 0x1235
    jne .done
    mov byte [es:0x7fff], 7             ; and the second part of it
    cmp byte [es:0x7fff], 7
    jne .done

    mov bx, 0x2059                      ; F0000h: copied while it is written behind the ROM
    call pam
    mov ax, 0xf000
    mov ds, ax
    mov es, ax
    xor si, si
    xor di, di
    mov cx, 0x4000
    rep movsd
    mov bx, 0x3059                      ; we go on in RAM
    call pam
    inc word [cs:.in_ram]
    cmp word [cs:.in_ram], 1
    jne .done
    mov bx, 0x1059
    call pam
    inc word [cs:.in_ram]
    cmp word [cs:.in_ram], 1
.done:
    pop es
    pop ds
    verdict "shadow RAM"
    ret
.in_ram: dw 0

%include "tests/guest/pc_modes.inc"

; --- The end, by ACPI ---
power_off:
    say "pc: done", 10
    mov eax, 7 << 11 | 3 << 8 | 0x40
    mov ebx, PM_BASE | 1
    call pci_write
    mov eax, 7 << 11 | 3 << 8 | 0x80
    mov ebx, 1
    call pci_write
    mov dx, PM_BASE + 4
    mov ax, 0x2000
    out dx, ax
    say "pc: still on BAD", 10
    hlt

    times 0xfff0 - ($ - $$) db 0
reset_vector:
    jmp 0xf000:start
    times 0x10000 - ($ - $$) db 0
