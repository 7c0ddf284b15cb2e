//! Bits and bytes: `uuid`, `bytea`, `bit`, `varbit`.

use crate::synth::choice::random;

use super::write_hex;

/// A version 4 UUID that holds the ordinal, mixed by a bijection, in its 122 free bits: unique.
pub(super) fn write_uuid(key: u64, ordinal: u64, out: &mut Vec<u8>) {
    let mixed = random::bits(key, ordinal);
    let other = random::bits(!key, ordinal);
    let high = ((mixed >> 12) << 16) | 0x4000 | (mixed & 0x0fff);
    let low = (other >> 2) | (1 << 63);
    // The upper 4 bits of the mixed ordinal fell off above; they go where `other` was.
    write_uuid_halves((high, (low & !0xf) | (mixed >> 60)), out);
}

/// A UUID whose upper half is one of `count` from `low` on, and whose lower half is the ordinal, mixed
/// by a bijection: unique.
pub(super) fn write_uuid_within(
    key: u64,
    (low, count): (u64, u64),
    ordinal: u64,
    out: &mut Vec<u8>,
) {
    let high = low.saturating_add(random::below(random::bits(key, ordinal), count));
    write_uuid_halves((high, random::bits(!key, ordinal)), out);
}

pub(super) fn write_uuid_halves((high, low): (u64, u64), out: &mut Vec<u8>) {
    let [h0, h1, h2, h3, h4, h5, h6, h7] = high.to_be_bytes();
    let [l0, l1, l2, l3, l4, l5, l6, l7] = low.to_be_bytes();
    for (index, group) in [
        &[h0, h1, h2, h3][..],
        &[h4, h5],
        &[h6, h7],
        &[l0, l1],
        &[l2, l3, l4, l5, l6, l7],
    ]
    .into_iter()
    .enumerate()
    {
        if index > 0 {
            out.push(b'-');
        }
        write_hex(group, out);
    }
}

/// Random bytes that end in the ordinal, mixed where it fits whole.
pub(super) fn write_bytes(key: u64, width: u32, ordinal: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\x");
    let mut sequence = random::Sequence(random::bits(key, ordinal));
    let mut left = width as usize;
    while left > 8 {
        let chunk = sequence.next().to_le_bytes();
        let take = (left - 8).min(8);
        write_hex(chunk.get(..take).unwrap_or_default(), out);
        left -= take;
    }
    let tail = match left {
        8 => random::bits(key, ordinal),
        _ => ordinal,
    };
    write_hex(tail.to_be_bytes().get(8 - left..).unwrap_or_default(), out);
}

/// Bits that end in the ordinal.
pub(super) fn write_bits(key: u64, width: u32, ordinal: u64, out: &mut Vec<u8>) {
    let padding = random::bits(key, ordinal);
    for place in (0..width).rev() {
        let bit = match place {
            0..64 => ordinal >> place,
            _ => padding >> (place % 64),
        };
        out.push(b'0' + (bit & 1) as u8);
    }
}
