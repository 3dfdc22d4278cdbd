/* A release too many is noticed. */
/* expect status 1 */
/* expect stderr panic: dec_ref: double release */
#include "reml_runtime.h"

int main(void) {
    void* object = mem_alloc(16);
    dec_ref(object);
    dec_ref(object);
    return 0;
}
