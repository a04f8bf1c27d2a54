; A boot sector and what it loads: asks each service of a BIOS for what its specification says, and
; tells on COM1, a line "ok NAME" or "FAIL NAME" for each. Switches the machine off at the end. Runs
; from a floppy, a hard disk, or a CD that emulates one; writes to the disk if it may.
;
; Assembled with WRITABLE if the disk can be written, and with SECTORS_PER_TRACK of a floppy.

bits 16
org 0x7c00

COM1 equ 0x3f8
PM_CONTROL equ 0xb004        ; PIIX4: power off is S5, type 0
PM_OFF equ 0x2000
LOAD_SECTORS equ 16
FREE_SECTOR equ 17           ; one that nobody uses
BUFFER equ 0xb000
BUFFER_2 equ 0xb800

    jmp 0:start
start:
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov sp, 0x7000
    cld
    mov [drive], dl
    pushf
    pop word [flags_at_start]

    ; One sector at a time: a CD's and a floppy's tracks end anywhere.
    mov bx, 0x7e00
    mov cx, 2
    mov si, LOAD_SECTORS
.load:
    mov ax, 0x0201
    mov dx, [drive]
    xor dh, dh
    int 0x13
    jc .failed
    add bx, 512
    inc cx
    dec si
    jnz .load
    jmp tests
.failed:
    mov si, load_failed
    call print
    cli
    hlt

; DS:SI, ends with 0, to COM1.
print:
    push ax
    push dx
.next:
    lodsb
    test al, al
    jz .done
    call put
    jmp .next
.done:
    pop dx
    pop ax
    ret

put:
    push dx
    push ax
    mov dx, COM1 + 5
.wait:
    in al, dx
    test al, 0x20
    jz .wait
    pop ax
    mov dx, COM1
    out dx, al
    pop dx
    ret

drive: dw 0
flags_at_start: dw 0
load_failed: db 'FAIL load', 10, 0

    times 510 - ($ - $$) db 0
    dw 0xaa55

; CHECK CONDITION, TEXT: "ok TEXT" if the condition (as of Jcc) is true.
%macro CHECK 2
    j%1 %%good
    call say_fail
    jmp %%name
%%good:
    call say_ok
%%name:
    push si
    mov si, %%text
    call print_line
    pop si
    jmp %%end
%%text: db %2, 0
%%end:
%endmacro

say_ok:
    pushf
    push si
    mov si, ok_text
    call print
    pop si
    popf
    ret
say_fail:
    pushf
    push si
    mov si, fail_text
    call print
    inc byte [failures]
    pop si
    popf
    ret
print_line:
    call print
    push ax
    mov al, 10
    call put
    pop ax
    ret

; EAX in hexadecimal.
print_hex:
    push ecx
    push ebx
    mov ebx, eax
    mov cx, 8
.digit:
    rol ebx, 4
    mov al, bl
    and al, 15
    add al, '0'
    cmp al, '9'
    jbe .put
    add al, 'a' - '0' - 10
.put:
    call put
    loop .digit
    mov al, ' '
    call put
    pop ebx
    pop ecx
    ret

tests:
    test word [flags_at_start], 0x200
    CHECK nz, 'started with interrupts enabled'
    call memory
    call system
    call registers
    call disk
    call keyboard
    call clock
    call video
    call vbe
    call pci
    call bios32
    call image
    mov si, done_text
    call print
    mov al, [failures]
    add al, '0'
    call put
    mov si, failures_text
    call print_line
    mov dx, PM_CONTROL
    mov ax, PM_OFF
    out dx, ax
    cli
    hlt

%include "tests/guest/bios_system.inc"

; --- What a service must leave alone ---------------------------------------------------------------

registers:
    mov eax, 0x11110e00 + '*'
    mov ebx, 0x22220007
    mov ecx, 0x33333333
    mov edx, 0x44444444
    mov esi, 0x55555555
    mov edi, 0x66666666
    mov ebp, 0x77777777
    movzx esp, sp
    or esp, 0x88880000
    mov [esp_before], esp
    int 0x10
    mov [esp_after], esp
    movzx esp, sp
    cmp ebx, 0x22220007
    jne .end
    cmp ecx, 0x33333333
    jne .end
    cmp edx, 0x44444444
    jne .end
    cmp esi, 0x55555555
    jne .end
    cmp edi, 0x66666666
    jne .end
    cmp ebp, 0x77777777
    jne .end
    shr eax, 16
    cmp ax, 0x1111
    jne .end
    mov eax, [esp_before]
    cmp eax, [esp_after]
.end:
    CHECK e, 'registers survive'
    cli
    mov ah, 0x01
    int 0x16
    pushf
    pop ax
    sti
    test ax, 0x200
    CHECK z, 'interrupts stay disabled'
    ; On a small stack somewhere else.
    mov bx, ss
    mov cx, sp
    mov ax, 0x1000
    mov ss, ax
    mov sp, 0x40
    pusha
    mov ah, 0x88
    int 0x15
    popa
    mov dx, sp
    mov ss, bx
    mov sp, cx
    cmp dx, 0x40
    CHECK e, 'a small stack is enough'
    ret

%include "tests/guest/bios_disk.inc"

; --- Keyboard -----------------------------------------------------------------------------------------

keyboard:
    mov ah, 0x01
    int 0x16
    CHECK z, 'int 16h 01h: no key'
    mov ah, 0x05
    mov cx, 0x1e61
    int 0x16
    cmp al, 0
    CHECK e, 'int 16h 05h'
    mov ah, 0x01
    int 0x16
    CHECK nz, 'int 16h 01h: a key'
    mov ah, 0x00
    int 0x16
    cmp ax, 0x1e61
    CHECK e, 'int 16h 00h'
    mov ah, 0x05            ; the grey up key
    mov cx, 0x48e0
    int 0x16
    mov ah, 0x00
    int 0x16
    cmp ax, 0x4800
    CHECK e, 'int 16h 00h: a grey key'
    mov ah, 0x05
    mov cx, 0x48e0
    int 0x16
    mov ah, 0x10
    int 0x16
    cmp ax, 0x48e0
    CHECK e, 'int 16h 10h: a grey key'
    mov al, 0xd2            ; the controller pretends that a key was pressed: q
    out 0x64, al
    call io_wait
    mov al, 0x10
    out 0x60, al
    mov ah, 0x00
    int 0x16
    cmp ax, 0x1071
    CHECK e, 'int 09h'
    ret

io_wait:
    in al, 0x64
    test al, 2
    jnz io_wait
    ret

; --- Time ---------------------------------------------------------------------------------------------

clock:
    mov ah, 0x00
    int 0x1a
    mov bx, dx
    mov cx, 3
    mov dx, 0x0d40          ; 200 ms
    mov ah, 0x86
    int 0x15
    CHECK nc, 'int 15h 86h'
    mov ah, 0x00
    int 0x1a
    sub dx, bx
    cmp dx, 3
    CHECK ae, 'int 1Ah 00h: ticks'
    cmp dx, 9
    CHECK be, 'int 15h 86h: not too long'
    mov ah, 0x02
    int 0x1a
    CHECK nc, 'int 1Ah 02h'
    cmp ch, 0x24
    CHECK b, 'int 1Ah 02h: hours'
    mov ah, 0x04
    int 0x1a
    cmp ch, 0x20
    CHECK e, 'int 1Ah 04h: century'
    ret

%include "tests/guest/bios_video.inc"

%include "tests/guest/bios_pci.inc"

; --- The image ------------------------------------------------------------------------------------------

image:
    push es
    mov ax, 0xf000
    mov es, ax
    cmp dword [es:0xfff0], 0x00e05bea
    CHECK e, 'F000:FFF0'
    cmp byte [es:0xfffe], 0xfc
    CHECK e, 'F000:FFFE'
    mov al, [es:0x8000]
    not byte [es:0x8000]
    cmp al, [es:0x8000]
    CHECK e, 'segment F000h is read-only'
    mov ax, 0xe000
    mov es, ax
    mov al, [es:0x7000]
    not byte [es:0x7000]
    cmp al, [es:0x7000]
    CHECK ne, 'segment E000h is not'
    mov ax, 0xc000
    mov es, ax
    cmp word [es:0], 0xaa55
    CHECK e, 'the VGA BIOS'
    pop es
    ret

align 8
gdt:
    dq 0, 0
    dw 0xffff
gdt_source:
    dd 0
    dw 0
    dw 0xffff
gdt_target:
    dd 0
    dw 0
    dq 0, 0

flat_table:
    dq 0
    dq 0x00cf9b000000ffff
    dq 0x00cf93000000ffff
    dq 0x00009b000000ffff
    dq 0x000093000000ffff
flat_gdt:
    dw flat_gdt - flat_table - 1
    dd flat_table
bios32_pointer:
    dd 0
    dw 0x08
bios32_found: db 0xff
bios32_present: dd 0
bios32_id: dw 0

packet_size: db 16, 0
packet_count: dw 0
packet_buffer: dd 0
packet_lba: dq 0
packet_flat: dq 0

ok_text: db 'ok ', 0
fail_text: db 'FAIL ', 0
e820_text: db 'e820 ', 0
done_text: db 'BIOS tests: ', 0
failures_text: db ' failures', 0
failures: db 0
bad: db 0
sectors: dw 0
above_1m: dd 0
esp_before: dd 0
esp_after: dd 0


    times (LOAD_SECTORS + 1) * 512 - ($ - $$) db 0
