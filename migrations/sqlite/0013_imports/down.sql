drop table input_import_rows;
drop table input_imports;
