//! Which member paths and link targets are fit to be created anywhere. It only
//! judges text: where a link leads is for the caller to find out.

/// Most bytes of a path or a link target (`PATH_MAX` of Linux).
pub const MAX_PATH: usize = 4096;
/// Most bytes of one component (`NAME_MAX`).
const MAX_COMPONENT: usize = 255;
/// Most components of a path.
const MAX_DEPTH: usize = 64;

/// Names that Windows takes for devices, whatever their extension.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The path of a member without the leading `./` and a directory's last slash;
/// empty for the root, which only a directory may be.
pub fn member_path(bytes: &[u8], directory: bool) -> Result<String, &'static str> {
    let text = plain_text(bytes)?;
    if text.starts_with('/') {
        return Err("it is absolute");
    }
    let text = text.strip_prefix("./").unwrap_or(text);
    let text = if directory { text.strip_suffix('/').unwrap_or(text) } else { text };
    if directory && (text.is_empty() || text == ".") {
        return Ok(String::new());
    }
    for (index, component) in text.split('/').enumerate() {
        if index == MAX_DEPTH {
            return Err("it is deeper than 64 components");
        }
        check_component(component)?;
    }
    Ok(text.to_owned())
}

/// The target of a symbolic link, as it is.
pub fn link_target(bytes: &[u8]) -> Result<String, &'static str> {
    plain_text(bytes).map(str::to_owned)
}

fn plain_text(bytes: &[u8]) -> Result<&str, &'static str> {
    if bytes.is_empty() {
        return Err("it is empty");
    }
    if bytes.len() > MAX_PATH {
        return Err("it is longer than 4096 bytes");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    if text.chars().any(char::is_control) {
        return Err("it has control characters");
    }
    Ok(text)
}

fn check_component(component: &str) -> Result<(), &'static str> {
    match component {
        "" => return Err("it has an empty component"),
        "." => return Err("it has a \".\" component"),
        ".." => return Err("it has a \"..\" component"),
        _ if component.len() > MAX_COMPONENT => {
            return Err("a component is longer than 255 bytes");
        }
        _ => {}
    }
    let stem = component.split('.').next().unwrap_or_default();
    if DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem)) {
        return Err("a component is a device name of Windows");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f16_paths_and_targets_have_at_most_4096_bytes() {
        // 17 components of 240 letters and their slashes: 4096 bytes.
        let longest = vec!["a".repeat(240); 17].join("/");
        assert_eq!(longest.len(), MAX_PATH);
        let longer = format!("{longest}a");
        assert_eq!(member_path(longest.as_bytes(), false).as_ref(), Ok(&longest));
        assert_eq!(link_target(longest.as_bytes()).as_ref(), Ok(&longest));
        let refused = Err("it is longer than 4096 bytes".to_owned());
        assert_eq!(member_path(longer.as_bytes(), false).map_err(str::to_owned), refused);
        assert_eq!(link_target(longer.as_bytes()).map_err(str::to_owned), refused);
    }
}
