; what: APM switches the machine off: nothing is printed after "ALL PASS"
; cpu: 80386 80486 pentium3 max
%include "test.inc"
start:  mov ax, 0x5301
        xor bx, bx
        int 0x15
        CHECK nc, "5301h"
        mov ax, 0x530e
        xor bx, bx
        mov cx, 0x0102
        int 0x15
        CHECK nc, "530Eh"
        mov si, .pass
        call say
        mov ax, 0x5307
        mov bx, 1
        mov cx, 3
        int 0x15
        CHECK nc, "still there"
        jmp finish
.pass:  db "ALL PASS", 13, 10, 0
        TEST_END
