/* hello.c - the same in C, through the runtime's header. */
#include <reml_runtime.h>
#include <stdio.h>

int main(void) {
    puts("hello");
    fflush(stdout); /* print_i64 is not buffered */
    print_i64(42);
    return 0;
}
