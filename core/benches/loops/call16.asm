; Calls and returns with a frame in 16-bit code: recursive Fibonacci.
bits 16
org 0x1000
    mov sp,0x8000
l:  mov ax,12
    call fib
    jmp l
fib:
    push bp
    mov bp,sp
    push bx
    push si
    mov bx,ax
    cmp ax,2
    jb  d
    lea ax,[bx-1]
    call fib
    mov si,ax
    lea ax,[bx-2]
    call fib
    add ax,si
d:  pop si
    pop bx
    pop bp
    ret
