alter table program_revisions add column published bool not null default false;
