/* pthread, dl and m together. */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

static void *square(void *value) {
  double *number = value;
  *number = pow(*number, 2.0);
  return NULL;
}

int main(void) {
  volatile double number = 1.5;
  double copy = number;
  pthread_t thread;
  if (pthread_create(&thread, NULL, square, &copy) != 0 || pthread_join(thread, NULL) != 0) {
    return 1;
  }
  void *self = dlopen(NULL, RTLD_NOW);
  if (self == NULL) {
    return 2;
  }
  printf("square: %.2f, printf is %s\n", copy, dlsym(self, "printf") ? "there" : "missing");
  return dlclose(self);
}
