; Double-precision arithmetic on the x87 stack: a dot product.
bits 32
org 0x1000
    mov dword [0x20000],0
    mov dword [0x20004],0x3ff80000
    mov dword [0x20008],0
    mov dword [0x2000c],0x3ff40000
    fninit
l:  fldz
    mov ecx,16
k:  fld  qword [0x20000]
    fmul qword [0x20008]
    faddp st1,st0
    fld  st0
    fsub qword [0x20008]
    fstp qword [0x20010]
    dec ecx
    jnz k
    fstp qword [0x20018]
    jmp l
