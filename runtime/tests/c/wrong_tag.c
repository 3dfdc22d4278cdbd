/* A value of another type is not read. */
/* expect status 1 */
/* expect stderr panic: reml_unbox_i64: */
#include "reml_runtime.h"

int main(void) {
    return (int)reml_unbox_i64(reml_box_bool(1));
}
