//! Rows of results, as text.

use std::io;

use super::error::malformed;

/// Bytes of a column's description after its name: its table, type and format.
const DESCRIPTION: usize = 18;

/// The columns' names of a RowDescription.
pub(super) fn columns(body: &[u8]) -> io::Result<Vec<String>> {
    read_columns(body).ok_or_else(|| malformed("a description of rows that ends early"))
}

/// The values of a DataRow.
pub(super) fn row(body: &[u8]) -> io::Result<Vec<Option<String>>> {
    read_row(body).ok_or_else(|| malformed("a row that ends early"))
}

fn read_columns(body: &[u8]) -> Option<Vec<String>> {
    let (count, mut rest) = body.split_first_chunk()?;
    let mut columns = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let end = rest.iter().position(|byte| *byte == 0)?;
        columns.push(text(rest.get(..end)?));
        rest = rest.get(end + 1 + DESCRIPTION..)?;
    }
    Some(columns)
}

fn read_row(body: &[u8]) -> Option<Vec<Option<String>>> {
    let (count, mut rest) = body.split_first_chunk()?;
    let mut values = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk()?;
        // A negative length is a NULL's.
        values.push(match usize::try_from(i32::from_be_bytes(*length)) {
            Ok(length) => {
                let (value, after) = after.split_at_checked(length)?;
                rest = after;
                Some(text(value))
            }
            Err(_) => {
                rest = after;
                None
            }
        });
    }
    Some(values)
}

/// The session's encoding is UTF-8; what is not, is a bug of the server's, and shown as such.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(row: &[Option<String>]) -> Vec<u8> {
        let mut body = (row.len() as u16).to_be_bytes().to_vec();
        for value in row {
            let length = value.as_ref().map_or(-1, |value| value.len() as i32);
            body.extend(length.to_be_bytes());
            body.extend(value.iter().flat_map(|value| value.bytes()));
        }
        body
    }

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_written(values in prop::collection::vec(any::<Option<String>>(), 0..6)) {
            let body = encoded(&values);
            prop_assert_eq!(row(&body).unwrap(), values);
            for end in 0..body.len() {
                prop_assert!(row(&body[..end]).is_err());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = (row(&body), columns(&body));
        }
    }

    #[test]
    fn columns_are_known_by_their_names() {
        let mut body = vec![0, 2];
        for name in ["id", ""] {
            body.extend(name.as_bytes());
            body.extend([0; 1 + DESCRIPTION]);
        }
        assert_eq!(columns(&body).unwrap(), ["id", ""]);
        assert!(columns(&body[..body.len() - 1]).is_err());
    }
}
