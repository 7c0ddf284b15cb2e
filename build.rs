//! Names the state of the sources that decide what a filled database holds, so that a cached one is
//! never taken for the work of other code.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders and files whose change may change a filled database.
const DECISIVE: [&str; 7] = [
    "Cargo.lock",
    "src/schema",
    "src/sql",
    "src/synth",
    "src/postgres",
    "src/shadow",
    "src/units.rs",
];

fn main() -> std::io::Result<()> {
    // FNV-1a: it only has to differ where the sources do.
    let mut digest = 0xcbf2_9ce4_8422_2325u64;
    for place in DECISIVE {
        println!("cargo:rerun-if-changed={place}");
        for file in files(Path::new(place))? {
            for byte in fs::read(file)? {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    println!("cargo:rustc-env=PGREHEARSE_SOURCES={digest:016x}");
    Ok(())
}

/// The files below a place, in an order that does not depend on the file system.
fn files(place: &Path) -> std::io::Result<Vec<PathBuf>> {
    if place.is_file() {
        return Ok(vec![place.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(place)? {
        entries.push(entry?.path());
    }
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        found.extend(files(&entry)?);
    }
    Ok(found)
}
