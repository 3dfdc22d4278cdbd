#include <stdexcept>
#include <string>

// Throws and catches, so that the C++ library is really needed.
extern "C" int length_of_message() {
  try {
    throw std::runtime_error(std::string("four") + "teen chars");
  } catch (const std::exception &error) {
    return static_cast<int>(std::string(error.what()).size());
  }
}
