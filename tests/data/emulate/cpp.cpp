// Exceptions through the sysroot's libstdc++ and libgcc_s, which are shared libraries.
#include <iostream>
#include <stdexcept>

int main() {
    try {
        throw std::runtime_error("thrown");
    } catch (const std::exception &error) {
        std::cout << error.what() << '\n';
    }
    return 0;
}
