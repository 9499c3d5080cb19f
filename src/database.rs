//! SQLite files that this program writes: each has one writer, and a broken one is set aside.

pub mod aside;
pub mod place;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};
use tokio::time::Instant;

/// How long a statement waits while another process is in its way.
pub const BUSY: Duration = Duration::from_secs(2);

/// How long a file is looked through for broken pages when it is opened. What is not reached by
/// then is found when it is read: a start must not wait for a gigabyte.
const LOOK_THROUGH: Duration = Duration::from_secs(1);

/// Steps of SQLite's between two looks at the clock.
const STEPS: i32 = 1000;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file or its folder.
    #[error("cannot use {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Another daemon has it.
    #[error("{} is in use by another watchpost", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A later release wrote it.
    #[error("it has version {found}, and this watchpost knows version {known}: update it")]
    Newer {
        /// The file's version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Somebody else's tables are in it.
    #[error("{} is another program's database", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what it should be.
    #[error("it is broken: {0}")]
    Broken(String),
    /// SQLite.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl DatabaseError {
    /// Whether the file itself is at fault, and not the disk, the rights or the time.
    fn is_of_the_file(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Sqlite(error) => is_of_the_file(error),
            Self::Io { .. } | Self::InUse { .. } | Self::Newer { .. } | Self::Foreign { .. } => {
                false
            }
        }
    }
}

/// Whether an error says that a file is not what its writer left.
pub fn is_of_the_file(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    match error {
        E::SqliteFailure(failure, _) => is_corrupt(error) || failure.code == ErrorCode::Unknown,
        // A table or column that should be there is not, or holds something else.
        E::SqlInputError { .. }
        | E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::QueryReturnedNoRows
        | E::InvalidColumnIndex(_)
        | E::InvalidColumnName(_)
        | E::InvalidColumnType(..) => true,
        _ => false,
    }
}

/// Whether SQLite found pages that make no sense.
pub fn is_corrupt(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Takes a file for this process, for as long as what is returned is kept. Makes its folder.
///
/// Taken next to the file, since SQLite's own locks come and go with transactions.
pub fn lock(path: &Path) -> Result<File, DatabaseError> {
    let io = |error| DatabaseError::Io { path: path.to_owned(), error };
    if let Some(folder) = folder(path) {
        fs::create_dir_all(folder).map_err(io)?;
    }
    let lock = File::options().create(true).append(true).open(beside(path, ".lock")).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(DatabaseError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Opens or makes a file whose lock is held, and reads what `prepare` wants of it.
///
/// One that is broken is set aside with the log beside it, and a new one takes its place. One of
/// a later release is refused, and stays as it is.
pub fn open<T>(
    path: &Path,
    now: Timestamp,
    prepare: impl Fn(&Connection) -> Result<T, DatabaseError>,
) -> Result<(Connection, T), DatabaseError> {
    let error = match attempt(path, &prepare) {
        Err(error) if error.is_of_the_file() => error,
        done => return done,
    };
    let io = |error| DatabaseError::Io { path: path.to_owned(), error };
    let kept = aside::set(path, now).map_err(io)?;
    let (path_shown, kept) = (path.display(), kept.display());
    tracing::error!(path = %path_shown, %kept, %error, "the file is broken: it is set aside, and a new one begun");
    attempt(path, &prepare)
}

fn attempt<T>(
    path: &Path,
    prepare: impl Fn(&Connection) -> Result<T, DatabaseError>,
) -> Result<(Connection, T), DatabaseError> {
    // One that is empty is from a start that came no further.
    let is_new = fs::metadata(path).map_or(true, |file| file.len() == 0);
    let mut connection = connect(path)?;
    if is_new {
        // The name of a new file is on disk only once its folder is. Before anything is in it: a
        // start that ends here finds it empty the next time.
        let folder = folder(path).unwrap_or(Path::new("."));
        let io = |error| DatabaseError::Io { path: path.to_owned(), error };
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    } else {
        look_through(&mut connection)?;
    }
    let read = prepare(&connection)?;
    Ok((connection, read))
}

/// A connection that leaves the log alone when it is dropped: a file that is refused or set aside
/// stays as it was found.
pub fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// The version of a file's tables; 0 for one that has none yet.
///
/// Every file of this program has a table `meta`.
pub fn version(connection: &Connection, known: i64) -> Result<i64, DatabaseError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(DatabaseError::Newer { found, known });
    }
    let sql = "SELECT count(*), coalesce(sum(name = 'meta'), 0) FROM sqlite_schema";
    match (found, connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?) {
        (0, (0i64, _)) | (1.., (_, 1i64)) => Ok(found),
        (0, (_, 0)) => {
            Err(DatabaseError::Foreign { path: connection.path().unwrap_or_default().into() })
        }
        _ => Err(DatabaseError::Broken(format!("version {found} does not go with its tables"))),
    }
}

/// Looks for broken pages, within bounds.
fn look_through(connection: &mut Connection) -> Result<(), DatabaseError> {
    let until = Instant::now() + LOOK_THROUGH;
    connection.progress_handler(STEPS, Some(move || Instant::now() > until))?;
    let sql = "PRAGMA quick_check(1)";
    let found = connection.query_row(sql, [], |row| row.get::<_, String>(0));
    connection.progress_handler(0, None::<fn() -> bool>)?;
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(found) => Err(DatabaseError::Broken(found)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The size of the tables, without pages that are free.
pub fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
    Ok(pages.saturating_mul(pragma("page_size")?).unsigned_abs())
}

/// The size of a file and of the log beside it.
pub fn file_bytes(path: &Path) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    size(path) + size(&beside(path, "-wal"))
}

/// The folder of a file, where its path names one.
fn folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty())
}

/// A path with something at its end.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
