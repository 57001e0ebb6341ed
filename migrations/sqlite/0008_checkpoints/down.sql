alter table service_keys drop column public_half;
drop table ledger_checkpoints;
