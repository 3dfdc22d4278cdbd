/* A reference to a dead object is noticed. */
/* expect status 1 */
/* expect stderr panic: inc_ref: use after release */
#include "reml_runtime.h"

int main(void) {
    void* object = mem_alloc(5000);
    dec_ref(object);
    inc_ref(object);
    return 0;
}
