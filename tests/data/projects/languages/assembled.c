#include <stdio.h>

extern int answer;
int give(void);

int main(void) {
  printf("answer: %d, ENOENT: %d\n", answer, give());
  return 0;
}
