#include <iostream>
#include <thread>
#include <vector>

#include "sum.h"

int main() {
  const std::vector<int> numbers{20, 21, 1};
  int total = 0;
  std::thread worker([&] { total = sum(numbers.data(), static_cast<int>(numbers.size())); });
  worker.join();
  std::cout << "sum: " << total << '\n';
}
