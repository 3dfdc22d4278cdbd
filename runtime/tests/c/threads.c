/* Eight threads lose no count. */
/* expect stdout 160001 */
#include "reml_runtime.h"
#include <pthread.h>

static void* shared;

static void* work(void* none) {
    for (int i = 0; i < 20000; i++) {
        inc_ref(shared);
        inc_ref(shared);
        dec_ref(shared);
        dec_ref(mem_alloc(16));
    }
    return none;
}

int main(void) {
    pthread_t threads[8];
    shared = mem_alloc(16);
    for (int i = 0; i < 8; i++)
        if (pthread_create(&threads[i], NULL, work, NULL)) return 2;
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    print_i64(REML_GET_HEADER(shared)->refcount);
    REML_GET_HEADER(shared)->refcount = 1;
    dec_ref(shared);
    return 0;
}
