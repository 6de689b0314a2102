//! The run machine: evolve and decide, retries, time-outs, undo
