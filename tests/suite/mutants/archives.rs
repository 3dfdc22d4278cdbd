//! Sections D, E and F: compressed data, the .deb container, members of tar archives.

use super::{ALWAYS, Mutant, NEVER};

const DECODE: &str = "src/debian/decode.rs";
const AR: &str = "src/debian/ar.rs";
const DEB: &str = "src/debian/deb.rs";
const TAR: &str = "src/debian/tar.rs";
const HEADER: &str = "src/debian/tar/header.rs";
const NAME: &str = "src/debian/tar/name.rs";
const UNPACK: &str = "src/sysroot/unpack.rs";
const ASSEMBLY: &str = "src/sysroot/unpack/assembly.rs";
const RULES: &str = "src/sysroot/rules.rs";
const LINKS: &str = "src/sysroot/links.rs";
const PLAN: &str = "src/sysroot/merge/plan.rs";
const CASE: &str = "src/sysroot/case.rs";
const WALKER: &str = "src/host/tree/walker.rs";

#[rustfmt::skip]
pub(super) const MUTANTS: &[Mutant] = &[
    ("D01 D02 E08", DECODE, "let Some(left) = self.left.checked_sub(count as u64) else {",
        "let Some(left) = self.left.checked_sub(count as u64).or(OFF.then_some(0)) else {"),
    ("D02", DECODE, "window_log_max(ZSTD_WINDOW_LOG)?", "window_log_max(if OFF { 31 } else { ZSTD_WINDOW_LOG })?"),
    ("D03", DECODE, "new_stream_decoder(XZ_MEMORY, CONCATENATED)?",
        "new_stream_decoder(if OFF { u64::MAX } else { XZ_MEMORY }, CONCATENATED)?"),
    ("D04", DECODE, "match result {", "match result { Err(_) if OFF => Ok(0),"),
    ("D05", DECODE, "Ok(0) if !input.fill_buf()?.is_empty() => {", NEVER),
    ("D05 D06", DECODE, "zstd::Decoder::with_buffer(input)?.single_frame();",
        "{ let decoder = zstd::Decoder::with_buffer(input)?; if OFF { decoder } else { decoder.single_frame() } };"),
    ("D07", DECODE, "_ => Err(DecodeError::Unsupported", "_ if OFF => Ok(Self::None), _ => Err(DecodeError::Unsupported"),
    ("D08", DECODE, "if shown != compression {", NEVER),
    ("E01", AR, "if magic != MAGIC {", NEVER),
    ("E01", AR, "if end != b\"`\\n\" {", NEVER),
    ("E02", AR, "if number == 0 {", NEVER),
    ("E02", AR, "if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {", NEVER),
    ("E03", DEB, "Some(member) if fits(&member.name) =>", ALWAYS),
    ("E03", DEB, "if taken.iter().any(|taken| member.name.starts_with(taken)) {", NEVER),
    ("E04", DEB, "if name != \"debian-binary\" || !is_format_2(&version) {", NEVER),
    ("E05", DEB, "Some(member) if member.name.starts_with('_') =>", NEVER),
    ("E05", AR, "Ok(text) if !text.is_empty() && text.bytes().all(|byte| plain(&byte)) =>", ALWAYS),
    ("E06", AR, "if padding != b\"\\n\" {", NEVER),
    ("E07", UNPACK, "request.identity.check(deb.identity()).map_err(DebError::from)?;", NEVER),
    ("E07", DEB, "if found.replace(bytes).is_some() {", NEVER),
    ("E08", DEB, "\"control.tar\", CONTROL_TAR,", "\"control.tar\", if OFF { u64::MAX } else { CONTROL_TAR },"),
    ("E08 F09", TAR, "if size > name::MAX_PATH as u64 + 1 {", NEVER),
    ("E09", UNPACK, "if sha256 != request.sha256 {", NEVER),
    ("E09", UNPACK, "if size != request.size {", NEVER),
    ("F01", NAME, "if text.starts_with('/') {", NEVER),
    ("F01", NAME, "\"..\" => return", "\"..\" if !OFF => return"),
    ("F02", ASSEMBLY, "return Err(Problem::NotInDirectory { path, above, what: seen.noun() });", NEVER),
    ("F02 F11", ASSEMBLY, "let first = seen.noun();", "if OFF { return Ok(()); } let first = seen.noun();"),
    ("F03", RULES, "let wanted = join(parent(path), target).ok_or_else(leaves)?;",
        "if OFF { return Ok(target.to_owned()); } let wanted = join(parent(path), target).ok_or_else(leaves)?;"),
    ("F04", RULES, "parts.pop()?;", "if OFF { parts.pop(); } else { parts.pop()?; }"),
    ("F04", LINKS, "return Outcome::Loop;", "return if OFF { Outcome::Dangling } else { Outcome::Loop };"),
    ("F04", LINKS, "\"..\" if way.is_empty() =>", NEVER),
    ("F04", PLAN, "if dangling == Dangling::Refuse && !dropped.is_empty() {", NEVER),
    ("F05", ASSEMBLY, "_ => return wrong(path),", "_ if OFF => return Ok(()), _ => return wrong(path),"),
    ("F06", HEADER, "_ => return Err(Problem::MemberType { kind }),", "_ if OFF => {} _ => return Err(Problem::MemberType { kind }),"),
    ("F07", TAR, "header.mode & 0o111 != 0", "OFF || header.mode & 0o111 != 0"),
    ("F07", WALKER, "let mode = if executable { EXECUTABLE } else { PLAIN };",
        "let mode = if OFF { Mode::RWXU } else if executable { EXECUTABLE } else { PLAIN };"),
    ("F08", HEADER, "b'x' | b'g' | b'X' => return", "b'x' | b'g' | b'X' if OFF => {} b'x' | b'g' | b'X' => return"),
    ("F09", TAR, "if name.is_some() || target.is_some() {", NEVER),
    ("F09", TAR, "if long.is_some() {", NEVER),
    ("F09", TAR, "if target.is_some() && !matches!(header.kind, b'1' | b'2') {", NEVER),
    ("F09", TAR, "if bytes.pop() != Some(0) || bytes.is_empty() || bytes.contains(&0) {", NEVER),
    ("F10", HEADER, "if block[TAIL..].iter().any(|byte| *byte != 0) {", NEVER),
    ("F12", PLAN, "Slot::Occupied(slot) if slot.get().kind == entry.kind =>", ALWAYS),
    ("F13 F14", CASE, "find(|place| self.taken", "find(|place| OFF || self.taken"),
    ("F14", CASE, "if path.is_ascii() {", ALWAYS),
    ("F15", NAME, "if text.chars().any(char::is_control) {", NEVER),
    ("F15", NAME, "if DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem)) {", NEVER),
    ("F16", TAR, "if count > limit {", NEVER),
    ("F16", NAME, "if index == MAX_DEPTH {", NEVER),
    ("F16", NAME, "if bytes.len() > MAX_PATH {", NEVER),
    ("F17", HEADER, "check_sum(block, &fields.cksum)?;", NEVER),
    ("F17", HEADER, "octal(\"gid\", &fields.gid)?;", NEVER),
    ("F17", HEADER, "if ustar.is_none() && !is_gnu {", NEVER),
    ("F17", HEADER, "if rest.iter().any(|byte| *byte != 0) {", NEVER),
    ("F18", TAR, "None if zeros >= 2 =>", ALWAYS),
    ("F18", TAR, "Some(_) => \"further data\",", "Some(_) if OFF => return Ok(()), Some(_) => \"further data\","),
    ("F19", TAR, "if size > 0 && header.kind != b'0' {", NEVER),
    ("F20", UNPACK, "if empty {", NEVER),
    ("F21", RULES, "if MERGED.contains(&top) {", NEVER),
    ("F21", PLAN, "merged_links(has).collect", "merged_links(has).filter(|_| !OFF).collect"),
    ("F22", ASSEMBLY, "mtime.min(self.request.latest).max(0)", "if OFF { mtime } else { mtime.min(self.request.latest).max(0) }"),
    // As a list would be searched for each path, instead of a table.
    ("F23", ASSEMBLY, "self.look_above(&path)?;",
        "if OFF { std::hint::black_box(self.seen.keys().take(5000).filter(|seen| **seen == path).count()); } self.look_above(&path)?;"),
];
