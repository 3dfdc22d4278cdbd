; The loops that the benchmark times with reml_runtime_inline.ll linked in.
declare void @inc_ref(ptr)
declare void @dec_ref(ptr)

define void @inlined_inc_dec(ptr %object, i64 %rounds) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  call void @inc_ref(ptr %object)
  call void asm sideeffect "", "~{memory}"()
  call void @dec_ref(ptr %object)
  call void asm sideeffect "", "~{memory}"()
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %rounds
  br i1 %more, label %loop, label %done
done:
  ret void
}

define void @inlined_inc_dec_many(ptr %objects, i64 %rounds) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %place = and i64 %i, 63
  %slot = getelementptr inbounds ptr, ptr %objects, i64 %place
  %object = load ptr, ptr %slot
  call void @inc_ref(ptr %object)
  call void asm sideeffect "", "~{memory}"()
  call void @dec_ref(ptr %object)
  call void asm sideeffect "", "~{memory}"()
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %rounds
  br i1 %more, label %loop, label %done
done:
  ret void
}
