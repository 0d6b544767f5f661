//! Properties that must hold for every input; proptest looks for the one where they do not.

mod fence;
mod tiling;
