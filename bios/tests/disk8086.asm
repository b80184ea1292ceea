; what: INT 13h on processors without INSW: 80h and 00h read, 80h written back
; cpu: 8086 80286 80386
        cpu 8086
        org 7c00h
        xor ax,ax
        mov ds,ax
        mov es,ax
        mov bx,8000h
        mov cx,2
        mov dx,80h
        mov ax,0207h
        int 13h
        jc bad
        mov bx,8e00h
        mov cx,2
        mov dx,0100h
        mov ax,0205h
        int 13h
        jc bad
        mov dx,80h
        mov bx,8000h
        mov ax,0307h
        mov cx,2
        int 13h
        jc bad
        mov si,ok
        jmp p
bad:      mov si,no
p:      lodsb
        test al,al
        jz h
        mov dx,3f8h
        out dx,al
        jmp p
h:      hlt
        jmp h
ok: db "ALL PASS",13,10,0
no: db "FAILED",13,10,0
        times 510-($-$$) db 0
        dw 0aa55h
