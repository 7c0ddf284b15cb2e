//! A server that is there already when the tool is called.

use std::collections::BTreeMap;

use pgrehearse::postgres::connect::connect;
use pgrehearse::shadow::{Server, ServerOptions, find_pg_bin};
use tokio_postgres::config::Host;

/// The server, and its address without a database.
pub(crate) struct Existing {
    pub(crate) server: Server,
    pub(crate) url: String,
}

impl Existing {
    pub(crate) async fn start() -> Self {
        let options = ServerOptions {
            pg_bin: find_pg_bin(None).unwrap(),
            settings: BTreeMap::new(),
            connections: 20,
            keep: false,
        };
        let server = Server::start(options).await.unwrap();
        let config = server.config();
        let [Host::Unix(folder)] = config.get_hosts() else {
            unreachable!("an embedded server is at its socket");
        };
        let folder = folder.display().to_string().replace('/', "%2F");
        let url = format!("postgres://postgres@{folder}");
        Self { server, url }
    }

    pub(crate) async fn number(&self, database: &str, sql: &str) -> i64 {
        let mut config = self.server.config();
        let session = connect(config.dbname(database), "test").await.unwrap();
        let number = session.client.query_one(sql, &[]).await.unwrap().get(0);
        session.close().await.unwrap();
        number
    }

    pub(crate) async fn databases(&self, name: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
        self.number("postgres", &sql).await
    }

    /// Makes a database with this in it, and gives its address.
    pub(crate) async fn database(&self, name: &str, sql: &str) -> String {
        let session = connect(&self.server.config(), "test").await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        session.client.batch_execute(&create).await.unwrap();
        session.close().await.unwrap();
        let mut config = self.server.config();
        let session = connect(config.dbname(name), "test").await.unwrap();
        session.client.batch_execute(sql).await.unwrap();
        session.close().await.unwrap();
        format!("{}/{name}", self.url)
    }
}
