; what: INT 13h for drive E0h, a CD-ROM with an ISO 9660 file system
; cpu: 80386 80486 pentium3 max
%include "test.inc"

BUF     equ 0x2000
%macro INT13 1
        mov ax, %1
        mov dl, 0xe0
        int 0x13
%endmacro
%macro PACKET 4
        mov word [packet + 2], %1
        mov word [packet + 4], %3
        mov word [packet + 6], %2
        mov dword [packet + 8], %4
        mov dword [packet + 12], 0
        mov si, packet
%endmacro

start:  mov bx, 0x55aa
        INT13 0x4100
        CHECK nc, "41h"
        CHECK_EQ bx, 0xaa55, "41h BX"
        PACKET 1, BUF, 0, 16
        INT13 0x4200
        CHECK nc, "42h"
        mov ax, BUF
        mov es, ax
        CHECK_EQ dword [es:1], 'CD00', "42h: contents"
        PACKET 20, 0x2fff, 0x8013, 0    ; more than one command, not aligned
        INT13 0x4200
        CHECK nc, "42h, 20 blocks"
        mov ax, 0x4000                  ; 2FFF:8013 + 16 blocks = 4000:0003
        mov es, ax
        CHECK_EQ dword [es:4], 'CD00', "42h, 20 blocks: contents"
        PACKET 1, BUF, 0, 0x7fffffff
        INT13 0x4200
        CHECK c, "past the end"
        CHECK_EQ ah, 4, "past the end: AH"
        CHECK_EQ word [packet + 2], 0, "past the end: count"
        PACKET 1, BUF, 0, 0
        INT13 0x4300
        CHECK c, "43h"
        CHECK_EQ ah, 3, "43h: AH"
        PACKET 1, BUF, 0, 16
        INT13 0x4400
        CHECK nc, "44h"
        PACKET 1, BUF, 0, 16
        INT13 0x4700
        CHECK nc, "47h"
        mov word [result], 0x1a
        mov si, result
        INT13 0x4800
        CHECK nc, "48h"
        CHECK_EQ word [result + 24], 2048, "48h: block"
        cmp dword [result + 16], 17
        CHECK a, "48h: blocks"
        INT13 0x4502
        CHECK nc, "45h: status"
        CHECK_EQ al, 0, "45h: not locked"
        INT13 0x4500
        CHECK nc, "45h: lock"
        CHECK_EQ al, 1, "45h: locked"
        INT13 0x4600
        CHECK c, "46h while locked"
        CHECK_EQ ah, 0xb1, "46h while locked: AH"
        INT13 0x4501
        CHECK nc, "45h: unlock"
        INT13 0x4501
        CHECK c, "45h: once too often"
        INT13 0x4b01
        CHECK c, "4Bh: not started from the CD-ROM"
        INT13 0x4600
        CHECK nc, "46h"
        PACKET 1, BUF, 0, 16
        INT13 0x4200
        CHECK c, "42h without a disc"
        CHECK_EQ ah, 0x31, "42h without a disc: AH"
        jmp finish

        align 4
packet: db 16, 0
        times 14 db 0
result: times 0x60 db 0
TEST_END
