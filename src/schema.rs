//! The tables, as Diesel sees them; `tests/api/schema.rs` holds them against both databases.

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    ledgers (id) {
        id -> Id,
        sequence -> BigInt,
        hash -> Text,
        at -> Instant,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    ledger_rows (ledger_id, sequence) {
        ledger_id -> Id,
        sequence -> BigInt,
        at -> Instant,
        account_id -> Nullable<Id>,
        stakeholder_id -> Nullable<Id>,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Id,
        revision -> Integer,
        reason -> Nullable<Text>,
        request_id -> Text,
        body -> Nullable<Text>,
        salt -> Text,
        digest -> Text,
        hash -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    stored_replies (account_id, key) {
        account_id -> Id,
        key -> Text,
        fingerprint -> Text,
        status -> Integer,
        headers -> Text,
        body -> Text,
        at -> Instant,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    service_keys (id) {
        id -> Text,
        used_for -> Text,
        sealed -> Text,
        made_at -> Instant,
        retired_at -> Nullable<Instant>,
        public_half -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    accounts (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    account_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        admin -> Bool,
        body -> Text,
        expires_on -> Nullable<Date>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    account_people (account_id) {
        account_id -> Id,
        email -> Text,
        email_folded -> Text,
        name -> Text,
        last_sign_in_at -> Nullable<Instant>,
        digest -> Text,
        digest_at -> Nullable<Instant>,
        restricted_at -> Nullable<Instant>,
        notice_version -> Nullable<Text>,
        notice_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    account_passwords (account_id) {
        account_id -> Id,
        phc -> Text,
        set_at -> Instant,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    password_tokens (hash) {
        hash -> Text,
        account_id -> Id,
        expires_at -> Instant,
        used_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    sign_ins (id) {
        id -> Id,
        account_id -> Id,
        generation -> Integer,
        made_at -> Instant,
        rotated_at -> Instant,
        expires_at -> Instant,
        ended_at -> Nullable<Instant>,
        end_reason -> Nullable<Text>,
        address -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        factor_shown -> Bool,
        stepped_up_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    totp_secrets (id) {
        id -> Id,
        account_id -> Id,
        sealed -> Text,
        made_at -> Instant,
        confirmed_at -> Nullable<Instant>,
        last_step -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    recovery_codes (account_id, hash) {
        account_id -> Id,
        hash -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    sign_in_failures (subject) {
        subject -> Text,
        since -> Instant,
        count -> Integer,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    stakeholders (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    stakeholder_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        kind -> Text,
        name -> Text,
        search -> Text,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    programs (id) {
        id -> Id,
        ledger_id -> Id,
        slug -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    program_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        slug -> Text,
        time_zone -> Text,
        source_language -> Text,
        body -> Text,
        published -> Bool,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    documents (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    document_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        kind -> Text,
        issued_on -> Nullable<Date>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    memberships (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    membership_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        account_id -> Id,
        stakeholder_id -> Id,
        role -> Text,
        from_on -> Date,
        until_on -> Nullable<Date>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    participants (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    participant_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        stakeholder_id -> Id,
        capacity -> Text,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    phases (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    phase_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        number -> Integer,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    shocks_and_stresses (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    shock_or_stress_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        kind -> Text,
        code -> Text,
        number -> Integer,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    focus_areas (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    focus_area_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        number -> Integer,
        code -> Text,
        lead_stakeholder_id -> Nullable<Id>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    questions (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    question_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        focus_area_id -> Id,
        code -> Text,
        position -> BigInt,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    question_codes (ledger_id, code) {
        ledger_id -> Id,
        code -> Text,
        question_id -> Id,
        focus_area_id -> Id,
        ordinal -> Integer,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    events (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    event_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        kind -> Text,
        code -> Text,
        number -> Integer,
        held_on -> Nullable<Date>,
        phase_id -> Nullable<Id>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    stages (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    stage_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        event_id -> Id,
        number -> Integer,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    attendances (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    attendance_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        event_id -> Id,
        stakeholder_id -> Id,
        status -> Text,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    attendance_people (attendance_id, number) {
        attendance_id -> Id,
        number -> Integer,
        name -> Text,
        position -> Nullable<Text>,
        contact -> Nullable<Text>,
        account_id -> Nullable<Id>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    follow_ups (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    follow_up_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        event_id -> Id,
        owner_stakeholder_id -> Id,
        due_on -> Nullable<Date>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    ballots (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    ballot_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        event_id -> Id,
        stage_id -> Id,
        number -> Integer,
        code -> Text,
        question_id -> Nullable<Id>,
        question_revision -> Nullable<Integer>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    votes (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    vote_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        ballot_id -> Id,
        stakeholder_id -> Id,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    secret_votes (vote_id) {
        vote_id -> Id,
        salt -> Text,
        value -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    decisions (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    decision_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        event_id -> Id,
        stage_id -> Id,
        ballot_id -> Nullable<Id>,
        question_id -> Id,
        on_revision -> Integer,
        result_revision -> Integer,
        kind -> Text,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    frameworks (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    framework_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        code -> Text,
        sort -> Integer,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    framework_nodes (id) {
        id -> Id,
        framework_id -> Id,
        code -> Text,
        level -> Text,
        parent_id -> Nullable<Id>,
        sort -> Integer,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    framework_qualities (id) {
        id -> Id,
        framework_id -> Id,
        code -> Text,
        sort -> Integer,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    criteria (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    criterion_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        number -> Integer,
        code -> Text,
        stakeholder_id -> Nullable<Id>,
        event_id -> Nullable<Id>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    statements (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    mappings (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    mapping_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        subject_kind -> Text,
        focus_area_id -> Nullable<Id>,
        question_id -> Nullable<Id>,
        criterion_id -> Nullable<Id>,
        statement_id -> Nullable<Id>,
        framework_id -> Id,
        node_id -> Id,
        strength -> Text,
        stakeholder_id -> Nullable<Id>,
        event_id -> Nullable<Id>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    statement_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        number -> Integer,
        code -> Text,
        edition -> Integer,
        supersedes_id -> Nullable<Id>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    statement_basis (statement_id, statement_revision, number) {
        statement_id -> Id,
        statement_revision -> Integer,
        number -> Integer,
        ledger_id -> Id,
        focus_area_id -> Nullable<Id>,
        kind -> Text,
        question_id -> Nullable<Id>,
        question_revision -> Nullable<Integer>,
        mapping_id -> Nullable<Id>,
        mapping_revision -> Nullable<Integer>,
        criterion_id -> Nullable<Id>,
        criterion_revision -> Nullable<Integer>,
        ballot_id -> Nullable<Id>,
        ballot_revision -> Nullable<Integer>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    positions (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    position_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        statement_id -> Id,
        stakeholder_id -> Id,
        on_revision -> Integer,
        kind -> Text,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    publications (statement_id) {
        statement_id -> Id,
        ledger_id -> Id,
        code -> Text,
        edition -> Integer,
        at -> Instant,
        body -> Text,
        digest -> Text,
        jws -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    ledger_checkpoints (ledger_id, sequence) {
        ledger_id -> Id,
        sequence -> BigInt,
        hash -> Text,
        at -> Instant,
        jws -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    consultations (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    consultation_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        number -> Integer,
        code -> Text,
        participation -> Text,
        opens_on -> Date,
        closes_on -> Nullable<Date>,
        event_id -> Nullable<Id>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    inputs (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    input_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        number -> Integer,
        code -> Text,
        stakeholder_id -> Id,
        consultation_id -> Nullable<Id>,
        kind -> Text,
        external_ref -> Nullable<Text>,
        content_revision -> Integer,
        due_on -> Date,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    input_subjects (input_id, input_revision, number) {
        input_id -> Id,
        input_revision -> Integer,
        number -> Integer,
        ledger_id -> Id,
        subject_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    input_effects (input_id, number) {
        input_id -> Id,
        number -> Integer,
        ledger_id -> Id,
        kind -> Text,
        question_id -> Nullable<Id>,
        question_revision -> Nullable<Integer>,
        mapping_id -> Nullable<Id>,
        mapping_revision -> Nullable<Integer>,
        statement_id -> Nullable<Id>,
        statement_revision -> Nullable<Integer>,
        criterion_id -> Nullable<Id>,
        criterion_revision -> Nullable<Integer>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    receipts (input_id) {
        input_id -> Id,
        ledger_id -> Id,
        jws -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    clients (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    client_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        stakeholder_id -> Id,
        role -> Text,
        expires_on -> Date,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    input_imports (id) {
        id -> Id,
        ledger_id -> Id,
        account_id -> Id,
        key_id -> Nullable<Id>,
        stakeholder_id -> Id,
        request_id -> Text,
        format -> Text,
        header -> Nullable<Text>,
        dry_run -> Bool,
        state -> Text,
        failure -> Nullable<Text>,
        digest -> Nullable<Text>,
        rows_count -> Integer,
        received_count -> Integer,
        repeated_count -> Integer,
        refused_count -> Integer,
        chunks_count -> Integer,
        next_chunk -> Integer,
        attempts -> Integer,
        created_at -> Instant,
        touched_at -> Instant,
        uploaded_at -> Nullable<Instant>,
        finished_at -> Nullable<Instant>,
        leased_by -> Nullable<Id>,
        leased_until -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    client_keys (id) {
        id -> Id,
        client_id -> Id,
        ledger_id -> Id,
        hash -> Text,
        made_at -> Instant,
        expires_on -> Nullable<Date>,
        ended_at -> Nullable<Instant>,
        last_used_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    revoked_tokens (id) {
        id -> Text,
        expires_at -> Instant,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    input_import_rows (import_id, number) {
        import_id -> Id,
        number -> Integer,
        line -> Integer,
        chunk -> Integer,
        state -> Text,
        raw -> Nullable<Text>,
        external_ref -> Nullable<Text>,
        input_id -> Nullable<Id>,
        code -> Nullable<Text>,
        problem -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    webhooks (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    webhook_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        stakeholder_id -> Id,
        role -> Text,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    webhook_secrets (id) {
        id -> Id,
        webhook_id -> Id,
        sealed -> Text,
        made_at -> Instant,
        ends_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    webhook_cursors (webhook_id) {
        webhook_id -> Id,
        ledger_id -> Id,
        active -> Bool,
        passed -> BigInt,
        replay_passed -> Nullable<BigInt>,
        replay_to -> Nullable<BigInt>,
        lease_owner -> Nullable<Id>,
        lease_until -> Instant,
        failing_sequence -> Nullable<BigInt>,
        failing_since -> Nullable<Instant>,
        failures -> Integer,
        tried_at -> Nullable<Instant>,
        next_attempt_at -> Nullable<Instant>,
        last_success_at -> Nullable<Instant>,
        attempts -> BigInt,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    webhook_attempts (id) {
        id -> Id,
        webhook_id -> Id,
        number -> BigInt,
        sequence -> Nullable<BigInt>,
        message_id -> Text,
        kind -> Text,
        at -> Instant,
        duration_ms -> Integer,
        state -> Text,
        status -> Nullable<Integer>,
        error -> Nullable<Text>,
        excerpt -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    mails (id) {
        id -> Id,
        kind -> Text,
        state -> Text,
        account_id -> Nullable<Id>,
        subject_id -> Nullable<Id>,
        recipient -> Nullable<Text>,
        language -> Text,
        made_at -> Instant,
        next_attempt_at -> Nullable<Instant>,
        attempts -> Integer,
        error -> Nullable<Text>,
        status -> Nullable<Integer>,
        ended_at -> Nullable<Instant>,
        leased_by -> Nullable<Id>,
        leased_until -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    one_time_tokens (hash) {
        hash -> Text,
        purpose -> Text,
        subject_id -> Id,
        email -> Nullable<Text>,
        expires_at -> Instant,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    invitations (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    invitation_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        program_id -> Nullable<Id>,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    invitation_people (invitation_id) {
        invitation_id -> Id,
        email -> Text,
        email_folded -> Text,
        forget_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    personal_data_requests (id) {
        id -> Id,
        ledger_id -> Id,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    personal_data_request_revisions (subject_id, revision) {
        subject_id -> Id,
        revision -> Integer,
        ledger_id -> Id,
        seq_from -> BigInt,
        seq_to -> Nullable<BigInt>,
        state -> Text,
        account_id -> Id,
        kind -> Text,
        due_at -> Instant,
        body -> Text,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    personal_data_request_notes (request_id) {
        request_id -> Id,
        note -> Nullable<Text>,
        answer -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::db::sql::*;
    use diesel::sql_types::*;

    personal_data_reads (id) {
        id -> Id,
        at -> Instant,
        reader_id -> Id,
        key_id -> Nullable<Id>,
        operation -> Text,
        request_id -> Text,
        person_kind -> Text,
        person_id -> Id,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    ledgers,
    ledger_rows,
    stored_replies,
    service_keys,
    accounts,
    account_revisions,
    account_people,
    account_passwords,
    password_tokens,
    sign_ins,
    totp_secrets,
    recovery_codes,
    sign_in_failures,
    stakeholders,
    stakeholder_revisions,
    programs,
    program_revisions,
    documents,
    document_revisions,
    memberships,
    membership_revisions,
    participants,
    participant_revisions,
    phases,
    phase_revisions,
    shocks_and_stresses,
    shock_or_stress_revisions,
    focus_areas,
    focus_area_revisions,
    questions,
    question_revisions,
    question_codes,
    events,
    event_revisions,
    stages,
    stage_revisions,
    attendances,
    attendance_revisions,
    attendance_people,
    follow_ups,
    follow_up_revisions,
    ballots,
    ballot_revisions,
    votes,
    vote_revisions,
    secret_votes,
    decisions,
    decision_revisions,
    frameworks,
    framework_revisions,
    framework_nodes,
    framework_qualities,
    criteria,
    criterion_revisions,
    statements,
    mappings,
    mapping_revisions,
    statement_revisions,
    statement_basis,
    positions,
    position_revisions,
    publications,
    ledger_checkpoints,
    clients,
    client_revisions,
    client_keys,
    revoked_tokens,
    consultations,
    consultation_revisions,
    inputs,
    input_revisions,
    input_subjects,
    input_effects,
    receipts,
    input_imports,
    input_import_rows,
    webhooks,
    webhook_revisions,
    webhook_secrets,
    webhook_cursors,
    webhook_attempts,
    mails,
    one_time_tokens,
    invitations,
    invitation_revisions,
    invitation_people,
    personal_data_requests,
    personal_data_request_revisions,
    personal_data_request_notes,
    personal_data_reads,
);
