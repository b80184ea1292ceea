; Messages of POST: to the screen through INT 10h and to COM1. Every routine preserves every register.

; What COM1 speaks during POST: 115200 baud, 8 data bits, no parity, 1 stop bit.
print_init:
        mov dx, 0x3f8 + 3
        mov al, 0x83                    ; LCR: divisor latch, 8N1
        out dx, al
        mov dx, 0x3f8
        mov al, 1
        out dx, al
        inc dx
        xor al, al
        out dx, al
        mov dx, 0x3f8 + 3
        mov al, 0x03
        out dx, al
        inc dx                          ; MCR: DTR, RTS, and OUT2 low
        out dx, al
        ret

; AL: a character. INT 10h only if a display's firmware has taken it.
print_char:
        push ax
        push bx
        push cx
        push dx
        push ds
        xor bx, bx
        mov ds, bx
        mov cx, ax
        cmp word [0x10 * 4 + 2], 0xf000
        je .serial
        mov ah, 0x0e
        mov bx, 7
        push bp
        push si
        push di
        int 0x10
        pop di
        pop si
        pop bp
.serial:
        cmp word [0x400 + BDA_COM], 0x3f8
        jne .done
        mov dx, 0x3f8 + 5
        mov bx, 0x4000                  ; far more than one character takes
.wait:  in al, dx
        test al, 0x20
        jnz .send
        dec bx
        jnz .wait
.send:  mov dx, 0x3f8
        mov al, cl
        out dx, al
.done:  pop ds
        pop dx
        pop cx
        pop bx
        pop ax
        ret

; CS:SI: zero-terminated text.
print_str:
        push ax
        push si
.next:  mov al, [cs:si]
        inc si
        test al, al
        jz .done
        call print_char
        jmp .next
.done:  pop si
        pop ax
        ret

; ES:DI: zero-terminated text.
print_str_es:
        push ax
        push di
.next:  mov al, [es:di]
        inc di
        test al, al
        jz .done
        call print_char
        jmp .next
.done:  pop di
        pop ax
        ret

print_newline:
        push ax
        mov al, 13
        call print_char
        mov al, 10
        call print_char
        pop ax
        ret

; AX in four hexadecimal digits.
print_hex16:
        xchg al, ah
        call print_hex8
        xchg al, ah
; AL in two.
print_hex8:
        push ax
        push cx
        mov cl, 4
        shr al, cl
        pop cx
        call print_hex4
        pop ax
        push ax
        call print_hex4
        pop ax
        ret
print_hex4:
        push ax
        and al, 15
        add al, 0x90                    ; 0-9 to 30h, 10-15 to 61h on
        daa
        adc al, 0x40
        daa
        or al, 0x20
        call print_char
        pop ax
        ret

; AX in decimal, without leading zeros.
print_dec16:
        push ax
        push bx
        push cx
        push dx
        mov bx, 10
        xor cx, cx
.split: xor dx, dx
        div bx
        push dx
        inc cx
        test ax, ax
        jnz .split
.out:   pop ax
        add al, '0'
        call print_char
        loop .out
        pop dx
        pop cx
        pop bx
        pop ax
        ret

; A short tone: 896 Hz for 60 ms by the refresh bit of port 61h.
beep:
        push ax
        push bx
        push cx
        mov al, 0xb6
        out 0x43, al
        mov al, 0x33
        out 0x42, al
        mov al, 5
        out 0x42, al
        in al, 0x61
        push ax
        or al, 3
        out 0x61, al
        mov cx, 4000
        call delay_refresh
        pop ax
        out 0x61, al
        pop cx
        pop bx
        pop ax
        ret

; Waits for CX toggles of the refresh bit, 15.085 us each. Ends by itself where the bit stands still.
delay_refresh:
        push ax
        push bx
        push cx
        jcxz .done
        in al, 0x61
        and al, 0x10
        mov ah, al
.next:  mov bx, 0xffff
.wait:  in al, 0x61
        and al, 0x10
        cmp al, ah
        jne .seen
        dec bx
        jnz .wait
        jmp .done                       ; nothing counts refreshes here
.seen:  mov ah, al
        loop .next
.done:  pop cx
        pop bx
        pop ax
        ret
