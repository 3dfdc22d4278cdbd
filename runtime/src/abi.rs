//! The ABI as one table. Tests hold the archive's symbols, the header's prototypes, the
//! IR declarations and the reference page against it. Never consulted at run time, and
//! read by the tool as well: it must stand alone.

/// `REML_RUNTIME_VERSION_MAJOR`: a change that breaks a linked program.
pub const VERSION_MAJOR: u32 = 1;
/// `REML_RUNTIME_VERSION_MINOR`: an addition.
pub const VERSION_MINOR: u32 = 0;
/// `REML_RUNTIME_VERSION_PATCH`: neither.
pub const VERSION_PATCH: u32 = 0;
/// `REML_RUNTIME_VERSION`: the three in one number.
pub const VERSION: u32 = VERSION_MAJOR * 10_000 + VERSION_MINOR * 100 + VERSION_PATCH;

/// A function of the archive.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// The symbol.
    pub symbol: &'static str,
    /// The prototype as it stands in the header, without the attributes.
    pub c: &'static str,
    /// The declaration as it stands in the IR declarations, or nothing where IR has no
    /// use for the function.
    pub ir: &'static str,
    /// In the debug archive only.
    pub debug_only: bool,
}

const fn function(symbol: &'static str, c: &'static str, ir: &'static str) -> Function {
    Function { symbol, c, ir, debug_only: false }
}

const fn debug(symbol: &'static str, c: &'static str) -> Function {
    Function { symbol, c, ir: "", debug_only: true }
}

/// Every global symbol of the archives.
#[rustfmt::skip]
pub const FUNCTIONS: &[Function] = &[
    function("mem_alloc", "void* mem_alloc(size_t size)", "ptr @mem_alloc(i64)"),
    function("mem_free", "void mem_free(void* object)", "void @mem_free(ptr)"),
    function("inc_ref", "void inc_ref(void* object)", "void @inc_ref(ptr)"),
    function("dec_ref", "void dec_ref(void* object)", "void @dec_ref(ptr)"),
    function("panic", "", "void @panic(ptr, i64)"),
    function("reml_panic_cstr", "void panic(const char* message)", ""),
    function("panic_at", "void panic_at(const char* message, const char* file, int line)", "void @panic_at(ptr, ptr, i32)"),
    function("print_i64", "void print_i64(int64_t value)", "void @print_i64(i64)"),
    function("reml_set_type_tag", "void reml_set_type_tag(void* object, uint32_t tag)", "void @reml_set_type_tag(ptr, i32)"),
    function("reml_get_type_tag", "uint32_t reml_get_type_tag(void* object)", "i32 @reml_get_type_tag(ptr)"),
    function("reml_closure_new", "void* reml_closure_new(void* env, void* code_ptr)", "ptr @reml_closure_new(ptr, ptr)"),
    function("reml_closure_env", "void* reml_closure_env(void* closure)", "ptr @reml_closure_env(ptr)"),
    function("reml_closure_code_ptr", "void* reml_closure_code_ptr(void* closure)", "ptr @reml_closure_code_ptr(ptr)"),
    function("reml_array_from", "void* reml_array_from(int64_t len, ...)", "ptr @reml_array_from(i64, ...)"),
    function("reml_record_from", "void* reml_record_from(int64_t n, ...)", "ptr @reml_record_from(i64, ...)"),
    function("reml_box_i64", "void* reml_box_i64(int64_t value)", "ptr @reml_box_i64(i64)"),
    function("reml_unbox_i64", "int64_t reml_unbox_i64(void* object)", "i64 @reml_unbox_i64(ptr)"),
    function("reml_box_bool", "void* reml_box_bool(uint8_t value)", "ptr @reml_box_bool(i8 zeroext)"),
    function("reml_unbox_bool", "uint8_t reml_unbox_bool(void* object)", "zeroext i8 @reml_unbox_bool(ptr)"),
    function("reml_box_float", "void* reml_box_float(double value)", "ptr @reml_box_float(double)"),
    function("reml_unbox_float", "double reml_unbox_float(void* object)", "double @reml_unbox_float(ptr)"),
    function("reml_box_char", "void* reml_box_char(uint32_t value)", "ptr @reml_box_char(i32)"),
    function("reml_unbox_char", "uint32_t reml_unbox_char(void* object)", "i32 @reml_unbox_char(ptr)"),
    function("reml_box_string", "void* reml_box_string(reml_string_t value)", "ptr @reml_box_string({ ptr, i64 })"),
    function("reml_unbox_string", "reml_string_t reml_unbox_string(void* object)", "{ ptr, i64 } @reml_unbox_string(ptr)"),
    function("reml_set_new", "void* reml_set_new(void)", "ptr @reml_set_new()"),
    function("reml_set_insert", "void* reml_set_insert(void* set, void* value)", "ptr @reml_set_insert(ptr, ptr)"),
    function("reml_set_contains", "int32_t reml_set_contains(void* set, void* value)", "i32 @reml_set_contains(ptr, ptr)"),
    function("reml_set_len", "int64_t reml_set_len(void* set)", "i64 @reml_set_len(ptr)"),
    function("string_eq", "int32_t string_eq(const reml_string_t* a, const reml_string_t* b)", "i32 @string_eq(ptr, ptr)"),
    function("string_compare", "int32_t string_compare(const reml_string_t* a, const reml_string_t* b)", "i32 @string_compare(ptr, ptr)"),
    function("reml_str_data", "const char* reml_str_data(reml_string_t text)", "ptr @reml_str_data({ ptr, i64 })"),
    function("reml_ffi_bridge_record_status", "void reml_ffi_bridge_record_status(int32_t status)", "void @reml_ffi_bridge_record_status(i32)"),
    function("reml_destroy_tuple", "void reml_destroy_tuple(void* tuple)", "void @reml_destroy_tuple(ptr)"),
    function("reml_destroy_record", "void reml_destroy_record(void* record)", "void @reml_destroy_record(ptr)"),
    function("reml_destroy_array", "void reml_destroy_array(void* array)", "void @reml_destroy_array(ptr)"),
    function("reml_inc_ref_slow", "", "void @reml_inc_ref_slow(ptr)"),
    function("reml_dec_ref_slow", "", "void @reml_dec_ref_slow(ptr)"),
    debug("reml_debug_get_alloc_count", "uint64_t reml_debug_get_alloc_count(void)"),
    debug("reml_debug_get_free_count", "uint64_t reml_debug_get_free_count(void)"),
    debug("reml_debug_print_alloc_stats", "void reml_debug_print_alloc_stats(void)"),
    debug("reml_debug_print_refcount_stats", "void reml_debug_print_refcount_stats(void)"),
    debug("reml_debug_report_leaks", "uint64_t reml_debug_report_leaks(void)"),
    debug("reml_debug_report_cycles", "uint64_t reml_debug_report_cycles(void)"),
];

/// Every symbol the archives may leave to the C library, and why.
pub const IMPORTS: &[(&str, &str)] = &[
    ("malloc", "side arrays"),
    ("calloc", "large objects"),
    ("free", "side arrays, large objects"),
    ("mmap", "the reservation"),
    ("madvise", "huge pages"),
    ("write", "print_i64, panics"),
    ("exit", "the end of a panic, with exit handlers"),
    ("_exit", "a panic inside a panic"),
    ("abort", "REML_PANIC=abort"),
    ("memset", "zeroing, as the compiler sees fit"),
    ("memcpy", "copying, as the compiler sees fit"),
    ("memcmp", "comparing strings"),
    ("__cxa_thread_atexit_impl", "flushing a thread's free lists (glibc 2.18)"),
];

/// Weak references: absent ones are null and cost a program nothing.
pub const WEAK_IMPORTS: &[(&str, &str)] = &[
    ("__libc_single_threaded", "plain counting while there is one thread (glibc 2.32)"),
    ("__asan_init", "AddressSanitizer is present"),
    ("__asan_loadN", "AddressSanitizer reports in its own words"),
    ("__msan_init", "MemorySanitizer is present"),
    ("__tsan_init", "ThreadSanitizer is present"),
    ("backtrace", "backtraces of panics"),
    ("environ", "REML_* variables"),
];
