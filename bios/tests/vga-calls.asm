; Calls functions of INT 10h from a table and writes the registers after each to port E9h, a line a call, to be compared
; with the same lines of another VGA BIOS or with what the documents promise. A floppy image of eight sectors.
;
; A line: AX as called, AX BX CX DX ES DI SI BP as returned, then as many bytes of the buffer as the table asks for.

        cpu 8086
        org 7C00h

        jmp short start
        nop
        dw 0
start:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7C00h
        sti
        cld
        mov ax, 0207h
        mov bx, 7E00h
        mov cx, 0002h
        xor dh, dh
        int 13h
        mov si, calls
next:
        cmp word [si], 0FFFFh
        je end
        mov ax, [si]
        call word16
        push si
        mov ax, [si]
        mov bx, [si + 2]
        mov cx, [si + 4]
        mov dx, [si + 6]
        push ds
        pop es
        mov di, buffer
        mov bp, buffer
        int 10h
        push bp
        push si
        push di
        push es
        push dx
        push cx
        push bx
        push ax
        mov cx, 8
.registers:
        pop ax
        call word16
        loop .registers
        pop si
        mov cx, [si + 8]
        add si, 10
        jcxz .line
        mov bx, buffer
.bytes:
        mov al, [bx]
        inc bx
        call hex
        loop .bytes
.line:
        mov al, 0Ah
        out 0E9h, al
        jmp next
end:
        mov al, 'D'
        out 0E9h, al
.halt:  hlt
        jmp .halt

word16:
        xchg al, ah
        call hex
        xchg al, ah
        call hex
        mov al, ' '
        out 0E9h, al
        ret
hex:
        push ax
        push cx
        mov cl, 4
        shr al, cl
        call digit
        pop cx
        pop ax
        push ax
        and al, 0Fh
        call digit
        pop ax
        ret
digit:
        add al, '0'
        cmp al, '9'
        jbe .out
        add al, 7
.out:
        out 0E9h, al
        ret

        times 510 - ($ - $$) db 0
        dw 0AA55h

calls:
; AX, BX, CX, DX, bytes of the buffer to show
        dw 0003h, 0, 0, 0, 0
        dw 0F00h, 0, 0, 0, 0
        dw 0300h, 0, 0, 0, 0
        dw 0200h, 0, 0, 0512h, 0
        dw 0E41h, 0007h, 0, 0, 0
        dw 0E0Dh, 0007h, 0, 0, 0
        dw 0E42h, 0007h, 0, 0, 0
        dw 0E0Ah, 0007h, 0, 0, 0
        dw 0E08h, 0007h, 0, 0, 0
        dw 0300h, 0, 0, 0, 0
        dw 0943h, 001Fh, 5, 0, 0
        dw 0800h, 0, 0, 0, 0
        dw 0100h, 0, 0007h, 0, 0
        dw 0300h, 0, 0, 0, 0
        dw 0501h, 0, 0, 0, 0
        dw 0F00h, 0, 0, 0, 0
        dw 0300h, 0100h, 0, 0, 0
        dw 1301h, 0117h, 7, 0803h, 0
        dw 0300h, 0100h, 0, 0, 0
        dw 0500h, 0, 0, 0, 0
        dw 1000h, 2501h, 0, 0, 0
        dw 1007h, 0001h, 0, 0, 0
        dw 1001h, 3300h, 0, 0, 0
        dw 1008h, 0, 0, 0, 0
        dw 1009h, 0, 0, buffer, 17
        dw 1010h, 0005h, 1122h, 3300h, 0
        dw 1015h, 0005h, 0, 0, 0
        dw 101Bh, 0005h, 1, 0, 0
        dw 1015h, 0005h, 0, 0, 0
        dw 1017h, 0000h, 8, buffer, 24
        dw 1013h, 0100h, 0, 0, 0
        dw 1013h, 0301h, 0, 0, 0
        dw 101Ah, 0, 0, 0, 0
        dw 1013h, 0001h, 0, 0, 0
        dw 1013h, 0000h, 0, 0, 0
        dw 1018h, 00F0h, 0, 0, 0
        dw 1019h, 0, 0, 0, 0
        dw 1018h, 00FFh, 0, 0, 0
        dw 1112h, 0, 0, 0, 0
        dw 1130h, 0100h, 0, 0, 0
        dw 1114h, 0, 0, 0, 0
        dw 1130h, 0600h, 0, 0, 0
        dw 1111h, 0, 0, 0, 0
        dw 1130h, 0200h, 0, 0, 0
        dw 0F00h, 0, 0, 0, 0
        dw 0003h, 0, 0, 0, 0
        dw 1200h, 0010h, 0, 0, 0
        dw 1200h, 0031h, 0, 0, 0
        dw 1200h, 0034h, 0, 0, 0
        dw 1200h, 0036h, 0, 0, 0
        dw 1A00h, 0, 0, 0, 0
        dw 1B00h, 0, 0, 0, 64
        dw 1C00h, 0, 7, 0, 0
        dw 1C01h, buffer, 7, 0, 0
        dw 0013h, 0, 0, 0, 0
        dw 1C02h, buffer, 7, 0, 0
        dw 0F00h, 0, 0, 0, 0
        dw 1B00h, 0, 0, 0, 64
        dw 000Dh, 0, 0, 0, 0
        dw 0C09h, 0, 21, 33, 0
        dw 0D00h, 0, 21, 33, 0
        dw 0C83h, 0, 21, 33, 0
        dw 0D00h, 0, 21, 33, 0
        dw 0C05h, 0100h, 21, 33, 0
        dw 0D00h, 0100h, 21, 33, 0
        dw 1123h, 0002h, 0, 0, 0
        dw 1130h, 0100h, 0, 0, 0
        dw 0004h, 0, 0, 0, 0
        dw 0C02h, 0, 21, 33, 0
        dw 0C83h, 0, 22, 33, 0
        dw 0D00h, 0, 21, 33, 0
        dw 0D00h, 0, 22, 33, 0
        dw 0B00h, 0112h, 0, 0, 0
        dw 1009h, 0, 0, buffer, 17
        dw 0B00h, 0101h, 0, 0, 0
        dw 1009h, 0, 0, buffer, 17
        dw 0B00h, 0100h, 0, 0, 0
        dw 1009h, 0, 0, buffer, 17
        dw 0013h, 0, 0, 0, 0
        dw 0C83h, 0, 22, 33, 0
        dw 0D00h, 0, 22, 33, 0
        dw 094Bh, 0205h, 1, 0, 0
        dw 0D00h, 0, 0, 7, 0
        dw 4F00h, 0, 0, 0, 40
        dw 4F01h, 0, 0101h, 0, 66
        dw 4F01h, 0, 0102h, 0, 66
        dw 4F01h, 0, 0112h, 0, 66
        dw 4F01h, 0, 0117h, 0, 66
        dw 4F01h, 0, 0109h, 0, 66
        dw 4F01h, 0, 01FFh, 0, 0
        dw 4F02h, 0101h, 0, 0, 0
        dw 4F03h, 0, 0, 0, 0
        dw 0F00h, 0, 0, 0, 0
        dw 4F02h, 4117h, 0, 0, 0
        dw 4F03h, 0, 0, 0, 0
        dw 4F05h, 0, 0, 0005h, 0
        dw 4F05h, 0100h, 0, 0, 0
        dw 4F05h, 0, 0, 0FFFFh, 0
        dw 4F06h, 0001h, 0, 0, 0
        dw 4F06h, 0000h, 2000, 0, 0
        dw 4F06h, 0002h, 4096, 0, 0
        dw 4F06h, 0003h, 0, 0, 0
        dw 4F07h, 0000h, 16, 100, 0
        dw 4F07h, 0001h, 0, 0, 0
        dw 4F07h, 0080h, 16, 9000, 0
        dw 4F08h, 0800h, 0, 0, 0
        dw 4F02h, 0103h, 0, 0, 0
        dw 4F08h, 0800h, 0, 0, 0
        dw 4F08h, 0001h, 0, 0, 0
        dw 4F03h, 0, 0, 0, 0
        dw 4F09h, 0001h, 4, 0, 16
        dw 4F0Ah, 0000h, 0, 0, 0
        dw 4F10h, 0000h, 0, 0, 0
        dw 4F15h, 0000h, 0, 0, 0
        dw 4F15h, 0001h, 0, 0, 128
        dw 4F04h, 0000h, 000Fh, 0000h, 0
        dw 4F04h, buffer, 000Fh, 0001h, 0
        dw 4F02h, 0003h, 0, 0, 0
        dw 4F03h, 0, 0, 0, 0
        dw 4F04h, buffer, 000Fh, 0002h, 0
        dw 4F03h, 0, 0, 0, 0
        dw 4F02h, 0102h, 0, 0, 0
        dw 4F03h, 0, 0, 0, 0
        dw 4F06h, 0001h, 0, 0, 0
        dw 4F06h, 0000h, 900, 0, 0
        dw 4F07h, 0000h, 19, 3, 0
        dw 4F07h, 0001h, 0, 0, 0
        dw 4F02h, 010Bh, 0, 0, 0
        dw 0F00h, 0, 0, 0, 0
        dw 4F12h, 0, 0, 0, 0
        dw 0003h, 0, 0, 0, 0
        dw 0FFFFh
        times 4096 - ($ - $$) db 0
absolute 9000h
buffer: resb 2048
