//! Tables for people, who open them in a spreadsheet: RFC 4180, and no cell that a spreadsheet runs. And what spreadsheets
//! write, read again.

mod read;

pub use read::{Columns, Csv, Fault, LONGEST_ROW, MARK, RawRow, next_number};

pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8";
/// The same as `Accept` names it.
pub const NAME: &str = "text/csv";

pub fn push_row(text: &mut String, cells: &[impl AsRef<str>]) {
    for (number, cell) in cells.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        push_cell(text, cell.as_ref());
    }
    text.push_str("\r\n");
}

/// Whether a spreadsheet takes a cell for something to be run.
pub fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// A cell as RFC 4180 has it. A spreadsheet runs what begins like a formula, whoever wrote it: an apostrophe before it
/// makes it the text that it is.
fn push_cell(text: &mut String, cell: &str) {
    let formula = is_formula(cell);
    let quoted = cell.contains([',', ';', '"', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ');
    if quoted {
        text.push('"');
    }
    if formula {
        text.push('\'');
    }
    match quoted {
        true => text.push_str(&cell.replace('"', "\"\"")),
        false => text.push_str(cell),
    }
    if quoted {
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        let written = |cell: &str| {
            let mut text = String::new();
            push_cell(&mut text, cell);
            text
        };
        for begin in ["=", "+", "-", "@", "\t"] {
            assert_eq!(written(&format!("{begin}SUM(A1)")), format!("'{begin}SUM(A1)"));
        }
        assert_eq!(written("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
        assert_eq!(written("\r=1"), "\"'\r=1\"");
        assert_eq!(written("a = b"), "a = b");
        assert_eq!(written("satu\r\ndua"), "\"satu\r\ndua\"");
    }
}
