; hello.ll - what a compiler emits at least: one function that calls libc and the runtime.
;
; It names neither triple nor data layout, so it can be linked for every target; a real
; compiler takes both from LLVM.

@text = private unnamed_addr constant [6 x i8] c"hello\0A"

declare i64 @write(i32, ptr, i64)
declare void @print_i64(i64)

define i32 @main() #0 {
  %written = call i64 @write(i32 1, ptr @text, i64 6)
  call void @print_i64(i64 42)
  ret i32 0
}

; Backtraces of panics follow these tables.
attributes #0 = { uwtable }
