//! OpenPGP packets and the numbers in them (RFC 9580 §3.2, §4.2). A length that is unknown
//! beforehand or that reaches beyond the data is refused; nothing is ever skipped.

/// Why the bytes are not a sequence of packets. Offsets count from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    #[error("offset {offset}: not an OpenPGP packet: byte {byte:#04x}")]
    NotAPacket { offset: usize, byte: u8 },
    #[error("offset {offset}: packet of partial or indeterminate length")]
    PartialLength { offset: usize },
    #[error("offset {offset}: packet cut off: expected {expected} bytes, got {got}")]
    CutOff { offset: usize, expected: usize, got: usize },
    #[error("malformed {what}")]
    Malformed { what: &'static str },
}

/// One packet: what it is and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

/// The packets of some bytes, one after the other. Ends after the first error.
pub(super) struct Packets<'a> {
    reader: Reader<'a>,
    length: usize,
}

impl<'a> Packets<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader(bytes), length: bytes.len() }
    }

    fn read(&mut self) -> Result<Packet<'a>, PacketError> {
        let offset = self.length - self.reader.0.len();
        let cut_off = PacketError::CutOff { offset, expected: 2, got: self.reader.0.len() };
        let head = self.reader.byte().ok_or_else(|| cut_off.clone())?;
        let (tag, length) = match head {
            0x80..0xc0 => {
                let length = match head & 3 {
                    0 => self.reader.byte().map(usize::from),
                    1 => self.reader.u16().map(usize::from),
                    2 => self.reader.u32(),
                    _ => return Err(PacketError::PartialLength { offset }),
                };
                (head >> 2 & 15, length)
            }
            0xc0.. => {
                let length = match self.reader.byte() {
                    Some(224..=254) => return Err(PacketError::PartialLength { offset }),
                    Some(first) => self.reader.length_after(first),
                    None => None,
                };
                (head & 63, length)
            }
            byte => return Err(PacketError::NotAPacket { offset, byte }),
        };
        let expected = length.ok_or(cut_off)?;
        let got = self.reader.0.len();
        let body = self.reader.take(expected);
        let body = body.ok_or(PacketError::CutOff { offset, expected, got })?;
        Ok(Packet { tag, body })
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.0.is_empty() {
            return None;
        }
        let packet = self.read();
        if packet.is_err() {
            self.reader.0 = &[];
        }
        Some(packet)
    }
}

/// What is left of some bytes. Every method is `None` when too little is left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<usize> {
        self.array().and_then(|bytes| usize::try_from(u32::from_be_bytes(bytes)).ok())
    }

    /// A length in the new format, whose first byte is read (§4.2.1, §5.2.3.7).
    pub(super) fn length_after(&mut self, first: u8) -> Option<usize> {
        match first {
            0..192 => Some(usize::from(first)),
            192..=254 => {
                let second = self.byte()?;
                Some(((usize::from(first) - 192) << 8) + usize::from(second) + 192)
            }
            255 => self.u32(),
        }
    }

    /// A multiprecision integer without leading zeros; its length in bits must be exact.
    pub(super) fn mpi(&mut self) -> Option<&'a [u8]> {
        let bits = usize::from(self.u16()?);
        let value = self.take(bits.div_ceil(8))?;
        (bit_length(value) == bits).then_some(value)
    }
}

/// The number of bits of a big-endian number without leading zero bytes.
pub(super) fn bit_length(value: &[u8]) -> usize {
    value.first().map_or(0, |first| value.len() * 8 - first.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_and_all_lengths_are_read() {
        let mut bytes = vec![0x88, 1, 7, 0x89, 0, 1, 8, 0x8a, 0, 0, 0, 1, 9];
        bytes.extend([0xc2, 1, 7, 0xc2, 192, 0]);
        bytes.extend([8; 192]);
        bytes.extend([0xc2, 255, 0, 0, 0, 1, 9]);
        let packets: Vec<_> = Packets::new(&bytes).map(|packet| packet.unwrap()).collect();
        assert!(packets.iter().all(|packet| packet.tag == 2));
        let lengths: Vec<_> = packets.iter().map(|packet| packet.body.len()).collect();
        assert_eq!(lengths, [1, 1, 1, 1, 192, 1]);
    }

    #[test]
    fn a29_partial_and_indeterminate_lengths_are_refused() {
        for bytes in [&[0x8b, 1, 2][..], &[0xc2, 224, 1], &[0xc2, 254, 1]] {
            let error = Packets::new(bytes).next().unwrap().unwrap_err();
            assert_eq!(error, PacketError::PartialLength { offset: 0 });
        }
    }

    #[test]
    fn a29_a_packet_that_is_cut_off_names_both_lengths() {
        let error = Packets::new(&[0x88, 1, 0, 0x88, 9, 1]).nth(1).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "offset 3: packet cut off: expected 9 bytes, got 1");
        for bytes in [&[0x88][..], &[0x89, 0], &[0xc2], &[0xc2, 255, 0, 0]] {
            Packets::new(bytes).next().unwrap().unwrap_err();
        }
    }

    #[test]
    fn an_integer_says_its_length_exactly() {
        assert_eq!(Reader(&[0, 9, 1, 2]).mpi(), Some(&[1, 2][..]));
        for bytes in [&[0, 16, 1, 2][..], &[0, 8, 1, 2], &[0, 16, 0, 2], &[0, 9, 1]] {
            assert_eq!(Reader(bytes).mpi(), None);
        }
    }
}
