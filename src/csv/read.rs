//! CSV as spreadsheets write it, part by part: the separator is found out from the header line.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use crate::problem::{FieldError, Problem};

/// What may stand before all else: a byte-order mark.
pub const MARK: &[u8] = b"\xEF\xBB\xBF";
/// The most bytes of a row. The longest input that can be taken has fewer, however it is escaped.
pub const LONGEST_ROW: usize = 256 << 10;
/// The most bytes of a header line: far more than all names have.
const LONGEST_HEADER: usize = 4 << 10;

/// What the columns of a file are called, and how many rows it may have.
pub struct Columns {
    pub names: &'static [&'static str],
    /// So many of them, from the first, must be there.
    pub required: usize,
    pub most_rows: i32,
}

/// A row as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub struct RawRow {
    /// Its number among the rows that are not empty, from 1.
    pub number: i32,
    /// The line of the file on which it begins, from 1.
    pub line: i32,
    /// Its number as a spreadsheet shows it: the header is row 1, an empty row counts, a line break in a cell does not.
    pub place: i32,
    /// A line of NDJSON, or the cells of a CSV row as a JSON array.
    pub raw: String,
}

/// What makes a whole file no good.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The most that there may be.
    TooManyRows(i32),
    /// The most bytes that there may be.
    TooLarge(usize),
    /// The line.
    NotUtf8(i32),
    RowTooLong(i32),
    /// What is wrong with the columns.
    Columns(Vec<FieldError>),
}

impl Fault {
    pub fn problem(self) -> Problem {
        let whole =
            |code: &'static str, id: String, en: String| Problem::Invalid(vec![FieldError::new("", code, id, en)]);
        match self {
            Fault::TooManyRows(most) => whole(
                "too_many_rows",
                format!("paling banyak {most} baris dalam satu berkas"),
                format!("a file may have at most {most} rows"),
            ),
            Fault::TooLarge(most) => Problem::TooLarge(most),
            Fault::NotUtf8(line) => whole(
                "not_utf8",
                format!("baris berkas {line} bukan UTF-8: simpan berkas sebagai CSV UTF-8"),
                format!("line {line} of the file is not UTF-8: save the file as CSV UTF-8"),
            ),
            Fault::RowTooLong(line) => whole(
                "row_too_long",
                format!(
                    "baris mulai baris berkas {line} lebih dari {LONGEST_ROW} bita: adakah tanda kutip yang hilang?"
                ),
                format!(
                    "the row at line {line} of the file has more than {LONGEST_ROW} bytes: is a quotation mark missing?"
                ),
            ),
            Fault::Columns(errors) => Problem::Invalid(errors),
        }
    }
}

/// The next number; a fault past the last.
pub fn next_number(number: &mut i32, most: i32) -> Result<i32, Fault> {
    if *number == most {
        return Err(Fault::TooManyRows(most));
    }
    *number += 1;
    Ok(*number)
}

pub struct Csv {
    known: &'static Columns,
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
    /// The number of the row before, as a spreadsheet shows it.
    place: i32,
    /// The last byte was a carriage return: a line feed after it is of the same line break.
    returned: bool,
}

impl Csv {
    pub fn new(known: &'static Columns) -> Csv {
        Csv { known, header: Vec::new(), begun: None, number: 0 }
    }

    pub fn feed(&mut self, part: &[u8], found: &mut Vec<RawRow>) -> Result<(), Fault> {
        if let Some(begun) = &mut self.begun {
            return begun.read(part, self.known, &mut self.number, found);
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
                begun.read(b"", self.known, &mut self.number, found)?;
                if begun.columns.is_none() { named(&[], self.known).map(drop) } else { Ok(()) }
            }
            None => Ok(()),
        }
    }

    /// What stands in the header line, once it was read.
    pub fn columns(&self) -> Option<&[String]> {
        self.begun.as_ref()?.columns.as_deref()
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
            place: 0,
            returned: false,
        });
        begun.read(&header, self.known, &mut self.number, found)
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
    fn read(
        &mut self,
        mut part: &[u8],
        known: &Columns,
        number: &mut i32,
        found: &mut Vec<RawRow>,
    ) -> Result<(), Fault> {
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
            self.returned = part[..read].last() == Some(&b'\r');
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
                ReadRecordResult::Record => self.row(known, number, found)?,
            }
        }
    }

    /// Line breaks before a row are no part of it: the reader counts them, and the row begins after them.
    fn pass_over_breaks<'p>(&mut self, part: &'p [u8]) -> &'p [u8] {
        let breaks = part.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let (breaks, rest) = part.split_at(breaks);
        for byte in breaks {
            // What is left of the break that ended the row before is no empty row.
            let same = *byte == b'\n' && self.returned;
            self.place += i32::from(!same);
            self.returned = *byte == b'\r';
        }
        // Nothing at all would tell the reader that the file is over.
        if !breaks.is_empty() {
            self.reader.read_record(breaks, &mut self.cells, &mut self.ends);
        }
        self.line = i32::try_from(self.reader.line()).unwrap_or(i32::MAX);
        rest
    }

    fn row(&mut self, known: &Columns, number: &mut i32, found: &mut Vec<RawRow>) -> Result<(), Fault> {
        self.place += 1;
        let mut cells = Vec::with_capacity(self.ends_len);
        let mut begin = 0;
        for end in &self.ends[..self.ends_len] {
            let cell = std::str::from_utf8(&self.cells[begin..*end]).map_err(|_| Fault::NotUtf8(self.line))?;
            cells.push(cell);
            begin = *end;
        }
        if self.columns.is_none() {
            self.columns = Some(named(&cells, known)?);
        } else if cells.iter().any(|cell| !cell.trim().is_empty()) {
            let raw = serde_json::Value::from(cells).to_string();
            let number = next_number(number, known.most_rows)?;
            found.push(RawRow { number, line: self.line, place: self.place, raw });
        }
        (self.cells_len, self.ends_len, self.between) = (0, 0, true);
        Ok(())
    }
}

/// The names of a header line, if they are those that there are.
fn named(cells: &[&str], known: &Columns) -> Result<Vec<String>, Fault> {
    let names: Vec<&str> = cells.iter().map(|cell| cell.trim()).collect();
    let mut errors = Vec::new();
    for (place, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        if !known.names.contains(name) {
            let (id, en) = ("tidak ada kolom dengan nama ini", "there is no column of this name");
            errors.push(FieldError::new(name.chars().take(60).collect::<String>(), "unknown_column", id, en));
        } else if names[..place].contains(name) {
            errors.push(FieldError::new(*name, "repeated", "kolom ini muncul dua kali", "this column stands twice"));
        }
    }
    let missing = known.names[..known.required].iter().filter(|name| !names.contains(name));
    errors.extend(
        missing.map(|name| FieldError::new(*name, "required", "kolom ini wajib ada", "this column is required")),
    );
    if errors.is_empty() { Ok(names.into_iter().map(str::to_owned).collect()) } else { Err(Fault::Columns(errors)) }
}
