/* Boxed values keep what they were given, and give their memory back. */
#include "reml_runtime.h"

int main(void) {
    void* number = reml_box_i64(-7);
    void* truth = reml_box_bool(1);
    void* letter = reml_box_char(0x1F600);
    void* real = reml_box_float(0.5);
    print_i64(reml_unbox_i64(number));
    print_i64(reml_unbox_bool(truth));
    print_i64(reml_unbox_char(letter));
    print_i64((int64_t)(reml_unbox_float(real) * 8));
    dec_ref(number);
    dec_ref(truth);
    dec_ref(letter);
    dec_ref(real);
    return 0;
}
/* stdout:
-7
1
128512
4
*/
