// Streams, exceptions, threads and file systems: what needs the shared C++ library.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

static int parse(const std::string &text) {
  if (text.empty()) {
    throw std::invalid_argument("nothing to parse");
  }
  return std::stoi(text);
}

int main() {
  std::map<std::string, int> seen;
  try {
    seen["never"] = parse("");
  } catch (const std::invalid_argument &error) {
    std::cout << "caught: " << error.what() << '\n';
  }
  std::thread worker([&seen] { seen["worker"] = parse("42"); });
  worker.join();
  const auto file = std::filesystem::temp_directory_path() / "proof.txt";
  std::ofstream(file) << "four";
  std::cout << "worker: " << seen.at("worker") << ", size: " << std::filesystem::file_size(file)
            << '\n';
  std::filesystem::remove(file);
}
