; what: INT 13h for drive 00h, the diskette of 1.44 MB that holds this test: transfers, format, errors of the 765, tables
; cpu: 80386 80486 pentium3 max
; Formats the last cylinder of its diskette.
%include "test.inc"

BUF     equ 0x2000

%macro INT13 1
        mov ax, %1
        mov dl, 0
        int 0x13
%endmacro

start:  mov ax, BUF
        mov es, ax
        INT13 0x0000
        CHECK nc, "00h"
        CHECK_EQ ah, 0, "00h AH"
        INT13 0x1500
        CHECK nc, "15h"
        CHECK_EQ ah, 2, "15h: with a change line"
        INT13 0x1600
        CHECK nc, "16h: no change"
        push es
        INT13 0x0800
        CHECK nc, "08h"
        CHECK_EQ bl, 4, "08h: 1.44 MB"
        CHECK_EQ cx, 0x4f12, "08h: 80 cylinders, 18 sectors"
        CHECK_EQ dh, 1, "08h: heads"
        CHECK_EQ byte [es:di + 4], 18, "08h: table"
        pop es

        ; the boot sector again
        xor bx, bx
        mov cx, 1
        mov dh, 0
        INT13 0x0201
        CHECK nc, "02h"
        CHECK_EQ ax, 1, "02h AX"
        call boot_same
        CHECK e, "02h: contents"
        mov cx, 1
        mov dh, 0
        INT13 0x0412
        CHECK nc, "04h, a track"
        CHECK_EQ al, 18, "04h AL"

        ; write on the last cylinder, read back with other cylinders between
        mov di, 0
        mov cx, 36 * 256
        mov ax, 0x1357
.fill:  stosw
        add ax, 0x0101
        loop .fill
        xor bx, bx
        mov cx, 0x4f01
        mov dh, 0
        INT13 0x0312
        CHECK nc, "03h, a track"
        CHECK_EQ al, 18, "03h AL"
        mov cx, 0x4f01
        mov dh, 1
        mov bx, 18 * 512
        INT13 0x0312
        CHECK nc, "03h, head 1"
        mov cx, 0x1401
        mov dh, 1
        mov bx, 0x8000
        INT13 0x0203
        CHECK nc, "02h, cylinder 20"
        mov ax, 0x3000
        mov es, ax
        xor bx, bx
        mov cx, 0x4f01
        mov dh, 0
        INT13 0x0224                    ; 36 sectors: on to head 1 at EOT
        CHECK nc, "02h, both heads"
        CHECK_EQ al, 36, "02h, both heads: AL"
        push ds
        mov ax, BUF
        mov ds, ax
        xor si, si
        xor di, di
        mov cx, 36 * 256
        repe cmpsw
        pop ds
        CHECK e, "02h, both heads: contents"

        ; errors
        mov ax, 0x3000
        mov es, ax
        mov bx, 0xff00
        mov cx, 1
        mov dh, 0
        INT13 0x0201
        CHECK c, "64 KiB boundary"
        CHECK_EQ ah, 9, "64 KiB boundary: AH"
        INT13 0x0100
        CHECK_EQ ah, 9, "01h tells the last status"
        xor bx, bx
        mov cx, 40                      ; sector 40
        mov dh, 0
        INT13 0x0201
        CHECK c, "sector 40"
        CHECK_EQ ah, 4, "sector 40: AH"
        INT13 0x0000
        mov cx, 0x0011                  ; 17, 18, and on to the next cylinder
        mov dh, 1
        INT13 0x0204
        CHECK nc, "past head 1"
        CHECK_EQ al, 4, "past head 1: AL"
        CHECK_EQ cx, 0x0011, "past head 1: CX"
        mov bx, 0x1000
        mov cx, 0x0101
        mov dh, 0
        INT13 0x0202
        push ds
        push es
        pop ds
        mov si, 0x400
        mov di, 0x1000
        mov cx, 512
        repe cmpsw
        pop ds
        CHECK e, "past head 1: contents"
        xor bx, bx
        INT13 0x0000
        INT13 0x0200
        CHECK c, "no sectors"
        INT13 0x4100
        CHECK c, "41h"
        mov dl, 1
        mov ax, 0x0201
        mov cx, 1
        int 0x13
        CHECK c, "drive B"
        INT13 0x1900
        CHECK c, "19h"

        ; format the last track: sector numbers turned round, then read one of them
        push es
        mov ch, 79
        mov cl, 18
        INT13 0x1800
        CHECK nc, "18h"
        mov ah, 0x18
        mov dl, 0
        mov ch, 79
        mov cl, 18
        int 0x13
        CHECK_EQ byte [es:di + 4], 18, "18h: table"
        mov ch, 79
        mov cl, 33
        INT13 0x1800
        CHECK c, "18h, no such format"
        CHECK_EQ ah, 0x0c, "18h, no such format: AH"
        push ds
        pop es
        mov di, ids
        mov cx, 18
        mov al, 1
.id:    mov byte [di], 79
        mov byte [di + 1], 1
        mov [di + 2], al
        mov byte [di + 3], 2
        add di, 4
        inc ax
        loop .id
        mov bx, ids
        mov cx, 0x4f01
        mov dh, 1
        INT13 0x0512
        CHECK nc, "05h"
        pop es
        xor bx, bx
        mov cx, 0x4f12
        mov dh, 1
        INT13 0x0201
        CHECK nc, "02h after 05h"
        CHECK_EQ word [es:bx + 510], 0xf6f6, "05h: fill byte"

        ; the table of INT 1Eh is heeded: EOT 9 takes a transfer to head 1 there
        push es
        mov di, dpt
        push ds
        lds si, [0x1e * 4]
        xor ax, ax
        mov es, ax
        mov cx, 11
        rep movsb
        pop ds
        pop es
        mov byte [dpt + 4], 9
        mov eax, [0x1e * 4]
        push eax
        mov word [0x1e * 4], dpt
        mov word [0x1e * 4 + 2], 0
        mov cx, 0x4f09
        mov dh, 0
        xor bx, bx
        INT13 0x0202
        CHECK nc, "EOT of INT 1Eh"
        CHECK_EQ word [es:bx + 512], 0xf6f6, "EOT of INT 1Eh: on to head 1"
        mov cx, 0x4f08
        mov dh, 1
        INT13 0x0204                    ; 8, 9, and no further
        pop dword [0x1e * 4]
        CHECK c, "EOT of INT 1Eh: end of the cylinder"
        CHECK_EQ ax, 0x0402, "EOT of INT 1Eh: end of the cylinder: AX"

        ; motor: on now, off by itself
        test byte [0x43f], 1
        CHECK nz, "motor on"
        mov ax, 60
        call ticks
        test byte [0x43f], 1
        CHECK z, "motor off"
        jmp finish

boot_same:
        push ds
        xor ax, ax
        mov ds, ax
        mov si, 0x7c00
        xor di, di
        mov cx, 256
        repe cmpsw
        pop ds
        ret

dpt:    times 16 db 0
ids:    times 72 db 0
TEST_END
