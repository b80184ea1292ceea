; what: INT 13h 4Bh and 4Dh, and drive numbers, when this diskette is emulated from a CD-ROM by El Torito
; cpu: 80386 80486 pentium3 max
; Start it as the boot image (1.44 MB diskette emulation) of a CD-ROM, with another diskette in drive A.
%include "test.inc"

BUF     equ 0x2000

start:  mov [drive], dl
        mov si, packet
        mov ax, 0x4b01
        mov dl, 0
        int 0x13
        CHECK nc, "4B01h"
        CHECK_EQ byte [packet], 0x13, "4B01h: size"
        CHECK_EQ byte [packet + 1], 2, "4B01h: 1.44 MB"
        CHECK_EQ byte [packet + 2], 0, "4B01h: drive"
        CHECK_EQ word [packet + 0x0c], 0x07c0, "4B01h: load segment"
        CHECK_EQ word [packet + 0x10], 0x124f, "4B01h: cylinders and sectors"
        CHECK_EQ byte [packet + 0x12], 1, "4B01h: heads"
        mov ah, 8
        mov dl, 0
        int 0x13
        CHECK nc, "08h"
        CHECK_EQ cx, 0x4f12, "08h CX"
        CHECK_EQ bl, 4, "08h BL"
        CHECK_EQ dh, 1, "08h DH"
        CHECK_EQ dl, 2, "08h: two drives"
        mov ax, [0x410]
        and ax, 0xc1
        CHECK_EQ ax, 0x41, "equipment: two drives"
        mov ax, 0x1500
        mov dl, 0
        int 0x13
        CHECK_EQ ah, 1, "15h"

        ; sectors that do not begin a block of the CD-ROM, more than one track
        mov ax, BUF
        mov es, ax
        xor bx, bx
        mov ax, 0x0211
        mov cx, 2
        mov dx, 0
        int 0x13
        CHECK nc, "02h"
        CHECK_EQ al, 17, "02h AL"
        xor di, di
        mov si, 0x7e00
        mov cx, failures - 0x7e00       ; only what has not changed since
        repe cmpsb
        CHECK e, "02h: contents"
        mov di, checked - 0x7e00
        mov si, checked
        mov cx, 16
        repe cmpsb
        CHECK e, "02h: contents further on"
        mov ax, 0x0301
        mov cx, 2
        mov dx, 0
        int 0x13
        CHECK c, "03h"
        CHECK_EQ ah, 3, "03h: write-protected"
        mov ax, 0x0401
        mov cx, 2
        mov dx, 0
        int 0x13
        CHECK nc, "04h"
        mov ax, 0x0201
        mov cx, 0x5001                  ; cylinder 80
        mov dx, 0
        int 0x13
        CHECK c, "past the end"

        ; the catalogue
        mov word [cmd + 2], 0
        mov word [cmd + 4], BUF
        mov si, cmd
        mov ax, 0x4d00
        mov dl, 0
        int 0x13
        CHECK nc, "4Dh"
        CHECK_EQ word [es:0], 1, "4Dh: validation entry"
        CHECK_EQ word [es:30], 0xaa55, "4Dh: key"
        CHECK_EQ byte [es:32], 0x88, "4Dh: initial entry"

        ; the real drive A
        mov cx, 4
.b:     push cx
        xor bx, bx
        mov ax, 0x0201
        mov cx, 1
        mov dx, 1
        int 0x13
        pop cx
        jnc .read
        loop .b
.read:  CHECK nc, "drive B is the real A"

        ; the end of the emulation
        mov si, packet
        mov ax, 0x4b00
        mov dl, 0x7f
        int 0x13
        CHECK nc, "4B00h"
        mov ax, [0x410]
        and ax, 0xc1
        CHECK_EQ ax, 0x01, "equipment: one drive"
        mov ah, 8
        mov dl, 0
        int 0x13
        CHECK_EQ dl, 1, "08h: one drive"
        mov si, packet
        mov ax, 0x4b01
        mov dl, 0
        int 0x13
        CHECK c, "4B01h after the end"
        jmp finish

checked: db 'sixteen letters!'
drive:  db 0
cmd:    db 8, 1
        dw 0, 0, 0
packet: times 0x20 db 0
TEST_END
