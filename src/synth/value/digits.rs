//! Digits of numbers: what most of a fill's text is made of.

/// `00` to `99`.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it, and would refuse a place out of range"
)]
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// `00` to `ff`.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it, and would refuse a place out of range"
)]
const HEX_PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

/// Digits of the largest `u64`.
const MOST: usize = 20;

/// The last two decimal digits of a number.
pub(crate) fn pair(number: u64) -> [u8; 2] {
    let place = (number % 100) as usize;
    PAIRS.get(place).copied().unwrap_or_default()
}

/// The two digits of a byte in hexadecimal.
pub(crate) fn hex_pair(byte: u8) -> [u8; 2] {
    let place = usize::from(byte);
    HEX_PAIRS.get(place).copied().unwrap_or_default()
}

/// Appends a number in decimal, with zeros in front up to `width`.
pub(crate) fn write(number: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; MOST];
    let mut rest = number;
    for place in digits.rchunks_exact_mut(2) {
        place.copy_from_slice(&pair(rest));
        rest /= 100;
        if rest == 0 {
            break;
        }
    }
    let length = number.checked_ilog10().unwrap_or(0) as usize + 1;
    for _ in MOST..width {
        out.push(b'0');
    }
    let shown = length.max(width).min(MOST);
    out.extend_from_slice(digits.get(MOST - shown..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_written_as_the_library_writes_them(bits: u64, shift in 0u32..64, width in 0usize..40) {
            let number = bits >> shift;
            let mut out = b"before".to_vec();
            write(number, width, &mut out);
            let expected = format!("before{number:0width$}");
            prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
        }

        #[test]
        fn bytes_are_written_as_the_library_writes_them(byte: u8) {
            prop_assert_eq!(hex_pair(byte).to_vec(), format!("{byte:02x}").into_bytes());
        }
    }
}
