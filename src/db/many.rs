/// How many rows one statement inserts at most: PostgreSQL knows 65,535 binds, and no table of ours has 60 columns.
pub const MANY: usize = 1000;

/// Inserts a `Vec` of rows. On PostgreSQL many go with one statement, since each statement is a way there and back; one
/// alone goes the common way, whose statement is prepared once. In SQLite a way costs nothing, and a connection of both
/// kinds cannot insert many at once.
#[macro_export]
macro_rules! insert_many {
    ($conn:expr, $table:expr, $rows:expr) => {{
        let mut rows = $rows;
        match $conn {
            $crate::db::AnyConnection::Postgres(conn) if rows.len() > 1 => {
                while !rows.is_empty() {
                    let rest = rows.split_off(rows.len().min($crate::db::MANY));
                    diesel::insert_into($table).values(rows).execute(conn)?;
                    rows = rest;
                }
            }
            conn => {
                for row in rows {
                    diesel::insert_into($table).values(row).execute(conn)?;
                }
            }
        }
        Ok(())
    }};
}
