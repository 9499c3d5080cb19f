//! `watchpost completions` and `watchpost man`: the command line, told to shells and to `man`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Cli, exit};
use crate::clock;

/// Prints a shell's completions.
pub fn completions(shell: Shell) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "watchpost", &mut text);
    ended(io::stdout().write_all(&text))
}

/// Prints the manual page, or writes one for each command into a folder.
pub fn man(out: Option<&Path>) -> ExitCode {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    if let Some(Err(error)) = out.map(fs::create_dir_all) {
        return ended(Err(error));
    }
    ended(match out {
        Some(folder) => write_pages(&command, folder).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
        }),
        None => page(&manual(command)).and_then(|page| io::stdout().write_all(page.as_bytes())),
    })
}

fn write_pages(command: &Command, folder: &Path) -> io::Result<()> {
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        write_pages(command, folder)?;
    }
    let manual = manual(command.clone());
    fs::write(folder.join(manual.get_filename()), page(&manual)?)
}

fn manual(command: Command) -> Man {
    // Of an empty one nothing is left, and the next word would be taken for the date.
    Man::new(command)
        .date(clock::now().strftime("%Y-%m-%d").to_string())
        .source(concat!("watchpost ", env!("CARGO_PKG_VERSION")))
}

fn page(manual: &Man) -> io::Result<String> {
    let mut page = Vec::new();
    manual.render(&mut page)?;
    // `mandoc` warns of line breaks where there is an empty line anyhow.
    Ok(String::from_utf8_lossy(&page).replace(".br\n\n.br\n", "\n"))
}

fn ended(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("watchpost: {error}");
            ExitCode::from(exit::TROUBLE)
        }
    }
}
