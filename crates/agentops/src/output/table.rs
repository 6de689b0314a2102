//! Plain tables: a header, aligned columns, no lines. A cell is never broken or cut, so that ids can
//! be copied and columns taken apart by other programs; a terminal that is too narrow folds the line.

use console::measure_text_width;

use super::Style;
use super::text::one_line;

/// What stands between two columns.
const GAP: usize = 2;

/// A table with these columns. Without rows it says `nothing`.
pub fn table(style: Style, columns: &[&str], rows: Vec<Vec<String>>, nothing: &str) -> String {
    if rows.is_empty() {
        return style.dim(nothing);
    }
    let header = columns.iter().map(|column| style.dim(column)).collect();
    let lines: Vec<Vec<String>> = std::iter::once(header)
        .chain(rows)
        .map(|row: Vec<String>| row.into_iter().map(|cell| one_line(&cell)).collect())
        .collect();
    let width = |at: usize| {
        let cells = lines.iter().filter_map(|line| line.get(at));
        cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let padded = |line: &Vec<String>| {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            text.push_str(cell);
            text.push_str(&" ".repeat(width - measure_text_width(cell) + GAP));
        }
        text.trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(rows: &[&[&str]]) -> String {
        let rows = rows
            .iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect());
        table(Style::new(false), &["id", "what", ""], rows.collect(), "nothing")
    }

    #[test]
    fn columns_are_aligned_whatever_stands_in_them() {
        assert_eq!(plain(&[]), "nothing");
        let shown = plain(&[&["a", "größer", "x"], &["long", "two\nlines", ""]]);
        assert_eq!(shown, "id    what\na     größer     x\nlong  two lines");
    }

    #[test]
    fn colours_take_no_room() {
        let style = Style::new(true);
        let rows = vec![
            vec![style.good("ok"), "x".to_owned()],
            vec!["longer".to_owned(), "y".to_owned()],
        ];
        let shown = console::strip_ansi_codes(&table(style, &["a", "b"], rows, "")).into_owned();
        assert_eq!(shown, "a       b\nok      x\nlonger  y");
    }
}
