//! One transaction: events and letters of a batch together, each change of the casebook alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::row::Row;
use super::store::{Store, set_through};
use super::{Answer, Changes, DeadLetter, Errand, Refused, Stored, letter};

/// What arrived.
enum Item {
    Event(Box<Row>, Answer<Stored>),
    Letter(Box<DeadLetter>, Answer<()>),
}

/// What the casebook wants.
struct Job {
    through: Option<u64>,
    changes: Changes,
    answer: Answer<()>,
}

/// Writes a batch and answers all who are in it; notes whose letters were buried. An error is trouble with the disk or the file:
/// those who were not told otherwise before were told so.
pub fn work(
    store: &mut Store,
    batch: impl Iterator<Item = Errand>,
    buried: &mut Vec<Arc<str>>,
) -> rusqlite::Result<()> {
    let (mut items, mut jobs) = (Vec::new(), Vec::new());
    for errand in batch {
        match errand {
            Errand::Store(row, answer) => items.push(Item::Event(row, answer)),
            Errand::Bury(letter, answer) => items.push(Item::Letter(letter, answer)),
            Errand::Write { through, changes, answer } => {
                jobs.push(Job { through, changes, answer });
            }
        }
    }
    let mut worked = take_in(store, items, buried);
    for job in jobs {
        let Job { through, changes, answer } = job;
        let told = match worked.is_ok().then(|| write(store, through, changes)) {
            Some(Ok(told)) => told,
            Some(Err(error)) => {
                worked = Err(error);
                Err(Refused::Broken)
            }
            None => Err(Refused::Broken),
        };
        answer.send(told).ok();
    }
    worked
}

/// All that arrived at once; one by one where one of them cannot be written.
fn take_in(
    store: &mut Store,
    items: Vec<Item>,
    buried: &mut Vec<Arc<str>>,
) -> rusqlite::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    match insert(store, &items) {
        Ok(stored) => {
            for (item, stored) in items.into_iter().zip(stored) {
                item.tell(Ok(stored), buried);
            }
            Ok(())
        }
        Err(error) if !is_of_the_change(&error) => {
            items.into_iter().for_each(|item| item.tell(Err(Refused::Broken), buried));
            Err(error)
        }
        Err(error) if items.len() == 1 => {
            tracing::error!(%error, "this cannot be kept");
            items.into_iter().for_each(|item| item.tell(Err(Refused::Failed), buried));
            Ok(())
        }
        Err(_) => {
            let mut items = items.into_iter();
            let done_with = items.by_ref().map(|item| take_in(store, vec![item], buried));
            let worked = done_with.collect::<rusqlite::Result<()>>();
            items.for_each(|item| item.tell(Err(Refused::Broken), buried));
            worked
        }
    }
}

fn insert(store: &mut Store, items: &[Item]) -> rusqlite::Result<Vec<Stored>> {
    let stored_us = store.now_us();
    let transaction = begin(store.connection.as_ref())?;
    let mut stored = Vec::with_capacity(items.len());
    let mut known = store.known;
    for item in items {
        stored.push(match item {
            Item::Event(row, _) => {
                let became = row.insert(&transaction, stored_us)?;
                if became == Stored::New {
                    known.last_seq = transaction.last_insert_rowid();
                    known.last = Some((known.last_seq, row.id()));
                }
                became
            }
            Item::Letter(letter, _) => {
                letter::insert(&transaction, letter)?;
                Stored::New
            }
        });
    }
    transaction.commit()?;
    store.is_in_place()?;
    store.known = known;
    Ok(stored)
}

/// What to tell the casebook; an error is trouble with the disk or the file.
fn write(
    store: &mut Store,
    through: Option<u64>,
    changes: Changes,
) -> rusqlite::Result<Result<(), Refused>> {
    let transaction = begin(store.connection.as_ref())?;
    match catch_unwind(AssertUnwindSafe(|| changes(&transaction))) {
        Ok(Ok(())) => {}
        Ok(Err(error)) if is_of_the_change(&error) => {
            tracing::error!(%error, "a change to the events file is undone: it cannot be written");
            return Ok(Err(Refused::Failed));
        }
        Ok(Err(error)) => return Err(error),
        Err(_) => {
            tracing::error!("a change to the events file is undone: it panicked");
            return Ok(Err(Refused::Failed));
        }
    }
    let through = through.map(|seq| i64::try_from(seq).unwrap_or(i64::MAX));
    if let Some(through) = through {
        set_through(&transaction, through)?;
    }
    transaction.commit()?;
    store.is_in_place()?;
    store.known.through = through.unwrap_or(store.known.through);
    Ok(Ok(()))
}

fn begin(connection: Option<&Connection>) -> rusqlite::Result<Transaction<'_>> {
    let connection = connection.ok_or(rusqlite::Error::InvalidQuery)?;
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

/// Whether an error is that of what was to be written, and not of the disk or the file.
fn is_of_the_change(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::ApiMisuse
                | ErrorCode::TooBig
                | ErrorCode::ParameterOutOfRange
                | ErrorCode::Unknown
        ),
        _ => true,
    }
}

impl Item {
    fn tell(self, stored: Result<Stored, Refused>, buried: &mut Vec<Arc<str>>) {
        // Whoever asked may have gone away meanwhile.
        match self {
            Self::Event(_, answer) => drop(answer.send(stored)),
            Self::Letter(letter, answer) => {
                if stored.is_ok() {
                    buried.push(letter.receiver);
                }
                answer.send(stored.map(drop)).ok();
            }
        }
    }
}
