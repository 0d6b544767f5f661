//! Ratios that were measured in one run: ours beside a named competitor, alternating, with the goal.
//!
//! The machine is shared, so absolute times mean little. Both sides run in turns and each keeps its fastest
//! turn; what the table states is the quotient of the two.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// What was measured, and against what.
    pub name: String,
    /// Our fastest turn, in nanoseconds per unit.
    pub ours: f64,
    /// The competitor's fastest turn, in nanoseconds per unit.
    pub competitor: f64,
    /// What the quotient must not exceed.
    pub goal: f64,
}

impl Ratio {
    /// Ours divided by the competitor's.
    #[must_use]
    pub fn quotient(&self) -> f64 {
        self.ours / self.competitor
    }

    /// Whether the goal is reached.
    #[must_use]
    pub fn reached(&self) -> bool {
        self.quotient() <= self.goal
    }
}

/// The table's head, two lines.
pub const HEAD: &str =
    "name | ours ns | competitor ns | ratio | goal | reached\n--- | --- | --- | --- | --- | ---";

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.reached() { "reached" } else { "not reached" };
        let Self { name, ours, competitor, goal, .. } = self;
        write!(f, "{name} | {ours:.3} | {competitor:.3} | {:.3} | <= {goal:.2} | {verdict}", self.quotient())
    }
}

/// Prints `rows` below [`HEAD`].
pub fn print(title: &str, rows: &[Ratio]) {
    println!("\n{title}\n{HEAD}");
    for row in rows {
        println!("{row}");
    }
}

/// Runs two closures in turns, `turns` times each, and keeps the fastest turn of each.
///
/// A turn does `units` units of work; the times of the result are per unit. What the closures return is
/// consumed, so that the compiler cannot drop the work.
pub fn measure<A, B>(
    name: &str,
    goal: f64,
    turns: u32,
    units: u32,
    mut ours: impl FnMut() -> A,
    mut competitor: impl FnMut() -> B,
) -> Ratio {
    let mut best = [f64::INFINITY; 2];
    for _ in 0..turns {
        best[0] = best[0].min(time(&mut ours));
        best[1] = best[1].min(time(&mut competitor));
    }
    let [ours, competitor] = best.map(|total| total / f64::from(units));
    Ratio { name: name.to_owned(), ours, competitor, goal }
}

fn time<T>(work: &mut impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64() * 1e9
}

#[cfg(test)]
mod tests {
    use super::{Ratio, measure};

    #[test]
    fn ratio_at_the_goal_is_reached_and_above_it_is_not() {
        let row = |ours| Ratio { name: "n".into(), ours, competitor: 2.0, goal: 1.5 };
        assert!(row(3.0).reached());
        assert!(!row(3.1).reached());
        assert_eq!(row(3.0).to_string(), "n | 3.000 | 2.000 | 1.500 | <= 1.50 | reached");
        assert_eq!(row(4.0).to_string(), "n | 4.000 | 2.000 | 2.000 | <= 1.50 | not reached");
    }

    #[test]
    fn measure_keeps_the_slower_side_slower() {
        let spin = |n: u64| move || (0..n).fold(0, |a, b| std::hint::black_box(a ^ b));
        let row = measure("spin", 1.0, 5, 1, spin(100_000), spin(100));
        assert!(row.quotient() > 1.0, "{row}");
    }
}
