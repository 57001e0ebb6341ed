-- Whether everybody may read the programme's public view.
alter table program_revisions add column published bool not null default false;
create index program_revisions_published_idx on program_revisions (published, slug, subject_id) where seq_to is null;

-- Approved minutes are read as of the row that approved them.
create index stage_revisions_ledger_id_event_id_idx on stage_revisions (ledger_id, event_id, seq_from);
create index attendance_revisions_ledger_id_event_id_idx on attendance_revisions (ledger_id, event_id, seq_from);
create index ballot_revisions_ledger_id_event_id_idx on ballot_revisions (ledger_id, event_id, seq_from);
create index decision_revisions_ledger_id_event_id_idx on decision_revisions (ledger_id, event_id, seq_from);
create index follow_up_revisions_ledger_id_event_id_idx on follow_up_revisions (ledger_id, event_id, seq_from);
