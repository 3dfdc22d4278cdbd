//! The variables that a shim keeps from its program, because they would change what a
//! cross compiler reads, finds or writes. It must never hold one that a user sets for
//! the build at hand, such as `SOURCE_DATE_EPOCH` or `TMPDIR`.

use std::ffi::OsStr;

/// Runs the compiler: `distcc`, `icecc`, `recc`. One program, no arguments.
pub const LAUNCHER: &str = "REML_TOOLCHAIN_LAUNCHER";

/// Variables that would change what a cross tool reads, finds or writes.
pub const REMOVED: [&str; 41] = [
    // Header folders: GCC's manual, "Environment Variables Affecting GCC".
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
    "OBJCPLUS_INCLUDE_PATH",
    "DEPENDENCIES_OUTPUT",
    "SUNPRO_DEPENDENCIES",
    // Libraries of the host, at link time and at start.
    "LIBRARY_PATH",
    "LD_RUN_PATH",
    "LD_LIBRARY_PATH",
    "LDEMULATION",
    "GNUTARGET",
    // Where the driver looks for its parts.
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "GCC_COMPARE_DEBUG",
    "COLLECT_GCC",
    "COLLECT_GCC_OPTIONS",
    // Arguments that nobody sees.
    "CCC_OVERRIDE_OPTIONS",
    "QA_OVERRIDE_GCC3_OPTIONS",
    "CL",
    "_CL_",
    "LLD_REPRODUCE",
    "LLD_VERSION",
    // Apple's SDKs: clang takes them for any target that it believes to be Darwin's.
    "SDKROOT",
    "DEVELOPER_DIR",
    "ARCHFLAGS",
    "TOOLCHAINS",
    "MACOSX_DEPLOYMENT_TARGET",
    "IPHONEOS_DEPLOYMENT_TARGET",
    "TVOS_DEPLOYMENT_TARGET",
    "WATCHOS_DEPLOYMENT_TARGET",
    "XROS_DEPLOYMENT_TARGET",
    "DRIVERKIT_DEPLOYMENT_TARGET",
    // pkg-config: set anew, or the host's packages would be found.
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_SYSROOT_DIR",
    "PKG_CONFIG_SYSTEM_INCLUDE_PATH",
    "PKG_CONFIG_SYSTEM_LIBRARY_PATH",
    "PKG_CONFIG_TOP_BUILD_DIR",
    "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS",
    LAUNCHER,
];

/// Variables removed by how they begin: macOS's loader.
pub const REMOVED_PREFIX: &str = "DYLD_";

/// Variables that put foreign code into every program from its start on: by the time a
/// program can look, it has happened. They are told, and no more.
pub const PRELOADS: [&str; 3] = ["LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"];

/// Whether a shim keeps `variable` from its program.
#[must_use]
pub fn is_removed(variable: &OsStr) -> bool {
    let name = variable.as_encoded_bytes();
    name.starts_with(REMOVED_PREFIX.as_bytes())
        || REMOVED.iter().any(|removed| removed.as_bytes() == name)
}
