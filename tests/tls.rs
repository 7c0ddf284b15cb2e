//! `sslmode` against a real server with certificates of the test's own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgrehearse::postgres::connect::describe;
use pgrehearse::postgres::endpoint::{Endpoint, EndpointError};
use pgrehearse::shadow::find_pg_bin;
use pgrehearse::traffic::wire::{Connection, Target};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A server on the loopback with a certificate for `localhost`, signed by `ca.crt`.
struct TlsServer {
    folder: TempDir,
    process: Child,
    port: u16,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.process.id().cast_signed()).unwrap();
        let _ = kill_process(pid, Signal::QUIT);
        let _ = self.process.wait();
    }
}

/// The user that a root's servers run as.
fn account() -> Option<(u32, u32)> {
    let id = |flag: &str| {
        let output = Command::new("id").args([flag, "postgres"]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    rustix::process::geteuid()
        .is_root()
        .then(|| (id("-u").unwrap(), id("-g").unwrap()))
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some((uid, gid)) = account() {
        command.uid(uid).gid(gid);
    }
    command
}

/// An authority and what it signs, made by `openssl`.
fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap_or_else(|error| panic!("these tests need openssl: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    };
    let new = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    for authority in ["ca", "stranger"] {
        let (key, certificate) = (format!("{authority}.key"), format!("{authority}.crt"));
        let subject = format!("/CN={authority}");
        let own = ["-keyout", &key, "-out", &certificate, "-subj", &subject];
        openssl(&[&["req", "-x509", "-days", "2"], new.as_slice(), &own].concat());
    }
    fs::write(folder.join("names"), "subjectAltName = DNS:localhost\n").unwrap();
    let request = [
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
        "-subj",
        "/CN=db",
    ];
    openssl(&[&["req"], new.as_slice(), &request].concat());
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        "names",
        "-out",
        "server.crt",
    ]);
}

fn start() -> TlsServer {
    let folder = tempfile::Builder::new()
        .prefix("pgr")
        .tempdir_in("/tmp")
        .unwrap();
    let path = folder.path();
    certificates(path);
    let mode = |file: &str, mode| {
        fs::set_permissions(path.join(file), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("server.key", 0o600);
    if let Some((uid, gid)) = account() {
        for file in [path.to_owned(), path.join("server.key")] {
            chown(file, Some(uid), Some(gid)).unwrap();
        }
    }
    let bin = find_pg_bin(None).unwrap();
    let data = path.join("data");
    let made = command(&bin.join("initdb"), path)
        .args(["-A", "trust", "-U", "postgres", "--no-sync", "-D"])
        .arg(&data)
        .status();
    assert!(made.unwrap().success());
    fs::write(
        data.join("pg_hba.conf"),
        "hostssl all bound all scram-sha-256\nhostssl all secure all trust\nhostnossl all plain all trust\nhost all postgres all trust\nlocal all all trust\n",
    )
    .unwrap();
    // Taken and given back: nobody else on the machine is likely to get it in between.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let settings = [
        ("listen_addresses", "127.0.0.1".to_owned()),
        ("unix_socket_directories", String::new()),
        ("fsync", "off".to_owned()),
        ("ssl", "on".to_owned()),
        (
            "ssl_cert_file",
            path.join("server.crt").display().to_string(),
        ),
        (
            "ssl_key_file",
            path.join("server.key").display().to_string(),
        ),
    ];
    let mut postgres = command(&bin.join("postgres"), path);
    postgres
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string()]);
    for (name, value) in settings {
        postgres.args(["-c".to_owned(), format!("{name}={value}")]);
    }
    TlsServer {
        process: postgres.spawn().unwrap(),
        folder,
        port,
    }
}

impl TlsServer {
    fn read(&self, rest: &str) -> Result<Endpoint, EndpointError> {
        let ca = self.folder.path().join("ca.crt").display().to_string();
        let rest = rest
            .replace("CA", &ca)
            .replace("FOLDER", &self.folder.path().display().to_string());
        let address = format!(
            "hostaddr=127.0.0.1 port={} dbname=postgres {rest}",
            self.port
        );
        Endpoint::read(&address, &|_| None)
    }

    /// Whether the session is encrypted, or why there is none.
    async fn encrypted(&self, rest: &str) -> Result<bool, String> {
        let endpoint = self.read(rest).map_err(|error| error.to_string())?;
        let session = endpoint.connect("pgrehearse test").await;
        let session = session.map_err(|error| describe(&error))?;
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Ok(session.client.query_one(sql, &[]).await.unwrap().get(0))
    }

    /// The same by the client that sends the traffic.
    async fn traffic_encrypted(&self, rest: &str) -> Result<bool, String> {
        let endpoint = self.read(rest).map_err(|error| error.to_string())?;
        let target = Target::new(&endpoint, "pgrehearse test");
        let opened = Connection::open(&target).await;
        let mut connection = opened.map_err(|error| error.to_string())?;
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        connection.query(sql, true).await.unwrap();
        let rows = connection.results().iter().flat_map(|result| &result.rows);
        let values: Vec<_> = rows.flatten().flatten().cloned().collect();
        connection.close().await;
        Ok(values == ["t"])
    }

    async fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self
            .encrypted("user=postgres host=localhost sslmode=require")
            .await
        {
            assert!(
                Instant::now() < deadline,
                "the server did not start: {error}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn sslmode_means_what_libpq_means() {
    let server = start();
    server.wait().await;
    let root = server.read("user=postgres host=localhost").unwrap();
    let root = root.connect("pgrehearse test").await.unwrap();
    let roles = "CREATE ROLE secure LOGIN; CREATE ROLE plain LOGIN";
    root.client.batch_execute(roles).await.unwrap();
    for (address, encrypted) in [
        ("user=postgres host=localhost sslmode=disable", false),
        ("user=postgres host=localhost sslmode=allow", false),
        ("user=postgres host=localhost", true),
        ("user=postgres host=localhost sslmode=require", true),
        ("user=postgres host=db.example.org sslmode=require", true),
        ("user=postgres sslmode=require", true),
        (
            "user=postgres host=localhost sslmode=verify-full sslrootcert=CA",
            true,
        ),
        (
            "user=postgres host=db.example.org sslmode=verify-ca sslrootcert=CA",
            true,
        ),
        (
            "user=postgres host=db.example.org sslmode=require sslrootcert=CA",
            true,
        ),
        // The certificate itself in place of its authority's.
        (
            "user=postgres host=localhost sslmode=verify-full sslrootcert=FOLDER/server.crt",
            true,
        ),
        // pg_hba.conf lets these in by one way only.
        ("user=secure host=localhost sslmode=allow", true),
        ("user=plain host=localhost sslmode=prefer", false),
    ] {
        let got = server.encrypted(address).await;
        assert_eq!(got, Ok(encrypted), "{address}");
        let got = server.traffic_encrypted(address).await;
        assert_eq!(got, Ok(encrypted), "the traffic's, {address}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_verified_is_refused() {
    let server = start();
    server.wait().await;
    for (address, says) in [
        (
            "host=localhost sslmode=verify-full sslrootcert=FOLDER/stranger.crt",
            "UnknownIssuer",
        ),
        (
            "host=localhost sslmode=verify-ca sslrootcert=FOLDER/stranger.crt",
            "UnknownIssuer",
        ),
        (
            "host=localhost sslmode=require sslrootcert=FOLDER/stranger.crt",
            "UnknownIssuer",
        ),
        (
            "host=db.example.org sslmode=verify-full sslrootcert=CA",
            "not valid for name",
        ),
        (
            "host=db.example.org sslmode=verify-full sslrootcert=FOLDER/server.crt",
            "not valid for name",
        ),
        ("host=localhost sslmode=verify-ca", "sslrootcert"),
        (
            "host=localhost sslmode=verify-full sslrootcert=FOLDER/none.crt",
            "none.crt",
        ),
    ] {
        let address = format!("user=postgres {address}");
        for got in [
            server.encrypted(&address).await,
            server.traffic_encrypted(&address).await,
        ] {
            let said = got.unwrap_err();
            assert!(said.contains(says), "{address}: {said}");
        }
    }
}

#[tokio::test]
async fn traffic_over_tls_proves_its_password_to_this_very_server_and_can_be_cancelled() {
    let server = start();
    server.wait().await;
    let root = "user=postgres host=localhost";
    let client = server.read(root).unwrap();
    let session = client.connect("pgrehearse test").await.unwrap();
    let client = &session.client;
    let role = "SET password_encryption = 'scram-sha-256'; CREATE ROLE bound LOGIN PASSWORD 'x'";
    client.batch_execute(role).await.unwrap();
    let bound = "user=bound host=localhost password=x sslmode=require channel_binding";
    for (binding, result) in [("require", Ok(true)), ("disable", Ok(true))] {
        let got = server
            .traffic_encrypted(&format!("{bound}={binding}"))
            .await;
        assert_eq!(got, result, "{binding}");
    }
    let trusted = format!("{root} sslmode=require channel_binding=require");
    let refused = server.traffic_encrypted(&trusted).await.unwrap_err();
    assert!(refused.contains("channel_binding"), "{refused}");

    let endpoint = server.read(&format!("{bound}=require")).unwrap();
    let mut connection = Connection::open(&Target::new(&endpoint, "pgrehearse test"))
        .await
        .unwrap();
    let giant = "SELECT repeat('x', 1000000) FROM generate_series(1, 20)";
    for keep in [false, true] {
        connection.query(giant, keep).await.unwrap();
    }
    let lengths: Vec<_> = connection.results()[0].rows.concat();
    assert_eq!(
        lengths.iter().flatten().map(String::len).sum::<usize>(),
        20_000_000
    );
    let canceller = connection.canceller().clone();
    let sleeping = "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let (cancelled, answer) = tokio::join!(
        async {
            while !client
                .query_one(sleeping, &[])
                .await
                .unwrap()
                .get::<_, bool>(0)
            {}
            canceller.cancel().await
        },
        connection.query("SELECT pg_sleep(60)", false),
    );
    cancelled.unwrap();
    assert_eq!(answer.unwrap_err().sqlstate(), Some("57014"));
    assert!(!connection.is_closed());
    let kill = format!("SELECT pg_terminate_backend({})", connection.process_id());
    client.batch_execute(&kill).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !connection.is_closed() {
        assert!(Instant::now() < deadline, "its end was not seen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let words = connection.lost().unwrap().error.as_ref().unwrap();
    assert_eq!(words.sqlstate, "57P01");
}
