; Calls and returns with a frame: recursive Fibonacci.
bits 32
org 0x1000
    mov esp,0x90000
l:  mov eax,12
    call fib
    jmp l
fib:
    push ebp
    mov ebp,esp
    push ebx
    push esi
    mov ebx,eax
    cmp eax,2
    jb  d
    lea eax,[ebx-1]
    call fib
    mov esi,eax
    lea eax,[ebx-2]
    call fib
    add eax,esi
d:  pop esi
    pop ebx
    pop ebp
    ret
