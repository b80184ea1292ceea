; what: INT 08h, 1Ah AH=00h-0Bh, 1Ch, 70h, 4Ah: ticks, the clock, the alarm
; cpu: 80386 80486 pentium3 max
%include "test.inc"

start:  mov word [0x1c * 4], .user
        mov word [0x1c * 4 + 2], 0
        mov ah, 0
        int 0x1a
        mov bx, dx
        mov ax, 3
        call ticks
        mov ah, 0
        int 0x1a
        sub dx, bx
        cmp dx, 3
        CHECK ae, "ticks go on"
        cmp word [.calls], 3
        CHECK ae, "INT 1Ch is called"
        ; midnight
        mov ah, 1
        mov cx, 0x18
        mov dx, 0xaf
        int 0x1a
        mov ax, 2
        call ticks
        mov ah, 0
        int 0x1a
        CHECK_EQ al, 1, "midnight came"
        CHECK_EQ cx, 0, "ticks begin anew"
        cmp dx, 10
        CHECK b, "from 0"
        mov ah, 0
        int 0x1a
        CHECK_EQ al, 0, "midnight is told once"
        ; the clock
        mov ah, 3
        mov cx, 0x1234
        mov dx, 0x5600
        int 0x1a
        CHECK nc, "03h"
        mov ah, 2
        int 0x1a
        CHECK nc, "02h"
        CHECK_EQ cx, 0x1234, "hours and minutes"
        cmp dh, 0x56
        CHECK ae, "seconds"
        mov ah, 5
        mov cx, 0x1999
        mov dx, 0x1231
        int 0x1a
        CHECK nc, "05h"
        mov ah, 4
        int 0x1a
        CHECK nc, "04h"
        CHECK_EQ cx, 0x1999, "century and year"
        CHECK_EQ dx, 0x1231, "month and day"
        mov ah, 3
        mov cx, 0x2359
        mov dx, 0x5900
        int 0x1a
        ; the alarm at 00:00:00, and the date after it
        mov word [0x4a * 4], .alarm
        mov word [0x4a * 4 + 2], 0
        mov ah, 6
        xor cx, cx
        xor dx, dx
        int 0x1a
        CHECK nc, "06h"
        mov ah, 6
        int 0x1a
        CHECK c, "one alarm at a time"
        mov ah, 9
        int 0x1a
        CHECK_EQ dl, 1, "09h: the alarm is on"
        mov ax, 40
        call ticks
        CHECK_EQ byte [.rang], 1, "the alarm rang"
        mov ah, 4
        int 0x1a
        CHECK_EQ cl, 0x00, "a new year"
        CHECK_EQ dx, 0x0101, "its first day"
        mov ah, 7
        int 0x1a
        mov ah, 9
        int 0x1a
        CHECK_EQ dl, 0, "07h: the alarm is off"
        mov ah, 0x0b
        mov cx, 0x4321
        int 0x1a
        xor cx, cx
        mov ah, 0x0a
        int 0x1a
        CHECK_EQ cx, 0x4321, "0Ah, 0Bh: days"
        mov ah, 0x55
        clc
        int 0x1a
        CHECK c, "an unknown function"
        ; the coprocessor's interrupt comes as NMI, IRQ9 as IRQ2
        mov word [2 * 4], .count
        mov word [2 * 4 + 2], 0
        mov word [0x0a * 4], .count
        mov word [0x0a * 4 + 2], 0
        int 0x75
        int 0x71
        CHECK_EQ byte [.counted], 2, "INT 75h and 71h go on"
        jmp finish
.count: inc byte [cs:.counted]
        iret
.counted: db 0
.user:  inc word [cs:.calls]
        iret
.calls: dw 0
.alarm: inc byte [cs:.rang]
        iret
.rang:  db 0
        TEST_END
