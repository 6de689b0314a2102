//! What only SQLite can get wrong: the data folder, the file, the disk.

mod folder;
mod full_disk;
mod interleavings;
mod triggers;
