/* Objects in read-only memory are never written. */
/* expect stdout 5 */
/* expect stdout 2147483648 */
#include "reml_runtime.h"

static const struct {
    reml_object_header_t header;
    int64_t value;
} constant = {REML_STATIC_HEADER(REML_TAG_INT), 5};

int main(void) {
    void* object = (void*)(uintptr_t)&constant.value;
    for (int i = 0; i < 10; i++) {
        inc_ref(object);
        dec_ref(object);
        dec_ref(object);
        mem_free(object);
    }
    dec_ref(reml_array_from(1, object));
    print_i64(reml_unbox_i64(object));
    print_i64(constant.header.refcount);
    return 0;
}
