; what: what programs of the AT's time ask for: system services without a 32-bit register, block move and protected mode of an 80286
; cpu: 8086 80286 80386 pentium3 max
%define TEST_CPU 286
%include "test.inc"

start:  ; the processor: bits 15:12 of the flags
        pushf
        pop ax
        and ax, 0x0fff
        push ax
        popf
        pushf
        pop ax
        and ah, 0xf0
        cmp ah, 0xf0
        je .no_286
        mov byte [.is_286], 1
.no_286:
        int 0x12
        CHECK_EQ ax, [0x413], "INT 12h"
        int 0x11
        CHECK_EQ ax, [0x410], "INT 11h"
        mov ah, 0xc0
        int 0x15
        CHECK nc, "C0h"
        push ds
        pop es
        mov ah, 0
        int 0x1a
        mov bx, dx
        mov ax, 2
        call ticks
        mov ah, 0
        int 0x1a
        sub dx, bx
        cmp dx, 2
        CHECK ae, "ticks"
        mov ah, 2
        int 0x1a
        CHECK nc, "the clock"
        mov ah, 0x05
        mov cx, 0x1e61
        int 0x16
        mov ah, 0x01
        int 0x16
        CHECK nz, "a key is there"
        mov ah, 0
        int 0x16
        CHECK_EQ ax, 0x1e61, "the key"
        mov ah, 0x86
        mov cx, 0
        mov dx, 60000
        int 0x15
        CHECK nc, "86h"
        cmp byte [.is_286], 0
        jne .at
        mov cx, 8
        mov si, .gdt
        mov ah, 0x87
        int 0x15
        CHECK c, "87h needs an 80286"
        mov ah, 0x88
        int 0x15
        CHECK c, "88h too"
        jmp finish
.at:    mov ah, 0x88
        int 0x15
        CHECK nc, "88h"
        test ax, ax
        jz .none                        ; nothing above 1 MiB to move to
        mov di, 0xc000
        mov cx, 0x200
.fill:  mov [di], cx
        add di, 2
        loop .fill
        mov word [.from], 0xc000
        mov byte [.from + 2], 0
        mov word [.to], 0
        mov byte [.to + 2], 0x11
        mov cx, 0x200
        mov si, .gdt
        mov ah, 0x87
        int 0x15
        CHECK nc, "87h up"
        CHECK_EQ ah, 0, "its status"
        mov word [.from], 0
        mov byte [.from + 2], 0x11
        mov word [.to], 0xd000
        mov byte [.to + 2], 0
        mov cx, 0x200
        mov si, .gdt
        mov ah, 0x87
        int 0x15
        CHECK nc, "87h down"
        mov si, 0xc000
        mov di, 0xd000
        mov cx, 0x200
        repe cmpsw
        CHECK e, "what came back is what went"
        mov ax, 2
        call ticks                      ; interrupts are as before
        mov byte [.from + 3], 0x13
        mov cx, 8
        mov si, .gdt
        mov ah, 0x87
        int 0x15
        CHECK c, "87h with a descriptor that is not present"
        CHECK_EQ ah, 2, "is an exception"
.none:  ; protected mode, and back by the reset with shutdown status 0Ah
        mov word [0x467], .resumed
        mov word [0x469], 0
        mov al, 0x8f
        out 0x70, al
        jmp short $ + 2
        mov al, 0x0a
        out 0x71, al
        mov si, .gdt89
        mov ah, 0x89
        mov bx, 0x2028
        int 0x15
        smsw ax
        mov [.msw], ax
        mov al, 0xfe
        out 0x64, al
.reset: hlt
        jmp .reset
.resumed:
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        mov al, 0x11
        out 0x20, al
        jmp short $ + 2
        out 0xa0, al
        mov al, 8
        out 0x21, al
        mov al, 0x70
        out 0xa1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xa1, al
        mov al, 1
        out 0x21, al
        out 0xa1, al
        mov al, 0xb8
        out 0x21, al
        mov al, 0x8f
        out 0xa1, al
        sti
        test byte [.msw], 1
        CHECK nz, "89h: protected mode"
        jmp finish
.is_286: db 0
.msw:   dw 0
        align 8, db 0
.gdt:   times 16 db 0
        dw 0xffff
.from:  dw 0
        db 0, 0x93, 0, 0
        dw 0xffff
.to:    dw 0
        db 0, 0x93, 0, 0
        times 16 db 0
.gdt89: times 8 db 0
        dw 0x3f
        dw .gdt89
        db 0, 0
        dw 0
        dw 0x3ff, 0, 0, 0
        dw 0xffff, 0, 0x9300, 0
        dw 0xffff, 0, 0x9300, 0
        dw 0xffff, 0, 0x9300, 0
        dw 0xffff, 0, 0x9b00, 0
        times 8 db 0
        TEST_END
