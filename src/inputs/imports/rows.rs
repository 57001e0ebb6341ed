//! A file as it arrives, part by part: where its rows begin and end, and what makes the whole of it no good.

use super::model::ImportFormat;
use crate::csv::{Columns, Csv, Fault, LONGEST_ROW, MARK, RawRow, next_number};

/// The most rows of a file.
pub const MOST_ROWS: i32 = 50_000;
/// The most bytes of a file.
pub const MOST_BYTES: usize = 64 << 20;

/// What the columns of a CSV file are called.
static COLUMNS: Columns = Columns {
    names: &["kind", "text", "language", "external_ref", "consultation", "subjects", "links", "evidence"],
    required: 4,
    most_rows: MOST_ROWS,
};

/// Finds the rows of a file.
pub struct Rows {
    reader: Reader,
    bytes: usize,
    begun: bool,
    /// What may still turn out to be a byte-order mark.
    first: Vec<u8>,
}

enum Reader {
    Lines(Lines),
    Csv(Box<Csv>),
}

impl Rows {
    pub fn new(format: ImportFormat) -> Rows {
        let reader = match format {
            ImportFormat::Ndjson => Reader::Lines(Lines::default()),
            ImportFormat::Csv => Reader::Csv(Box::new(Csv::new(&COLUMNS))),
        };
        Rows { reader, bytes: 0, begun: false, first: Vec::new() }
    }

    /// Takes the next part of the file, and puts the rows that end in it into `found`.
    pub fn feed(&mut self, part: &[u8], found: &mut Vec<RawRow>) -> Result<(), Fault> {
        self.bytes += part.len();
        if self.bytes > MOST_BYTES {
            return Err(Fault::TooLarge(MOST_BYTES));
        }
        if self.begun {
            return self.read(part, found);
        }
        self.first.extend_from_slice(part);
        if self.first.len() < MARK.len() && MARK.starts_with(&self.first) {
            return Ok(());
        }
        self.begin(found)
    }

    /// The file is over.
    pub fn end(&mut self, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        if !self.begun {
            self.begin(found)?;
        }
        match &mut self.reader {
            Reader::Lines(lines) => lines.end(found),
            Reader::Csv(csv) => csv.end(found),
        }
    }

    /// The columns of a CSV file as a JSON array, once they are known.
    pub fn columns(&self) -> Option<String> {
        match &self.reader {
            Reader::Lines(_) => None,
            Reader::Csv(csv) => serde_json::to_string(csv.columns()?).ok(),
        }
    }

    fn begin(&mut self, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        self.begun = true;
        let first = std::mem::take(&mut self.first);
        self.read(first.strip_prefix(MARK).unwrap_or(&first), found)
    }

    fn read(&mut self, part: &[u8], found: &mut Vec<RawRow>) -> Result<(), Fault> {
        match &mut self.reader {
            Reader::Lines(lines) => lines.feed(part, found),
            Reader::Csv(csv) => csv.feed(part, found),
        }
    }
}

/// Lines that are not blank.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
    line: i32,
    number: i32,
}

impl Lines {
    fn feed(&mut self, mut part: &[u8], found: &mut Vec<RawRow>) -> Result<(), Fault> {
        while let Some(end) = part.iter().position(|byte| *byte == b'\n') {
            self.more(&part[..end])?;
            self.finish(found)?;
            part = &part[end + 1..];
        }
        self.more(part)
    }

    fn end(&mut self, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        if self.begun.is_empty() { Ok(()) } else { self.finish(found) }
    }

    fn more(&mut self, part: &[u8]) -> Result<(), Fault> {
        if self.begun.len() + part.len() > LONGEST_ROW {
            return Err(Fault::RowTooLong(self.line + 1));
        }
        self.begun.extend_from_slice(part);
        Ok(())
    }

    fn finish(&mut self, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        self.line += 1;
        let text = std::str::from_utf8(&self.begun).map_err(|_| Fault::NotUtf8(self.line))?;
        if !text.trim().is_empty() {
            // PostgreSQL keeps no NUL; any other control character is no JSON either.
            let raw = text.trim().replace('\0', "\u{1}");
            let number = next_number(&mut self.number, MOST_ROWS)?;
            found.push(RawRow { number, line: self.line, place: self.line, raw });
        }
        self.begun.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of a file that comes in parts of this size.
    fn read(format: ImportFormat, file: &[u8], size: usize) -> Result<Vec<(i32, i32, String)>, Fault> {
        let (mut rows, mut found) = (Rows::new(format), Vec::new());
        for part in file.chunks(size) {
            rows.feed(part, &mut found)?;
        }
        rows.end(&mut found)?;
        Ok(found.into_iter().map(|row| (row.number, row.line, row.raw)).collect())
    }

    fn row(number: i32, line: i32, raw: &str) -> (i32, i32, String) {
        (number, line, raw.to_owned())
    }

    #[test]
    fn lines_are_found_however_they_come() {
        let file = b"\xEF\xBB\xBF{\"a\":1}\r\n\n  \n{\"b\":\xC3\xA9}\n{\"c\":3}";
        for size in 1..=file.len() {
            let found = read(ImportFormat::Ndjson, file, size).unwrap();
            assert_eq!(found, [row(1, 1, "{\"a\":1}"), row(2, 4, "{\"b\":é}"), row(3, 5, "{\"c\":3}")], "{size}");
        }
        assert_eq!(read(ImportFormat::Ndjson, b"", 1), Ok(Vec::new()));
        assert_eq!(read(ImportFormat::Ndjson, b"{}\n\xFF\n", 9), Err(Fault::NotUtf8(2)));
        let long = vec![b'x'; LONGEST_ROW + 1];
        assert_eq!(read(ImportFormat::Ndjson, &long, 4096), Err(Fault::RowTooLong(1)));
    }

    #[test]
    fn cells_are_found_as_spreadsheets_write_them() {
        let comma = "kind,text,language,external_ref\r\ncomment,\"Satu, \"\"dua\"\"\r\ntiga\",id,A-1\r\n,,,\r\n\r\ncomment,Empat,id,A-2";
        let semicolon = "\u{feff}kind;text;language;external_ref;\ncomment;\"Satu; dua\";id;A-1;\n";
        for size in 1..=comma.len() {
            let found = read(ImportFormat::Csv, comma.as_bytes(), size).unwrap();
            let first = r#"["comment","Satu, \"dua\"\r\ntiga","id","A-1"]"#;
            assert_eq!(found, [row(1, 2, first), row(2, 6, r#"["comment","Empat","id","A-2"]"#)], "{size}");
            let found = read(ImportFormat::Csv, semicolon.as_bytes(), size).unwrap();
            assert_eq!(found, [row(1, 2, r#"["comment","Satu; dua","id","A-1",""]"#)], "{size}");
        }
    }

    #[test]
    fn columns_that_are_missing_unknown_or_repeated_are_named() {
        let wrong = |file: &str| match read(ImportFormat::Csv, file.as_bytes(), 7) {
            Err(Fault::Columns(errors)) => {
                errors.iter().map(|error| (error.pointer.clone(), error.code.to_string())).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        let named = |name: &str, code: &str| (name.to_owned(), code.to_owned());
        assert_eq!(
            wrong("kind,text,text,organisasi\n"),
            [
                named("text", "repeated"),
                named("organisasi", "unknown_column"),
                named("language", "required"),
                named("external_ref", "required")
            ]
        );
        assert_eq!(wrong("").len(), 4);
        assert_eq!(
            read(ImportFormat::Csv, b"kind,text,language,external_ref\ncomment,\xE9,id,A\n", 9),
            Err(Fault::NotUtf8(2))
        );
        let open = format!("kind,text,language,external_ref\ncomment,\"{}", "x".repeat(LONGEST_ROW));
        assert_eq!(read(ImportFormat::Csv, open.as_bytes(), 4096), Err(Fault::RowTooLong(2)));
    }
}
