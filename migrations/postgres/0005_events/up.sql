create table events (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint events_id_key primary key (id)
);
create table event_revisions (
    subject_id uuid not null references events (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    kind text collate "C" not null,
    code text collate "C" not null,
    number int4 not null,
    held_on date,
    phase_id uuid references phases (id),
    body text collate "C" not null,
    constraint event_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint event_revisions_revision_check check (revision >= 1),
    constraint event_revisions_seq_to_check check (seq_to > seq_from),
    constraint event_revisions_state_check check (state in ('planned', 'confirmed', 'held', 'minutes_draft', 'minutes_approved', 'closed', 'postponed', 'cancelled')),
    constraint event_revisions_kind_check check (kind in ('working_session', 'workshop', 'forum', 'focus_group', 'public_consultation', 'seminar', 'meeting', 'monitoring_meeting', 'milestone'))
);
create unique index event_revisions_open_key on event_revisions (subject_id) where seq_to is null;
create index event_revisions_updated_idx on event_revisions (ledger_id, seq_from);
create unique index event_revisions_ledger_id_number_key on event_revisions (ledger_id, number) where seq_to is null;
create index event_revisions_held_on_idx on event_revisions (ledger_id, held_on, subject_id) where seq_to is null;

create table stages (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint stages_id_key primary key (id)
);
create table stage_revisions (
    subject_id uuid not null references stages (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    event_id uuid not null references events (id),
    number int4 not null,
    body text collate "C" not null,
    constraint stage_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint stage_revisions_revision_check check (revision >= 1),
    constraint stage_revisions_seq_to_check check (seq_to > seq_from),
    constraint stage_revisions_state_check check (state in ('current'))
);
create unique index stage_revisions_open_key on stage_revisions (subject_id) where seq_to is null;
create index stage_revisions_updated_idx on stage_revisions (ledger_id, seq_from);
create unique index stage_revisions_event_id_number_key on stage_revisions (event_id, number) where seq_to is null;

create table attendances (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint attendances_id_key primary key (id)
);
create table attendance_revisions (
    subject_id uuid not null references attendances (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    event_id uuid not null references events (id),
    stakeholder_id uuid not null references stakeholders (id),
    status text collate "C" not null,
    body text collate "C" not null,
    constraint attendance_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint attendance_revisions_revision_check check (revision >= 1),
    constraint attendance_revisions_seq_to_check check (seq_to > seq_from),
    constraint attendance_revisions_state_check check (state in ('recorded')),
    constraint attendance_revisions_status_check check (status in ('invited', 'confirmed', 'represented', 'attended', 'apologies'))
);
create unique index attendance_revisions_open_key on attendance_revisions (subject_id) where seq_to is null;
create index attendance_revisions_updated_idx on attendance_revisions (ledger_id, seq_from);
create unique index attendance_revisions_event_id_stakeholder_id_key on attendance_revisions (event_id, stakeholder_id) where seq_to is null;

-- Who came, where somebody chose to say: personal data, here and in no ledger.
create table attendance_people (
    attendance_id uuid not null references attendances (id),
    number int4 not null,
    name text collate "C" not null,
    position text collate "C",
    contact text collate "C",
    constraint attendance_people_attendance_id_number_key primary key (attendance_id, number)
);

create table follow_ups (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint follow_ups_id_key primary key (id)
);
create table follow_up_revisions (
    subject_id uuid not null references follow_ups (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    event_id uuid not null references events (id),
    owner_stakeholder_id uuid not null references stakeholders (id),
    due_on date,
    body text collate "C" not null,
    constraint follow_up_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint follow_up_revisions_revision_check check (revision >= 1),
    constraint follow_up_revisions_seq_to_check check (seq_to > seq_from),
    constraint follow_up_revisions_state_check check (state in ('open', 'in_progress', 'done', 'dropped'))
);
create unique index follow_up_revisions_open_key on follow_up_revisions (subject_id) where seq_to is null;
create index follow_up_revisions_updated_idx on follow_up_revisions (ledger_id, seq_from);
create index follow_up_revisions_event_id_idx on follow_up_revisions (event_id, subject_id) where seq_to is null;
create index follow_up_revisions_owner_stakeholder_id_idx on follow_up_revisions (owner_stakeholder_id, state) where seq_to is null;

create table ballots (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint ballots_id_key primary key (id)
);
create table ballot_revisions (
    subject_id uuid not null references ballots (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    event_id uuid not null references events (id),
    stage_id uuid not null references stages (id),
    number int4 not null,
    code text collate "C" not null,
    question_id uuid references questions (id),
    question_revision int4,
    body text collate "C" not null,
    constraint ballot_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint ballot_revisions_revision_check check (revision >= 1),
    constraint ballot_revisions_seq_to_check check (seq_to > seq_from),
    constraint ballot_revisions_state_check check (state in ('draft', 'open', 'closed', 'decided', 'void')),
    foreign key (question_id, question_revision) references question_revisions (subject_id, revision)
);
create unique index ballot_revisions_open_key on ballot_revisions (subject_id) where seq_to is null;
create index ballot_revisions_updated_idx on ballot_revisions (ledger_id, seq_from);
create unique index ballot_revisions_ledger_id_number_key on ballot_revisions (ledger_id, number) where seq_to is null;
create index ballot_revisions_stage_id_idx on ballot_revisions (stage_id, number) where seq_to is null;
create index ballot_revisions_question_id_idx on ballot_revisions (question_id, question_revision);

create table votes (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint votes_id_key primary key (id)
);
create table vote_revisions (
    subject_id uuid not null references votes (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    ballot_id uuid not null references ballots (id),
    stakeholder_id uuid not null references stakeholders (id),
    body text collate "C" not null,
    constraint vote_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint vote_revisions_revision_check check (revision >= 1),
    constraint vote_revisions_seq_to_check check (seq_to > seq_from),
    constraint vote_revisions_state_check check (state in ('cast', 'rescinded'))
);
create unique index vote_revisions_open_key on vote_revisions (subject_id) where seq_to is null;
create index vote_revisions_updated_idx on vote_revisions (ledger_id, seq_from);
create unique index vote_revisions_ballot_id_stakeholder_id_key on vote_revisions (ballot_id, stakeholder_id) where seq_to is null;

-- What an anonymous vote says: the ledger has only a commitment to it.
create table secret_votes (
    vote_id uuid not null references votes (id),
    salt text collate "C" not null,
    value text collate "C" not null,
    constraint secret_votes_vote_id_key primary key (vote_id)
);

create table decisions (
    id uuid not null,
    ledger_id uuid not null references ledgers (id),
    constraint decisions_id_key primary key (id)
);
create table decision_revisions (
    subject_id uuid not null references decisions (id),
    revision int4 not null,
    ledger_id uuid not null references ledgers (id),
    seq_from int8 not null,
    seq_to int8,
    state text collate "C" not null,
    event_id uuid not null references events (id),
    stage_id uuid not null references stages (id),
    ballot_id uuid references ballots (id),
    question_id uuid not null references questions (id),
    on_revision int4 not null,
    result_revision int4 not null,
    kind text collate "C" not null,
    body text collate "C" not null,
    constraint decision_revisions_subject_id_revision_key primary key (subject_id, revision),
    constraint decision_revisions_revision_check check (revision >= 1),
    constraint decision_revisions_seq_to_check check (seq_to > seq_from),
    constraint decision_revisions_state_check check (state in ('given', 'rescinded')),
    constraint decision_revisions_kind_check check (kind in ('keep', 'revise', 'move', 'merge', 'split', 'retire', 'defer')),
    foreign key (question_id, on_revision) references question_revisions (subject_id, revision),
    foreign key (question_id, result_revision) references question_revisions (subject_id, revision)
);
create unique index decision_revisions_open_key on decision_revisions (subject_id) where seq_to is null;
create index decision_revisions_updated_idx on decision_revisions (ledger_id, seq_from);
create index decision_revisions_stage_id_idx on decision_revisions (stage_id, subject_id) where seq_to is null;
create index decision_revisions_event_id_idx on decision_revisions (event_id, subject_id) where seq_to is null;
create index decision_revisions_ballot_id_idx on decision_revisions (ballot_id) where seq_to is null;
create index decision_revisions_question_id_on_revision_idx on decision_revisions (question_id, on_revision);
create index decision_revisions_question_id_result_revision_idx on decision_revisions (question_id, result_revision);
