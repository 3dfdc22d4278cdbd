//! The project's folders and their volume. Whether something can be written is tried out with
//! an empty file that goes again: permissions, owners and mounts only hint at it.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::facts::{Facts, Folder, Place};
use crate::host::Env;
use crate::host::fault::Fault;
use crate::host::fs::{self, FsError};
use crate::toolchain::layout::Project;

/// What macOS gives to downloaded files.
const QUARANTINE: &str = "com.apple.quarantine";
/// Others may write, and may not only add to it (sticky).
const OPEN: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Looks at the folders.
///
/// # Errors
/// The volume cannot be asked.
pub(super) fn place(project: &Project) -> Result<Place, Fault> {
    let volume = fs::volume(project.root())?;
    let mut place = Place {
        root: project.root().display().to_string(),
        folders: Vec::new(),
        free: volume.free,
        free_files: volume.free_files,
        is_without_programs: volume.is_without_programs,
        is_case_sensitive: None,
    };
    let below = [project.toolchains(), project.cache(), project.generations()];
    let mut folders: Vec<&Path> =
        below.iter().map(AsRef::as_ref).filter(|it| is_there(it)).collect();
    // Where there is nothing yet, the first run makes it.
    if folders.is_empty() {
        folders.extend(project.root().ancestors().find(|it| is_there(it)));
    }
    for path in folders {
        let metadata = fs::metadata(&fs::resolve(path)?)?;
        let mode = metadata.permissions().mode();
        let tried = fs::is_case_sensitive(path);
        place.is_case_sensitive = place.is_case_sensitive.or(tried.as_ref().ok().copied());
        place.folders.push(Folder {
            path: path.display().to_string(),
            refuses: tried.err().map(|error| reason(&error)),
            owner: metadata.uid(),
            user: fs::own_user(),
            is_open_to_all: mode & OPEN != 0 && mode & STICKY == 0,
        });
    }
    Ok(place)
}

fn is_there(path: &Path) -> bool {
    matches!(fs::stat(path), Ok(Some(_)))
}

/// The system's reason, without the name of the file that tried.
fn reason(error: &FsError) -> String {
    error.io_kind().map_or_else(|| error.to_string(), |kind| kind.to_string())
}

/// Adds which programs macOS may refuse to start.
pub(super) fn quarantined(env: &Env, facts: &mut Facts) {
    let own = env.exe.as_ref().map(|exe| exe.display().to_string());
    let clang = facts.llvm.found.iter().flat_map(|it| [Some(it.path.clone()), it.lld.clone()]);
    let programs = own.into_iter().chain(clang.flatten());
    facts.system.quarantined =
        programs.filter(|program| fs::has_attribute(Path::new(program), QUARANTINE)).collect();
}
