//! Writes tiny ELF files that are what they say: libraries the loader takes, programs that
//! print one text and exit. Never more of the format than the loader and `readelf` need.
//!
//! Sources: System V gABI (chapters 4 and 5), glibc's `elf/` for what the loader insists on.

const HEADER: usize = 64;
const SEGMENT: usize = 56;
/// The largest page of both machines: segments stay congruent to it.
const PAGE: u64 = 0x1_0000;

/// One ELF64 little-endian file in the making.
#[derive(Debug, Clone)]
pub struct Elf {
    machine: u16,
    program: Option<(String, u8)>,
    interpreter: Option<String>,
    soname: Option<String>,
    runpath: Option<String>,
    needed: Vec<String>,
    wants: Vec<(String, Vec<String>)>,
    defines: Vec<String>,
}

impl Elf {
    fn new(machine: u16) -> Self {
        Self {
            machine,
            program: None,
            interpreter: None,
            soname: None,
            runpath: None,
            needed: Vec::new(),
            wants: Vec::new(),
            defines: Vec::new(),
        }
    }

    /// A shared library.
    pub fn library(machine: u16, soname: &str) -> Self {
        Self { soname: Some(soname.to_owned()), ..Self::new(machine) }
    }

    /// A program that prints `output`, whatever it is asked, and exits with 0. It is static
    /// until [`Elf::interpreter`] is called.
    pub fn program(machine: u16, output: &str) -> Self {
        Self { program: Some((output.to_owned(), 0)), ..Self::new(machine) }
    }

    /// Exits with this status instead.
    pub fn status(mut self, status: u8) -> Self {
        let output = self.program.map(|(output, _)| output).unwrap_or_default();
        self.program = Some((output, status));
        self
    }

    /// Is started by this loader, which then looks for the libraries.
    pub fn interpreter(mut self, path: &str) -> Self {
        self.interpreter = Some(path.to_owned());
        self
    }

    /// One more `DT_NEEDED`.
    pub fn needs(mut self, library: &str) -> Self {
        self.needed.push(library.to_owned());
        self
    }

    /// The one `DT_RUNPATH`.
    pub fn runpath(mut self, path: &str) -> Self {
        self.runpath = Some(path.to_owned());
        self
    }

    /// Symbol versions wanted of a library, which becomes needed too.
    pub fn wants(mut self, library: &str, versions: &[&str]) -> Self {
        let versions = versions.iter().map(|version| (*version).to_owned()).collect();
        self.wants.push((library.to_owned(), versions));
        self.needs(library)
    }

    /// Symbol versions defined, beside the library's own name.
    pub fn defines(mut self, versions: &[&str]) -> Self {
        self.defines = versions.iter().map(|version| (*version).to_owned()).collect();
        self
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let base: u64 = if self.program.is_some() { 0x40_0000 } else { 0 };
        let segments = 4 + usize::from(self.interpreter.is_some());
        let mut body = Body { bytes: vec![0; HEADER + segments * SEGMENT], base };
        let mut strings = Strings(vec![0]);
        let mut table = Vec::new();

        let entry = self
            .program
            .as_ref()
            .map(|(output, status)| body.append(&code(self.machine, output, *status)));
        let interpreter = self.interpreter.as_ref().map(|path| {
            let at = body.append(&[path.as_bytes(), b"\0"].concat());
            (at - base, path.len() as u64 + 1)
        });
        for name in &self.needed {
            table.push((1, strings.add(name)));
        }
        table.extend(self.soname.iter().map(|name| (14, strings.add(name))));
        table.extend(self.runpath.iter().map(|path| (29, strings.add(path))));
        // An empty symbol table, which the loader wants to be there, and its versions.
        table.push((6, body.append(&[0; 24])));
        table.push((11, 24));
        if !self.wants.is_empty() || !self.defines.is_empty() {
            table.push((0x6fff_fff0, body.append(&[0; 2])));
        }
        if !self.wants.is_empty() {
            table.push((0x6fff_fffe, body.append(&self.version_needs(&mut strings))));
            table.push((0x6fff_ffff, self.wants.len() as u64));
        }
        if !self.defines.is_empty() {
            table.push((0x6fff_fffc, body.append(&self.version_definitions(&mut strings))));
            table.push((0x6fff_fffd, self.defines.len() as u64 + 1));
        }
        table.push((5, body.append(&strings.0)));
        table.push((10, strings.0.len() as u64));
        if self.program.is_some() {
            // The loader writes its own address here, for debuggers.
            table.push((21, 0));
        }
        table.push((0, 0));

        let fixed = body.bytes.len() as u64;
        body.append(&[]);
        let dynamic = body.bytes.len() as u64;
        for (tag, value) in table {
            body.bytes.extend(u64::to_le_bytes(tag));
            body.bytes.extend(u64::to_le_bytes(value));
        }
        let length = body.bytes.len() as u64 - dynamic;
        let (read, write, execute) = (4, 2, 1);
        let mut headers = vec![
            segment(1, read | execute, 0, base, fixed),
            segment(1, read | write, dynamic, base + PAGE + dynamic, length),
            segment(2, read | write, dynamic, base + PAGE + dynamic, length),
            segment(0x6474_e551, read | write, 0, 0, 0),
        ];
        if let Some((at, length)) = interpreter {
            headers.insert(0, segment(3, read, at, base + at, length));
        }
        let head = self.header(entry.unwrap_or(0), headers.len());
        let start = [head, headers.concat()].concat();
        body.bytes[..start.len()].copy_from_slice(&start);
        body.bytes
    }

    fn header(&self, entry: u64, segments: usize) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        let kind: u16 = if self.program.is_some() { 2 } else { 3 };
        bytes.extend(kind.to_le_bytes());
        bytes.extend(self.machine.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        for value in [entry, HEADER as u64, 0] {
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(0u32.to_le_bytes());
        for value in [HEADER, SEGMENT, segments, 64, 0, 0] {
            bytes.extend(half(value));
        }
        bytes
    }

    fn version_needs(&self, strings: &mut Strings) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut index = 2;
        for (at, (library, versions)) in self.wants.iter().enumerate() {
            let length = 16 * (versions.len() + 1);
            let next = if at + 1 == self.wants.len() { 0 } else { length };
            bytes.extend([half(1), half(versions.len())].concat());
            bytes.extend([strings.word(library), word(16), word(next)].concat());
            for (at, version) in versions.iter().enumerate() {
                let next = if at + 1 == versions.len() { 0 } else { 16 };
                bytes.extend(hash(version).to_le_bytes());
                bytes.extend([half(0), half(index)].concat());
                bytes.extend([strings.word(version), word(next)].concat());
                index += 1;
            }
        }
        bytes
    }

    fn version_definitions(&self, strings: &mut Strings) -> Vec<u8> {
        let own = self.soname.clone().unwrap_or_default();
        let names: Vec<&String> = std::iter::once(&own).chain(&self.defines).collect();
        let mut bytes = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let next = if at + 1 == names.len() { 0 } else { 28 };
            bytes.extend([half(1), half(usize::from(at == 0)), half(at + 1), half(1)].concat());
            bytes.extend(hash(name).to_le_bytes());
            bytes.extend([word(20), word(next), strings.word(name), word(0)].concat());
        }
        bytes
    }
}

/// An object file without sections: a stand-in for crt files.
pub fn object(machine: u16) -> Vec<u8> {
    let mut bytes = Elf::library(machine, "").header(0, 0);
    bytes[16] = 1;
    bytes[32..40].fill(0);
    bytes
}

struct Body {
    bytes: Vec<u8>,
    base: u64,
}

impl Body {
    /// Appends at the next multiple of eight; the address of the first byte.
    fn append(&mut self, bytes: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let address = self.base + self.bytes.len() as u64;
        self.bytes.extend_from_slice(bytes);
        address
    }
}

struct Strings(Vec<u8>);

impl Strings {
    fn add(&mut self, text: &str) -> u64 {
        let at = self.0.len() as u64;
        self.0.extend([text.as_bytes(), b"\0"].concat());
        at
    }

    fn word(&mut self, text: &str) -> Vec<u8> {
        let at = self.add(text);
        at.to_le_bytes()[..4].to_vec()
    }
}

fn segment(kind: u32, flags: u32, offset: u64, address: u64, length: u64) -> Vec<u8> {
    let mut bytes = [kind.to_le_bytes(), flags.to_le_bytes()].concat();
    let align = if kind == 1 { PAGE } else { 8 };
    for value in [offset, address, address, length, length, align] {
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

fn half(value: usize) -> Vec<u8> {
    value.to_le_bytes()[..2].to_vec()
}

fn word(value: usize) -> Vec<u8> {
    value.to_le_bytes()[..4].to_vec()
}

/// The gABI's hash of a name.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0, |hash: u32, byte| {
        let hash = (hash << 4).wrapping_add(u32::from(byte));
        let high = hash & 0xf000_0000;
        (hash ^ (high >> 24)) & !high
    })
}

/// `write(1, output, length); exit(status)` with the output behind it.
fn code(machine: u16, output: &str, status: u8) -> Vec<u8> {
    let length = u16::try_from(output.len()).expect("a test's output fits one immediate");
    let mut code = Vec::new();
    if machine == 62 {
        code.extend(b"\xb8\x01\0\0\0\xbf\x01\0\0\0\x48\x8d\x35\x13\0\0\0\xba");
        code.extend(u32::from(length).to_le_bytes());
        code.extend(b"\x0f\x05\xb8\x3c\0\0\0\xbf");
        code.extend(u32::from(status).to_le_bytes());
        code.extend(b"\x0f\x05");
    } else {
        let mov = |register: u32, value: u32| 0xd280_0000 | value << 5 | register;
        let (adr_x1_text, svc) = (0x1000_00e1, 0xd400_0001);
        let write = [mov(0, 1), adr_x1_text, mov(2, length.into()), mov(8, 64), svc];
        let exit = [mov(0, status.into()), mov(8, 93), svc];
        code.extend(write.iter().chain(&exit).flat_map(|word| word.to_le_bytes()));
    }
    code.extend(output.as_bytes());
    code
}
