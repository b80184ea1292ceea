; Register arithmetic in 16-bit code: a mix of independent and dependent operations.
bits 16
org 0x1000
l:  add ax,bx
    xor cx,ax
    sub dx,cx
    and si,dx
    or  di,1
    shl bx,1
    add bx,di
    cmp ax,cx
    jb  m
    inc ax
m:  test dx,dx
    js  n
    dec cx
n:  jmp l
