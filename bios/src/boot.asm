; The boot: INT 19h, INT 18h, the order, the menu, and what is said about it.
;
; IBM PC/AT Technical Reference, "BIOS: Bootstrap"; BIOS Boot Specification 1.01, 5.2 "Boot priority", 6.5 "INT 19h", 6.6 "INT 18h",
; 3.3 "BEV"; Plug and Play BIOS Specification 1.0A, 2.1 (ES:DI at the entry of an initial program load). CMOS 3Dh and 38h hold the
; order as Bochs has it: low nibble of 3Dh, its high nibble, high nibble of 38h; 1 diskette, 2 disk, 3 CD-ROM, 4 network. Bit 0
; of 38h: diskettes need no signature, as on PC and AT, whose programs that start by themselves often have none. The PC takes any sector
; that it can read; the AT looks at its beginning (Technical Reference, ROM BIOS listing, TEST6, BOOT_STRAP_1), which is the rule here.
; With a signature a sector is a program however it begins.
;
; A program starts with 0000:7C00 as its entry and as top of its stack, DL the drive, ES:DI at the PnP header, interrupts on.

BOOT_FLOPPY equ 1
BOOT_DISK   equ 2
BOOT_CD     equ 3
BOOT_NET    equ 4

; why a device did not start
BR_ABSENT   equ 1
BR_NODISK   equ 2
BR_READ     equ 3
BR_NOSIG    equ 4
BR_EMPTY    equ 5
BR_NOCD     equ 6
BR_NOTBOOT  equ 7
BR_CATALOG  equ 8
BR_NOENTRY  equ 9
BR_NOFIT    equ 10
BR_GAVEUP   equ 11
BR_END      equ 0FFh            ; no more devices of the kind

boot_reasons:
        dw .absent, .nodisk, .read, .nosig, .empty, .nocd, .notboot, .catalog, .noentry, .nofit, .gaveup
.absent:  db 'not present', 0
.nodisk:  db 'no disk in the drive', 0
.read:    db 'cannot be read', 0
.nosig:   db 'not bootable: no signature 55AAh', 0
.empty:   db 'not bootable: no program in the boot sector', 0
.nocd:    db 'no disc in the drive', 0
.notboot: db 'not bootable: no El Torito boot record', 0
.catalog: db 'not bootable: the boot catalog is damaged', 0
.noentry: db 'not bootable: no entry for a PC in the boot catalog', 0
.nofit:   db 'the boot image does not fit into memory', 0
.gaveup:  db 'its program gave up', 0

boot_kinds:
        dw .floppy, .disk, .cd, .net
.floppy:  db 'Floppy', 0
.disk:    db 'Hard Disk', 0
.cd:      db 'CD-ROM', 0
.net:     db 'Network', 0

; ---------------------------------------------------------------------------------------------------------------------
; INT 19h
; ---------------------------------------------------------------------------------------------------------------------
; The stack and frame of the boot; DS = EBDA.
%macro BOOT_FRAME 0
        cli
        cld
        xor ax, ax
        mov ss, ax
        mov sp, 7C00h
        sti
        FRAME_IN
        xor ax, ax
        mov ds, ax
        mov ds, [40Eh]
%endmacro

int19_entry:
        BOOT_FRAME
        call et_stop
        mov byte [D_BOOTIX], 0
        mov byte [D_BOOTSUB], 0
        mov byte [D_LOGN], 0
        mov byte [D_BOOTING], 1
boot_next:
        mov al, [D_BOOTIX]
        test al, al
        jnz .order
        mov al, [D_FORCE]               ; the menu's choice goes first, once
        test al, al
        jz .advance
        cmp byte [D_BOOTSUB], 0
        jne .forced
        mov ah, [D_FORCEN]
        jmp short .try
.forced:
        mov byte [D_FORCE], 0
        jmp short .advance
.order: cmp al, 4
        jae boot_none
        call boot_order
        jz .advance
        mov ah, [D_BOOTSUB]
.try:   call boot_try
        cmp al, BR_END
        je .advance
        call boot_failed
        inc byte [D_BOOTSUB]
        jmp boot_next
.advance:
        inc byte [D_BOOTIX]
        mov byte [D_BOOTSUB], 0
        jmp boot_next

; AL = place in the order, 1-3 -> AL = kind, ZF when there is none. A CMOS without an order: diskette, disk, CD-ROM.
boot_order:
        mov bl, al
        mov al, 0BDh
        call cmos_read
        mov bh, al                      ; first, second
        mov al, 0B8h
        call cmos_read
        mov cl, 4
        shr al, cl
        mov ah, al
        or ah, bh
        jnz .given
        mov bh, 21h
        mov al, 3
.given: cmp bl, 3
        je .have
        mov al, bh
        cmp bl, 1
        je .have
        shr al, cl
.have:  and al, 0Fh
        cmp al, 4
        jbe .known
        xor al, al
.known: test al, al
        ret

; Log and say why the device that BOOT_* AL of boot_try named did not start. AL = reason.
boot_failed:
        mov bl, [D_LOGN]
        cmp bl, 8
        jae .say
        inc byte [D_LOGN]
        xor bh, bh
        shl bx, 1
        mov ah, [D_TRIED]
        mov [bx+D_LOG], ah
        mov [bx+D_LOG+1], al
.say:   cmp al, BR_ABSENT
        je .end
        push ax
        mov si, .indent
        call print_str
        pop ax
        call boot_reason
        call print_newline
.end:   ret
.indent: db '  ', 0

boot_reason:
        mov bl, al
        xor bh, bh
        shl bx, 1
        mov si, [cs:bx+boot_reasons-2]
        jmp print_str

; Name of device AL (kind * 16 + number).
boot_name:
        mov dl, al
        mov cl, 4
        shr al, cl
        mov bl, al
        xor bh, bh
        shl bx, 1
        mov si, [cs:bx+boot_kinds-2]
        call print_str
        and dl, 0Fh
        jz .end
        mov al, ' '
        call print_char
        mov al, dl
        xor ah, ah
        inc ax
        call print_dec16
.end:   ret

; Start device AH of kind AL. Comes back with AL = BR_*.
boot_try:
        mov bl, al
        mov bh, ah
        mov cl, 4
        shl al, cl
        or al, ah
        mov [D_TRIED], al
        cmp bl, BOOT_DISK
        jb boot_floppy
        je boot_disk
        cmp bl, BOOT_CD
        je boot_cd
        mov al, [EBDA_BEV_COUNT]
        call boot_which
        jmp boot_net

; AL = devices of the kind, BH = which. Comes back when it exists; else leaves boot_try: not present, or no more of them.
boot_which:
        cmp bh, al
        jb .say
        pop ax
        mov al, BR_ABSENT
        test bh, bh
        jz .end
        mov al, BR_END
.end:   ret
.say:   push bx
        mov si, .text
        call print_str
        mov al, [D_TRIED]
        call boot_name
        mov si, .dots
        call print_str
        pop bx
        ret
.text:  db 'Booting from ', 0
.dots:  db '...', 13, 10, 0

boot_floppy:
        mov al, 0
        cmp byte [D_FDTYPE], 0
        je .count
        inc ax
.count: call boot_which
        mov byte [bp+Q_TRY], 4
.next:  mov dl, 0
        call boot_sector
        jnc .read
        cmp ah, E_TIMEOUT
        mov al, BR_NODISK
        je .end
        dec byte [bp+Q_TRY]
        jnz .next
        mov al, BR_READ
.end:   ret
.read:  call boot_program
        jc .end
        cmp word [es:7DFEh], 0AA55h
        je .go
        mov al, 0B8h
        call cmos_read
        test al, 1
        mov al, BR_NOSIG
        jz .end
        ; What the AT takes for a program: its first byte is 06h or more, for what is below adds to memory, and its first nine
        ; words are not all alike, as those of a formatted track are.
        cmp byte [es:7C00h], 6
        jb .end
        mov di, 7C00h
        mov dx, [es:di]
        xchg ax, dx
        mov cx, 9
        repe scasw
        xchg ax, dx
        je .end
.go:    mov dl, 0
        jmp boot_sector_jump

boot_disk:
        push bx
        mov bx, 40h
        mov es, bx
        mov al, [es:BDA_HD_COUNT]       ; also the disks of option ROMs
        pop bx
        cmp byte [D_BOOTIX], 0          ; the menu names any disk; the order means the first
        je .which
        cmp al, 1
        jbe .which
        mov al, 1
.which: call boot_which
        mov byte [bp+Q_TRY], 3
.next:  mov dl, [D_TRIED]
        and dl, 0Fh
        or dl, 80h
        call boot_sector
        jnc .read
        dec byte [bp+Q_TRY]
        jnz .next
        mov al, BR_READ
.end:   ret
.read:  cmp word [es:7DFEh], 0AA55h
        mov al, BR_NOSIG
        jne .end
        mov dl, [D_TRIED]
        and dl, 0Fh
        or dl, 80h
        jmp boot_sector_jump

boot_cd:
        mov al, [D_CDS]
        call boot_which
        mov bl, bh
        xor bh, bh
        shl bx, 1
        mov si, [bx+D_CDMAP]
        jmp et_boot

; A boot entry vector of an option ROM. BBS 6.5.3: ES:DI at the PnP header; it may come back.
boot_net:
        mov bl, bh
        xor bh, bh
        mov cl, 3
        shl bx, cl
        push ds
        push bp
        push cs
        pop es
        mov di, pnp_header
        call far [bx+EBDA_BEV]
        cld
        pop bp
        pop ds
        mov al, BR_GAVEUP
        ret

; The first sector of drive DL to 0000:7C00; ES = 0. CF: AH = status, after a reset.
boot_sector:
        xor ax, ax
        mov es, ax
        mov bx, 7C00h
        mov ax, 0201h
        mov cx, 0001h
        mov dh, 0
        push dx
        int 13h
        pop dx
        jnc .end
        push ax
        xor ah, ah
        int 13h
        pop ax
        stc
.end:   ret

; CF, AL = reason when the sector at ES:7C00 cannot be a program: all words alike, as a formatted track has them.
boot_program:
        mov di, 7C00h
        mov ax, [es:di]
        mov cx, 256
        repe scasw
        mov al, BR_EMPTY
        stc
        je .end
        clc
.end:   ret

boot_sector_jump:
        xor ax, ax
        mov bx, 7C00h
; To AX:BX with DL = drive.
boot_jump:
        xor cx, cx
        cli
        mov ss, cx
        mov sp, 7C00h
        mov di, 0202h                   ; interrupts on
        push di
        push ax
        push bx
        mov ds, cx
        push cs
        pop es
        mov di, pnp_header
        xor ax, ax
        xor bx, bx
        mov dh, 0
        xor si, si
        xor bp, bp
        iret

; ---------------------------------------------------------------------------------------------------------------------
; INT 18h: what was started gave up; the next device. At the end of the order: say so, wait, begin again.
; ---------------------------------------------------------------------------------------------------------------------
int18_entry:
        BOOT_FRAME
        cmp byte [D_BOOTING], 0
        je boot_none
        call et_stop
        mov al, BR_GAVEUP
        call boot_failed
        inc byte [D_BOOTSUB]
        jmp boot_next

boot_none:
        mov byte [D_BOOTING], 0
        mov si, .none
        call print_str
        xor di, di
.next:  mov ax, di
        cmp al, [D_LOGN]
        jae .wait
        mov si, .indent
        call print_str
        mov bx, di
        shl bx, 1
        mov ax, [bx+D_LOG]
        push ax
        call boot_name
        mov al, ':'
        call print_char
        mov al, ' '
        call print_char
        pop ax
        mov al, ah
        call boot_reason
        call print_newline
        inc di
        jmp .next
.wait:  mov si, .key
        call print_str
        xor ah, ah
        int 16h
        call print_newline
        int 19h
.none:  db 13, 10, 'No bootable device. Tried:', 13, 10, 0
.indent: db '  ', 0
.key:   db 'Insert a boot disk and press a key to try again.', 13, 10, 0

; ---------------------------------------------------------------------------------------------------------------------
; the menu
; ---------------------------------------------------------------------------------------------------------------------
; What can be started, then about half a second for F12 or Esc. Preserves every register.
boot_menu:
        pushf
        FRAME_IN
        sti
        cld
        xor ax, ax
        mov ds, ax
        mov ds, [40Eh]
        cmp byte [D_FDTYPE], 2          ; the motor uses the time to reach its speed
        jb .motor
        mov ah, 16h
        mov dl, 0
        int 13h
.motor: mov cl, 0
.list:  call menu_item
        jc .listed
        push cx
        call menu_line
        call print_newline
        pop cx
        inc cx
        jmp .list
.listed:
        mov si, .text
        call print_str
        mov cx, 9
        call wait_begin
.wait:  call wait_more
        jc .end
        hlt
        mov ah, 11h
        int 16h
        jz .wait
        mov ah, 10h
        int 16h
        cmp ah, 86h                     ; F12
        je .menu
        cmp ax, 011Bh                   ; Esc
        jne .wait
.menu:  call menu_show
.end:   FRAME_OUT
        popf
        ret
.text:  db 'Press F12 for the boot menu.', 13, 10, 0

menu_show:
        mov si, .head
        call print_str
        mov cl, 0
.item:  call menu_item
        jc .ask
        push cx
        push ax
        mov al, ' '
        call print_char
        call print_char
        mov al, cl
        add al, '1'
        call print_char
        mov al, '.'
        call print_char
        mov al, ' '
        call print_char
        pop ax
        call menu_line
        call print_newline
        pop cx
        inc cx
        cmp cl, 9
        jb .item
.ask:   mov si, .esc
        call print_str
.key:   mov ah, 10h
        int 16h
        cmp al, 1Bh
        je .end
        sub al, '1'
        jb .key
        cmp al, cl
        jae .key
        mov cl, al
        call menu_item
        mov [D_FORCE], al
        mov [D_FORCEN], ah
.end:   jmp print_newline
.head:  db 13, 10, 'Boot from:', 13, 10, 0
.esc:   db '  Esc for the usual order', 13, 10, 0

; CL = line -> AL = kind, AH = number; CF past the end. Changes BX.
menu_item:
        mov bl, cl
        mov al, 0
        cmp byte [D_FDTYPE], 0
        je .f
        inc ax
.f:     mov bh, BOOT_FLOPPY
        call .among
        push es
        mov ax, 40h
        mov es, ax
        mov al, [es:BDA_HD_COUNT]
        pop es
        mov bh, BOOT_DISK
        call .among
        mov al, [D_CDS]
        mov bh, BOOT_CD
        call .among
        mov al, [EBDA_BEV_COUNT]
        mov bh, BOOT_NET
        call .among
        stc
        ret
.among: cmp bl, al                      ; one of AL devices of kind BH?
        jb .found
        sub bl, al
        ret
.found: mov al, bh
        mov ah, bl
        pop bx
        clc
        ret

; The line for device AH of kind AL.
menu_line:
        push ax
        mov cl, 4
        shl al, cl
        or al, ah
        call boot_name
        pop ax
        mov bl, ah
        xor bh, bh
        cmp al, BOOT_DISK
        jb .floppy
        je .disk
        cmp al, BOOT_CD
        je .cd
        mov cl, 3
        shl bx, cl
        les di, [bx+EBDA_BEV]
        mov di, [bx+EBDA_BEV+4]
        test di, di
        jz .end
        call .colon
        jmp print_str_es
.floppy:
        mov bl, [D_FDTYPE]
        cmp bl, 5
        jbe .f1
        mov bl, 5
.f1:    shl bx, 1
        call .colon
        mov si, [cs:bx+.types-2]
        jmp print_str
.cd:    shl bx, 1
        mov si, [bx+D_CDMAP]
        jmp .model
.disk:  cmp bl, [D_HDS]
        jae .end                        ; an option ROM's
        shl bx, 1
        mov si, [bx+D_HDMAP]
        call .model
        mov al, ' '
        call print_char
        mov al, '('
        call print_char
        mov bx, [si+U_SECT]             ; MiB = sectors >> 11, GiB >> 21
        mov ax, [si+U_SECT+2]
        mov dx, [si+U_SECT+4]
        mov cx, 11
        call .shift
        test ax, ax
        jnz .giga
        test dx, dx
        jnz .giga
        mov ax, bx
        call print_dec16
        mov si, .mib
        jmp print_str
.giga:  mov cx, 10
        call .shift
        mov ax, bx
        call print_dec16
        mov si, .gib
        jmp print_str
.shift: shr dx, 1
        rcr ax, 1
        rcr bx, 1
        loop .shift
        ret
.model: call .colon
        push ds
        pop es
        lea di, [si+U_MODEL]
        jmp print_str_es
.colon: push ax
        mov al, ':'
        call print_char
        mov al, ' '
        call print_char
        pop ax
.end:   ret
.mib:   db ' MiB)', 0
.gib:   db ' GiB)', 0
.types: dw .t1, .t2, .t3, .t4, .t5
.t1:    db '360 KB', 0
.t2:    db '1.2 MB', 0
.t3:    db '720 KB', 0
.t4:    db '1.44 MB', 0
.t5:    db '2.88 MB', 0
