/* A list of 400 000 nodes is released with a small stack. */
/* expect stdout 1 */
/* expect stdout 7 */
#include "reml_runtime.h"
#include <pthread.h>
#include <unistd.h>

static void* last;

static void* work(void* list) {
    for (int i = 0; i < 400000; i++) {
        reml_adt_t* node = mem_alloc(sizeof(reml_adt_t));
        reml_set_type_tag(node, REML_TAG_ADT);
        node->payload = list;
        list = node;
    }
    dec_ref(list);
    return NULL;
}

int main(void) {
    long least = sysconf(_SC_THREAD_STACK_MIN);
    pthread_attr_t attributes;
    pthread_t thread;
    last = reml_box_i64(7);
    inc_ref(last);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, least > 65536 ? (size_t)least : 65536);
    if (pthread_create(&thread, &attributes, work, last)) return 2;
    pthread_join(thread, NULL);
    print_i64(REML_GET_HEADER(last)->refcount);
    print_i64(reml_unbox_i64(last));
    dec_ref(last);
    return 0;
}
