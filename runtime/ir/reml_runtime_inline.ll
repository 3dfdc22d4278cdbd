; reml_runtime_inline.ll - fast paths of inc_ref and dec_ref for LLVM 16 and later.
;
; Link it into a module before optimisation (llvm-link, or the linker API): calls of
; inc_ref and dec_ref become a load, a comparison and a store; everything rare calls the
; archive. The definitions are available_externally: they emit no code of their own, and
; the archive's functions stay the only ones. It names no data layout and no triple, so
; it takes on the module's.

; glibc 2.32 and later say here whether the process has one thread. Weak: elsewhere its
; address is null and counting is atomic.
@__libc_single_threaded = extern_weak global i8

declare void @reml_inc_ref_slow(ptr) cold nounwind
declare void @reml_dec_ref_slow(ptr) cold nounwind

define available_externally void @inc_ref(ptr %object) alwaysinline nounwind {
entry:
  %null = icmp eq ptr %object, null
  br i1 %null, label %done, label %ask, !prof !0
ask:
  %unknown = icmp eq ptr @__libc_single_threaded, null
  br i1 %unknown, label %slow, label %read, !prof !0
read:
  ; Asked before the count is read: with several threads the archive reads it anyway.
  %flag = load atomic i8, ptr @__libc_single_threaded monotonic, align 1
  %many = icmp eq i8 %flag, 0
  br i1 %many, label %slow, label %look, !prof !2
look:
  %count = getelementptr inbounds i8, ptr %object, i64 -8
  %seen = load atomic i32, ptr %count monotonic, align 8
  ; 1 to 0x7ffffffd: live, and one more stays live.
  %below = add i32 %seen, -1
  %live = icmp ult i32 %below, 2147483645
  br i1 %live, label %plain, label %slow, !prof !1
plain:
  %more = add i32 %seen, 1
  store atomic i32 %more, ptr %count monotonic, align 8
  br label %done
slow:
  call void @reml_inc_ref_slow(ptr %object)
  br label %done
done:
  ret void
}

define available_externally void @dec_ref(ptr %object) alwaysinline nounwind {
entry:
  %null = icmp eq ptr %object, null
  br i1 %null, label %done, label %ask, !prof !0
ask:
  %unknown = icmp eq ptr @__libc_single_threaded, null
  br i1 %unknown, label %slow, label %read, !prof !0
read:
  ; Asked before the count is read: with several threads the archive reads it anyway.
  %flag = load atomic i8, ptr @__libc_single_threaded monotonic, align 1
  %many = icmp eq i8 %flag, 0
  br i1 %many, label %slow, label %look, !prof !2
look:
  %count = getelementptr inbounds i8, ptr %object, i64 -8
  %seen = load atomic i32, ptr %count monotonic, align 8
  ; 2 to 0x7ffffffe: live, and not the last.
  %below = add i32 %seen, -2
  %live = icmp ult i32 %below, 2147483645
  br i1 %live, label %plain, label %slow
plain:
  %fewer = add i32 %seen, -1
  store atomic i32 %fewer, ptr %count monotonic, align 8
  br label %done
slow:
  call void @reml_dec_ref_slow(ptr %object)
  br label %done
done:
  ret void
}

!0 = !{!"branch_weights", i32 1, i32 2000}
!1 = !{!"branch_weights", i32 2000, i32 1}
!2 = !{!"branch_weights", i32 1, i32 4}
