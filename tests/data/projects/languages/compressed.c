/* A round trip through zlib. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

int main(void) {
  const char text[] = "the same again, the same again, the same again";
  Bytef packed[128];
  Bytef plain[sizeof text];
  uLongf packed_size = sizeof packed;
  uLongf plain_size = sizeof plain;
  if (compress(packed, &packed_size, (const Bytef *)text, sizeof text) != Z_OK ||
      uncompress(plain, &plain_size, packed, packed_size) != Z_OK) {
    return 1;
  }
  printf("%s\n", strcmp((const char *)plain, text) == 0 ? "the same" : "not the same");
  return 0;
}
