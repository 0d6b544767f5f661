//! Which scenario runs next, so that no machine shares its processors with another.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::scenario::Scenario;

/// The scenarios that wait, and the host's processors that no machine has.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    freed: Condvar,
    processors: usize,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<&'static Scenario>,
    free: usize,
}

/// A scenario that may run. Its processors are free again once this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    queue: &'a Queue,
    pub(crate) scenario: &'static Scenario,
}

impl Queue {
    /// Those with the most processors come first, and then the longest, so that the rest fits beside them.
    pub(crate) fn new(scenarios: &[&'static Scenario], processors: usize) -> Self {
        let mut waiting = scenarios.to_vec();
        waiting.sort_by_key(|one| Reverse((one.needs.processors, one.limit)));
        let state = State { waiting: waiting.into(), free: processors };
        Self { state: Mutex::new(state), freed: Condvar::new(), processors }
    }

    /// The next one, once there is room for it; none if none is left.
    pub(crate) fn next(&self) -> Option<Turn<'_>> {
        let full =
            |state: &mut State| state.waiting.front().is_some_and(|next| self.takes(next) > state.free);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.freed.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        let scenario = state.waiting.pop_front()?;
        state.free -= self.takes(scenario);
        Some(Turn { queue: self, scenario })
    }

    /// One for each of its machine's. Two that wait for each other while the host runs only one of them lose most of
    /// their time.
    fn takes(&self, scenario: &Scenario) -> usize {
        usize::from(scenario.needs.processors).min(self.processors)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.free += self.queue.takes(self.scenario);
        drop(state);
        self.queue.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::scenario::find;

    fn queue(names: &[&str], processors: usize) -> Queue {
        let scenarios: Vec<_> = names.iter().map(|name| find(name).unwrap()).collect();
        Queue::new(&scenarios, processors)
    }

    #[test]
    fn next_two_processors_wait_until_both_are_free() {
        let queue = queue(&["plumbing", "get-mfn", "get-mfn-4-20"], 2);
        let first = queue.next().unwrap();
        assert_eq!(first.scenario.needs.processors, 2);
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| tell.send(queue.next().unwrap().scenario.needs.processors).unwrap());
            assert!(told.recv_timeout(Duration::from_millis(50)).is_err());
            drop(first);
            assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(2));
        });
        assert_eq!(queue.next().unwrap().scenario.name, "plumbing");
        assert!(queue.next().is_none());
    }

    #[test]
    fn next_one_job_runs_all_one_by_one() {
        let queue = queue(&["get-mfn", "plumbing"], 1);
        assert_eq!(queue.next().unwrap().scenario.name, "get-mfn");
        assert_eq!(queue.next().unwrap().scenario.name, "plumbing");
    }

    #[test]
    fn next_the_longest_of_those_with_one_processor_comes_first() {
        let queue = queue(&["plumbing", "server-cycles"], 2);
        let turns = [queue.next().unwrap(), queue.next().unwrap()];
        assert_eq!(turns.map(|turn| turn.scenario.name), ["server-cycles", "plumbing"]);
    }
}
