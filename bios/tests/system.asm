; what: INT 11h, 12h, 15h: A20, waits, block move to and from all of memory, protected mode, memory maps, configuration, APM, mouse
; cpu: 80386 80486 pentium3 max
%include "test.inc"

start:  int 0x12
        CHECK_EQ ax, [0x413], "INT 12h"
        int 0x11
        CHECK_EQ ax, [0x410], "INT 11h"
        mov ah, 0xc0
        int 0x15
        CHECK nc, "C0h"
        CHECK_EQ byte [es:bx + 2], 0xfc, "C0h: model"
        push 0
        pop es
        mov ah, 0xc1
        int 0x15
        CHECK nc, "C1h"
        mov ax, es
        CHECK_EQ ax, [0x40e], "C1h: the EBDA"
        push 0
        pop es
        mov ah, 0x77
        int 0x15
        CHECK c, "an unknown function"
        CHECK_EQ ah, 0x86, "an unknown function: 86h"
        mov ax, 0x4f1e
        stc
        int 0x15
        CHECK c, "4Fh keeps the key"
        CHECK_EQ al, 0x1e, "4Fh keeps its code"
        mov ax, 0x9002
        int 0x15
        CHECK nc, "90h"
        CHECK_EQ ah, 0, "90h: nobody did anything"

        ; A20
        mov ax, 0x2403
        int 0x15
        CHECK nc, "2403h"
        CHECK_EQ bx, 3, "2403h: both gates"
        mov ax, 0x2400
        int 0x15
        CHECK nc, "2400h"
        mov ax, 0x2402
        int 0x15
        CHECK_EQ al, 0, "A20 closed"
        mov ax, 0xffff
        mov es, ax
        mov dword [0x500], 0x12345678
        CHECK_EQ dword [es:0x510], 0x12345678, "and 1 MiB is 0"
        mov ax, 0x2401
        int 0x15
        mov ax, 0x2402
        int 0x15
        CHECK_EQ al, 1, "A20 open"
        mov dword [es:0x510], 0x55aa55aa
        CHECK_EQ dword [0x500], 0x12345678, "and 1 MiB is 1 MiB"
        push 0
        pop es

        ; waits
        mov bx, [0x46c]
        mov ah, 0x86
        mov cx, 3
        mov dx, 0x0d40                  ; 200 ms
        int 0x15
        CHECK nc, "86h"
        mov ax, [0x46c]
        sub ax, bx
        cmp ax, 3
        CHECK ae, "200 ms are three ticks at least"
        cmp ax, 6
        CHECK be, "and six at most"
        mov byte [0x510], 0
        mov ax, 0x8300
        xor cx, cx
        mov dx, 20000
        mov bx, 0x510
        int 0x15
        CHECK nc, "8300h"
        mov ax, 0x8300
        int 0x15
        CHECK c, "one wait at a time"
        mov ax, 3
        call ticks
        CHECK_EQ byte [0x510], 0x80, "the flag is set"
        mov ax, 0x8300
        mov cx, 1
        mov byte [0x510], 0
        int 0x15
        CHECK nc, "83h again"
        mov ax, 0x8301
        int 0x15
        mov ax, 4
        call ticks
        CHECK_EQ byte [0x510], 0, "8301h cancels"

        ; memory
        mov ah, 0x88
        int 0x15
        CHECK nc, "88h"
        mov [.kb], ax
        mov ax, 0xe801
        int 0x15
        CHECK nc, "E801h"
        CHECK_EQ ax, cx, "E801h: AX = CX"
        CHECK_EQ bx, dx, "E801h: BX = DX"
        shl ebx, 16
        mov bx, ax
        mov [.e801], ebx
        movzx eax, ax
        movzx edx, dx
        shl edx, 6
        add eax, edx
        cmp eax, 0xfc00
        jb .small
        mov eax, 0xfc00
.small: CHECK_EQ ax, [.kb], "88h agrees with E801h"
        mov ax, 0xe881
        int 0x15
        CHECK nc, "E881h"
        CHECK_EQ ax, [.e801], "E881h agrees with E801h"
        xor ebx, ebx
        mov byte [.seen], 0
.range: mov eax, 0xe820
        mov edx, 'PAMS'
        mov ecx, 20
        mov di, 0x600
        int 0x15
        CHECK nc, "E820h"
        CHECK_EQ eax, 'PAMS', "E820h: signature"
        CHECK_EQ ecx, 20, "E820h: length"
        cmp dword [0x600], 0x100000
        jne .other
        cmp dword [0x604], 0
        jne .other
        mov eax, [0x608]
        shr eax, 10
        movzx ecx, word [.e801]
        movzx edx, word [.e801 + 2]
        shl edx, 6
        add ecx, edx
        CHECK_EQ eax, ecx, "E820h agrees with E801h"
        inc byte [.seen]
.other: test ebx, ebx
        jnz .range
        CHECK_EQ byte [.seen], 1, "memory from 1 MiB is listed once"
        mov eax, 0xe820
        mov edx, 0
        int 0x15
        CHECK c, "E820h without its signature"

        ; block move: there and back
        mov di, 0x8000 + 0x4000
        mov cx, 0x100
.fill:  mov [di], cx
        add di, 2
        loop .fill
        mov word [.from], 0xc000
        mov byte [.from + 2], 0
        mov word [.to], 0x0000
        mov byte [.to + 2], 0x12        ; 120000h
        mov cx, 0x100
        mov si, .gdt
        mov ah, 0x87
        int 0x15
        CHECK nc, "87h up"
        CHECK_EQ ah, 0, "87h: status"
        mov word [.from], 0x0000
        mov byte [.from + 2], 0x12
        mov word [.to], 0xd000
        mov byte [.to + 2], 0
        mov cx, 0x100
        mov si, .gdt
        mov ah, 0x87
        int 0x15
        CHECK nc, "87h down"
        mov si, 0xc000
        mov di, 0xd000
        mov cx, 0x100
        repe cmpsw
        CHECK e, "what came back is what went"
        ; the firmware is at the end of 4 GiB too
        mov word [.from], 0xfff0
        mov byte [.from + 2], 0xff
        mov byte [.from + 5], 0xff
        mov cx, 8
        mov si, .gdt
        mov ah, 0x87
        int 0x15
        CHECK nc, "87h from 4 GiB"
        CHECK_EQ byte [0xd000], 0xea, "the reset vector"
        mov byte [.from + 5], 0
        ; a descriptor that cannot be loaded
        mov byte [.from + 3], 0x13
        mov cx, 8
        mov si, .gdt
        mov ah, 0x87
        int 0x15
        CHECK c, "87h with a descriptor that is not present"
        CHECK_EQ ah, 2, "is an exception"
        mov byte [.from + 3], 0x93
        mov ax, 0x2402
        int 0x15
        CHECK_EQ al, 1, "A20 as before"

        ; APM
        mov ax, 0x5300
        xor bx, bx
        int 0x15
        CHECK nc, "5300h"
        CHECK_EQ bx, 0x504d, "5300h: PM"
        mov ax, 0x5301
        xor bx, bx
        int 0x15
        CHECK nc, "5301h"
        mov ax, 0x530e
        mov cx, 0x0102
        int 0x15
        CHECK_EQ ax, 0x0102, "530Eh: 1.2"
        mov ax, 0x530b
        int 0x15
        CHECK c, "530Bh: no event"
        CHECK_EQ ah, 0x80, "530Bh: 80h"
        mov ax, 0x530a
        mov bx, 1
        int 0x15
        CHECK_EQ bh, 1, "530Ah: on line"
        mov ax, 0x5305
        int 0x15
        CHECK nc, "5305h comes back"
        mov ax, 0x5304
        xor bx, bx
        int 0x15
        CHECK nc, "5304h"
        mov ax, 0x5303
        xor bx, bx
        int 0x15
        CHECK nc, "5303h"
        ; the 32-bit interface from a protected mode of our own
        movzx eax, ax
        shl eax, 4
        mov [.pm_table + 8 + 2], eax
        mov byte [.pm_table + 8 + 5], 0x9b
        mov word [.pm_table + 8 + 6], 0x0040
        mov [.entry], ebx
        mov word [.entry + 4], 0x08
        cli
        lgdt [.pm_ptr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 0x10:.in
        bits 32
.in:    mov eax, 0x18
        mov ds, eax
        mov ss, eax
        mov eax, 0x530e
        mov ecx, 0x0101
        call far [.entry]
        mov [.answer], ax
        jmp 0x20:.out
        bits 16
.out:   mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0:.back
.back:  xor ax, ax
        mov ds, ax
        mov ss, ax
        sti
        mov ax, [.answer]
        CHECK_EQ ax, 0x0101, "the 32-bit interface answers"

        ; switching to protected mode for good: PIC vectors, tables, and back
        mov si, .gdt89
        mov ah, 0x89
        mov bx, 0x2028
        int 0x15
        mov dword [0x540], 'here'       ; DS is 18h now
        mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0:.back2
.back2: xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7c00
        lidt [.idt]
        mov al, 0x11
        out 0x20, al
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
        CHECK_EQ dword [0x540], 'here', "89h: protected mode with our segments"

        ; pointing device
        test byte [0x410], 4
        jz .done
        mov ax, 0xc205
        mov bh, 3
        int 0x15
        CHECK nc, "C205h"
        mov ax, 0xc201
        int 0x15
        CHECK nc, "C201h"
        CHECK_EQ bx, 0x00aa, "C201h: test and identity"
        mov ax, 0xc204
        mov bh, 0xff
        int 0x15
        CHECK_EQ bh, 0, "C204h"
        mov ax, 0xc200
        mov bh, 1
        int 0x15
        CHECK c, "C200h without a handler"
        CHECK_EQ ah, 5, "C200h: 05h"
        mov ax, 0xc207
        mov bx, .handler
        push cs
        pop es
        int 0x15
        CHECK nc, "C207h"
        mov ax, 0xc200
        mov bh, 1
        int 0x15
        CHECK nc, "C200h"
        mov ax, 0xc202
        mov bh, 4
        int 0x15
        CHECK nc, "C202h"
        mov ax, 0xc203
        mov bh, 1
        int 0x15
        CHECK nc, "C203h"
        mov ax, 0xc206
        mov bh, 0
        int 0x15
        CHECK nc, "C206h"
        CHECK_EQ dl, 80, "C206h: rate"
        CHECK_EQ cl, 1, "C206h: resolution"
        test bl, 0x20
        CHECK nz, "C206h: enabled"
        ; a packet, byte for byte by the controller's command D3h
        mov bl, 0x08
        call .aux
        mov bl, 0x05
        call .aux
        mov bl, 0x07
        call .aux
        mov ax, 2
        call ticks
        CHECK_EQ word [.packet], 0x08, "the handler has the status"
        CHECK_EQ word [.packet + 2], 0x05, "X"
        CHECK_EQ word [.packet + 4], 0x07, "Y"
        ; the wheel: rates 200, 100, 80
        mov ax, 0xc202
        mov bh, 6
        int 0x15
        mov ax, 0xc202
        mov bh, 5
        int 0x15
        mov ax, 0xc202
        mov bh, 4
        int 0x15
        mov ax, 0xc204
        int 0x15
        CHECK_EQ bh, 3, "a wheel"
        mov ax, 0xc200
        mov bh, 0
        int 0x15
        CHECK nc, "C200h off"
        mov ah, 1
        int 0x16
        CHECK z, "no key came of it"
.done:  jmp finish
.aux:   cli
        mov al, 0xd3
        out 0x64, al
.a1:    in al, 0x64
        test al, 2
        jnz .a1
        mov al, bl
        out 0x60, al
        sti
        mov cx, 3000
.a2:    in al, 0x61
        loop .a2
        ret
.handler:
        push bp
        mov bp, sp
        push ax
        mov ax, [bp + 12]
        mov [cs:.packet], ax
        mov ax, [bp + 10]
        mov [cs:.packet + 2], ax
        mov ax, [bp + 8]
        mov [cs:.packet + 4], ax
        pop ax
        pop bp
        retf
.packet: dw 0, 0, 0
.kb:    dw 0
.e801:  dd 0
.seen:  db 0
.answer: dw 0
.entry: dw 0, 0, 0
.idt:   dw 0x3ff
        dd 0
        align 8
.gdt:   dq 0, 0
.src:   dw 0xffff
.from:  dw 0
        db 0, 0x93, 0, 0
        dw 0xffff
.to:    dw 0
        db 0, 0x93, 0, 0
        dq 0, 0
.gdt89: dq 0
        dw .gdt89_end - .gdt89 - 1
        dd .gdt89
        dw 0
        dw 0x3ff
        dd 0
        dw 0
        dw 0xffff, 0, 0x9300, 0
        dw 0xffff, 0, 0x9300, 0
        dw 0xffff, 0, 0x9300, 0
        dw 0xffff, 0, 0x9b00, 0
        dq 0
.gdt89_end:

.pm_table:
        dq 0
        dw 0xffff, 0, 0x9b00, 0x0040
        dw 0xffff, 0, 0x9b00, 0x00cf
        dw 0xffff, 0, 0x9300, 0x00cf
        dw 0xffff, 0, 0x9b00, 0
.pm_ptr: dw $ - .pm_table - 1
        dd .pm_table
        TEST_END
