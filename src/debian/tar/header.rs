//! One header block of a tar archive, field by field. It judges the fields
//! alone, never what a path or a target means. Where each field lies is the `tar`
//! crate's knowledge; what may stand in it is ours.

use super::Problem;

/// Bytes of a block.
pub const BLOCK: usize = 512;

/// A block as it stands in the archive.
pub type Block = [u8; BLOCK];

/// Where GNU's header begins to differ from ustar's: behind the device numbers.
const TAIL: usize = 345;

/// The fields that matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Name, with the prefix of a ustar header before it.
    pub name: Vec<u8>,
    pub mode: u64,
    pub size: u64,
    pub mtime: i64,
    /// One of `0`, `1`, `2`, `5`, `L`, `K`.
    pub kind: u8,
    pub link: Vec<u8>,
}

impl Header {
    /// Reads a block.
    ///
    /// # Errors
    /// The [`Problem`] of the first field that is not as it must be.
    pub fn parse(block: &Block) -> Result<Self, Problem> {
        let header = tar::Header::from_byte_slice(block);
        let fields = header.as_old();
        let (ustar, is_gnu) = (header.as_ustar(), header.as_gnu().is_some());
        if ustar.is_none() && !is_gnu {
            let expected = "ustar or GNU's variant of it";
            return Err(Problem::Field { field: "magic", expected, got: block[257..265].to_vec() });
        }
        check_sum(block, &fields.cksum)?;
        let [kind] = fields.linkflag;
        match kind {
            b'0' | b'1' | b'2' | b'5' | b'L' | b'K' => {}
            b'x' | b'g' | b'X' => return Err(Problem::Pax { kind }),
            _ => return Err(Problem::MemberType { kind }),
        }
        octal("uid", &fields.uid)?;
        octal("gid", &fields.gid)?;
        let mut name = text("name", &fields.name)?;
        if let Some(ustar) = ustar {
            let prefix = text("prefix", &ustar.prefix)?;
            if !prefix.is_empty() {
                name = [&prefix[..], b"/", &name].concat();
            }
        } else if block[TAIL..].iter().any(|byte| *byte != 0) {
            // GNU keeps sparse maps and volume offsets here: neither belongs in a .deb.
            let expected = "zeros after the device numbers";
            let got = block[TAIL..].to_vec();
            return Err(Problem::Field { field: "GNU extension", expected, got });
        }
        Ok(Self {
            name,
            mode: octal("mode", &fields.mode)?,
            size: octal("size", &fields.size)?,
            mtime: time(&fields.mtime)?,
            kind,
            link: text("link target", &fields.linkname)?,
        })
    }
}

/// The sum of all bytes, the checksum field itself taken as blanks.
fn check_sum(block: &Block, field: &[u8]) -> Result<(), Problem> {
    let expected = octal("checksum", field)?;
    let sum = |bytes: &[u8]| -> u64 { bytes.iter().map(|byte| u64::from(*byte)).sum() };
    let got = sum(block) - sum(field) + field.len() as u64 * u64::from(b' ');
    if expected == got { Ok(()) } else { Err(Problem::Checksum { expected, got }) }
}

/// Octal digits, ended by NULs and blanks or by the field.
fn octal(field: &'static str, bytes: &[u8]) -> Result<u64, Problem> {
    let digits = bytes.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let (number, rest) = bytes.split_at(digits);
    if number.is_empty() || rest.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return Err(Problem::Field { field, expected: "octal digits", got: bytes.to_vec() });
    }
    // Twelve octal digits are 36 bits: no overflow.
    Ok(number.iter().fold(0, |value, digit| value << 3 | u64::from(digit - b'0')))
}

/// A time may lie before 1970: GNU tar then writes two's complement in base 256.
/// It is clamped later, so any value that fits is good enough.
fn time(bytes: &[u8]) -> Result<i64, Problem> {
    let head = bytes[0];
    if head != 0xff && head != 0x80 {
        return octal("mtime", bytes).map(|value| i64::try_from(value).unwrap_or(i64::MAX));
    }
    let (sign, low) = bytes.split_at(bytes.len() - 8);
    let value = low.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)).cast_signed();
    let fill = if head == 0xff { 0xff } else { 0 };
    if sign[1..].iter().any(|byte| *byte != fill) || (value < 0) != (head == 0xff) {
        let expected = "a number of 64 bits";
        return Err(Problem::Field { field: "mtime", expected, got: bytes.to_vec() });
    }
    Ok(value)
}

/// Text up to the first NUL; after it there must be nothing but NULs.
fn text(field: &'static str, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, rest) = bytes.split_at(end);
    if rest.iter().any(|byte| *byte != 0) {
        let expected = "nothing after the first NUL";
        return Err(Problem::Field { field, expected, got: bytes.to_vec() });
    }
    Ok(text.to_vec())
}
