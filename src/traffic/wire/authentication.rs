//! Proving who connects: trust, passwords in clear text and by MD5, SCRAM-SHA-256.

use std::io;

use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::backend::{
    AUTHENTICATION_TAG, ERROR_RESPONSE_TAG, NOTICE_RESPONSE_TAG,
};
use postgres_protocol::message::frontend;
use tokio_postgres::Config;
use tokio_postgres::config::ChannelBinding as Wanted;

use super::error::{ConnectError, ServerError, malformed};
use super::link::Link;

/// The kinds of Authentication messages.
const OK: u32 = 0;
const CLEARTEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// Answers what the server asks until it is content.
pub(super) async fn authenticate(
    link: &mut Link,
    config: &Config,
    user: &str,
) -> Result<(), ConnectError> {
    let (kind, body) = challenge(link).await?;
    match kind {
        OK => return unbound(config),
        CLEARTEXT => {
            unbound(config)?;
            let password = password(config)?;
            say(link, |out| frontend::password_message(password, out)).await?;
        }
        MD5 => {
            unbound(config)?;
            let salt = <[u8; 4]>::try_from(body.as_slice())
                .map_err(|_| startup(malformed("a salt that is not of four bytes")))?;
            let hash = md5_hash(user.as_bytes(), password(config)?, salt);
            say(link, |out| frontend::password_message(hash.as_bytes(), out)).await?;
        }
        SASL => scram(link, config, &body).await?,
        other => return Err(unknown(other)),
    }
    match challenge(link).await? {
        (OK, _) => Ok(()),
        (other, _) => Err(unknown(other)),
    }
}

/// The exchange of RFC 5802, bound to the encrypted stream where both sides can.
async fn scram(link: &mut Link, config: &Config, offered: &[u8]) -> Result<(), ConnectError> {
    let offers = |name: &str| offered.split(|b| *b == 0).any(|o| o == name.as_bytes());
    let end_point = match config.get_channel_binding() {
        Wanted::Disable => None,
        _ => link.stream.end_point(),
    };
    let (mechanism, binding) = match end_point {
        Some(digest) if offers(SCRAM_SHA_256_PLUS) => {
            let binding = ChannelBinding::tls_server_end_point(digest);
            (SCRAM_SHA_256_PLUS, binding)
        }
        Some(_) => (SCRAM_SHA_256, ChannelBinding::unrequested()),
        None => (SCRAM_SHA_256, ChannelBinding::unsupported()),
    };
    if !offers(mechanism) {
        return Err(ConnectError::Authentication(format!(
            "the server asks for a password in none of the ways that are supported (SCRAM-SHA-256), but in these: {}",
            String::from_utf8_lossy(offered).replace('\0', " ").trim()
        )));
    }
    if mechanism == SCRAM_SHA_256 {
        unbound(config)?;
    }
    let mut scram = ScramSha256::new(password(config)?, binding);
    say(link, |out| {
        frontend::sasl_initial_response(mechanism, scram.message(), out)
    })
    .await?;
    let first = expect(link, SASL_CONTINUE).await?;
    scram.update(&first).map_err(untrue)?;
    say(link, |out| frontend::sasl_response(scram.message(), out)).await?;
    let last = expect(link, SASL_FINAL).await?;
    scram.finish(&last).map_err(untrue)
}

async fn say(
    link: &mut Link,
    write: impl FnOnce(&mut BytesMut) -> io::Result<()>,
) -> Result<(), ConnectError> {
    write(&mut link.outbox).map_err(startup)?;
    link.flush().await.map_err(startup)
}

/// The kind of the next Authentication message, and what it says.
async fn challenge(link: &mut Link) -> Result<(u32, Vec<u8>), ConnectError> {
    loop {
        match link.next().await.map_err(startup)? {
            AUTHENTICATION_TAG => break,
            NOTICE_RESPONSE_TAG => {}
            ERROR_RESPONSE_TAG => return Err(refusal(link)),
            other => {
                let what = format!("an unexpected message `{}`", other.escape_ascii());
                return Err(startup(malformed(what)));
            }
        }
    }
    match link.inbox.body().split_first_chunk() {
        Some((kind, rest)) => Ok((u32::from_be_bytes(*kind), rest.to_vec())),
        None => Err(startup(malformed("an empty question who connects"))),
    }
}

async fn expect(link: &mut Link, wanted: u32) -> Result<Vec<u8>, ConnectError> {
    match challenge(link).await? {
        (kind, body) if kind == wanted => Ok(body),
        (other, _) => Err(unknown(other)),
    }
}

/// What the server says of why there will be no session.
pub(super) fn refusal(link: &Link) -> ConnectError {
    ConnectError::Server(Box::new(ServerError::parse(link.inbox.body())))
}

/// The server did not prove that it speaks for the other end of the encrypted stream.
fn unbound(config: &Config) -> Result<(), ConnectError> {
    match config.get_channel_binding() {
        Wanted::Require => Err(ConnectError::Authentication(
            "channel_binding=require, and the server does not bind passwords to the encrypted connection".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn password(config: &Config) -> Result<&[u8], ConnectError> {
    config.get_password().ok_or_else(|| {
        let what = "the server asks for a password: set PGPASSWORD, or write it to ~/.pgpass";
        ConnectError::Authentication(what.to_owned())
    })
}

fn unknown(kind: u32) -> ConnectError {
    let name = match kind {
        2 => "Kerberos V5",
        6 => "SCM credentials",
        7 | 8 => "GSSAPI",
        9 => "SSPI",
        _ => "a way that is not known",
    };
    ConnectError::Authentication(format!(
        "the server asks to authenticate by {name}, which is not supported: let pg_hba.conf ask for \
         scram-sha-256, md5, password or trust"
    ))
}

fn untrue(error: io::Error) -> ConnectError {
    ConnectError::Authentication(format!("SCRAM-SHA-256: {error}"))
}

fn startup(error: io::Error) -> ConnectError {
    ConnectError::Startup(error)
}
