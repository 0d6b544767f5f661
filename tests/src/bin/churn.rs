//! A process that works on a simulated host until it is done or killed.
//!
//! `xengt-churn DIR SEED ROUNDS`, or `xengt-churn DIR VERB DOMID` for one thing, or `xengt-churn DIR init`.

use std::path::Path;
use std::process::ExitCode;

use libxengt::host::Host;
use xengt_tests::{churn, one};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), String> {
    let open = |dir: &str| Host::simulated(Path::new(dir)).map_err(|e| e.to_string());
    match *words {
        [dir, "init"] => open(dir).map(|_| ()),
        [dir, first, second] => {
            let number = second.parse().map_err(|_| format!("{second} is no number"))?;
            match first.parse() {
                Ok(seed) => churn(Path::new(dir), seed, number),
                Err(_) => one(&open(dir)?, first, number),
            }
        }
        _ => Err("give DIR SEED ROUNDS, DIR VERB DOMID, or DIR init".to_owned()),
    }
}
