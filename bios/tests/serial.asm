; what: INT 14h on the second port in its loop-back mode (the first one reports), INT 17h
; cpu: 80386 80486 pentium3 max
; options: --serial null
%include "test.inc"

start:  cmp word [0x402], 0
        je .printer
        mov ax, 0x00e3                  ; 9600, 8N1
        mov dx, 1
        int 0x14
        test ah, 0x60
        CHECK nz, "00h: ready to send"
        mov dx, [0x402]
        add dx, 3
        in al, dx
        CHECK_EQ al, 3, "00h: 8N1"
        or al, 0x80
        out dx, al
        sub dx, 3
        in al, dx
        CHECK_EQ al, 12, "00h: divisor"
        add dx, 3
        mov al, 3
        out dx, al
        mov ax, 0x0400
        xor bx, bx
        mov cx, 0x030b                  ; 115200
        mov dx, 1
        int 0x14
        mov dx, [0x402]
        add dx, 3
        mov al, 0x83
        out dx, al
        sub dx, 3
        in al, dx
        CHECK_EQ al, 1, "04h: divisor"
        add dx, 3
        mov al, 3
        out dx, al
        mov ax, 0x0501                  ; loop back, DTR, RTS
        mov bl, 0x1b
        mov dx, 1
        int 0x14
        mov ax, 0x0500
        mov bl, 0
        mov dx, 1
        int 0x14
        CHECK_EQ bl, 0x1b, "05h: modem control"
        ; 01h and 02h write modem control themselves: by hand in loop-back
        mov dx, [0x402]
        mov al, 'x'
        out dx, al
        mov ax, 2
        call ticks
        mov ah, 3
        mov dx, 1
        int 0x14
        test ah, 1
        CHECK nz, "03h: data has come"
        mov dx, [0x402]
        in al, dx
        CHECK_EQ al, 'x', "the character"
        mov ah, 1
        mov al, 'y'
        mov dx, 1
        int 0x14
        mov ah, 3
        mov dx, 1
        int 0x14
        test ah, 0x20
        CHECK nz, "03h: the transmitter is free"
.printer:
        mov ax, 0x0212
        mov dx, 2                       ; no such printer: nothing changes
        cmp word [0x40c], 0
        jne .present
        int 0x17
        CHECK_EQ ax, 0x0212, "INT 17h without a printer"
.present:
        cmp word [0x408], 0
        je .end
        mov ah, 2
        xor dx, dx
        int 0x17
        test ah, 0x01
        CHECK z, "INT 17h: no time-out"
.end:   jmp finish
        TEST_END
