; list.ll - a list of three boxed numbers, made of tuples (value, rest): allocated, walked,
; and released by one dec_ref. Nothing leaks: link it with --link-runtime=debug to see.

declare ptr @mem_alloc(i64)
declare void @dec_ref(ptr)
declare void @print_i64(i64)
declare void @reml_set_type_tag(ptr, i32)
declare ptr @reml_box_i64(i64)
declare i64 @reml_unbox_i64(ptr)
declare ptr @malloc(i64)

; A tuple of two; it takes the caller's references on both.
define private ptr @pair(ptr %value, ptr %rest) #0 {
  %tuple = call ptr @mem_alloc(i64 16)
  call void @reml_set_type_tag(ptr %tuple, i32 5)
  ; Side arrays are libc's; the runtime frees them.
  %items = call ptr @malloc(i64 16)
  store ptr %value, ptr %items
  %second = getelementptr i8, ptr %items, i64 8
  store ptr %rest, ptr %second
  store i64 2, ptr %tuple
  %field = getelementptr i8, ptr %tuple, i64 8
  store ptr %items, ptr %field
  ret ptr %tuple
}

; The sum of a list, printing each number. It borrows.
define private i64 @sum(ptr %list) #0 {
start:
  br label %loop
loop:
  %at = phi ptr [ %list, %start ], [ %rest, %body ]
  %total = phi i64 [ 0, %start ], [ %more, %body ]
  %is_end = icmp eq ptr %at, null
  br i1 %is_end, label %end, label %body
body:
  %field = getelementptr i8, ptr %at, i64 8
  %items = load ptr, ptr %field
  %box = load ptr, ptr %items
  %number = call i64 @reml_unbox_i64(ptr %box)
  call void @print_i64(i64 %number)
  %more = add i64 %total, %number
  %second = getelementptr i8, ptr %items, i64 8
  %rest = load ptr, ptr %second
  br label %loop
end:
  ret i64 %total
}

define i32 @main() #0 {
  %three = call ptr @reml_box_i64(i64 3)
  %c = call ptr @pair(ptr %three, ptr null)
  %two = call ptr @reml_box_i64(i64 2)
  %b = call ptr @pair(ptr %two, ptr %c)
  %one = call ptr @reml_box_i64(i64 1)
  %a = call ptr @pair(ptr %one, ptr %b)
  %total = call i64 @sum(ptr %a)
  call void @print_i64(i64 %total)
  call void @dec_ref(ptr %a)
  ret i32 0
}

attributes #0 = { uwtable }
