; Power-on self test: from the reset vector to INT 19h.
;
; Documents: IBM PC/AT Technical Reference, "System BIOS", "CMOS RAM" (shutdown status); Intel data sheets 8259A, 8254, 8237A;
; Intel AP-485, "Processor identification" (telling the processors before CPUID apart).
;
; The chips are set up and found, not tested: what cannot fail in a machine of software needs no test, and a start takes a few
; million instructions. POST runs on the stack 0000:7C00.

SCRATCH         equ 0x6000      ; linear: variables of the 32-bit part
POST_STACK      equ 0x7c00

post:
        cli
        cld
        in al, 0x64
        test al, 4                      ; system flag: no self test since power-on if clear
        jz post_cold
        mov al, 0x8f
        out 0x70, al
        IODELAY
        in al, 0x71
        mov ah, al
        mov al, 0x8f
        out 0x70, al
        IODELAY
        xor al, al
        out 0x71, al
        ; "Shutdown": why the processor was reset
        cmp ah, 4
        je .boot
        cmp ah, 5
        je .resume_eoi
        cmp ah, 9
        je .block_move
        cmp ah, 0x0a
        je .resume
        cmp ah, 0x0b
        je .iret
        cmp ah, 0x0c
        je .retf
        jmp post_again
.boot:  int 0x19
.block_move:
        jmp move_return_286
.resume_eoi:
        in al, 0x60                     ; a key pressed meanwhile
        mov al, 0x20
        out 0xa0, al
        IODELAY
        out 0x20, al
.resume:
        mov ax, BDA
        mov ds, ax
        jmp far [BDA_RESUME]
.iret:  mov ax, BDA
        mov ds, ax
        mov ss, [BDA_RESUME + 2]
        mov sp, [BDA_RESUME]
        iret
.retf:  mov ax, BDA
        mov ds, ax
        mov ss, [BDA_RESUME + 2]
        mov sp, [BDA_RESUME]
        retf

; The machine is to start anew, but what brought the processor here may have reset nothing else: the keyboard controller's pin,
; port 92h, a jump. Where there is a PIIX3, its reset control register resets everything (82371SB, "RC").
post_again:
        xor ax, ax
        mov ss, ax
        mov sp, POST_STACK
        call cpu_class
        cmp dl, 3
        jb post_cold
        cpu 386
        mov dx, 0xcf8
        mov eax, 0x80000800             ; device 1: vendor and device
        out dx, eax
        mov dl, 0xfc
        in eax, dx
        cmp eax, 0x70008086
        jne post_cold
        mov dx, 0xcf9
        mov al, 0x02                    ; the next write with RCPU resets by RSTDRV, too
        out dx, al
        IODELAY
        mov al, 0x06
        out dx, al
.wait:  hlt
        jmp .wait
        cpu 8086

%macro CMOS_READ 1
        mov al, %1 | 0x80
        call cmos_read
%endmacro

post_cold:
        xor ax, ax
        mov ss, ax
        mov sp, POST_STACK
        mov ax, BDA
        mov ds, ax
        mov es, ax
        push word [BDA_RESET_FLAG]

        call chips_init
        call cpu_class                  ; DL
        push dx
        call a20_on

        ; Vectors: everything to an IRET, then the services.
        xor di, di
        mov es, di
        mov cx, 256
.ivt:   mov ax, dummy_iret
        stosw
        mov ax, cs
        stosw
        loop .ivt
        mov si, vector_table
        mov di, 8 * 4
        mov cx, 24
        call set_vectors
        mov si, slave_vectors
        mov di, 0x70 * 4
        mov cx, 8
        call set_vectors
        mov word [es:2 * 4], 0xe2c3
        mov word [es:5 * 4], 0xff54
        mov word [es:0x40 * 4], 0xec59
        xor ax, ax
        mov [es:0x1f * 4 + 2], ax       ; no glyphs above 127 until a display's firmware says so
        mov di, 0x60 * 4                ; 60-67: for programs, which look whether they are free
        mov cx, 8 * 2
        rep stosw
        mov di, 0x78 * 4
        mov cx, (256 - 0x78) * 2
        rep stosw

        ; Data areas
        mov ax, BDA
        mov es, ax
        xor ax, ax
        xor di, di
        mov cx, 0x100
        rep stosw                       ; 40:00 to 60:00: also the print screen state
        pop dx
        pop word [BDA_RESET_FLAG]
        CMOS_READ 0x15
        mov bl, al
        CMOS_READ 0x16
        mov bh, al
        cmp bx, 640
        ja .full
        cmp bx, 64
        jae .sized
.full:  mov bx, 640
.sized: mov bp, bx
        sub bx, EBDA_KIB
        mov [BDA_MEMORY], bx
        mov cl, 6
        shl bx, cl                      ; KiB to paragraphs
        mov [BDA_EBDA], bx
        mov es, bx
        xor di, di
        xor ax, ax
        mov cx, EBDA_KIB * 512
        rep stosw
        mov byte [es:EBDA_SIZE], EBDA_KIB
        mov [es:EBDA_CPU], dl
        mov [es:EBDA_MEM_KIB], bp
        call memory_size
        mov word [BDA_KB_START], BDA_KB_BUFFER
        mov word [BDA_KB_END], BDA_KB_BUFFER_END
        mov word [BDA_KB_HEAD], BDA_KB_BUFFER
        mov word [BDA_KB_TAIL], BDA_KB_BUFFER
        mov ax, 0x1414
        mov [BDA_LPT_TIMEOUT], ax
        mov [BDA_LPT_TIMEOUT + 2], ax
        mov ax, 0x0101
        mov [BDA_COM_TIMEOUT], ax
        mov [BDA_COM_TIMEOUT + 2], ax

        call equipment
        call clock_init
        call print_init

        cmp byte [es:EBDA_CPU], 3
        jb .no_chipset
        call post32                     ; shadow RAM, PCI, tables
.no_chipset:
        sti
        call rom_video
        call say_hello
        call kbd_init
        call mouse_init
        call rom_scan
        call disk_init
        call rom_bcv
        call print_newline
        call boot_menu
        mov ax, BDA
        mov ds, ax
        mov es, [BDA_EBDA]
        cmp byte [es:EBDA_CPU], 3
        jb .unguarded
        call post32_end
.unguarded:
        mov ax, BDA
        mov ds, ax
        mov word [BDA_RESET_FLAG], 0
        sti
        int 0x19
.halt:  hlt
        jmp .halt

; ES:DI a place in the vector table, CS:SI offsets, CX how many: far pointers into this segment.
set_vectors:
        mov ax, [cs:si]
        add si, 2
        stosw
        mov ax, cs
        stosw
        loop set_vectors
        ret

; AL: a CMOS location, with bit 7 for NMI off. Returns AL.
cmos_read:
        pushf
        cli
        out 0x70, al
        IODELAY
        in al, 0x71
        popf
        ret

; AL: location, AH: value.
cmos_write:
        pushf
        cli
        out 0x70, al
        IODELAY
        xchg al, ah
        out 0x71, al
        xchg al, ah
        popf
        ret

; 8259s, 8237s, 8254. Preserves nothing.
chips_init:
        mov al, 0x11                    ; ICW1: edge, cascade, ICW4
        out 0x20, al
        IODELAY
        out 0xa0, al
        IODELAY
        mov al, 0x08                    ; ICW2
        out 0x21, al
        IODELAY
        mov al, 0x70
        out 0xa1, al
        IODELAY
        mov al, 0x04                    ; ICW3
        out 0x21, al
        IODELAY
        mov al, 0x02
        out 0xa1, al
        IODELAY
        mov al, 0x01                    ; ICW4: 8086
        out 0x21, al
        IODELAY
        out 0xa1, al
        IODELAY
        mov al, 0xb8                    ; IRQ0, 1, 2 and 6
        out 0x21, al
        IODELAY
        mov al, 0x8f                    ; IRQ12, 13 and 14
        out 0xa1, al

        out 0x0d, al                    ; master clear
        out 0xda, al
        mov al, 0xc0                    ; channel 4 cascades the first controller
        out 0xd6, al
        xor al, al
        out 0xd4, al                    ; and is open
        mov dx, 0x81                    ; page registers
        call .page
        mov dx, 0x82
        call .page
        mov dx, 0x83
        call .page
        mov dx, 0x87
        call .page

        mov al, 0x36                    ; counter 0, mode 3: 65536
        out 0x43, al
        xor al, al
        out 0x40, al
        IODELAY
        out 0x40, al
        mov al, 0x54                    ; counter 1, mode 2: refresh
        out 0x43, al
        mov al, 18
        out 0x41, al
        mov al, 0xb6                    ; counter 2, mode 3
        out 0x43, al
        mov al, 0x33
        out 0x42, al
        IODELAY
        mov al, 0x05
        out 0x42, al
        in al, 0x61
        and al, 0xf0                    ; speaker off, parity and channel check on
        out 0x61, al
        xor al, al
        out 0xf1, al                    ; the coprocessor
        ret
.page:  out dx, al
        ret

; DL: 0 = 8086 or 80186, 2 = 80286, 3 = 80386 or later. AP-485: bits 15:12 of FLAGS.
cpu_class:
        pushf
        pushf
        pop ax
        and ax, 0x0fff
        push ax
        popf
        pushf
        pop ax
        and ax, 0xf000
        xor dl, dl
        cmp ax, 0xf000                  ; always ones
        je .known
        mov ax, 0x7000
        push ax
        popf
        pushf
        pop ax
        mov dl, 2
        test ax, 0x7000                 ; always zeros in real mode
        jz .known
        inc dx
.known: popf
        ret

; Opens A20 by port 92h, where there is one; the keyboard controller's gate follows in kbd_init.
a20_on:
        in al, 0x92
        cmp al, 0xff
        je .done
        or al, 2
        and al, 0xfe                    ; bit 0 resets
        out 0x92, al
.done:  ret

; ES: the EBDA. Memory above 1 MiB from CMOS.
memory_size:
        CMOS_READ 0x30
        mov bl, al
        CMOS_READ 0x31
        mov bh, al
        test bx, bx
        jnz .have
        CMOS_READ 0x17
        mov bl, al
        CMOS_READ 0x18
        mov bh, al
.have:  CMOS_READ 0x34
        mov cl, al
        CMOS_READ 0x35
        mov ch, al
        mov ax, bx
        cmp ax, 0x3c00
        jbe .low
        mov ax, 0x3c00
        test cx, cx                     ; nothing says what is above 16 MiB but 30h
        jnz .low
        mov cx, bx
        sub cx, 0x3c00
        shr cx, 1
        shr cx, 1
        shr cx, 1
        shr cx, 1
        shr cx, 1
        shr cx, 1
.low:   mov [es:EBDA_EXT_LOW], ax
        mov [es:EBDA_EXT_HIGH], cx
        cmp ax, 0x3c00
        jae .sum
        mov word [es:EBDA_EXT_HIGH], 0
        xor cx, cx
.sum:   cmp cx, 0xfc00 / 64 - 0x3c00 / 64
        jae .cap
        mov bx, cx
        mov cl, 6
        shl bx, cl
        add ax, bx
        jmp .kb
.cap:   mov ax, 0xfc00
.kb:    mov [es:EBDA_EXT_KB], ax
        CMOS_READ 0x5b
        mov bl, al
        CMOS_READ 0x5c
        mov bh, al
        CMOS_READ 0x5d
        xor ah, ah
        mov [es:EBDA_RAM_HIGH], bx
        mov [es:EBDA_RAM_HIGH + 2], ax
        ret

; What INT 11h tells, and the ports of COM and LPT. DS: the BDA.
equipment:
        CMOS_READ 0x14
        and al, 0xc1                    ; diskette drives
        or al, 0x20                     ; 80 columns, colour
        xor ah, ah
        mov [BDA_EQUIPMENT], ax
        ; a coprocessor answers FNINIT with a clear status and a control word of 37Fh
        fninit
        mov word [BDA_KB_BUFFER], 0x5a5a
        fnstsw [BDA_KB_BUFFER]
        cmp byte [BDA_KB_BUFFER], 0
        jne .no_fpu
        fnstcw [BDA_KB_BUFFER]
        mov ax, [BDA_KB_BUFFER]
        and ax, 0x103f
        cmp ax, 0x003f
        jne .no_fpu
        or byte [BDA_EQUIPMENT], 2
.no_fpu:
        mov word [BDA_KB_BUFFER], 0
        xor bx, bx                      ; COM ports found, times 2
        mov si, .com
.com_next:
        mov dx, [cs:si]
        test dx, dx
        jz .lpts
        add si, 2
        mov di, dx
        inc dx
        mov al, 2                       ; IER keeps its four bits and makes IIR say "transmitter empty"
        out dx, al
        IODELAY
        in al, dx
        cmp al, 2
        jne .com_next
        inc dx
        in al, dx
        and al, 0x3f
        cmp al, 2
        jne .com_next
        dec dx
        xor al, al
        out dx, al
        mov [bx + BDA_COM], di
        inc bx
        inc bx
        jmp .com_next
.lpts:  or [BDA_EQUIPMENT + 1], bl
        xor bx, bx
        mov si, .lpt
.lpt_next:
        mov dx, [cs:si]
        test dx, dx
        jz .done
        add si, 2
        mov al, 0xaa                    ; the data latch reads back
        out dx, al
        IODELAY
        in al, dx
        cmp al, 0xaa
        jne .lpt_next
        mov [bx + BDA_LPT], dx
        inc bx
        inc bx
        jmp .lpt_next
.done:  mov cl, 5
        shl bl, cl
        or [BDA_EQUIPMENT + 1], bl
        ret
.com:   dw 0x3f8, 0x2f8, 0x3e8, 0x2e8, 0
.lpt:   dw 0x3bc, 0x378, 0x278, 0

; Name, version, processor, memory. The devices follow as they are found.
say_hello:
        push ds
        push es
        mov si, banner
        call print_str
        mov al, ' '
        call print_char
        mov si, version
        call print_str
        call print_newline
        mov ax, BDA
        mov ds, ax
        mov es, [BDA_EBDA]
        mov si, .cpu
        call print_str
        mov di, EBDA_BRAND
        cmp byte [es:di], 0
        je .plain
        call print_str_es
        jmp .memory
.plain: mov si, .i8086
        cmp byte [es:EBDA_CPU], 2
        jb .model
        mov si, .i80286
        je .model
        mov si, .i80386
.model: call print_str
.memory:
        call print_newline
        mov si, .mem
        call print_str
        mov ax, [es:EBDA_MEM_KIB]
        call print_dec16
        mov si, .kib
        call print_str
        mov ax, [es:EBDA_EXT_HIGH]
        test ax, ax
        jnz .mib
        mov ax, [es:EBDA_EXT_LOW]
        call print_dec16
        mov si, .kib_ext
        jmp .said
.mib:   mov cl, 4
        shr ax, cl                      ; 64 KiB units to MiB
        add ax, 15
        mov bx, [es:EBDA_RAM_HIGH]
        shr bx, cl
        add ax, bx
        mov bx, [es:EBDA_RAM_HIGH + 2]
        mov cl, 12
        shl bx, cl
        add ax, bx
        call print_dec16
        mov si, .mib_ext
.said:  call print_str
        call print_newline
        pop es
        pop ds
        ret
.cpu:   db "CPU: ", 0
.i8086: db "8086", 0
.i80286: db "80286", 0
.i80386: db "80386", 0
.mem:   db "Memory: ", 0
.kib:   db " KiB base, ", 0
.kib_ext: db " KiB extended", 0
.mib_ext: db " MiB extended", 0

; Interrupts that nothing serves: a hardware interrupt is masked and ended, so that it cannot come forever. PC/AT Technical
; Reference, "D11 - default interrupt handler".
stray_slave:
        push ax
        push ds
        mov ax, BDA
        mov ds, ax
        mov al, 0x0b                    ; OCW3: read ISR
        out 0xa0, al
        IODELAY
        in al, 0xa0
        mov [BDA_STRAY_IRQ], al
        mov ah, al
        in al, 0xa1
        or al, ah
        out 0xa1, al
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop ds
        pop ax
        iret
stray_master:
        push ax
        push ds
        mov ax, BDA
        mov ds, ax
        mov al, 0x0b
        out 0x20, al
        IODELAY
        in al, 0x20
        mov ah, al
        test ah, ah
        jnz .hardware
        mov ah, 0xff                    ; INT by software, or a spurious one
        jmp .done
.hardware:
        in al, 0x21
        push ax
        and ah, 0xfb                    ; never the slave's input
        or al, ah
        out 0x21, al
        pop ax
        mov al, 0x20
        out 0x20, al
.done:  mov [BDA_STRAY_IRQ], ah
        pop ds
        pop ax
        iret

nmi_entry:
        iret
; Without a display's firmware INT 10h does nothing.
int10_none:
        iret
