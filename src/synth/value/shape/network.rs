//! Addresses: `inet`, `cidr`, `macaddr`, `macaddr8`.

use super::{write_hex, write_number};

/// Hosts of `10.0.0.0/8`; further ones are of `fd00::/8`.
const PRIVATE_HOSTS: u64 = 1 << 24;

/// Networks `10.a.b.0/24`; further ones are `fdxx:xxxx:xxxx:xxxx::/64`.
const PRIVATE_NETWORKS: u64 = 1 << 16;

/// How many hosts, or networks, can be told apart.
pub(super) fn capacity(host: bool) -> u64 {
    match host {
        true => u64::MAX,
        false => 1 << 56,
    }
}

pub(super) fn write_address(host: bool, ordinal: u64, out: &mut Vec<u8>) {
    match host {
        true => write_host(ordinal, out),
        false => write_network(ordinal, out),
    }
}

fn write_host(ordinal: u64, out: &mut Vec<u8>) {
    let bytes = ordinal.to_be_bytes();
    if ordinal < PRIVATE_HOSTS {
        out.extend_from_slice(b"10");
        write_dotted(bytes.get(5..).unwrap_or_default(), out);
        return;
    }
    out.extend_from_slice(b"fd00:");
    for group in bytes.chunks(2) {
        out.push(b':');
        write_hex(group, out);
    }
}

fn write_network(ordinal: u64, out: &mut Vec<u8>) {
    if ordinal < PRIVATE_NETWORKS {
        out.extend_from_slice(b"10");
        write_dotted(ordinal.to_be_bytes().get(6..).unwrap_or_default(), out);
        out.extend_from_slice(b".0/24");
        return;
    }
    let [_, first, rest @ ..] = ordinal.to_be_bytes();
    out.extend_from_slice(b"fd");
    write_hex(&[first], out);
    for group in rest.chunks(2) {
        out.push(b':');
        write_hex(group, out);
    }
    out.extend_from_slice(b"::/64");
}

fn write_dotted(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(b'.');
        write_number(u64::from(*byte), out);
    }
}

/// A MAC address of so many bytes.
pub(super) fn write_hardware(bytes: u32, ordinal: u64, out: &mut Vec<u8>) {
    // 02 marks a locally administered address.
    out.extend_from_slice(b"02");
    for place in (0..bytes.saturating_sub(1)).rev() {
        out.push(b':');
        let byte = ordinal.checked_shr(place * 8).unwrap_or(0) & 0xff;
        write_hex(&[byte as u8], out);
    }
}
