// OpenSSL and zlib in one program: a text is compressed, sealed with AES-256-GCM, opened
// and unpacked again; a changed tag must be refused. The digest is FIPS 180-4's example.
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

static const unsigned char KEY[32] = "a key of exactly 32 bytes, it is";
static const unsigned char NONCE[12] = "twelve bytes";

static int run(EVP_CIPHER_CTX *ctx, int seal, const unsigned char *in, int length,
               unsigned char *out, unsigned char tag[16]) {
    int some = 0, rest = 0;
    if (EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, KEY, NONCE, seal) != 1) return -1;
    if (!seal && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, tag) != 1) return -1;
    if (EVP_CipherUpdate(ctx, out, &some, in, length) != 1) return -1;
    if (EVP_CipherFinal_ex(ctx, out + some, &rest) != 1) return -1;
    if (seal && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, tag) != 1) return -1;
    return some + rest;
}

int main(void) {
    unsigned char digest[32], text[4096], packed[512], sealed[512], opened[512], tag[16];
    unsigned int size = 0;
    EVP_Digest("abc", 3, digest, &size, EVP_sha256(), NULL);
    printf("sha256: ");
    for (unsigned int i = 0; i < size; i++) printf("%02x", digest[i]);
    printf("\n");

    for (size_t i = 0; i < sizeof text; i++) text[i] = "reml "[i % 5];
    uLongf length = sizeof packed;
    if (compress2(packed, &length, text, sizeof text, 9) != Z_OK) return 1;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int count = run(ctx, 1, packed, (int)length, sealed, tag);
    int back = run(ctx, 0, sealed, count, opened, tag);
    unsigned char again[sizeof text];
    uLongf whole = sizeof again;
    if (back != (int)length || uncompress(again, &whole, opened, (uLong)back) != Z_OK) return 2;
    printf("opened: %s\n", whole == sizeof text && !memcmp(again, text, whole) ? "the same" : "other");
    tag[0] ^= 1;
    printf("changed: %s\n", run(ctx, 0, sealed, count, opened, tag) < 0 ? "refused" : "taken");
    EVP_CIPHER_CTX_free(ctx);

    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    printf("tls: %s\n", tls && SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) ? "ready" : "none");
    SSL_CTX_free(tls);
    printf("%s, zlib %s\n", OPENSSL_VERSION_TEXT[0] == 'O' ? "OpenSSL 3" : "?", zlibVersion());
    return OPENSSL_VERSION_MAJOR == 3 ? 0 : 3;
}
