//! The numbers of the extension `isn`: products, books, music and serials, with their check digits.

/// A kind of number. All are EAN-13 numbers, which each type of the extension reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Article {
    /// `ean13`: of the prefix 2, which shops give out themselves.
    Ean,
    /// `isbn` and `isbn13`.
    Isbn,
    /// `ismn` and `ismn13`.
    Ismn,
    /// `issn` and `issn13`.
    Issn,
    /// `upc`.
    Upc,
}

impl Article {
    /// The prefix, how many digits count, and what is between these and the check digit.
    fn layout(self) -> (&'static [u8], u32, &'static [u8]) {
        match self {
            Self::Ean => (b"2", 11, b""),
            Self::Isbn => (b"978", 9, b""),
            Self::Ismn => (b"9790", 8, b""),
            Self::Issn => (b"977", 7, b"00"),
            Self::Upc => (b"0", 11, b""),
        }
    }

    /// How many ordinals give different numbers.
    pub(super) fn capacity(self) -> u64 {
        let (_, digits, _) = self.layout();
        10u64.pow(digits)
    }

    pub(super) fn write(self, ordinal: u64, out: &mut Vec<u8>) {
        let (prefix, digits, suffix) = self.layout();
        let start = out.len();
        out.extend_from_slice(prefix);
        for place in (0..digits).rev() {
            let digit = ordinal / 10u64.pow(place) % 10;
            out.push(b'0' + u8::try_from(digit).unwrap_or(0));
        }
        out.extend_from_slice(suffix);
        let written = out.get(start..).unwrap_or_default();
        out.push(b'0' + check_digit(written));
    }
}

/// The last digit of an EAN-13 number (GS1 General Specifications, 7.9): digits weigh 1 and 3 in
/// turn, and the sum ends in 0.
fn check_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .zip([1, 3].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    u8::try_from((10 - sum % 10) % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_printed_numbers() {
        for number in [
            "9780393040029",
            "4006381333931",
            "9771144875007",
            "9790260000438",
        ] {
            let (digits, check) = number.as_bytes().split_at(12);
            assert_eq!(check_digit(digits) + b'0', check[0], "{number}");
        }
    }
}
