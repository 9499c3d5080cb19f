//! Broken files, kept under other names for whoever wants to look into them.

use std::path::{Path, PathBuf};
use std::{fs, io};

use jiff::Timestamp;

use super::{beside, folder};

/// What stands between the name of a file and the time at which it was found broken.
const MARK: &str = ".corrupt-";

/// What SQLite keeps beside a file. A log belongs to its file alone.
const COMPANIONS: [&str; 3] = ["", "-wal", "-shm"];

/// Gives a file and its log another name; says which.
pub fn set(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let time = now.strftime("%Y%m%dT%H%M%SZ");
    let named = |n: u32| match n {
        0 => beside(path, &format!("{MARK}{time}")),
        n => beside(path, &format!("{MARK}{time}-{n}")),
    };
    let free = (0..1000).map(named).find(|name| !name.exists());
    let to = free.ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
    for end in COMPANIONS {
        match fs::rename(beside(path, end), beside(&to, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(to)
}

/// How many broken versions of a file lie beside it.
pub fn count(path: &Path) -> usize {
    let (Some(name), folder) = (path.file_name(), folder(path).unwrap_or(Path::new("."))) else {
        return 0;
    };
    let begin = format!("{}{MARK}", name.to_string_lossy());
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let broken = names.filter(|name| {
        let name = name.to_string_lossy();
        let is_log = COMPANIONS.iter().any(|end| !end.is_empty() && name.ends_with(end));
        name.starts_with(&begin) && !is_log
    });
    broken.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_with_its_log_and_takes_no_others_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert_eq!(count(&path), 0);
        for text in ["first", "second"] {
            fs::write(&path, text).unwrap();
            fs::write(beside(&path, "-wal"), format!("log of the {text}")).unwrap();
            let kept = set(&path, now).unwrap();
            assert_eq!(fs::read_to_string(&kept).unwrap(), text);
            let log = fs::read_to_string(beside(&kept, "-wal")).unwrap();
            assert_eq!(log, format!("log of the {text}"));
            assert!(!path.exists());
        }
        assert_eq!(count(&path), 2);
        assert_eq!(count(&folder.path().join("b.db")), 0);
    }
}
