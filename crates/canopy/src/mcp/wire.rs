//! One JSON-RPC message a line on standard input and output, with an answer to what is none.
//!
//! `rmcp`'s own transport passes over lines that are no JSON, so that a client with a mistake in it waits for ever.

use std::io;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde::Serialize;
use serde_json::error::Category;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// A longer line is no message: without an end, a client that writes no line break would fill the memory.
const LONGEST: usize = 16 << 20;

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;

pub(super) struct Lines<R, W> {
    read: BufReader<R>,
    /// What of a line has come. It outlives a `receive` that is dropped half-way.
    line: Vec<u8>,
    /// The rest of a line that was too long is passed over.
    skipping: bool,
    write: Arc<Mutex<Option<W>>>,
    /// An error that is being told: in a task, since half a line must never be written.
    telling: Option<JoinHandle<()>>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Lines<R, W> {
    pub fn new((read, write): (R, W)) -> Self {
        Self {
            read: BufReader::new(read),
            line: Vec::new(),
            skipping: false,
            write: Arc::new(Mutex::new(Some(write))),
            telling: None,
        }
    }

    /// Completes the line; `None` at the end of the input.
    async fn read_line(&mut self) -> io::Result<Option<Result<(), TooLong>>> {
        loop {
            let piece = self.read.fill_buf().await?;
            if piece.is_empty() {
                // The last message needs no line break behind it.
                return Ok((!self.line.is_empty() && !self.skipping).then_some(Ok(())));
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let length = end.map_or(piece.len(), |end| end + 1);
            let was_skipping = self.skipping;
            let is_too_long = !was_skipping && self.line.len() + length > LONGEST;
            if is_too_long {
                self.line.clear();
            } else if !was_skipping {
                self.line.extend_from_slice(&piece[..length]);
            }
            self.skipping = (was_skipping || is_too_long) && end.is_none();
            self.read.consume(length);
            if is_too_long {
                return Ok(Some(Err(TooLong)));
            }
            if end.is_some() && !was_skipping {
                return Ok(Some(Ok(())));
            }
        }
    }
}

struct TooLong;

impl<R, W: AsyncWrite + Unpin + Send + 'static> Lines<R, W> {
    fn tell(&mut self, code: i32, message: &str, id: &Value) {
        let error =
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
        let write = self.write.clone();
        self.telling = Some(tokio::spawn(async move {
            // A client that is gone is told nothing; the next `receive` sees its end.
            drop(put(&write, &error).await);
        }));
    }

    /// The message that the line holds; what is none is answered.
    fn message(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        let line = std::mem::take(&mut self.line);
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        let text = text.trim_ascii();
        if text.is_empty() {
            return None;
        }
        let error = match serde_json::from_slice(text) {
            Ok(message) => return Some(message),
            Err(error) => error,
        };
        // A form that the protocol does not know may come before the mistake in the text.
        match serde_json::from_slice::<Value>(text) {
            Err(error) => {
                let what = match error.classify() {
                    Category::Eof => "it ends half-way",
                    _ => "it is no JSON",
                };
                let message = format!(
                    "Parse error: {what} (column {}); write each JSON-RPC message on one line",
                    error.column()
                );
                self.tell(PARSE_ERROR, &message, &Value::Null);
            }
            // Notifications are never answered.
            Ok(value) if value["method"].is_string() && value.get("id").is_none() => {
                tracing::debug!(%error, "a notification that the protocol does not know");
            }
            Ok(value) => {
                let id = Some(&value["id"]).filter(|id| id.is_string() || id.is_number());
                let message = "Invalid request: it is no JSON-RPC 2.0 message of this protocol";
                self.tell(INVALID_REQUEST, message, id.unwrap_or(&Value::Null));
            }
        }
        None
    }
}

async fn put<W: AsyncWrite + Unpin>(
    write: &Mutex<Option<W>>,
    message: &impl Serialize,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut write = write.lock().await;
    let Some(write) = write.as_mut() else {
        return Err(io::ErrorKind::NotConnected.into());
    };
    write.write_all(&line).await?;
    write.flush().await
}

impl<R, W> Transport<RoleServer> for Lines<R, W>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let write = self.write.clone();
        async move { put(&write, &message).await }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            if let Some(telling) = &mut self.telling {
                drop(telling.await);
                self.telling = None;
            }
            match self.read_line().await {
                Ok(Some(Ok(()))) => {
                    if let Some(message) = self.message() {
                        return Some(message);
                    }
                }
                Ok(Some(Err(TooLong))) => {
                    let message = format!("Parse error: a line is longer than {LONGEST} bytes");
                    self.tell(PARSE_ERROR, &message, &Value::Null);
                }
                Ok(None) => return None,
                Err(error) => {
                    tracing::error!(%error, "standard input cannot be read");
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        drop(self.write.lock().await.take());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, duplex};

    use super::*;

    /// What is read of the input, and what is answered meanwhile.
    async fn exchange(input: &[u8]) -> (Vec<String>, Vec<Value>) {
        let (mut far, near) = duplex(input.len() + 1024);
        let (mut answers, out) = duplex(1 << 20);
        far.write_all(input).await.unwrap();
        drop(far);
        let mut lines = Lines::new((near, out));
        let mut read = Vec::new();
        while let Some(message) = lines.receive().await {
            read.push(serde_json::to_string(&message).unwrap());
        }
        lines.close().await.unwrap();
        drop(lines);
        let mut text = String::new();
        answers.read_to_string(&mut text).await.unwrap();
        let answers = text.lines().map(|line| serde_json::from_str(line).unwrap());
        (read, answers.collect())
    }

    #[tokio::test]
    async fn what_is_no_json_is_answered_and_the_rest_is_read() {
        let ping = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
        let input = format!(
            "{{\"jsonrpc\":\n\n{ping}\r\nhello\n[{ping}]\n{{\"jsonrpc\":\"2.0\",\"id\":9}}\n\
             {{\"jsonrpc\":\"2.0\",\"method\":\"textDocument/didOpen\"}}\n\u{feff}{ping}"
        );
        let (read, answers) = exchange(input.as_bytes()).await;
        assert_eq!(read.len(), 3, "{read:?}");
        assert!(read[0].contains("\"ping\"") && read[2].contains("\"ping\""));
        let codes: Vec<_> = answers
            .iter()
            .map(|answer| (answer["error"]["code"].as_i64(), answer["id"].clone()))
            .collect();
        assert_eq!(
            codes,
            [
                (Some(-32700), Value::Null),
                (Some(-32700), Value::Null),
                (Some(-32600), Value::Null),
                (Some(-32600), json!(9)),
            ]
        );
        assert!(
            answers[0]["error"]["message"]
                .as_str()
                .unwrap()
                .contains("ends half-way"),
            "{answers:?}"
        );
    }

    #[tokio::test]
    async fn a_line_without_end_is_told_once_and_passed_over() {
        let mut input = vec![b'x'; LONGEST + 4096];
        input.extend_from_slice(b"\n{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\n");
        let (read, answers) = exchange(&input).await;
        assert_eq!((read.len(), answers.len()), (1, 1));
        assert_eq!(answers[0]["error"]["code"], -32700);
    }
}
