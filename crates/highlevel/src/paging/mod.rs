//! Lists read to their end, whichever way the service pages them.
//!
//! A list ends with its first empty page, or where the service names no place to continue: a short page is no end, since
//! the service filters some pages after cutting them. A service that gives the same page or the same place to continue
//! again ends the list with an error, instead of reading in a circle.
//!
//! ```no_run
//! use canopy_highlevel::api::common::types::Contact;
//! use canopy_highlevel::{Client, TryStreamExt as _};
//! use serde_json::json;
//!
//! # async fn example(client: Client) -> Result<(), canopy_highlevel::Error> {
//! let args = json!({"locationId": "ve9EPM428h8vShlRW1KT", "pageLimit": 500});
//! let mut contacts = client.items_as::<Contact>("search-contacts-advanced", &args);
//! loop {
//!     match contacts.try_next().await {
//!         Ok(Some(contact)) => println!("{}", contact.email.as_deref().unwrap_or("-")),
//!         Ok(None) => break,
//!         // One record is odd; the others still come.
//!         Err(error) if error.odd_record().is_some() => eprintln!("{error}"),
//!         Err(error) => return Err(error),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod cursor;
mod page;

use canopy_transport::CallError;
use canopy_transport::invoke::InvokeError;
use canopy_transport::operation::{Operation, Paging};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Client, Error, describe};
use cursor::Cursor;

pub use page::{Item, Page};

enum Reader {
    Reading(Box<Reading>),
    Failed(Error),
    Ended,
}

struct Reading {
    client: Client,
    operation: &'static Operation,
    cursor: Cursor,
    args: Map<String, Value>,
}

impl Client {
    /// Reads a list page by page. Arguments are those of [`invoke`](Self::invoke); where to continue is filled in, and so
    /// is a page size where the service wants one. The stream ends behind its first error;
    /// [`Page::next_args`] of the last page is where to go on later.
    pub fn pages(
        &self,
        name: &str,
        args: &Value,
    ) -> impl Stream<Item = Result<Page, Error>> + Send + Unpin + use<> {
        pages(self.clone(), name, args)
    }

    /// Reads a list record by record. A record that is none is an error of its own
    /// ([`Error::odd_record`]), behind which the others still come; any other error ends the stream.
    pub fn items(
        &self,
        name: &str,
        args: &Value,
    ) -> impl Stream<Item = Result<Item, Error>> + Send + Unpin + use<> {
        records(pages(self.clone(), name, args), Page::into_items)
    }

    /// As [`items`](Self::items), read as a type of the generated client or of yours. A record that does not fit the type
    /// is an error of its own, which has the record as it came.
    pub fn items_as<T: DeserializeOwned + Send + 'static>(
        &self,
        name: &str,
        args: &Value,
    ) -> impl Stream<Item = Result<T, Error>> + Send + Unpin + use<T> {
        records(pages(self.clone(), name, args), Page::into_typed)
    }
}

fn pages(client: Client, name: &str, args: &Value) -> BoxStream<'static, Result<Page, Error>> {
    let reader = match Reading::start(client, name, args) {
        Ok(reading) => Reader::Reading(Box::new(reading)),
        Err(error) => Reader::Failed(error),
    };
    stream::unfold(reader, |reader| async {
        match reader {
            Reader::Ended => None,
            Reader::Failed(error) => Some((Err(error), Reader::Ended)),
            Reader::Reading(reading) => Some(reading.next().await),
        }
    })
    .boxed()
}

fn records<R: Send + 'static>(
    pages: BoxStream<'static, Result<Page, Error>>,
    read: fn(Page) -> Vec<Result<R, Error>>,
) -> BoxStream<'static, Result<R, Error>> {
    pages
        .flat_map(move |page| stream::iter(page.map_or_else(|error| vec![Err(error)], read)))
        .boxed()
}

impl Reading {
    fn start(client: Client, name: &str, args: &Value) -> Result<Self, Error> {
        let operation = describe::find(name)?.operation;
        let args = &describe::expand(name, args)?;
        let refuse =
            |error| Error::new(Some(operation), CallError::arguments(operation.name, error));
        if operation.items.is_none() && operation.paging == Paging::None {
            return Err(refuse(InvokeError::NotAList));
        }
        let args = match args {
            Value::Object(args) => args.clone(),
            Value::Null => Map::new(),
            _ => return Err(refuse(InvokeError::NotAnObject)),
        };
        let fields = describe::of(operation).fields;
        let args = cursor::first(operation.paging, &fields, args);
        Ok(Self {
            client,
            operation,
            cursor: Cursor::new(operation.paging, &fields),
            args,
        })
    }

    /// One page, and what to do after it.
    async fn next(mut self: Box<Self>) -> (Result<Page, Error>, Reader) {
        let args = Value::Object(self.args);
        let answer = match self.client.invoke(self.operation.name, &args).await {
            Ok(answer) => answer,
            Err(error) => return (Err(error), Reader::Ended),
        };
        let Value::Object(sent) = args else {
            unreachable!("it was made from an object above")
        };
        let fail = |error| {
            Error::new(
                Some(self.operation),
                CallError::paging(self.operation, error),
            )
        };
        let mut page = match Page::read(self.operation, answer) {
            Ok(page) => page,
            Err(error) => return (Err(fail(error)), Reader::Ended),
        };
        let next = match self.cursor.meet(page.items()) {
            Ok(()) => self.cursor.advance(&sent, page.answer(), page.items()),
            Err(error) => return (Err(fail(error)), Reader::Ended),
        };
        match next {
            Ok(None) => (Ok(page), Reader::Ended),
            Ok(Some(next)) => {
                page.continues_with(next.clone());
                self.args = next;
                (Ok(page), Reader::Reading(self))
            }
            // The page is as good as any.
            Err(error) => (Ok(page), Reader::Failed(fail(error))),
        }
    }
}
