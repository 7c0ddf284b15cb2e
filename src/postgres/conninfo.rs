//! Connection strings as libpq reads them: a URL, or `key=value` words, over the environment.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// What a connection string says, by libpq's keywords.
pub type Parameters = BTreeMap<String, String>;

/// What is wrong with a connection string. None quotes a value: it may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConninfoError {
    /// Neither form.
    #[error(
        "the address is neither a URL (postgres://user@host:5432/database) nor `key=value` words (host=… user=…)"
    )]
    Form,
    /// A keyword that libpq does not have, or that is not supported here.
    #[error("the address has `{0}`, which {1}")]
    Keyword(String, &'static str),
    /// A quote that is not closed.
    #[error("the address has a value of `{0}` whose quote is not closed")]
    Quote(String),
    /// An escape that is no text.
    #[error("the address has a %-escape in its {0} that is no UTF-8 text")]
    Escape(&'static str),
    /// A value that the keyword does not take.
    #[error("the address has a value of `{0}` that cannot be used: {1}")]
    Value(&'static str, String),
    /// What the driver makes of all of them, once they are read.
    #[error("the address cannot be used: {0}")]
    Unusable(String),
}

/// Keywords that are passed on or understood.
const KNOWN: [&str; 23] = [
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "passfile",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
    // Every session has a name of the tool's own.
    "application_name",
];

/// Keywords that change nothing here, and that people carry along in their strings.
const IDLE: [&str; 4] = [
    "fallback_application_name",
    "client_encoding",
    "gssencmode",
    "krbsrvname",
];

/// Keywords whose absence would connect elsewhere, or less safely, than was asked for.
const REFUSED: [(&str, &str); 5] = [
    (
        "service",
        "is not supported: write out what the service file says",
    ),
    ("sslcrl", "is not supported: revocation is not checked"),
    ("sslcrldir", "is not supported: revocation is not checked"),
    (
        "sslpassword",
        "is not supported: take the passphrase off the key",
    ),
    (
        "require_auth",
        "is not supported: leave the method to the server",
    ),
];

/// The variables of the environment that stand in for a keyword. `PGDATABASE` is not among them: the
/// database that is written to is named by the address itself.
const VARIABLES: [(&str, &str); 15] = [
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGOPTIONS", "options"),
    ("PGPASSFILE", "passfile"),
    ("PGPASSWORD", "password"),
    ("PGPORT", "port"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGUSER", "user"),
];

/// Reads an address, and takes from the environment what it does not say.
///
/// # Errors
/// What is wrong with it, without quoting it.
pub fn read(
    address: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Parameters, ConninfoError> {
    let address = address.trim();
    let mut parameters = match scheme(address) {
        Some(rest) => url(rest)?,
        None => words(address)?,
    };
    for keyword in parameters.keys() {
        check_keyword(keyword)?;
    }
    for (variable, keyword) in VARIABLES {
        // An address on the network and a socket of the environment would not be the same server.
        let other_host = keyword == "hostaddr" && parameters.contains_key("host");
        if let Some(value) = environment(variable).filter(|value| !value.is_empty() && !other_host)
        {
            parameters.entry(keyword.to_owned()).or_insert(value);
        }
    }
    Ok(parameters)
}

fn scheme(address: &str) -> Option<&str> {
    ["postgres://", "postgresql://"]
        .into_iter()
        .find_map(|scheme| address.strip_prefix(scheme))
}

fn check_keyword(keyword: &str) -> Result<(), ConninfoError> {
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == keyword) {
        return Err(ConninfoError::Keyword(keyword.to_owned(), why));
    }
    match KNOWN.contains(&keyword) || IDLE.contains(&keyword) {
        true => Ok(()),
        false => Err(ConninfoError::Keyword(
            keyword.to_owned(),
            "is no keyword of a connection",
        )),
    }
}

/// `[user[:password]@][host[:port],…][/database][?keyword=value&…]`.
fn url(rest: &str) -> Result<Parameters, ConninfoError> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let mut parameters = Parameters::new();
    let mut put = |keyword: &'static str, text: &str| -> Result<(), ConninfoError> {
        if !text.is_empty() {
            parameters.insert(keyword.to_owned(), decode(keyword, text)?);
        }
        Ok(())
    };
    put("user", user)?;
    put("password", password)?;
    put("dbname", database)?;
    let (hosts, ports): (Vec<&str>, Vec<&str>) = hosts.split(',').map(host_and_port).unzip();
    put("host", &some_of(&hosts))?;
    put("port", &some_of(&ports))?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (keyword, value) = pair.split_once('=').unwrap_or((pair, ""));
        // As libpq has it, for JDBC's sake.
        let (keyword, value) = match (keyword, value) {
            ("ssl", "true") => ("sslmode", "require"),
            other => other,
        };
        parameters.insert(keyword.to_owned(), decode("query", value)?);
    }
    Ok(parameters)
}

/// Elements joined by commas, nothing where all are empty.
fn some_of(elements: &[&str]) -> String {
    match elements.iter().all(|element| element.is_empty()) {
        true => String::new(),
        false => elements.join(","),
    }
}

/// A host, without the brackets of an IPv6 address, and its port.
fn host_and_port(host: &str) -> (&str, &str) {
    if let Some((address, rest)) = host
        .strip_prefix('[')
        .and_then(|inside| inside.split_once(']'))
    {
        return (address, rest.strip_prefix(':').unwrap_or(""));
    }
    host.split_once(':').unwrap_or((host, ""))
}

fn decode(part: &'static str, text: &str) -> Result<String, ConninfoError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| ConninfoError::Escape(part))
}

/// `keyword = value` words; values with blanks stand in single quotes, `\` escapes.
fn words(text: &str) -> Result<Parameters, ConninfoError> {
    let mut parameters = Parameters::new();
    let mut rest = text;
    while !rest.trim_start().is_empty() {
        let (keyword, after) = rest.split_once('=').ok_or(ConninfoError::Form)?;
        let keyword = keyword.trim();
        if keyword.is_empty() || keyword.contains(char::is_whitespace) {
            return Err(ConninfoError::Form);
        }
        let (value, after) = word(keyword, after.trim_start())?;
        parameters.insert(keyword.to_owned(), value);
        rest = after;
    }
    Ok(parameters)
}

/// One value and what follows it.
fn word<'a>(keyword: &str, text: &'a str) -> Result<(String, &'a str), ConninfoError> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, text.get(at + 1..).unwrap_or_default())),
            c if c.is_whitespace() && !quoted => {
                return Ok((value, text.get(at..).unwrap_or_default()));
            }
            c => value.push(c),
        }
    }
    match quoted {
        true => Err(ConninfoError::Quote(keyword.to_owned())),
        false => Ok((value, "")),
    }
}

/// Whether a keyword means something to the driver, and not to this tool or to libpq alone.
pub fn reaches_the_driver(keyword: &str) -> bool {
    const OWN: [&str; 6] = [
        "application_name",
        "passfile",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
    ];
    KNOWN.contains(&keyword) && !OWN.contains(&keyword)
}

/// `keyword='value'` words that say the same.
pub fn write(parameters: &Parameters) -> String {
    let word = |(keyword, value): (&String, &String)| {
        let value = value.replace('\\', "\\\\").replace('\'', "\\'");
        format!("{keyword}='{value}'")
    };
    parameters.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(address: &str) -> Result<Vec<(String, String)>, ConninfoError> {
        Ok(read(address, &|_| None)?.into_iter().collect())
    }

    #[track_caller]
    fn assert_says(address: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        assert_eq!(parsed(address), Ok(expected), "{address}");
    }

    #[test]
    fn a_url_says_who_where_and_how() {
        assert_says("postgres://", &[]);
        assert_says("postgresql:///shop", &[("dbname", "shop")]);
        assert_says(
            "postgres://ann:p%40ss:w@db.example.org:6432/shop?sslmode=verify-full&connect_timeout=5",
            &[
                ("connect_timeout", "5"),
                ("dbname", "shop"),
                ("host", "db.example.org"),
                ("password", "p@ss:w"),
                ("port", "6432"),
                ("sslmode", "verify-full"),
                ("user", "ann"),
            ],
        );
        assert_says(
            "postgres://[::1]:5433,b/x",
            &[("dbname", "x"), ("host", "::1,b"), ("port", "5433,")],
        );
        assert_says(
            "postgres://%2Ftmp%2Fs/x?user=ann",
            &[("dbname", "x"), ("host", "/tmp/s"), ("user", "ann")],
        );
        assert_says(
            "postgres:///x?ssl=true",
            &[("dbname", "x"), ("sslmode", "require")],
        );
    }

    #[test]
    fn words_may_be_quoted() {
        assert_says(
            r"host = /tmp  user='ann lee' password='it\'s \\' dbname=",
            &[
                ("dbname", ""),
                ("host", "/tmp"),
                ("password", r"it's \"),
                ("user", "ann lee"),
            ],
        );
    }

    #[test]
    fn the_environment_fills_in_what_is_not_said() {
        let environment = |name: &str| match name {
            "PGHOST" => Some("elsewhere".to_owned()),
            "PGUSER" => Some("ann".to_owned()),
            "PGDATABASE" => Some("production".to_owned()),
            "PGHOSTADDR" => Some("10.0.0.1".to_owned()),
            _ => None,
        };
        let read = read("host=here", &environment).unwrap();
        let read: Vec<_> = read.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(read, [("host", "here"), ("user", "ann")]);
    }

    #[test]
    fn an_error_names_the_keyword_and_never_the_value() {
        for address in [
            "postgres://h/x?hots=secret",
            "hots=secret",
            "password='secret",
            "service=secret",
            "secret",
            "postgres://a:secret%ff@h/x",
        ] {
            let error = parsed(address).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(parsed("hots=1").unwrap_err().to_string().contains("`hots`"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(user in ".*", password in ".*") {
            let parameters = Parameters::from([
                ("user".to_owned(), user),
                ("password".to_owned(), password),
            ]);
            prop_assert_eq!(read(&write(&parameters), &|_| None), Ok(parameters));
        }
    }
}
