/* Times the runtime against its peers, round by round in turn, and prints the medians:
 * one line `NAME<TAB>OURS<TAB>PEER` in nanoseconds an operation. `driver count NAME N`
 * runs our side alone N times, for callgrind. */
#define _GNU_SOURCE
#include "reml_runtime.h"
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void* arc_new(void);
void arc_clone_drop(void* object, uint64_t rounds);
void arc_clone_drop_many(void* const* objects, uint64_t rounds);
void arc_clone_drop_working(const void* object, uint64_t rounds);
void arc_new_drop(uint64_t rounds);
void box_new_drop(uint64_t rounds);
void inlined_inc_dec(void* object, uint64_t rounds);
void inlined_inc_dec_many(void* const* objects, uint64_t rounds);

/* Objects that the rotating loops count in turn, as programs do. Counting one object over
 * and over times how fast the processor gives a stored word back to the next load. */
enum { MANY = 64 };

enum { ROUNDS = 201 };
typedef void work_t(uint64_t rounds);

/* Processor time of all threads: other processes' turns do not count. */
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void* a, const void* b) {
    double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

static double median(double* values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

static void print(const char* name, double ours, double peer) {
    printf("%s\t%.4f\t%.4f\n", name, ours, peer);
    fflush(stdout);
}

/* `driver race WORD` runs the races whose name has the word in it. */
static const char* only = "";

/* Ours, theirs, ours, theirs: a slow moment of the machine hits both. */
static void race(const char* name, work_t* ours, work_t* peer, uint64_t rounds) {
    if (!strstr(name, only)) return;
    double a[ROUNDS], b[ROUNDS];
    ours(rounds / 4);
    peer(rounds / 4);
    for (int i = 0; i < ROUNDS; i++) {
        double t0 = now();
        ours(rounds);
        double t1 = now();
        peer(rounds);
        double t2 = now();
        a[i] = (t1 - t0) / (double)rounds;
        b[i] = (t2 - t1) / (double)rounds;
    }
    print(name, median(a, ROUNDS), median(b, ROUNDS));
}

static void* (*mi_malloc)(size_t);
static void (*mi_free)(void*);

/* Keeps the compiler from removing an allocation. */
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

#define PAIRS(size)                                                  \
    static void ours_##size(uint64_t n) {                            \
        for (uint64_t i = 0; i < n; i++) {                           \
            void* p = mem_alloc(size);                               \
            KEEP(p);                                                 \
            mem_free(p);                                             \
        }                                                            \
    }                                                                \
    static void glibc_##size(uint64_t n) {                           \
        for (uint64_t i = 0; i < n; i++) {                           \
            void* p = malloc(size);                                  \
            KEEP(p);                                                 \
            free(p);                                                 \
        }                                                            \
    }                                                                \
    static void mimalloc_##size(uint64_t n) {                        \
        for (uint64_t i = 0; i < n; i++) {                           \
            void* p = mi_malloc(size);                               \
            KEEP(p);                                                 \
            mi_free(p);                                              \
        }                                                            \
    }
PAIRS(16)
PAIRS(32)
PAIRS(64)

static void* ours_shared;
static void* arc_shared;
static void* ours_many[MANY];
static void* arc_many[MANY];

/* What two calls that do nothing cost: no pair of calls can be cheaper. */
__attribute__((noinline)) static void nothing(void* p) { KEEP(p); }
static void two_calls(uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        nothing(ours_shared);
        nothing(ours_shared);
    }
}

static void ours_count(uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        inc_ref(ours_shared);
        dec_ref(ours_shared);
    }
}
static void arc_count(uint64_t n) { arc_clone_drop(arc_shared, n); }
static void inlined_count(uint64_t n) { inlined_inc_dec(ours_shared, n); }

static void ours_count_many(uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        void* object = ours_many[i % MANY];
        inc_ref(object);
        dec_ref(object);
    }
}
static void arc_count_many(uint64_t n) { arc_clone_drop_many(arc_many, n); }
static void inlined_count_many(uint64_t n) { inlined_inc_dec_many(ours_many, n); }

/* What a program does between two steps of a count: some 100 ns of its own. */
void some_work(void) {
    for (int i = 0; i < 64; i++) __asm__ volatile("" : : "r"(i * 7) : "memory");
}
static void ours_count_working(uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        inc_ref(ours_shared);
        some_work();
        dec_ref(ours_shared);
        some_work();
    }
}
static void arc_count_working(uint64_t n) { arc_clone_drop_working(arc_shared, n); }

static void ours_unique(uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        void* p = mem_alloc(16);
        KEEP(p);
        dec_ref(p);
    }
}

/* Runs a workload on two threads at once, each on a processor of its own: left to the
 * scheduler, they may take turns on one, and then nothing is contended. */
static pthread_barrier_t start;
typedef struct { work_t* work; uint64_t rounds; } share_t;
static void* thread_main(void* argument) {
    const share_t* share = argument;
    pthread_barrier_wait(&start);
    share->work(share->rounds);
    return NULL;
}
static void on_two(work_t* work, uint64_t n) {
    pthread_t threads[2];
    share_t share = {work, n};
    cpu_set_t all;
    sched_getaffinity(0, sizeof all, &all);
    pthread_barrier_init(&start, NULL, 2);
    for (int i = 0, cpu = 0; i < 2; i++, cpu++) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &all)) cpu++;
        if (cpu < CPU_SETSIZE) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            pthread_attr_setaffinity_np(&attributes, sizeof one, &one);
        }
        pthread_create(&threads[i], &attributes, thread_main, &share);
        pthread_attr_destroy(&attributes);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}
static void ours_contended(uint64_t n) { on_two(ours_count, n); }
static void arc_contended(uint64_t n) { on_two(arc_count, n); }
static void ours_contended_working(uint64_t n) { on_two(ours_count_working, n); }
static void arc_contended_working(uint64_t n) { on_two(arc_count_working, n); }

/* Batches as real programs make them: many objects, then none. */
enum { BATCH = 256 };
static void ours_batch(uint64_t n) {
    void* p[BATCH];
    for (uint64_t i = 0; i < n; i += BATCH) {
        for (int k = 0; k < BATCH; k++) p[k] = mem_alloc(16);
        for (int k = 0; k < BATCH; k++) mem_free(p[k]);
    }
}
static void glibc_batch(uint64_t n) {
    void* p[BATCH];
    for (uint64_t i = 0; i < n; i += BATCH) {
        for (int k = 0; k < BATCH; k++) p[k] = malloc(16);
        for (int k = 0; k < BATCH; k++) free(p[k]);
    }
}
static void mimalloc_batch(uint64_t n) {
    void* p[BATCH];
    for (uint64_t i = 0; i < n; i += BATCH) {
        for (int k = 0; k < BATCH; k++) p[k] = mi_malloc(16);
        for (int k = 0; k < BATCH; k++) mi_free(p[k]);
    }
}
static void ours_two(uint64_t n) { on_two(ours_batch, n); }
static void glibc_two(uint64_t n) { on_two(glibc_batch, n); }

/* Deep release: a list of algebraic values against a C list freed by a loop. */
enum { NODES = 10 * 1000 * 1000, RELEASES = 9 };
typedef struct node { uint32_t count, tag; int64_t constructor; struct node* next; } node_t;

static void* ours_list(uint64_t nodes) {
    void* list = NULL;
    for (uint64_t i = 0; i < nodes; i++) {
        reml_adt_t* cell = mem_alloc(sizeof *cell);
        reml_set_type_tag(cell, REML_TAG_ADT);
        cell->tag = 1;
        cell->payload = list;
        list = cell;
    }
    return list;
}

static node_t* c_list(uint64_t nodes) {
    node_t* list = NULL;
    for (uint64_t i = 0; i < nodes; i++) {
        node_t* cell = calloc(1, sizeof *cell);
        cell->count = 1;
        cell->next = list;
        list = cell;
    }
    return list;
}

static void c_free(node_t* list) {
    while (list) {
        node_t* next = list->next;
        free(list);
        list = next;
    }
}

/* What memory alone costs: a walk over the same nodes, in one array, that writes the two
 * words which a freed block must hold (a dead count, a link). */
static node_t* floor_list(node_t* nodes) {
    for (int i = 0; i < NODES; i++)
        nodes[i] = (node_t){1, REML_TAG_ADT, 1, i ? &nodes[i - 1] : NULL};
    return &nodes[NODES - 1];
}
static void floor_walk(node_t* list) {
    while (list) {
        node_t* next = list->next;
        list->count = list->tag = 0;
        list->constructor = (int64_t)(uintptr_t)next;
        list = next;
        KEEP(list);
    }
}

static void release_race(void) {
    double a[RELEASES], b[RELEASES], c[RELEASES];
    node_t* nodes = malloc(NODES * sizeof *nodes);
    if (!nodes) abort();
    for (int i = 0; i < RELEASES; i++) {
        void* ours = ours_list(NODES);
        double t0 = now();
        dec_ref(ours);
        a[i] = (now() - t0) / NODES;
        node_t* peer = c_list(NODES);
        double t1 = now();
        c_free(peer);
        b[i] = (now() - t1) / NODES;
        node_t* walked = floor_list(nodes);
        double t2 = now();
        floor_walk(walked);
        c[i] = (now() - t2) / NODES;
    }
    free(nodes);
    print("release of a 10-million-node list", median(a, RELEASES), median(b, RELEASES));
    print("floor: a walk that writes as much", median(c, RELEASES), median(b, RELEASES));
}

/* A field of /proc/self/status, in bytes. */
static double status(const char* field) {
    char line[256];
    double value = 0;
    FILE* file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0) value = atof(line + strlen(field) + 1) * 1024;
    if (file) fclose(file);
    return value;
}

static void memory(const char* side) {
    double before = status("VmRSS");
    if (strcmp(side, "ours") == 0) {
        for (int i = 0; i < NODES; i++) KEEP(mem_alloc(16));
    } else {
        for (int i = 0; i < NODES; i++) KEEP(memset(malloc(24), 0, 24));
    }
    printf("%.4f\n", (status("VmRSS") - before) / NODES);
}

static void release_memory(void) {
    /* The runtime's own variables get their pages at the first release. */
    dec_ref(ours_list(NODES / 1000));
    void* list = ours_list(NODES);
    /* Nothing is given back, so what is resident after is the most there was. */
    double before = status("RssAnon");
    dec_ref(list);
    printf("%.0f\n", status("RssAnon") - before);
}

static void count(const char* name, uint64_t n) {
    static const struct { const char* name; work_t* work; } works[] = {
        {"alloc+free 16 B", ours_16},   {"alloc+free 32 B", ours_32},
        {"alloc+free 64 B", ours_64},   {"malloc+free 16 B (glibc)", glibc_16},
        {"inc+dec by call", ours_count}, {"inc+dec inlined", inlined_count},
        {"Arc clone+drop", arc_count},  {"new+release", ours_unique},
        {"Arc::new+drop", arc_new_drop}, {"Box::new+drop", box_new_drop},
    };
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (strcmp(works[i].name, name) == 0) works[i].work(n);
    if (strcmp(name, "making and releasing a node") == 0) dec_ref(ours_list(n));
    if (strcmp(name, "making a node") == 0) KEEP(ours_list(n));
    if (strcmp(name, "names") == 0)
        for (size_t i = 0; i < sizeof works / sizeof *works; i++) puts(works[i].name);
}

static void* idle(void* argument) {
    pause();
    return argument;
}

int main(int argc, char** argv) {
    const char* what = argc > 1 ? argv[1] : "";
    ours_shared = mem_alloc(16);
    arc_shared = arc_new();
    inc_ref(ours_shared);
    for (int i = 0; i < MANY; i++) {
        ours_many[i] = mem_alloc(16);
        arc_many[i] = arc_new();
        inc_ref(ours_many[i]);
    }
    if (strcmp(what, "count") == 0 && argc == 4) {
        count(argv[2], strtoull(argv[3], NULL, 10));
        return 0;
    }
    if (strcmp(what, "release") == 0) {
        release_race();
        return 0;
    }
    if (strcmp(what, "release-memory") == 0) {
        release_memory();
        return 0;
    }
    if (strcmp(what, "memory") == 0 && argc == 3) {
        memory(argv[2]);
        return 0;
    }
    if (strcmp(what, "race") == 0 && argc == 3) only = argv[2];
    if (strcmp(what, "race") != 0) {
        fputs("usage: driver race [WORD] | release | release-memory | memory SIDE | count NAME N\n", stderr);
        return 2;
    }
    /* Opened, not linked: linking it would replace glibc's malloc. */
    void* library = dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "libmimalloc.so.2: %s\n", dlerror());
        return 1;
    }
    *(void**)&mi_malloc = dlsym(library, "mi_malloc");
    *(void**)&mi_free = dlsym(library, "mi_free");

    /* About a millisecond a round: most rounds fit into one turn of the scheduler. */
    const uint64_t n = 100 * 1000;
    race("alloc+free 16 B / glibc", ours_16, glibc_16, n);
    race("alloc+free 32 B / glibc", ours_32, glibc_32, n);
    race("alloc+free 64 B / glibc", ours_64, glibc_64, n);
    race("alloc+free 16 B / mimalloc", ours_16, mimalloc_16, n);
    race("alloc+free 32 B / mimalloc", ours_32, mimalloc_32, n);
    race("alloc+free 64 B / mimalloc", ours_64, mimalloc_64, n);
    race("256 allocs, 256 frees 16 B / glibc", ours_batch, glibc_batch, n);
    race("256 allocs, 256 frees 16 B / mimalloc", ours_batch, mimalloc_batch, n);
    race("inc+dec by call / Arc", ours_count, arc_count, n);
    race("floor: two empty calls / Arc", two_calls, arc_count, n);
    race("inc+dec inlined / Arc", inlined_count, arc_count, n);
    race("inc+dec by call, 64 objects / Arc", ours_count_many, arc_count_many, n);
    race("inc+dec inlined, 64 objects / Arc", inlined_count_many, arc_count_many, n);
    race("new+release / Arc", ours_unique, arc_new_drop, n);
    race("new+release / Box", ours_unique, box_new_drop, n);
    race("2-thread alloc+free / glibc", ours_two, glibc_two, n * 4);
    race("contended inc+dec / Arc", ours_contended, arc_contended, n * 2);
    race("contended inc+dec, work between / Arc", ours_contended_working, arc_contended_working,
         n / 2);
    pthread_t thread;
    pthread_create(&thread, NULL, idle, NULL);
    race("new+release, threaded process / Arc", ours_unique, arc_new_drop, n);
    race("inc+dec by call, threaded process / Arc", ours_count, arc_count, n);
    return 0;
}
