//! Size classes: which payload sizes share a free list, and how far apart their blocks
//! lie. Never knows about memory.

use crate::object::HEADER;

/// Payloads up to this size have classes in steps of 8 bytes.
pub const FINE_MAX: usize = 128;
/// The largest payload that is not handed to `malloc`.
pub const SMALL_MAX: usize = 512;
/// Number of classes.
pub const CLASSES: usize = FINE + COARSE.len();
/// Bytes in a page: the unit that belongs to one class.
pub const PAGE: usize = 1 << PAGE_SHIFT;
/// Binary logarithm of [`PAGE`].
pub const PAGE_SHIFT: u32 = 14;

const FINE: usize = FINE_MAX / 8 + 1;
const COARSE: [usize; 8] = [160, 192, 224, 256, 320, 384, 448, 512];

/// The class of a payload size of at most [`FINE_MAX`].
#[inline(always)]
pub const fn fine(size: usize) -> usize {
    (size + 7) >> 3
}

/// The class of a payload size of at most [`SMALL_MAX`].
pub const fn of(size: usize) -> usize {
    if size <= FINE_MAX {
        return fine(size);
    }
    // Steps of 32 up to 256, then of 64.
    if size <= 256 { FINE + (size - FINE_MAX - 1) / 32 } else { FINE + 4 + (size - 257) / 64 }
}

/// Payload bytes of a class. Class 0 has room for the link of a freed block.
pub const fn payload(class: usize) -> usize {
    if class == 0 {
        8
    } else if class < FINE {
        class * 8
    } else {
        COARSE[class - FINE]
    }
}

/// Bytes from one block of a class to the next.
pub const fn stride(class: usize) -> usize {
    HEADER + payload(class)
}

/// Blocks of each class in a page.
pub const PER_PAGE: [u32; CLASSES] = {
    let mut table = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        table[class] = (PAGE / stride(class)) as u32;
        class += 1;
    }
    table
};

/// Blocks of each class in a batch that a thread sets aside: one more than a page holds,
/// so that a list fresh from a page is not full, and a program that frees and allocates
/// one object at that edge stays off the slow path.
pub static BATCH: [u32; CLASSES] = {
    let mut table = PER_PAGE;
    let mut class = 0;
    while class < CLASSES {
        table[class] += 1;
        class += 1;
    }
    table
};

/// Bytes from one block to the next, for each class.
pub static STRIDE: [u32; CLASSES] = {
    let mut table = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        table[class] = stride(class) as u32;
        class += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_small_size_fits_its_class_and_not_the_one_below() {
        for size in 0..=SMALL_MAX {
            let class = of(size);
            assert!(payload(class) >= size, "{size}");
            assert!(class == 0 || payload(class - 1) < size || size <= 8, "{size}");
        }
        assert_eq!(of(SMALL_MAX), CLASSES - 1);
    }

    #[test]
    fn the_dominant_payload_takes_24_bytes() {
        assert_eq!(stride(of(16)), 24);
    }

    #[test]
    fn blocks_keep_payloads_aligned() {
        assert!((0..CLASSES).all(|class| stride(class).is_multiple_of(8)));
        assert!(PER_PAGE.iter().all(|&blocks| blocks >= 16));
    }
}
