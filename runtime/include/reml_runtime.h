/*
 * reml_runtime.h - the C interface of libreml_runtime.a
 *
 * This text is the specification: what it does not promise may change.
 *
 * OBJECTS. An object is a payload behind an 8-byte header; programs hold a pointer to
 * the payload, which is 8-byte aligned. A fresh object has a count of 1 and tag 0, and
 * its payload, rounded up to a multiple of 8 bytes, is zero.
 *
 * COUNTS.  0: dead. 1 to 0x7ffffffe: that many references. From 0x80000000 on: immortal;
 * such an object is never written, counted or freed, so it may be static and read-only
 * (REML_STATIC_HEADER). A count that overflows becomes immortal: the object leaks, it is
 * never freed while in use.
 *
 * OWNERSHIP. Functions returning an object return one reference, which the caller gives
 * back with dec_ref. "Takes a reference" means that the function counts one of its own;
 * the caller keeps its own. Everything else is borrowed for the call.
 *
 * NULL. mem_free, inc_ref, dec_ref, reml_set_type_tag and reml_destroy_* ignore NULL;
 * reml_get_type_tag gives 0. As a child, a closure's environment or an item, NULL means
 * "nothing". Everywhere else NULL is a value of the wrong type.
 *
 * FAILURE. There are no error codes: a function that cannot do what it says panics. A
 * panic writes one message to standard error and ends the program with status 1, after
 * its atexit handlers. Counting a dead object, freeing it, or giving back a reference
 * that is not there panics in every build, as long as the memory was not handed out again.
 *
 * THREADS. All functions may be called from any thread. Counting is safe on shared
 * objects; payloads and tags are the program's to protect. Threads must be made through
 * the C library (not by a bare clone(2)). No function may be called from a signal
 * handler, except panic, panic_at and print_i64.
 *
 * COMPATIBILITY. Within one REML_RUNTIME_VERSION_MAJOR, programs compiled against an
 * older header link with and run on a newer archive; MINOR counts additions, PATCH
 * neither. Symbols, layouts, tags, counts and the panic's exit status are covered; the
 * wording of messages is not.
 */
#ifndef REML_RUNTIME_H
#define REML_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#define REML_RUNTIME_VERSION_MAJOR 1
#define REML_RUNTIME_VERSION_MINOR 0
#define REML_RUNTIME_VERSION_PATCH 0
/* One number to compare: MAJOR * 10000 + MINOR * 100 + PATCH. */
#define REML_RUNTIME_VERSION 10000

#if defined(__cplusplus)
#define REML_NORETURN [[noreturn]]
#define REML_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define REML_NORETURN _Noreturn
#define REML_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* ---- Layout ------------------------------------------------------------------- */

/* What stands before the pointer that programs hold. */
typedef struct {
    uint32_t refcount;
    uint32_t type_tag;
} reml_object_header_t;

/* The header of an object. The count may change in another thread at any time. */
#define REML_GET_HEADER(ptr) ((reml_object_header_t*)(void*)((char*)(ptr) - sizeof(reml_object_header_t)))

/* The count of a static object: immortal. */
#define REML_IMMORTAL UINT32_C(0x80000000)
/* Initialiser of a static object's header. */
#define REML_STATIC_HEADER(tag) { REML_IMMORTAL, (uint32_t)(tag) }

/* What a payload is, and what the last dec_ref does with it. Any other tag: the block is
 * freed and nothing else. */
typedef enum {
    REML_TAG_NONE = 0,    /* unknown: children, if any, are not released */
    REML_TAG_INT = 1,     /* int64_t */
    REML_TAG_FLOAT = 2,   /* double */
    REML_TAG_BOOL = 3,    /* uint8_t, 0 or 1 */
    REML_TAG_STRING = 4,  /* reml_string_t; the data is borrowed, see REML_TAG_OWNED */
    REML_TAG_TUPLE = 5,   /* reml_tuple_t: each item, then the side array */
    REML_TAG_RECORD = 6,  /* reml_record_t: each value, then the side array */
    REML_TAG_CLOSURE = 7, /* reml_closure_t: the environment */
    REML_TAG_ADT = 8,     /* reml_adt_t: the payload, see REML_TAG_IMMEDIATE */
    REML_TAG_SET = 9,     /* reml_set_t: each item, then the side array */
    REML_TAG_CHAR = 10,   /* uint32_t, a Unicode scalar value */
    REML_TAG_ARRAY = 11   /* reml_array_t: each item, then the side array */
} reml_type_tag_t;

/* Flag on REML_TAG_ADT: the payload is an immediate and never followed. Without it, a
 * payload that is NULL, misaligned, below 64 KiB or beyond 48 bits is taken for one. */
#define REML_TAG_IMMEDIATE UINT32_C(0x80000000)
/* Flag on REML_TAG_STRING: the data pointer is an object, released with the string. */
#define REML_TAG_OWNED UINT32_C(0x40000000)

/* Side arrays (items, values) are the program's, from malloc or calloc; NULL for none.
 * The last dec_ref releases the slots in ascending order, then frees the side array,
 * then the block. A length below 0 counts as 0. */
typedef struct {
    const char* data; /* UTF-8, not NUL-terminated */
    int64_t length;   /* bytes */
} reml_string_t;

typedef struct {
    int64_t len;
    void** items;
} reml_tuple_t;

typedef struct {
    int64_t field_count;
    void** values;
} reml_record_t;

typedef struct {
    void* env;
    void* code_ptr; /* never released */
} reml_closure_t;

typedef struct {
    int32_t tag;
    void* payload;
} reml_adt_t;

typedef struct {
    int64_t len;
    int64_t capacity;
    void** items;
} reml_set_t;

typedef struct {
    int64_t len;
    void** items;
} reml_array_t;

REML_STATIC_ASSERT(sizeof(void*) == 8, "64-bit targets only");
REML_STATIC_ASSERT(sizeof(reml_object_header_t) == 8, "header size");
REML_STATIC_ASSERT(offsetof(reml_object_header_t, type_tag) == 4, "tag at p-4");
REML_STATIC_ASSERT(sizeof(reml_string_t) == 16 && offsetof(reml_string_t, length) == 8, "string");
REML_STATIC_ASSERT(sizeof(reml_tuple_t) == 16 && offsetof(reml_tuple_t, items) == 8, "tuple");
REML_STATIC_ASSERT(sizeof(reml_record_t) == 16 && offsetof(reml_record_t, values) == 8, "record");
REML_STATIC_ASSERT(sizeof(reml_closure_t) == 16 && offsetof(reml_closure_t, code_ptr) == 8, "closure");
REML_STATIC_ASSERT(sizeof(reml_adt_t) == 16 && offsetof(reml_adt_t, payload) == 8, "adt");
REML_STATIC_ASSERT(sizeof(reml_set_t) == 24 && offsetof(reml_set_t, items) == 16, "set");
REML_STATIC_ASSERT(sizeof(reml_array_t) == 16 && offsetof(reml_array_t, items) == 8, "array");

/* ---- Memory and counting ------------------------------------------------------- */

/* A zero-filled object of at least `size` bytes: count 1, tag 0. Size 0 gives a header
 * alone. Panics, naming the size, when it overflows or memory is out. */
void* mem_alloc(size_t size);

/* Frees the block whatever its count, and leaves its children alone. Immortal objects
 * stay. Panics on a dead object ("double free"). */
void mem_free(void* object);

/* Takes one more reference. Panics on a dead object ("use after release"). */
void inc_ref(void* object);

/* Gives one reference back. The last one releases children as the tag says, however deep
 * the structure, with constant stack. Panics on a dead object ("double release"). */
void dec_ref(void* object);

/* Writes the type tag. Tag an object before you share or release it. */
void reml_set_type_tag(void* object, uint32_t tag);

/* Reads the type tag with its flags; 0 for NULL. */
uint32_t reml_get_type_tag(void* object);

/* ---- Ending the program -------------------------------------------------------- */

/* Ends the program with a message. Any pointer will do: unreadable memory ends the
 * message, at most 4096 bytes are read, control bytes are escaped. Environment:
 * REML_PANIC_FORMAT=text|json|both, REML_PANIC_LOG=PATH (append), REML_PANIC=abort.
 * IR calls the symbol `panic` with (ptr, i64 length) instead; C reaches this entry. */
REML_NORETURN void panic(const char* message) __asm__("reml_panic_cstr");

/* As panic, with a place. Either string may be NULL. */
REML_NORETURN void panic_at(const char* message, const char* file, int line);

/* Writes the number in decimal and a newline to standard output, whole, in one write.
 * Not buffered: call fflush(stdout) first where you mix it with stdio. */
void print_i64(int64_t value);

/* ---- Closures, arrays, records ------------------------------------------------- */

/* A closure; takes a reference on `env`, which may be NULL. */
void* reml_closure_new(void* env, void* code_ptr);

/* The environment, borrowed. Panics unless given a closure. */
void* reml_closure_env(void* closure);

/* The code. Panics unless given a closure. */
void* reml_closure_code_ptr(void* closure);

/* An array of `len` objects: pass them as `void*`, and NULL as `(void*)0`. Takes a
 * reference on each. Panics on a negative length. */
void* reml_array_from(int64_t len, ...);

/* A record of `n` values, as reml_array_from. */
void* reml_record_from(int64_t n, ...);

/* Release the items and the side array at once. The object stays, empty (length 0), and
 * is still the caller's to give back. Tag 0 passes; any other wrong tag panics. */
void reml_destroy_tuple(void* tuple);
void reml_destroy_record(void* record);
void reml_destroy_array(void* array);

/* ---- Boxes ---------------------------------------------------------------------- */

/* reml_box_* make an object that holds the value; reml_unbox_* read it and panic on
 * NULL and on a wrong tag. Characters must be Unicode scalar values (0 to 0x10ffff
 * without the surrogates), else both panic. A boxed string borrows its data. */
void* reml_box_i64(int64_t value);
int64_t reml_unbox_i64(void* object);
void* reml_box_bool(uint8_t value);
uint8_t reml_unbox_bool(void* object);
void* reml_box_float(double value);
double reml_unbox_float(void* object);
void* reml_box_char(uint32_t value);
uint32_t reml_unbox_char(void* object);
void* reml_box_string(reml_string_t value);
reml_string_t reml_unbox_string(void* object);

/* ---- Sets ------------------------------------------------------------------------ */

/* Sets of objects by pointer equality, persistent: an insertion copies. All panic unless
 * given a set. */

/* An empty set. */
void* reml_set_new(void);

/* A new set with the items of `set` and `value`; takes a reference on each. */
void* reml_set_insert(void* set, void* value);

/* 1 when the set holds this very pointer, else 0. */
int32_t reml_set_contains(void* set, void* value);

/* Number of items. */
int64_t reml_set_len(void* set);

/* ---- Strings --------------------------------------------------------------------- */

/* 1 when equal, else 0. NULL equals NULL only. A negative length counts as 0. */
int32_t string_eq(const reml_string_t* a, const reml_string_t* b);

/* -1, 0 or 1: NULL first, then by bytes, then by length. */
int32_t string_compare(const reml_string_t* a, const reml_string_t* b);

/* The data pointer. */
const char* reml_str_data(reml_string_t text);

/* ---- Foreign functions ------------------------------------------------------------ */

/* Counts a crossing of the bridge by its status; the debug archive shows the counts. */
void reml_ffi_bridge_record_status(int32_t status);

/* ---- libreml_runtime_debug.a only -------------------------------------------------- */

/* Objects allocated and freed so far. */
uint64_t reml_debug_get_alloc_count(void);
uint64_t reml_debug_get_free_count(void);

/* Write the counters to standard error. */
void reml_debug_print_alloc_stats(void);
void reml_debug_print_refcount_stats(void);

/* Write what is live now, grouped by allocation site, to standard error; how many
 * objects. Also done at exit. */
uint64_t reml_debug_report_leaks(void);

/* Write the live objects that only cycles keep alive; how many. */
uint64_t reml_debug_report_cycles(void);

#ifdef __cplusplus
}
#endif

#endif
