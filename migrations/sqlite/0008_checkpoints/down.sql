drop index ledger_rows_subject_id_idx;
alter table service_keys drop column public_half;
drop table ledger_checkpoints;
