alter table program_revisions add column published integer not null default 0;
