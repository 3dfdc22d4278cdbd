/* An immediate in an algebraic value is not followed. */
/* expect stdout 1 */
#include "reml_runtime.h"

static void with(void* payload, uint32_t flags) {
    reml_adt_t* some = mem_alloc(sizeof(reml_adt_t));
    reml_set_type_tag(some, REML_TAG_ADT | flags);
    some->payload = payload;
    dec_ref(some);
}

int main(void) {
    void* child = mem_alloc(16);
    with((void*)42, 0);
    with((void*)0x10001, 0);
    with((void*)-8, 0);
    with(child, REML_TAG_IMMEDIATE);
    print_i64(REML_GET_HEADER(child)->refcount);
    with(child, 0);
    return 0;
}
