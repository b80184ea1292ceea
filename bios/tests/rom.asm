; A test inside an option ROM, for machines whose firmware cannot read disks yet: nasm -DTEST='"x.bin"'.
        bits 16
        db 0x55, 0xaa, 20
        jmp short init
        times 0x1a - ($ - $$) db 0
        dw pnp
init:   mov ax, 0x20                    ; IPL device
        retf
        align 16, db 0
pnp:    db "$PnP", 1, 2
        dw 0
        db 0, 0
        dd 0
        dw 0, name
        db 1, 0, 0, 0x04
        dw 0, 0, bev, 0, 0
bev:    push cs
        pop ds
        xor ax, ax
        mov es, ax
        mov si, payload
        mov di, 0x7c00
        mov cx, 18 * 512
        cld
        rep movsb
        jmp 0:0x7c00
name:   db "test", 0
        align 512, db 0
payload:
        incbin TEST
        times 20 * 512 - ($ - $$) db 0
