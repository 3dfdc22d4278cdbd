/* Strings are compared by bytes, then by length. */
/* expect stdout -1 */
/* expect stdout 1 */
/* expect stdout 0 */
/* expect stdout 1 */
/* expect stdout 0 */
#include "reml_runtime.h"

int main(void) {
    reml_string_t abc = {"abc", 3}, abd = {"abd", 3}, ab = {"ab", 2}, high = {"\xff", 1};
    print_i64(string_compare(&abc, &abd));
    print_i64(string_compare(&abc, &ab));
    print_i64(string_compare(&abc, &abc));
    print_i64(string_compare(&high, &abc));
    print_i64(string_eq(&abc, &ab));
    return reml_str_data(abc) == abc.data ? 0 : 2;
}
