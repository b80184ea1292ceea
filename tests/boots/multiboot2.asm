; A multiboot2 kernel that says on COM1 what the loader told it: "MB2 magic=1 cmdline=... upper=KiB map=ENTRIES rsdp=1".
; Document: Multiboot2 Specification 2.0, "OS image format", "Boot information format".
        bits 32
        org 0x100000
header: dd 0xe85250d6, 0, header_end - header, -(0xe85250d6 + (header_end - header))
        align 8, db 0
        dw 2, 0                         ; address tag
        dd 24, header, header, image_end, image_end
        align 8, db 0
        dw 3, 0                         ; entry address tag
        dd 12, start
        align 8, db 0
        dw 0, 0                         ; end tag
        dd 8
header_end:

start:  mov esp, stack_top
        cld
        xor ebp, ebp
        cmp eax, 0x36d76289
        sete [magic]
        mov esi, .hello
        call say
        movzx eax, byte [magic]
        call say_number
        add ebx, 8                      ; tags follow total_size and a reserved word
.next:  mov eax, [ebx]
        test eax, eax
        jz .done
        cmp eax, 1
        je .cmdline
        cmp eax, 4
        je .memory
        cmp eax, 6
        je .map
        cmp eax, 14
        je .rsdp
        cmp eax, 15
        je .rsdp
.skip:  mov eax, [ebx + 4]
        add eax, 7
        and eax, ~7
        add ebx, eax
        jmp .next
.cmdline:
        mov esi, .says_cmdline
        call say
        lea esi, [ebx + 8]
        call say
        jmp .skip
.memory:
        mov eax, [ebx + 12]
        mov [upper], eax
        jmp .skip
.map:   mov eax, [ebx + 4]
        sub eax, 16
        xor edx, edx
        div dword [ebx + 8]
        mov [entries], eax
        jmp .skip
.rsdp:  cmp dword [ebx + 8], 'RSD '
        sete [rsdp]
        jmp .skip
.done:  mov esi, .says_upper
        call say
        mov eax, [upper]
        call say_number
        mov esi, .says_map
        call say
        mov eax, [entries]
        call say_number
        mov esi, .says_rsdp
        call say
        movzx eax, byte [rsdp]
        call say_number
        mov esi, .end
        call say
.wait:  jmp .wait
.hello: db "MB2 magic=", 0
.says_cmdline: db " cmdline=", 0
.says_upper: db " upper=", 0
.says_map: db " map=", 0
.says_rsdp: db " rsdp=", 0
.end:   db 13, 10, 0

; ESI: text that ends with 0.
say:    lodsb
        test al, al
        jz .done
        call say_char
        jmp say
.done:  ret
say_char:
        push eax
        mov edx, 0x3fd
.wait:  in al, dx
        test al, 0x20
        jz .wait
        pop eax
        mov dl, 0xf8
        out dx, al
        ret
; EAX in decimal.
say_number:
        mov ecx, 10
        xor edx, edx
        div ecx
        push edx
        test eax, eax
        jz .digit
        call say_number
.digit: pop eax
        add al, '0'
        jmp say_char

magic:  db 0
rsdp:   db 0
        align 4, db 0
upper:  dd 0
entries: dd 0
        times 1024 db 0
stack_top:
image_end:
