; reml_runtime.ll - what IR declares to call libreml_runtime.a.
;
; `panic` takes a fat string: pointer and length, not NUL-terminated. Modules that declare
; it with the pointer alone work too. Give functions that may panic the attribute
; `uwtable`, or backtraces end at them.

declare ptr @mem_alloc(i64)
declare void @mem_free(ptr)
declare void @inc_ref(ptr)
declare void @dec_ref(ptr)
declare void @panic(ptr, i64) noreturn
declare void @panic_at(ptr, ptr, i32) noreturn
declare void @print_i64(i64)
declare void @reml_set_type_tag(ptr, i32)
declare i32 @reml_get_type_tag(ptr)
declare ptr @reml_closure_new(ptr, ptr)
declare ptr @reml_closure_env(ptr)
declare ptr @reml_closure_code_ptr(ptr)
declare ptr @reml_array_from(i64, ...)
declare ptr @reml_record_from(i64, ...)
declare ptr @reml_box_i64(i64)
declare i64 @reml_unbox_i64(ptr)
declare ptr @reml_box_bool(i8 zeroext)
declare zeroext i8 @reml_unbox_bool(ptr)
declare ptr @reml_box_float(double)
declare double @reml_unbox_float(ptr)
declare ptr @reml_box_char(i32)
declare i32 @reml_unbox_char(ptr)
declare ptr @reml_box_string({ ptr, i64 })
declare { ptr, i64 } @reml_unbox_string(ptr)
declare ptr @reml_set_new()
declare ptr @reml_set_insert(ptr, ptr)
declare i32 @reml_set_contains(ptr, ptr)
declare i64 @reml_set_len(ptr)
declare i32 @string_eq(ptr, ptr)
declare i32 @string_compare(ptr, ptr)
declare ptr @reml_str_data({ ptr, i64 })
declare void @reml_ffi_bridge_record_status(i32)
declare void @reml_destroy_tuple(ptr)
declare void @reml_destroy_record(ptr)
declare void @reml_destroy_array(ptr)
declare void @reml_inc_ref_slow(ptr)
declare void @reml_dec_ref_slow(ptr)
