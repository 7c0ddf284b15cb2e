//! What an address leaves out, as libpq would assume it, and what of it is shown.

use std::path::PathBuf;

use super::conninfo::{ConninfoError, Parameters};
use super::passfile::{self, Login};
use super::tls::{SslMode, TlsOptions};

/// Where the usual installations have their socket: Debian's and Red Hat's, then PostgreSQL's own.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Says what libpq would have assumed: the host, the user, the password of the passfile.
pub(super) fn complete(parameters: &mut Parameters, environment: &dyn Fn(&str) -> Option<String>) {
    let port = or_default(parameters, "port", || "5432".to_owned());
    // TLS needs a name to ask for, be it an address.
    let address = parameters.get("hostaddr").cloned();
    or_default(parameters, "host", || {
        address.unwrap_or_else(|| default_host(&port))
    });
    let user = or_default(parameters, "user", || {
        let own = ["USER", "LOGNAME"].into_iter().find_map(environment);
        own.unwrap_or_else(|| "postgres".to_owned())
    });
    if parameters.contains_key("password") {
        return;
    }
    let named = ["host", "hostaddr"].iter().find_map(|k| parameters.get(*k));
    let host = match named.map(String::as_str) {
        None => "localhost",
        Some(folder) if SOCKET_FOLDERS.contains(&folder) => "localhost",
        Some(host) => host,
    };
    let login = Login {
        host,
        port: &port,
        database: parameters.get("dbname").map_or(&user, |name| name),
        user: &user,
    };
    let file = parameters.get("passfile").map(PathBuf::from);
    let file = file.or_else(|| in_home(environment, ".pgpass"));
    if let Some(password) = file.and_then(|file| passfile::password(&file, login)) {
        parameters.insert("password".to_owned(), password);
    }
}

fn or_default(
    parameters: &mut Parameters,
    keyword: &str,
    default: impl FnOnce() -> String,
) -> String {
    match parameters.get(keyword).filter(|value| !value.is_empty()) {
        Some(value) => value.clone(),
        None => {
            let value = default();
            parameters.insert(keyword.to_owned(), value.clone());
            value
        }
    }
}

fn default_host(port: &str) -> String {
    let mut folders = SOCKET_FOLDERS.into_iter();
    folders
        .find(|folder| {
            PathBuf::from(folder)
                .join(format!(".s.PGSQL.{port}"))
                .exists()
        })
        .unwrap_or("localhost")
        .to_owned()
}

fn in_home(environment: &dyn Fn(&str) -> Option<String>, file: &str) -> Option<PathBuf> {
    Some(PathBuf::from(environment("HOME")?).join(file))
}

/// What an address and the files of the user's home say of TLS.
pub(super) fn tls_options(
    parameters: &Parameters,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<TlsOptions, ConninfoError> {
    let named = parameters.get("sslmode").map_or("prefer", |name| name);
    let mode = SslMode::named(named).ok_or_else(|| {
        let takes = "it takes disable, allow, prefer, require, verify-ca or verify-full";
        ConninfoError::Value("sslmode", takes.to_owned())
    })?;
    let own = |keyword: &str, file: &str| {
        let given = parameters.get(keyword).map(PathBuf::from);
        given.or_else(|| {
            in_home(environment, &format!(".postgresql/{file}")).filter(|path| path.exists())
        })
    };
    Ok(TlsOptions {
        mode,
        roots: own("sslrootcert", "root.crt"),
        identity: own("sslcert", "postgresql.crt").zip(own("sslkey", "postgresql.key")),
        direct: parameters
            .get("sslnegotiation")
            .is_some_and(|how| how == "direct"),
    })
}

/// A URL for people: whoever uses it gives the password in another way.
pub(super) fn shown(parameters: &Parameters) -> String {
    let get = |keyword: &str| parameters.get(keyword).map_or("", String::as_str);
    let host = if get("host").is_empty() {
        get("hostaddr")
    } else {
        get("host")
    };
    let port = match get("port") {
        "" | "5432" => String::new(),
        port => format!(":{port}"),
    };
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => escape(host).replace("%2C", ","),
    };
    let query: Vec<String> = ["sslmode", "sslrootcert"]
        .iter()
        .filter_map(|keyword| {
            let value = parameters.get(*keyword)?;
            Some(format!("{keyword}={}", escape(value)))
        })
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!(
        "postgres://{}@{host}{port}/{}{mark}{}",
        escape(get("user")),
        escape(get("dbname")),
        query.join("&")
    )
}

/// Text as a part of a URL.
pub(super) fn escape(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}
