//! Much memory at once.

use std::io;

use memmap2::MmapMut;

/// So many bytes of zeros, in huge pages where the system has them: a page of four KiB costs
/// as much to come by as its bytes cost to decode.
///
/// # Errors
/// When the system has not as much.
pub fn zeroed(length: usize) -> io::Result<MmapMut> {
    let memory = MmapMut::map_anon(length)?;
    // A wish: a kernel without huge pages refuses it.
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_any_size_is_zeroed_and_too_much_is_an_error() {
        for length in [0, 1, 5000, 3 << 20] {
            let memory = zeroed(length).unwrap();
            assert_eq!(memory.len(), length);
            assert!(memory.iter().all(|byte| *byte == 0));
        }
        zeroed(1 << 62).unwrap_err();
    }
}
