; panic.ll - ends by a panic: its message is a fat string, pointer and length, without a NUL.
; The message goes to stderr, the exit status is 1.

@message = private unnamed_addr constant [16 x i8] c"division by zero"

declare void @panic(ptr, i64) noreturn
declare void @print_i64(i64)

define private i64 @divide(i64 %a, i64 %b) #0 {
  %is_zero = icmp eq i64 %b, 0
  br i1 %is_zero, label %bad, label %good
bad:
  call void @panic(ptr @message, i64 16)
  unreachable
good:
  %quotient = sdiv i64 %a, %b
  ret i64 %quotient
}

define i32 @main(i32 %argc, ptr %argv) #0 {
  %first = call i64 @divide(i64 42, i64 6)
  call void @print_i64(i64 %first)
  ; 0 unless arguments are given.
  %more = sub i32 %argc, 1
  %divisor = zext i32 %more to i64
  %second = call i64 @divide(i64 42, i64 %divisor)
  call void @print_i64(i64 %second)
  ret i32 0
}

attributes #0 = { uwtable }
