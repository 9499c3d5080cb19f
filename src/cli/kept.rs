//! The files that the daemon keeps, for commands that look into them.

use std::path::Path;
use std::process::ExitCode;

use super::exit;

/// Says where to look, where there is no such file.
pub fn is_there(path: &Path) -> Result<(), ExitCode> {
    match path.try_exists() {
        Ok(false) => {
            anstream::eprintln!(
                "watchpost: there is no {}: the daemon makes it when it runs\n    fix: name its \
                 config by --config; where STATE_DIRECTORY says where it keeps its files, set that \
                 here too. Those of the systemd unit are in /var/lib/watchpost, for root to read",
                path.display()
            );
            Err(ExitCode::from(exit::TROUBLE))
        }
        // What else is wrong is said when it is opened.
        Ok(true) | Err(_) => Ok(()),
    }
}
