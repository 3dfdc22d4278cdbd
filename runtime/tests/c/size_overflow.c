/* A size whose rounding overflows is never a short block. */
/* expect status 1 */
/* expect stderr 18446744073709551612 */
#include "reml_runtime.h"

int main(void) {
    mem_alloc(SIZE_MAX - 3);
    return 0;
}
