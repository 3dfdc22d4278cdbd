/* The debug archive counts, and reports what is left over. */
/* only debug */
/* expect stdout 2 */
/* expect stdout 1 */
/* expect stdout 1 */
/* expect stderr leak: objects=1 bytes=24 */
#include "reml_runtime.h"

int main(void) {
    static void* lost;
    lost = mem_alloc(24);
    dec_ref(mem_alloc(8));
    print_i64((int64_t)reml_debug_get_alloc_count());
    print_i64((int64_t)reml_debug_get_free_count());
    print_i64((int64_t)reml_debug_report_leaks());
    return lost == NULL;
}
