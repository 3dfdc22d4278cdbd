#include "library.h"

int library_add(int a, int b) { return a + b; }
