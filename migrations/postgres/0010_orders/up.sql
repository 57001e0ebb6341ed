-- A page of a list as of then walks this index in the list's order: each question stands in it with all its revisions,
-- and of those the one that was open then is known without reading the others.
create index question_revisions_past_idx
    on question_revisions (ledger_id, position, subject_id, seq_from, seq_to);

-- Lists in the order of their making.
create index document_revisions_made_idx on document_revisions (ledger_id, subject_id) where seq_to is null;
create index membership_revisions_made_idx on membership_revisions (ledger_id, subject_id) where seq_to is null;
create index decision_revisions_made_idx on decision_revisions (ledger_id, subject_id) where seq_to is null;
create index position_revisions_made_idx on position_revisions (statement_id, subject_id) where seq_to is null;
