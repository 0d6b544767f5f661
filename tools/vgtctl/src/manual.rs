//! The manual pages: from the command line's own definition, with the sections it cannot know.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::Cli;

/// What the main page says besides: exit status, environment, files.
const SECTIONS: [(&str, &[(&str, &str)]); 3] = [
    (
        "EXIT STATUS",
        &[
            ("0", "Done."),
            (
                "1",
                "Failure: the system failed, something exists already or is busy, an audit found a violation.",
            ),
            ("2", "Usage: the command line is wrong."),
            ("3", "Not found: no such domain, vGPU, type or mapping."),
            ("4", "No permission."),
            ("5", "This host, kernel or GPU cannot do it."),
            ("6", "No space: graphics memory, fences or instances have run out."),
            (
                "7",
                "Done, but with warnings; an audit found what it can prove to be neither right nor a violation.",
            ),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("VGTCTL_LOG", "Log level where no -v or -q is given: error, warn, info, debug, trace."),
            ("XDG_RUNTIME_DIR", "Where the default simulated host lives, in xengt-sim."),
        ],
    ),
    (
        "FILES",
        &[
            ("/sys/kernel/vgt/control/create_vgt_instance", "Takes create and destroy commands."),
            ("/sys/kernel/vgt/vmN/", "What the kernel shows of domain N's vGPU."),
            ("/sys/kernel/debug/xengt/vmN/", "Its virtual GGTT and registers."),
            ("/run/xengt/control.lock", "Makes creators take turns."),
        ],
    ),
];

/// A session on a simulated host. The tests run it.
pub(crate) const EXAMPLES: &str = include_str!("../man/examples.txt");

/// The main page.
pub(crate) fn page() -> io::Result<String> {
    let mut bytes = Vec::new();
    Man::new(Cli::command()).render(&mut bytes)?;
    let mut more = Roff::new();
    for (title, entries) in SECTIONS {
        more.control("SH", [title]);
        for (term, text) in entries {
            more.control("TP", []);
            more.text([bold(*term)]);
            more.text([roman(*text)]);
        }
    }
    more.control("SH", ["EXAMPLES"]);
    more.control("nf", []);
    for line in EXAMPLES.lines() {
        more.text([roman(line)]);
    }
    more.control("fi", []);
    more.to_writer(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Every page with its file name: the main one and one per verb.
pub(crate) fn pages() -> io::Result<Vec<(String, String)>> {
    let mut pages = vec![("vgtctl.1".to_owned(), page()?)];
    let mut command = Cli::command();
    command.build();
    add_verbs(&command, &mut pages)?;
    Ok(pages)
}

fn add_verbs(command: &clap::Command, pages: &mut Vec<(String, String)>) -> io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let man = Man::new(verb.clone());
        let mut bytes = Vec::new();
        man.render(&mut bytes)?;
        let name = verb.get_display_name().unwrap_or_else(|| verb.get_name());
        pages.push((format!("{name}.1"), String::from_utf8(bytes).map_err(io::Error::other)?));
        add_verbs(verb, pages)?;
    }
    Ok(())
}
