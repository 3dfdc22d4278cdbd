/* A panic says its message and place, exit handlers run, and the status is 1. */
/* expect status 1 */
/* expect stdout bye */
/* expect stderr panic: out of cheese */
/* expect stderr main.reml:7 */
#include "reml_runtime.h"
#include <stdlib.h>
#include <unistd.h>

static void bye(void) {
    if (write(1, "bye\n", 4) != 4) _exit(2);
}

int main(void) {
    atexit(bye);
    panic_at("out of cheese", "main.reml", 7);
}
