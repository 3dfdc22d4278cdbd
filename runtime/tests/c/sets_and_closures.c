/* Sets are persistent, closures hold their environment. */
/* expect stdout 0 */
/* expect stdout 1 */
/* expect stdout 1 */
/* expect stdout 4 */
/* expect stdout 1 */
#include "reml_runtime.h"

static void code(void) {}

int main(void) {
    void* env = mem_alloc(8);
    void* closure = reml_closure_new(env, (void*)(uintptr_t)code);
    void* none = reml_set_new();
    void* once = reml_set_insert(none, env);
    void* twice = reml_set_insert(once, env);
    print_i64(reml_set_len(none));
    print_i64(reml_set_len(twice));
    print_i64(reml_set_contains(once, env));
    print_i64(REML_GET_HEADER(env)->refcount);
    if (reml_closure_env(closure) != env) return 2;
    if (reml_closure_code_ptr(closure) != (void*)(uintptr_t)code) return 3;
    dec_ref(closure);
    dec_ref(none);
    dec_ref(once);
    dec_ref(twice);
    print_i64(REML_GET_HEADER(env)->refcount);
    dec_ref(env);
    return 0;
}
