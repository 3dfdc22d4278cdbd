/* IR's panic takes a string without an end, and reads no further than its length. */
/* expect status 1 */
/* expect stderr panic: hello! */
#include "reml_runtime.h"
#include <string.h>
#include <sys/mman.h>

extern void ir_panic(const char* text, int64_t length) __asm__("panic");

int main(void) {
    char* page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    memcpy(page + 4090, "hello!", 6);
    ir_panic(page + 4090, 6);
    return 0;
}
