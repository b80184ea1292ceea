; Stands in for the disk services until they are there: everything answers "invalid function".
int13_entry:
int40_entry:
        stc
        mov ah, 1
        retf 2
int0e_entry:
        push ax
        mov al, 0x20
        out 0x20, al
        pop ax
        iret
int76_entry:
        push ax
        mov al, 0x20
        out 0xa0, al
        out 0x20, al
        pop ax
        iret
disk_init:
boot_menu:
        ret
int19_entry:
        ; Starts the first option ROM that can boot, else says so.
        push cs
        pop ds
        mov ax, BDA
        mov es, ax
        mov es, [es:BDA_EBDA]
        cmp byte [es:EBDA_BEV_COUNT], 0
        je .none
        call far [es:EBDA_BEV]
.none:
int18_entry:
        push cs
        pop ds
        mov si, .text
        call print_str
.stop:
        sti
        hlt
        jmp .stop
.text:  db "Nothing to boot.", 13, 10, 0
