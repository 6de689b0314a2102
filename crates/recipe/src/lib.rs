//! The recipe language: text to checked tree with source spans; templates and conditions
