//! Keys given on the command line (`--set limits.lock_wait=500ms`).

use std::str::FromStr;

/// One key of the scenario given outside of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// A dotted key as TOML writes it; a number is an index (`traffic.transactions.0.weight`).
    pub key: String,
    /// A TOML value; what is none is a string, so that `500ms` needs no quotes.
    pub value: String,
}

/// A `--set` that is not `KEY=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` sets no key: write it as KEY=VALUE, as in limits.lock_wait=500ms")]
pub struct OverrideError(String);

impl FromStr for Override {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, OverrideError> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => Ok(Self {
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
            }),
            _ => Err(OverrideError(text.to_owned())),
        }
    }
}

impl Override {
    /// The line of TOML that it stands for.
    pub(super) fn line(&self) -> String {
        let Self { key, value } = self;
        let is_value = !value.contains('\n') && toml::de::DeValue::parse(value).is_ok();
        if is_value {
            format!("{key} = {value}")
        } else {
            format!("{key} = {}", toml::Value::String(value.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        text.parse::<Override>().unwrap().line()
    }

    #[test]
    fn values_are_toml_or_strings() {
        assert_eq!(
            line("limits.lock_wait=500ms"),
            r#"limits.lock_wait = "500ms""#
        );
        assert_eq!(line("traffic.rate=200"), "traffic.rate = 200");
        assert_eq!(line("limits.forecast = false"), "limits.forecast = false");
        assert_eq!(line("schema.files=['a', 'b']"), "schema.files = ['a', 'b']");
        assert_eq!(line("title=a = b"), r#"title = "a = b""#);
        assert_eq!(line("title="), r#"title = """#);
        assert_eq!(line("seed=1\nname=2"), "seed = \"\"\"\n1\nname=2\"\"\"");
    }

    #[test]
    fn keys_are_needed() {
        insta::assert_snapshot!("=1".parse::<Override>().unwrap_err(), @"`=1` sets no key: write it as KEY=VALUE, as in limits.lock_wait=500ms");
        assert!("limits".parse::<Override>().is_err());
    }
}
