/* Objects of every size are fresh, zeroed, aligned and apart from each other. */
/* expect stdout 1201 */
#include "reml_runtime.h"
#include <string.h>

int main(void) {
    static unsigned char* kept[1201];
    for (size_t size = 0; size <= 1200; size++) {
        unsigned char* object = mem_alloc(size);
        if ((uintptr_t)object % 8) return 2;
        if (REML_GET_HEADER(object)->refcount != 1 || reml_get_type_tag(object)) return 3;
        for (size_t i = 0; i < size; i++)
            if (object[i]) return 4;
        memset(object, (int)(size % 251) + 1, size);
        kept[size] = object;
    }
    for (size_t size = 0; size <= 1200; size++) {
        for (size_t i = 0; i < size; i++)
            if (kept[size][i] != (unsigned char)(size % 251 + 1)) return 5;
        dec_ref(kept[size]);
    }
    print_i64(1201);
    return 0;
}
