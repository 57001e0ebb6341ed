//! CSV as spreadsheets write it, part by part: the separator is found out from the header line.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::rows::{Fault, LONGEST_ROW, RawRow, next_number};
use crate::problem::FieldError;

/// What the columns of a file are called. The first four must be there.
pub const COLUMNS: [&str; 8] =
    ["kind", "text", "language", "external_ref", "consultation", "subjects", "links", "evidence"];
const REQUIRED: usize = 4;

/// The most bytes of a header line: far more than all names have.
const LONGEST_HEADER: usize = 4 << 10;

#[derive(Default)]
pub struct Csv {
    /// The header line, until it is whole.
    header: Vec<u8>,
    /// The reader, and the names of the columns, once the header line was read. A column without a name has nothing in
    /// it: spreadsheets leave such at the end.
    begun: Option<Begun>,
    number: i32,
}

struct Begun {
    reader: Reader,
    columns: Option<Vec<String>>,
    /// The cells of the row that was begun, one after the other, and where each ends.
    cells: Vec<u8>,
    ends: Vec<usize>,
    cells_len: usize,
    ends_len: usize,
    /// No row has begun since the last ended.
    between: bool,
    /// The line on which the row begins.
    line: i32,
}

impl Csv {
    pub fn feed(&mut self, part: &[u8], found: &mut Vec<RawRow>) -> Result<(), Fault> {
        if let Some(begun) = &mut self.begun {
            return begun.read(part, &mut self.number, found);
        }
        self.header.extend_from_slice(part);
        if line_end(&self.header).is_some() {
            return self.begin(found);
        }
        if self.header.len() > LONGEST_HEADER { Err(Fault::RowTooLong(1)) } else { Ok(()) }
    }

    pub fn end(&mut self, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        if self.begun.is_none() {
            self.begin(found)?;
        }
        match &mut self.begun {
            // Nothing more tells the reader that it is over.
            Some(begun) => {
                begun.read(b"", &mut self.number, found)?;
                if begun.columns.is_none() { named(&[]).map(drop) } else { Ok(()) }
            }
            None => Ok(()),
        }
    }

    /// The columns as a JSON array.
    pub fn columns(&self) -> Option<String> {
        serde_json::to_string(self.begun.as_ref()?.columns.as_ref()?).ok()
    }

    fn begin(&mut self, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        let header = std::mem::take(&mut self.header);
        let line = &header[..line_end(&header).unwrap_or(header.len())];
        let count = |separator: u8| line.iter().filter(|byte| **byte == separator).count();
        let separator = if count(b';') > count(b',') { b';' } else { b',' };
        let reader = ReaderBuilder::new().delimiter(separator).build();
        let begun = self.begun.insert(Begun {
            reader,
            columns: None,
            cells: vec![0; 4 << 10],
            ends: vec![0; 32],
            cells_len: 0,
            ends_len: 0,
            between: true,
            line: 1,
        });
        begun.read(&header, &mut self.number, found)
    }
}

/// Where the first line ends, outside quotation marks.
fn line_end(text: &[u8]) -> Option<usize> {
    let mut quoted = false;
    text.iter().position(|byte| {
        quoted ^= *byte == b'"';
        !quoted && matches!(byte, b'\n' | b'\r')
    })
}

impl Begun {
    /// Reads a part of the file to its end.
    fn read(&mut self, mut part: &[u8], number: &mut i32, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        let last = part.is_empty();
        loop {
            if self.between {
                part = self.pass_over_breaks(part);
            }
            if part.is_empty() && !last {
                return Ok(());
            }
            self.between = false;
            let (result, read, written, ended) =
                self.reader.read_record(part, &mut self.cells[self.cells_len..], &mut self.ends[self.ends_len..]);
            part = &part[read..];
            self.cells_len += written;
            self.ends_len += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull if self.cells.len() >= LONGEST_ROW => {
                    return Err(Fault::RowTooLong(self.line));
                }
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= LONGEST_ROW => {
                    return Err(Fault::RowTooLong(self.line));
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => self.row(number, found)?,
            }
        }
    }

    /// Line breaks before a row are no part of it: the reader counts them, and the row begins after them.
    fn pass_over_breaks<'p>(&mut self, part: &'p [u8]) -> &'p [u8] {
        let breaks = part.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let (breaks, rest) = part.split_at(breaks);
        // Nothing at all would tell the reader that the file is over.
        if !breaks.is_empty() {
            self.reader.read_record(breaks, &mut self.cells, &mut self.ends);
        }
        self.line = i32::try_from(self.reader.line()).unwrap_or(i32::MAX);
        rest
    }

    fn row(&mut self, number: &mut i32, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        let mut cells = Vec::with_capacity(self.ends_len);
        let mut begin = 0;
        for end in &self.ends[..self.ends_len] {
            let cell = std::str::from_utf8(&self.cells[begin..*end]).map_err(|_| Fault::NotUtf8(self.line))?;
            cells.push(cell);
            begin = *end;
        }
        if self.columns.is_none() {
            self.columns = Some(named(&cells)?);
        } else if cells.iter().any(|cell| !cell.trim().is_empty()) {
            let raw = serde_json::Value::from(cells).to_string();
            found.push(RawRow { number: next_number(number)?, line: self.line, raw });
        }
        (self.cells_len, self.ends_len, self.between) = (0, 0, true);
        Ok(())
    }
}

/// The names of a header line, if they are those that there are.
fn named(cells: &[&str]) -> Result<Vec<String>, Fault> {
    let names: Vec<&str> = cells.iter().map(|cell| cell.trim()).collect();
    let mut errors = Vec::new();
    for (place, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        if !COLUMNS.contains(name) {
            let (id, en) = ("tidak ada kolom dengan nama ini", "there is no column of this name");
            errors.push(FieldError::new(name.chars().take(60).collect::<String>(), "unknown_column", id, en));
        } else if names[..place].contains(name) {
            errors.push(FieldError::new(*name, "repeated", "kolom ini muncul dua kali", "this column stands twice"));
        }
    }
    let missing = COLUMNS[..REQUIRED].iter().filter(|name| !names.contains(name));
    errors.extend(
        missing.map(|name| FieldError::new(*name, "required", "kolom ini wajib ada", "this column is required")),
    );
    if errors.is_empty() { Ok(names.into_iter().map(str::to_owned).collect()) } else { Err(Fault::Columns(errors)) }
}
