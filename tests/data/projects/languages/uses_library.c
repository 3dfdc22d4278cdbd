#include <stdio.h>

#include "middle.h"

int main(void) {
  printf("double: %d\n", middle_double(21));
  return 0;
}
