//! The register: every kind of personal data that the service keeps, what for, on which basis, how long, and where it
//! stands. `GET /api/v1/personal-data/me` answers with it, `docs/personal-data.md` shows it, and a test holds it against the
//! tables.
//!
//! Which basis the law gives is our reading of law 27/2022, and no lawyer's: an operator who reads it otherwise changes it
//! here.

use serde::Serialize;
use utoipa::ToSchema;

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// The account's name, address and language, whether it has a second factor and gets digests, and when it was last
    /// signed in with.
    Account,
    /// Where each sign-in came from, and with what.
    SignIns,
    Memberships,
    /// Invitations to the account's address that are still known.
    Invitations,
    /// Events that the person is on the list of.
    Attendance,
    /// Mails to the person: that there was one, and the address until it is sent.
    Mails,
    /// Answers that are kept for safe repeats.
    StoredReplies,
    /// What the person did, on the ledgers.
    Record,
    /// Who was shown this person's data, and whose this person was shown.
    Reads,
    /// Requests about personal data.
    Requests,
}

/// Why the law lets it be kept: a reading of article 20 of law 27/2022, which asks for a basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegalBasis {
    /// The person agreed, and can withdraw.
    Consent,
    /// It serves a task in the public interest.
    PublicTask,
    /// The law asks for it.
    LegalObligation,
}

/// A text in both languages of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InBoth {
    pub id: &'static str,
    pub en: &'static str,
}

/// What is kept of one kind.
pub struct Entry {
    pub kind: DataKind,
    pub basis: LegalBasis,
    pub purpose: InBoth,
    pub retention: InBoth,
    /// The columns that hold it: a table, and those of its columns that say something of a person.
    pub columns: &'static [(&'static str, &'static [&'static str])],
}

const fn both(id: &'static str, en: &'static str) -> InBoth {
    InBoth { id, en }
}

/// All that is kept of people.
pub const REGISTER: &[Entry] = &[
    Entry {
        kind: DataKind::Account,
        basis: LegalBasis::Consent,
        purpose: both(
            "Mengenali siapa yang masuk dan bertindak, dan menyuratinya.",
            "To know who signs in and acts, and to write to them.",
        ),
        retention: both(
            "Selama akun ada; setelah berakhir, sampai masa simpan lewat (bawaan dua tahun), lalu dihapus.",
            "As long as there is the account; after its end until the retention is over (two years by default), then erased.",
        ),
        columns: &[
            (
                "account_people",
                &[
                    "email",
                    "email_folded",
                    "name",
                    "digest",
                    "digest_at",
                    "last_sign_in_at",
                    "restricted_at",
                    "notice_version",
                    "notice_at",
                ],
            ),
            ("account_passwords", &["phc", "set_at"]),
            ("totp_secrets", &["sealed", "made_at", "confirmed_at", "last_step"]),
            ("recovery_codes", &["hash"]),
            ("one_time_tokens", &["email"]),
        ],
    },
    Entry {
        kind: DataKind::SignIns,
        basis: LegalBasis::LegalObligation,
        purpose: both(
            "Agar pemilik akun mengenali sesi asing, dan pelanggaran dapat ditelusuri.",
            "So that its owner knows a stranger's sign-in, and a breach can be traced.",
        ),
        retention: both("90 hari setelah sesi berakhir.", "90 days after the sign-in is over."),
        columns: &[(
            "sign_ins",
            &["made_at", "rotated_at", "ended_at", "address", "user_agent", "factor_shown", "stepped_up_at"],
        )],
    },
    Entry {
        kind: DataKind::Memberships,
        basis: LegalBasis::PublicTask,
        purpose: both(
            "Menyatakan siapa berperan apa bagi organisasi mana.",
            "To say who holds which role for which organisation.",
        ),
        retention: both(
            "Tetap, dengan id akun saja; tanpa nama setelah penghapusan.",
            "For good, with the account's id alone; nameless after an erasure.",
        ),
        columns: &[("membership_revisions", &["account_id", "role", "from_on", "until_on"])],
    },
    Entry {
        kind: DataKind::Invitations,
        basis: LegalBasis::Consent,
        purpose: both("Mengundang seseorang.", "To invite somebody."),
        retention: both(
            "Sampai diterima; bila tidak, 30 hari setelah undangan berakhir.",
            "Until it is accepted; otherwise 30 days after it is over.",
        ),
        columns: &[("invitation_people", &["email", "email_folded"])],
    },
    Entry {
        kind: DataKind::Attendance,
        basis: LegalBasis::PublicTask,
        purpose: both("Mencatat siapa yang hadir atas nama organisasi.", "To record who came for an organisation."),
        retention: both(
            "Selama acara tercatat, atau sampai dihapus; kehadiran organisasinya tetap.",
            "As long as the event is on record, or until erased; the organisation's attendance stays.",
        ),
        columns: &[("attendance_people", &["name", "position", "contact", "account_id"])],
    },
    Entry {
        kind: DataKind::Mails,
        basis: LegalBasis::Consent,
        purpose: both("Mengirim surat layanan.", "To send the service's mail."),
        retention: both(
            "Alamat sampai surat terkirim atau tiga hari; keterangannya 30 hari.",
            "The address until it is sent or for three days; that there was one for 30 days.",
        ),
        columns: &[("mails", &["recipient"])],
    },
    Entry {
        kind: DataKind::StoredReplies,
        basis: LegalBasis::PublicTask,
        purpose: both(
            "Permintaan yang dikirim ulang mendapat jawaban yang sama.",
            "A request that is sent again gets the same answer.",
        ),
        retention: both("Tujuh hari.", "Seven days."),
        columns: &[("stored_replies", &["body"])],
    },
    Entry {
        kind: DataKind::Record,
        basis: LegalBasis::PublicTask,
        purpose: both(
            "Pertanggungjawaban: setiap perubahan, oleh siapa, kapan, mengapa.",
            "Accountability: every change, by whom, when and why.",
        ),
        retention: both(
            "Tetap, dengan id akun saja; teks yang menyebut seseorang dapat dihapus.",
            "For good, with the account's id alone; a text that names somebody can be erased.",
        ),
        columns: &[("ledger_rows", &["account_id", "reason", "body"])],
    },
    Entry {
        kind: DataKind::Reads,
        basis: LegalBasis::LegalObligation,
        purpose: both(
            "Menjawab data siapa dibaca oleh siapa, juga setelah pelanggaran.",
            "To answer whose data was read by whom, after a breach too.",
        ),
        retention: both("Bawaan dua tahun.", "Two years by default."),
        columns: &[("personal_data_reads", &["reader_id", "operation", "person_id"])],
    },
    Entry {
        kind: DataKind::Requests,
        basis: LegalBasis::LegalObligation,
        purpose: both(
            "Memenuhi permintaan tepat waktu dan membuktikannya.",
            "To fulfil requests in time, and to prove it.",
        ),
        retention: both(
            "Tetap, dengan id akun saja; catatannya sampai penghapusan.",
            "For good, with the account's id alone; what was said in words until an erasure.",
        ),
        columns: &[
            ("personal_data_request_notes", &["note", "answer"]),
            ("personal_data_request_revisions", &["account_id", "kind"]),
        ],
    },
];

/// What the documentation shows: a row for each kind.
pub fn table() -> String {
    let rows = REGISTER.iter().map(|entry| {
        let columns = entry.columns.iter().map(|(table, columns)| format!("`{table}`: {}", columns.join(", ")));
        format!(
            "| {} | {} | {} | {} | {} |\n",
            word(&entry.kind),
            entry.purpose.en,
            word(&entry.basis),
            entry.retention.en,
            columns.collect::<Vec<_>>().join("; "),
        )
    });
    rows.collect()
}

/// How a kind or a basis is called in answers.
fn word(of: &impl Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
