//! Small ELF files for tests: headers, a dynamic table, strings and symbol versions,
//! but no code. One loadable segment covers the whole file at address 0x1000.

const BASE: u64 = 0x1000;

struct Writer {
    wide: bool,
    strings: Vec<u8>,
}

impl Writer {
    fn new(wide: bool) -> Self {
        Self { wide, strings: vec![0] }
    }

    fn string(&mut self, text: &str) -> u64 {
        let at = self.strings.len() as u64;
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        at
    }

    fn word(&self, value: u64) -> Vec<u8> {
        let length = if self.wide { 8 } else { 4 };
        value.to_le_bytes()[..length].to_vec()
    }

    fn segment(&self, kind: u32, offset: u64, size: u64) -> Vec<u8> {
        let mut header = kind.to_le_bytes().to_vec();
        if self.wide {
            header.extend(4u32.to_le_bytes());
        }
        for value in [offset, BASE + offset, BASE + offset, size, size] {
            header.extend(self.word(value));
        }
        if !self.wide {
            header.extend(4u32.to_le_bytes());
        }
        header.extend(self.word(8));
        header
    }

    /// The whole file: headers, interpreter, version table, strings, dynamic table.
    fn finish(&self, interpreter: &str, versions: &[u8], dynamic: &[(u64, u64)]) -> Vec<u8> {
        let (header, entry) = if self.wide { (64, 56) } else { (52, 32) };
        let segments = if interpreter.is_empty() { 2 } else { 3 };
        let interpreter_at = header + segments * entry;
        let versions_at = interpreter_at + interpreter.len() as u64 + 1;
        let strings_at = versions_at + versions.len() as u64;
        let dynamic_at = strings_at + self.strings.len() as u64;
        let mut table = Vec::new();
        for &(tag, value) in dynamic {
            let value = match tag {
                0x6fff_fffc | 0x6fff_fffe => BASE + versions_at,
                5 => BASE + strings_at,
                _ => value,
            };
            table.extend(self.word(tag));
            table.extend(self.word(value));
        }
        let length = dynamic_at + table.len() as u64;

        let mut file = vec![0x7f, b'E', b'L', b'F', 1 + u8::from(self.wide), 1, 1, 0];
        file.extend([0; 8]);
        let machine: u16 = if self.wide { 62 } else { 3 };
        file.extend(3u16.to_le_bytes());
        file.extend(machine.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        for value in [0, header, 0] {
            file.extend(self.word(value));
        }
        file.extend(0u32.to_le_bytes());
        for value in [header, entry, segments, 0, 0, 0] {
            file.extend(&value.to_le_bytes()[..2]);
        }
        file.extend(self.segment(1, 0, length));
        file.extend(self.segment(2, dynamic_at, table.len() as u64));
        if segments == 3 {
            file.extend(self.segment(3, interpreter_at, interpreter.len() as u64 + 1));
        }
        file.extend_from_slice(interpreter.as_bytes());
        file.push(0);
        file.extend_from_slice(versions);
        file.extend_from_slice(&self.strings);
        file.extend(table);
        assert_eq!(file.len() as u64, length);
        file
    }
}

fn half(value: u64) -> [u8; 4] {
    let bytes = value.to_le_bytes();
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

/// A program with an interpreter, two libraries, a `DT_RUNPATH` and a `DT_SONAME`, that
/// wants `GLIBC_2.2.5` and `GLIBC_2.36` of `libc.so.6`.
pub(super) fn program(wide: bool) -> Vec<u8> {
    let mut writer = Writer::new(wide);
    let llvm = writer.string("libLLVM.so.19.1");
    let libc = writer.string("libc.so.6");
    let old = writer.string("GLIBC_2.2.5");
    let new = writer.string("GLIBC_2.36");
    let runpath = writer.string("$ORIGIN/../lib");
    let soname = writer.string("libself.so");
    let mut versions = vec![1, 0, 2, 0];
    for value in [libc, 16, 0] {
        versions.extend(half(value));
    }
    for (name, next) in [(old, 16), (new, 0)] {
        for value in [0, 0x0002_0000, name, next] {
            versions.extend(half(value));
        }
    }
    let dynamic = [
        (1, llvm),
        (1, libc),
        (14, soname),
        (29, runpath),
        (5, 0),
        (0x6fff_fffe, 0),
        (0x6fff_ffff, 1),
        (0, 0),
        (29, runpath),
    ];
    writer.finish("/lib64/ld-linux-x86-64.so.2", &versions, &dynamic)
}

/// A library that defines the given versions, the first being its own name.
pub(super) fn library(names: &[&str]) -> Vec<u8> {
    let mut writer = Writer::new(true);
    let mut versions = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let next = if index + 1 == names.len() { 0 } else { 28 };
        versions.extend([1, 0, u8::from(index == 0), 0]);
        versions.extend([u8::try_from(index + 1).unwrap(), 0, 1, 0]);
        let name = writer.string(name);
        for value in [0, 20, next, name, 0] {
            versions.extend(half(value));
        }
    }
    let count = names.len() as u64;
    let dynamic = [(5, 0), (0x6fff_fffc, 0), (0x6fff_fffd, count), (0, 0)];
    writer.finish("", &versions, &dynamic)
}
