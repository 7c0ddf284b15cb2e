//! A client that runs scripts by the library, one message after the other.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use pgrehearse::pgbench::{Definitions, Pipeline, Program, ResultSet, Run, Script, Step};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use super::tool::{Address, NoKeys};

/// How statements are sent, as `pgbench -M` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Simple,
    Extended,
    Prepared,
}

impl Protocol {
    pub(crate) const ALL: [Self; 3] = [Self::Simple, Self::Extended, Self::Prepared];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Extended => "extended",
            Self::Prepared => "prepared",
        }
    }

    /// The program of a script for this protocol.
    pub(crate) fn bind(
        self,
        script: &Script,
        definitions: &Definitions,
    ) -> Result<Arc<Program>, String> {
        let definitions = match self {
            Self::Simple => definitions.clone().substituted(),
            Self::Extended | Self::Prepared => definitions.clone(),
        };
        let program = script.bind_with(&mut NoKeys, &definitions);
        program.map(Arc::new).map_err(|error| error.to_string())
    }
}

/// A session.
pub(crate) struct Client {
    stream: UnixStream,
    output: BytesMut,
    protocol: Protocol,
    /// The statements of the one program that it runs.
    prepared: HashSet<usize>,
    /// How many answers to synchronisations of a pipeline are to come; none outside of one.
    syncs: Option<usize>,
}

impl Client {
    pub(crate) fn connect(address: &Address, protocol: Protocol) -> Self {
        let socket = address.folder.join(format!(".s.PGSQL.{}", address.port));
        let mut client = Self {
            stream: UnixStream::connect(socket).unwrap(),
            output: BytesMut::new(),
            protocol,
            prepared: HashSet::new(),
            syncs: None,
        };
        let parameters = [
            ("user", address.user.as_str()),
            ("database", &address.database),
            ("client_encoding", "UTF8"),
        ];
        frontend::startup_message(parameters, &mut client.output).unwrap();
        client.answers(1).unwrap();
        client
    }

    /// Steps through a run to its end.
    pub(crate) fn finish(&mut self, run: &mut Run, program: &Program) -> Result<(), String> {
        loop {
            match run.step(&NoKeys).map_err(|error| error.to_string())? {
                Step::Done => return Ok(()),
                Step::Sleep(time) => std::thread::sleep(time),
                Step::Pipeline(Pipeline::Start) => self.syncs = Some(0),
                Step::Pipeline(Pipeline::Sync) => self.sync(),
                Step::Pipeline(Pipeline::End) => {
                    self.sync();
                    let syncs = self.syncs.take().unwrap();
                    self.answers(syncs)?;
                }
                Step::Sql {
                    statement,
                    parameters,
                } => {
                    let results = self.send(program, statement, &parameters)?;
                    if program.statements()[statement].capture.is_some() {
                        run.store(statement, &results)
                            .map_err(|error| error.to_string())?;
                    }
                }
            }
        }
    }

    fn sync(&mut self) {
        frontend::sync(&mut self.output);
        self.syncs = self.syncs.map(|syncs| syncs + 1);
    }

    fn send(
        &mut self,
        program: &Program,
        statement: usize,
        parameters: &[Option<String>],
    ) -> Result<Vec<ResultSet>, String> {
        let sql = &program.statements()[statement];
        let output = &mut self.output;
        if self.protocol == Protocol::Simple {
            frontend::query(&sql.interpolate(parameters), output).unwrap();
            return self.answers(1);
        }
        let name = match self.protocol {
            Protocol::Prepared => format!("s{statement}"),
            _ => String::new(),
        };
        if name.is_empty() || self.prepared.insert(statement) {
            frontend::parse(&name, &sql.text, [], output).unwrap();
        }
        let value = |value: &Option<String>, output: &mut BytesMut| match value {
            Some(text) => {
                output.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        };
        assert!(frontend::bind("", &name, [], parameters, value, [], output).is_ok());
        frontend::describe(b'P', "", output).unwrap();
        frontend::execute("", 0, output).unwrap();
        if self.syncs.is_some() {
            return Ok(Vec::new());
        }
        frontend::sync(output);
        self.answers(1)
    }

    /// Sends what waits and reads so many answers to their ends.
    fn answers(&mut self, mut count: usize) -> Result<Vec<ResultSet>, String> {
        self.stream.write_all(&self.output).unwrap();
        self.output.clear();
        let (mut results, mut current, mut error) = (Vec::new(), ResultSet::default(), None);
        while count > 0 {
            let (kind, mut body) = self.message();
            match kind {
                b'Z' => count -= 1,
                b'T' => current.columns = columns(&mut body),
                b'D' => current.rows.push(values(&mut body)),
                b'C' | b'I' => results.push(std::mem::take(&mut current)),
                b'E' => error = error.or(Some(message_of(&mut body))),
                _ => {}
            }
        }
        error.map_or(Ok(results), Err)
    }

    /// The kind and the body of the next message.
    fn message(&mut self) -> (u8, Bytes) {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes(head[1..].try_into().unwrap());
        let mut body = vec![0; length as usize - 4];
        self.stream.read_exact(&mut body).unwrap();
        (head[0], body.into())
    }
}

/// A text that ends with a zero.
fn text(body: &mut Bytes) -> String {
    let end = body.iter().position(|byte| *byte == 0).unwrap();
    let text = body.split_to(end);
    body.advance(1);
    String::from_utf8(text.into()).unwrap()
}

/// The names in a RowDescription.
fn columns(body: &mut Bytes) -> Vec<String> {
    let count = body.get_u16();
    let column = |_| {
        let name = text(body);
        // Table, number, type, size, modifier and format.
        body.advance(18);
        name
    };
    (0..count).map(column).collect()
}

/// The values in a DataRow.
fn values(body: &mut Bytes) -> Vec<Option<String>> {
    let count = body.get_u16();
    let value = |_| {
        let length = usize::try_from(body.get_i32()).ok()?;
        Some(String::from_utf8(body.split_to(length).into()).unwrap())
    };
    (0..count).map(value).collect()
}

/// The message in an ErrorResponse.
fn message_of(body: &mut Bytes) -> String {
    loop {
        match body.get_u8() {
            0 => return String::new(),
            b'M' => return text(body),
            _ => {
                text(body);
            }
        }
    }
}
