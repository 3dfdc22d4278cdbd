/* Variadic builders take any number of arguments and a reference on each. */
/* expect stdout 2 */
/* expect stdout 10 */
/* expect stdout 1 */
#include "reml_runtime.h"

int main(void) {
    void* one = reml_box_i64(1);
    reml_array_t* array = reml_array_from(10, one, one, one, one, one, one, one, one, one, one);
    reml_record_t* record = reml_record_from(8, one, one, one, one, one, one, one, (void*)0);
    if (REML_GET_HEADER(one)->refcount != 18) return 2;
    if (record->values[7] || reml_get_type_tag(record) != REML_TAG_RECORD) return 3;
    void* pair = reml_array_from(2, array, record);
    print_i64(REML_GET_HEADER(array)->refcount);
    print_i64(array->len);
    dec_ref(array);
    dec_ref(record);
    dec_ref(pair);
    print_i64(REML_GET_HEADER(one)->refcount);
    dec_ref(one);
    return 0;
}
