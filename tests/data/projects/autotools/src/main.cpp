#include "config.h"

#include <iostream>

#include "power.h"

#if !defined(HAVE_GETRANDOM) || SIZEOF_VOID_P != 8 || defined(WORDS_BIGENDIAN)
#error "configure did not see the target"
#endif

int main() { std::cout << PACKAGE_STRING << ": " << power(2, 10) << '\n'; }
