//! A `versions.toml` for the generated archive: the real file's shape, small lists, and
//! mirrors on loopback. Never names a host that is not the test's own.

/// The text. The base URLs carry no slash at the end.
pub fn versions_toml(main: &str, security: &str, snapshot: &str) -> String {
    format!(
        r#"# Made by a test.
schema = 1

[toolchain]
release = "bookworm"
target = "x86_64-unknown-linux-gnu"

[mirrors]
main = ["{main}"]
security = ["{security}"]
snapshot = "{snapshot}"

[release.bookworm]
glibc = "2.36"
gcc = 12
suites = ["bookworm", "bookworm-updates", "bookworm-security"]
durable = "bookworm"
{TABLES}"#
    )
}

const TABLES: &str = r#"
[sysroot]
packages = [
  "libc6",
  "libc6-dev",
  "linux-libc-dev",
  "libgcc-s1",
  "libgcc-{gcc}-dev",
  "gcc-{gcc}-base",
  "libstdc++6",
  "libstdc++-{gcc}-dev",
  "libcrypt1",
  "libcrypt-dev",
  "libatomic1",
]
durable = ["linux-libc-dev"]
extra = []
prune = [
  "usr/share/**",
  "usr/bin/**",
  "etc/**",
  "usr/lib/*/gconv/**",
  "usr/lib/gcc/*/*/lib[ahlt]san*",
]
keep = ["usr/share/doc/*/copyright"]

[llvm]
major = 19
packages = ["clang-19", "lld-19", "llvm-19"]
hosts = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]
durable = ["*"]
without = ["gcc-12-base", "libc6", "libc6-dev", "libgcc-12-dev", "libstdc++-12-dev"]
prune = []

[qemu]
packages = ["qemu-user"]
hosts = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"]
durable = ["*"]
without = ["gcc-12-base", "libc6"]
prune = []

[kernel]
durable = ["*"]
without = []
prune = []

[kernel.packages]
x86_64-unknown-linux-gnu = ["linux-image-cloud-amd64"]
aarch64-unknown-linux-gnu = ["linux-image-cloud-arm64"]

[homebrew]
formulae = ["llvm@19", "lld@19", "qemu", "pkgconf"]
"#;
