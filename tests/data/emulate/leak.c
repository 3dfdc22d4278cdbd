/* Loses 24 bytes that nothing points at any more. */
#include <stdlib.h>

static int *volatile kept;

__attribute__((noinline)) static void planted_leak(void) { kept = malloc(24); }

int main(void) {
    planted_leak();
    kept = 0;
    return 0;
}
