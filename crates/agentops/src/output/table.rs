//! Plain tables: a header, aligned columns, no lines.

use comfy_table::{ContentArrangement, Table, presets};

use super::Style;

/// A table with these columns. Without rows it says `nothing`.
pub fn table(style: Style, columns: &[&str], rows: Vec<Vec<String>>, nothing: &str) -> String {
    if rows.is_empty() {
        return style.dim(nothing);
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns.iter().map(|column| style.dim(column)).collect::<Vec<_>>());
    for row in rows {
        table.add_row(row);
    }
    for column in 0..columns.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_padding((0, 2));
        }
    }
    table.trim_fmt()
}
