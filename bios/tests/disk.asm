; what: INT 13h for drive 80h: CHS, EDD, tables, errors, buffers at the ends of segments. Writes over the disk, which needs 2 MiB
; cpu: 80386 80486 pentium3 max
; Under another firmware the checks of status codes differ: what it returns is shown by FAIL.
%include "test.inc"

BUF     equ 0x2000              ; segments of the buffers
BUF2    equ 0x3000

; ES:BX <- CX sectors filled with a pattern that begins with EAX and counts sectors
pattern:
        pushad
        mov di, bx
        cld
.sect:  push cx
        mov cx, 128
        mov edx, eax
.word:  mov [es:di], edx
        add di, 4
        jnc .same
        mov bp, es
        add bp, 0x1000
        mov es, bp
.same:  add edx, 0x01010101
        loop .word
        inc eax
        pop cx
        loop .sect
        popad
        ret
; ZF = 1 when CX sectors at ES:BX hold the pattern EAX
same:   pushad
        push es
        mov di, bx
.sect:  push cx
        mov cx, 128
        mov edx, eax
.word:  cmp [es:di], edx
        jne .no
        add di, 4
        jnc .ok
        mov bp, es
        add bp, 0x1000
        mov es, bp
.ok:    add edx, 0x01010101
        loop .word
        inc eax
        pop cx
        loop .sect
        xor ax, ax
        jmp .end
.no:    pop cx
        or al, 1
.end:   pop es
        popad
        ret

%macro INT13 1
        mov ax, %1
        mov dl, 0x80
        int 0x13
%endmacro
; packet: sectors, segment, offset, LBA
%macro PACKET 4
        mov word [packet + 2], %1
        mov word [packet + 4], %3
        mov word [packet + 6], %2
        mov dword [packet + 8], %4
        mov dword [packet + 12], 0
        mov si, packet
%endmacro

start:  cli
        pushf
        pop ax
        INT13 0x0000
        CHECK nc, "00h"
        CHECK_EQ ah, 0, "00h AH"
        INT13 0x0800
        CHECK nc, "08h"
        CHECK_EQ ah, 0, "08h AH"
        CHECK_EQ dl, 1, "08h: one disk"
        mov [heads], dh
        inc byte [heads]
        mov al, cl
        and al, 63
        mov [spt], al
        CHECK_EQ byte [0x475], 1, "40:75"
        INT13 0x1500
        CHECK nc, "15h"
        CHECK_EQ ah, 3, "15h AH"
        INT13 0x1000
        CHECK nc, "10h"
        INT13 0x1100
        CHECK nc, "11h"
        mov cx, 1
        mov dh, 0
        INT13 0x0c00
        CHECK nc, "0Ch"
        INT13 0x0900
        CHECK nc, "09h"
        INT13 0x1400
        CHECK nc, "14h"
        INT13 0x0d00
        CHECK nc, "0Dh"
        INT13 0x1600
        CHECK c, "16h is for diskettes"
        INT13 0x5500
        CHECK c, "55h"
        CHECK_EQ ah, 1, "55h AH"
        mov dl, 0x8f
        mov ax, 0x0201
        mov cx, 1
        int 0x13
        CHECK c, "drive 8Fh"

        ; write and read by CHS, one sector
        mov ax, BUF
        mov es, ax
        xor bx, bx
        mov eax, 0x11000000
        mov cx, 1
        call pattern
        mov cx, 0x0003
        mov dh, 1
        INT13 0x0301
        CHECK nc, "03h"
        CHECK_EQ al, 1, "03h AL"
        mov ax, BUF2
        mov es, ax
        mov cx, 0x0003
        mov dh, 1
        INT13 0x0201
        CHECK nc, "02h"
        CHECK_EQ ax, 1, "02h AX"
        mov eax, 0x11000000
        mov cx, 1
        call same
        CHECK e, "02h reads what 03h wrote"
        mov cx, 0x0003
        mov dh, 1
        INT13 0x0401
        CHECK nc, "04h"

        ; the same sector by LBA
        movzx eax, byte [spt]
        add eax, 2
        mov [lba], eax
        mov bx, 0x55aa
        INT13 0x4100
        CHECK nc, "41h"
        CHECK_EQ bx, 0xaa55, "41h BX"
        CHECK_EQ ah, 0x30, "41h AH"
        test cl, 5
        CHECK nz, "41h CX"
        mov eax, [lba]
        PACKET 1, BUF2, 0x1000, eax
        INT13 0x4200
        CHECK nc, "42h"
        CHECK_EQ ah, 0, "42h AH"
        mov bx, 0x1000
        mov eax, 0x11000000
        mov cx, 1
        call same
        CHECK e, "CHS and LBA name the same sector"

        ; 128 sectors, from an odd place in a segment, across its end
        mov ax, BUF
        mov es, ax
        mov bx, 0
        mov eax, 0x22000000
        mov cx, 127
        call pattern
        PACKET 127, BUF, 0, 100
        INT13 0x4300
        CHECK nc, "43h, 127 sectors"
        CHECK_EQ word [packet + 2], 127, "43h count"
        PACKET 127, 0x4fff, 0xfe05, 100
        INT13 0x4200
        CHECK nc, "42h across 64 KiB"
        mov ax, 0x5fdf                  ; 4FFF:FE05 = 5FDF:0005
        mov es, ax
        mov bx, 5
        mov eax, 0x22000000
        mov cx, 127
        call same
        CHECK e, "42h across 64 KiB: contents"
        PACKET 127, BUF, 0, 100
        INT13 0x4400
        CHECK nc, "44h"
        PACKET 1, BUF, 0, 100
        INT13 0x4700
        CHECK nc, "47h"

        ; CHS across tracks and cylinders
        mov ax, BUF2
        mov es, ax
        xor bx, bx
        mov cx, 1
        mov dh, 0
        INT13 0x0280
        CHECK nc, "02h, 128 sectors"
        CHECK_EQ al, 128, "02h, 128 sectors: AL"
        mov bx, 100 * 512
        mov eax, 0x22000000
        mov cx, 28
        call same
        CHECK e, "02h, 128 sectors: contents"

        ; INT 41h
        les di, [0x41 * 4]
        mov al, [es:di + 2]
        CHECK_EQ al, [heads], "INT 41h heads"
        mov al, [es:di + 14]
        CHECK_EQ al, [spt], "INT 41h sectors"

        ; errors
        mov ax, BUF2
        mov es, ax
        xor bx, bx
        mov cx, 0x0040                  ; sector 0
        mov dh, 0
        INT13 0x0201
        CHECK c, "sector 0"
        push ax
        INT13 0x0100
        pop bx
        CHECK_EQ ah, bh, "01h tells the last status"
        mov cx, 0xffff
        mov dh, 0xff
        INT13 0x0201
        CHECK c, "past the end by CHS"
        PACKET 1, BUF, 0, 0xfffffff0
        INT13 0x4200
        CHECK c, "past the end by LBA"
        CHECK_EQ word [packet + 2], 0, "past the end by LBA: count"
        PACKET 1, BUF, 0, 0
        mov dword [packet + 12], 1
        INT13 0x4200
        CHECK c, "LBA of 33 bits"
        INT13 0x0200
        CHECK c, "no sectors"
        INT13 0x4600
        CHECK c, "46h on a fixed disk"

        ; 48h in its sizes
        xor ax, ax
        mov es, ax
%macro PARAMS 2
        mov di, result
        mov cx, 0x50
        mov al, 0xee
        rep stosb
        mov word [result], %1
        mov si, result
        INT13 0x4800
        CHECK nc, "48h"
        CHECK_EQ word [result], %2, "48h: size"
        CHECK_EQ byte [result + %2], 0xee, "48h: no more"
        CHECK_EQ word [result + 24], 512, "48h: sector"
        movzx eax, byte [spt]
%endmacro
        PARAMS 0x1a, 0x1a
        PARAMS 0x1e, 0x1e
        PARAMS 0x42, 0x42
        call path_sum
        CHECK e, "48h: sum of the device path"
        PARAMS 0x4a, 0x4a
        call path_sum
        CHECK e, "48h: sum of the longer device path"
        CHECK_EQ word [result + 0x1e], 0xbedd, "48h: key"
        les di, [result + 0x1a]
        CHECK_EQ word [es:di], 0x1f0, "48h: port"
        mov cx, 16
        xor al, al
.sum:   add al, [es:di]
        inc di
        loop .sum
        test al, al
        CHECK z, "48h: sum of the parameter table"
        mov word [result], 0x19
        mov si, result
        INT13 0x4800
        CHECK c, "48h without room"

        ; flags and registers
        cli
        std
        mov bx, 0x1234
        mov bp, 0x5678
        INT13 0x1000
        pushf
        pop ax
        cld
        test ax, 0x0200
        CHECK z, "IF as it was"
        test ax, 0x0400
        CHECK nz, "DF as it was"
        CHECK_EQ bx, 0x1234, "BX kept"
        CHECK_EQ bp, 0x5678, "BP kept"
        sti
        jmp finish

path_sum:
        mov bx, result + 0x1e
        movzx cx, byte [result + 0x20]
        xor al, al
.next:  add al, [bx]
        inc bx
        loop .next
        test al, al
        ret

        align 4
lba:    dd 0
heads:  db 0
spt:    db 0
packet: db 16, 0
        times 14 db 0
result: times 0x60 db 0
TEST_END
