//! What a scenario's steps printed and how they ended, and what is expected of them.

use crate::console::Line;
use crate::error::{LabError, Result};

/// The steps of one run.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    steps: Vec<Step>,
    pub(crate) up: bool,
    pub(crate) done: bool,
}

/// One command that ran in dom0.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    output: Vec<String>,
    exit: Option<i32>,
}

impl Transcript {
    /// Takes a console line in.
    ///
    /// # Errors
    /// dom0 says that it is broken.
    pub(crate) fn take(&mut self, line: Line) -> Result<()> {
        match line {
            Line::Up => self.up = true,
            Line::Done => self.done = true,
            Line::Broken(why) => return Err(LabError::Dom0(why)),
            Line::Step(name) => self.steps.push(Step { name, output: Vec::new(), exit: None }),
            Line::Output(text) => self.open(|step| step.output.push(text)),
            Line::Exit(code) => self.open(|step| step.exit = Some(code)),
            Line::Ask { .. } | Line::Other => {}
        }
        Ok(())
    }

    /// Takes the host's answer in, as a step of that name.
    pub(crate) fn answered(&mut self, name: String, output: Vec<String>) {
        self.steps.push(Step { name, output, exit: Some(0) });
    }

    fn open(&mut self, change: impl FnOnce(&mut Step)) {
        if let Some(step) = self.steps.last_mut().filter(|step| step.exit.is_none()) {
            change(step);
        }
    }

    /// A step that must have run to its end.
    pub(crate) fn step(&self, name: &str) -> Result<&Step> {
        let step = self.steps.iter().find(|step| step.name == name);
        let step = step.ok_or_else(|| LabError::Expectation(format!("step {name} did not run")))?;
        match step.exit {
            Some(_) => Ok(step),
            None => Err(LabError::Expectation(format!("step {name} did not end"))),
        }
    }
}

impl Step {
    /// One that printed these lines and succeeded.
    #[cfg(test)]
    pub(crate) fn saying(lines: &[&str]) -> Self {
        let output = lines.iter().map(|line| (*line).to_owned()).collect();
        Self { name: "s".to_owned(), output, exit: Some(0) }
    }

    /// Expects an exit code.
    pub(crate) fn exits(&self, wanted: i32) -> Result<&Self> {
        match self.exit {
            Some(code) if code == wanted => Ok(self),
            code => Err(self.wrong(&format!(
                "exit code {}, expected {wanted}",
                code.map_or_else(|| "none".to_owned(), |code| code.to_string())
            ))),
        }
    }

    /// What it printed.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.output.iter().map(String::as_str)
    }

    /// Expects a line that holds all of these words, in this order.
    pub(crate) fn says(&self, words: &[&str]) -> Result<&Self> {
        let holds = |line: &String| {
            let found = words
                .iter()
                .try_fold(line.as_str(), |rest, word| rest.split_once(word).map(|(_, rest)| rest));
            found.is_some()
        };
        if self.output.iter().any(holds) {
            Ok(self)
        } else {
            Err(self.wrong(&format!("no line with {words:?}")))
        }
    }

    /// Expects that no line holds this.
    pub(crate) fn never_says(&self, word: &str) -> Result<&Self> {
        match self.output.iter().find(|line| line.contains(word)) {
            None => Ok(self),
            Some(line) => Err(self.wrong(&format!("unexpected line {line:?}"))),
        }
    }

    /// The same without the lines that hold this.
    pub(crate) fn without(&self, word: &str) -> Self {
        let output = self.output.iter().filter(|line| !line.contains(word)).cloned().collect();
        Self { name: self.name.clone(), output, exit: self.exit }
    }

    fn wrong(&self, what: &str) -> LabError {
        let output: String = self.output.iter().map(|line| format!("\n    | {line}")).collect();
        LabError::Expectation(format!("step {}: {what}; it printed:{output}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transcript(lines: &[&str]) -> Transcript {
        let mut transcript = Transcript::default();
        for line in lines {
            transcript.take(Line::parse(line)).unwrap();
        }
        transcript
    }

    #[test]
    fn step_whole_one_answers_for_itself() {
        let run = transcript(&[
            "@lab step a",
            "@lab | Domain-0  0",
            "noise",
            "@lab exit 0",
            "@lab | late",
            "@lab done",
        ]);
        let step = run.step("a").unwrap();
        assert!(step.exits(0).unwrap().says(&["Domain-0", "0"]).unwrap().never_says("late").is_ok());
        assert!(run.done && !run.up);
    }

    #[test]
    fn step_wrong_answers_are_failures_that_show_the_output() {
        let run = transcript(&["@lab step a", "@lab | Domain-0", "@lab exit 1"]);
        let step = run.step("a").unwrap();
        for error in [
            step.exits(0).unwrap_err(),
            step.says(&["0", "Domain"]).unwrap_err(),
            step.never_says("Domain").unwrap_err(),
        ] {
            assert!(error.to_string().contains("| Domain-0"), "{error}");
        }
    }

    #[test]
    fn step_absent_or_open_is_a_failure() {
        let run = transcript(&["@lab step a", "@lab | x"]);
        assert!(run.step("a").is_err());
        assert!(run.step("b").is_err());
    }

    #[test]
    fn take_broken_dom0_is_an_error() {
        let error = Transcript::default().take(Line::parse("@lab broken no xenstored")).unwrap_err();
        assert!(error.to_string().contains("no xenstored"));
    }
}
