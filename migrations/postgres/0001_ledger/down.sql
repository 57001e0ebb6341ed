drop table service_keys;
drop table stored_replies;
drop table ledger_rows;
drop table ledgers;
