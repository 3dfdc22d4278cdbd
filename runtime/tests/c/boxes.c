/* Boxes keep what they were given. */
/* expect stdout -9223372036854775808 */
/* expect stdout 1 */
/* expect stdout 1114111 */
/* expect stdout -4 */
/* expect stdout 3 */
#include "reml_runtime.h"

int main(void) {
    void* number = reml_box_i64(INT64_MIN);
    void* truth = reml_box_bool(200);
    void* letter = reml_box_char(0x10ffff);
    void* real = reml_box_float(-0.5);
    void* text = reml_box_string((reml_string_t){"abc", 3});
    print_i64(reml_unbox_i64(number));
    print_i64(reml_unbox_bool(truth));
    print_i64(reml_unbox_char(letter));
    print_i64((int64_t)(reml_unbox_float(real) * 8));
    print_i64(reml_unbox_string(text).length);
    dec_ref(number);
    dec_ref(truth);
    dec_ref(letter);
    dec_ref(real);
    dec_ref(text);
    return 0;
}
