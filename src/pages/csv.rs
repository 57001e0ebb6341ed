//! Tables for spreadsheets (RFC 4180).

pub const MEDIA_TYPE: &str = "text/csv";
pub const CONTENT_TYPE: &str = "text/csv; charset=utf-8";

/// One row, with its end.
pub fn push_row(text: &mut String, cells: &[impl AsRef<str>]) {
    for (number, cell) in cells.iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        push_cell(text, cell.as_ref());
    }
    text.push_str("\r\n");
}

/// A cell as RFC 4180 has it. A spreadsheet runs what begins like a formula, whoever wrote it: an apostrophe before it
/// makes it the text that it is.
fn push_cell(text: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
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
