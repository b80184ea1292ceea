; what: PCI BIOS in real mode and through BIOS32, the tables $PIR, $PnP, _SM_, RSD PTR with their sums
; cpu: 80386 80486 pentium3 max
%include "test.inc"

start:  mov ax, 0xb101
        xor edi, edi
        int 0x1a
        CHECK nc, "B101h"
        CHECK_EQ ah, 0, "B101h: status"
        CHECK_EQ edx, 'PCI ', "B101h: signature"
        CHECK_EQ bx, 0x0210, "B101h: version"
        test al, 1
        CHECK nz, "B101h: mechanism 1"
        mov ax, 0xb102
        mov cx, 0x1237
        mov dx, 0x8086
        xor si, si
        int 0x1a
        CHECK nc, "B102h: the host bridge"
        CHECK_EQ bx, 0, "B102h: is 00:00.0"
        mov ax, 0xb102
        mov cx, 0x1237
        mov dx, 0x8086
        mov si, 1
        int 0x1a
        CHECK c, "B102h: there is one"
        CHECK_EQ ah, 0x86, "B102h: 86h"
        CHECK_EQ cx, 0x1237, "B102h keeps CX"
        mov ax, 0xb102
        mov dx, 0xffff
        int 0x1a
        CHECK_EQ ah, 0x83, "B102h: 83h"
        mov ax, 0xb103
        mov ecx, 0x060100
        xor si, si
        int 0x1a
        CHECK nc, "B103h: the ISA bridge"
        CHECK_EQ bx, 0x0008, "B103h: is 00:01.0"
        mov ax, 0xb108
        mov di, 0x02
        mov bx, 0x0008
        int 0x1a
        CHECK_EQ cl, 0x00, "B108h"
        mov ax, 0xb109
        mov di, 0x00
        int 0x1a
        CHECK_EQ cx, 0x8086, "B109h"
        mov ax, 0xb10a
        int 0x1a
        CHECK_EQ ecx, 0x70008086, "B10Ah"
        mov ax, 0xb10a
        mov di, 2
        int 0x1a
        CHECK_EQ ah, 0x87, "B10Ah: misaligned"
        mov ax, 0xb109
        mov di, 1
        int 0x1a
        CHECK c, "B109h: misaligned"
        mov ax, 0xb108
        mov di, 0x60
        int 0x1a
        mov bh, 0
        CHECK_EQ cl, 10, "PIRQA# is IRQ 10"
        mov ax, 0xb10b
        mov bx, 0x0008
        mov cl, 0x80
        int 0x1a
        mov ax, 0xb108
        int 0x1a
        CHECK_EQ cl, 0x80, "B10Bh"
        mov ax, 0xb10f
        mov bx, 0x0010                  ; device 2, pin D: PIRQA
        mov cx, 0x0b0d
        int 0x1a
        CHECK nc, "B10Fh"
        mov ax, 0xb108
        mov bx, 0x0008
        int 0x1a
        CHECK_EQ cl, 11, "B10Fh: routed"
        mov ax, 0xb10f
        mov bx, 0x0010
        mov cx, 0x020d
        int 0x1a
        CHECK_EQ ah, 0x88, "B10Fh: IRQ 2 cannot be"
        mov ax, 0xb10b
        mov bx, 0x0008
        mov cl, 10
        mov di, 0x60
        int 0x1a
        mov word [.buffer], 8
        mov word [.buffer + 2], 0x9000
        mov word [.buffer + 4], 0
        mov ax, 0xb10e
        mov di, .buffer
        xor bx, bx
        int 0x1a
        CHECK_EQ ah, 0x89, "B10Eh: too small"
        mov ax, 0xb10e
        int 0x1a
        CHECK nc, "B10Eh"
        CHECK_EQ byte [0x9001], 0x08, "B10Eh: device 1 first"
        CHECK_EQ byte [0x9002], 0x60, "B10Eh: its pin A at PIRQA"
        mov ax, 0xb155
        int 0x1a
        CHECK_EQ ah, 0x81, "an unknown function"

        ; BIOS32
        mov ebp, '_32_'
        call find
        CHECK nc, "the BIOS32 directory"
        mov cx, 16
        call sum
        CHECK z, "its sum"
        mov eax, [es:si + 4]
        mov [.entry], eax
        cli
        lgdt [.gdt_ptr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 0x08:.in
        bits 32
.in:    mov eax, 0x10
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov eax, '$PCI'
        xor ebx, ebx
        call far [.entry]
        mov [.service], al
        add edx, ebx
        mov [.entry], edx
        mov eax, 0xb10a
        mov ebx, 0x0008
        mov edi, 0
        call far [.entry]
        mov [.value], ecx
        mov eax, 0xb102
        mov ecx, 0x7010
        mov edx, 0x8086
        xor esi, esi
        call far [.entry]
        mov [.value + 4], bx
        mov eax, 'none'
        xor ebx, ebx
        jmp 0x18:.out
        bits 16
.out:   mov eax, cr0
        and al, 0xfe
        mov cr0, eax
        jmp 0:.back
.back:  xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        sti
        CHECK_EQ byte [.service], 0, "BIOS32 knows $PCI"
        CHECK_EQ dword [.value], 0x70008086, "32-bit read"
        CHECK_EQ word [.value + 4], 0x0009, "32-bit find"

        mov ebp, '$PIR'
        call find
        CHECK nc, "$PIR"
        mov cx, [es:si + 6]
        call sum
        CHECK z, "its sum"
        mov ebp, '$PnP'
        call find
        CHECK nc, "$PnP"
        movzx cx, byte [es:si + 5]
        call sum
        CHECK z, "its sum"
        ; its device nodes
        mov eax, [es:si + 0x0d]
        mov [.entry], eax
        push word 0xf000
        push ds
        push .value
        push ds
        push .service
        push word 0
        call far [.entry]
        add sp, 12
        CHECK_EQ ax, 0, "get number of nodes"
        mov al, [.service]
        mov [.nodes], al
        cmp al, 10
        CHECK ae, "there are nodes"
        mov byte [.service], 0
        xor di, di                      ; PCI buses
.node:  push word 0xf000
        push word 1
        push ds
        push word 0x9000
        push ds
        push .service
        push word 1
        call far [.entry]
        add sp, 14
        CHECK_EQ ax, 0, "get node"
        dec byte [.nodes]
        cmp dword [0x9003], 0x030ad041
        jne .not_pci
        inc di
.not_pci:
        cmp word [0x9000], 96
        CHECK be, "a node of a possible size"
        cmp byte [.service], 0xff
        jne .node
        CHECK_EQ byte [.nodes], 0, "as many nodes as it says"
        CHECK_EQ di, 1, "one of them the PCI bus"
        mov ebp, '_SM_'
        call find
        CHECK nc, "_SM_"
        mov cx, 31
        call sum
        CHECK z, "its sum"
        add si, 16
        mov cx, 15
        call sum
        CHECK z, "the sum of _DMI_"
        mov ebp, 'RSD '
        call find
        CHECK nc, "RSD PTR"
        mov cx, 20
        call sum
        CHECK z, "its sum"
        jmp finish

; EBP: four letters on a 16-byte boundary of F0000-FFFFF. Returns ES:SI; CF set without.
find:   mov ax, 0xf000
        mov es, ax
        xor si, si
.next:  cmp [es:si], ebp
        je .found
        add si, 16
        jnz .next
        stc
        ret
.found: clc
        ret
; ZF set when CX bytes at ES:SI add up to 0.
sum:    push si
        mov al, 0
.next:  add al, [es:si]
        inc si
        loop .next
        pop si
        test al, al
        ret
start.buffer: times 6 db 0
start.entry: dd 0
        dw 0x08
start.service: db 0xff
start.value: dd 0, 0
start.nodes: db 0
        align 8
gdt:    dq 0
        dw 0xffff, 0, 0x9b00, 0x00cf
        dw 0xffff, 0, 0x9300, 0x00cf
        dw 0xffff, 0, 0x9b00, 0
start.gdt_ptr: dw $ - gdt - 1
        dd gdt
        TEST_END
