//! The words of pages that are ours, in Indonesian and English: the terms that Jakarta's programme uses itself.

use crate::problem::Lang;

/// A word or phrase of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    id: &'static str,
    en: &'static str,
}

impl Label {
    pub const fn of(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Id => self.id,
            Lang::En => self.en,
        }
    }
}

macro_rules! labels {
    ($($name:ident = $id:literal, $en:literal;)+) => {
        $(pub const $name: Label = Label { id: $id, en: $en };)+
    };
}

labels! {
    SKIP = "Langsung ke isi", "Skip to the content";
    PROGRAM = "Program", "Programme";
    CODE = "Kode", "Code";
    KIND = "Jenis", "Kind";
    STATE = "Status", "State";
    DATE = "Tanggal", "Date";
    TIME = "Waktu", "Time";
    VENUE = "Tempat", "Venue";
    CHAIR = "Dipimpin oleh", "Chaired by";
    PHASE = "Tahap", "Phase";
    PARTICIPATION = "Tingkat partisipasi", "Level of participation";
    MINUTES_OF = "Notulen", "Minutes";
    MINUTES_DRAFT = "Rancangan: notulen ini belum disetujui.", "Draft: these minutes are not approved yet.";
    MINUTES_APPROVED = "Disetujui pada catatan buku besar nomor", "Approved at ledger sequence";
    NOT_RECORDED = "Tidak tercatat.", "Not recorded.";
    OBJECTIVES = "Tujuan", "Objectives";
    ATTENDANCE = "Daftar hadir", "Attendance";
    ORGANISATION = "Lembaga", "Organisation";
    CAPACITY = "Peran", "Capacity";
    HEAD_COUNT = "Jumlah orang", "Head-count";
    PRESENT = "Kehadiran", "Presence";
    REPRESENTED_BY = "diwakili oleh", "represented by";
    STAGES = "Jalannya acara", "Stages";
    GROUPS = "Kelompok", "Groups";
    ELECTORATE = "Pemilik suara", "Electorate";
    BALLOTS = "Pemungutan suara", "Ballots";
    BALLOT = "Pemungutan suara", "Ballot";
    METHOD = "Cara", "Method";
    CAST = "Suara masuk", "Votes cast";
    ABSTAINED = "Abstain", "Abstained";
    QUORUM_MET = "Kuorum tercapai", "Quorum met";
    AGREEMENT = "Persetujuan", "Agreement";
    MEDIAN = "Median", "Median";
    SPREAD = "Jangkauan antarkuartil", "Interquartile range";
    RESULT = "Hasil", "Result";
    DISTRIBUTION = "Sebaran suara", "Distribution of votes";
    VALUE = "Pilihan", "Value";
    COUNT = "Jumlah", "Count";
    ANONYMOUS = "Suara rahasia", "Anonymous";
    DECISIONS = "Keputusan", "Decisions";
    QUESTION = "Pertanyaan analisis", "Analysis question";
    REASON = "Alasan", "Reason";
    BEFORE = "Sebelum", "Before";
    AFTER = "Sesudah", "After";
    RESCINDED = "dicabut", "rescinded";
    OUTCOMES = "Keluaran", "Outcomes";
    FOLLOW_UPS = "Tindak lanjut", "Follow-ups";
    FOLLOW_UP = "Tindak lanjut", "Follow-up";
    OWNER = "Penanggung jawab", "Owner";
    DUE = "Tenggat", "Due";
    ANNEX = "Lampiran: perubahan pada pertanyaan analisis", "Annex: what changed in the analysis questions";
    WORDING = "Rumusan", "Wording";
    FIELD = "Bagian", "Field";
    REVISION = "revisi", "revision";
    YES = "ya", "yes";
    NO = "tidak", "no";
    STATEMENT = "Status ketahanan kota", "Resilience statement";
    EDITION = "Edisi", "Edition";
    ADOPTED = "Penetapan", "Adopted";
    PUBLISHED = "Terbit", "Published";
    OVERALL = "Gambaran umum", "Overall account";
    BASIS = "Dasar", "Basis";
    OVERRIDE = "Ditetapkan walau syarat belum lengkap", "Adopted although the gate was not clear";
    EARLIER = "Edisi terdahulu", "Earlier editions";
    SIGNATURE = "Tanda tangan digital", "Digital signature";
    CITE = "Kutip sebagai", "Cite as";
    ADDRESS = "Alamat tetap", "Stable address";
    ASKED_SAID_DID = "Ditanyakan, disampaikan, dilakukan", "Asked, said, done";
    ASKED = "Yang ditanyakan", "What was asked";
    SAID_AND_DONE = "Yang disampaikan, dan tindak lanjutnya", "What was said, and what was done";
    CONSULTATIONS = "Konsultasi", "Consultations";
    CONSULTATION = "Konsultasi", "Consultation";
    QUESTIONS = "Pertanyaan analisis", "Analysis questions";
    TOPIC = "Pokok", "Topic";
    OPENS = "Dibuka", "Opens";
    CLOSES = "Ditutup", "Closes";
    ABOUT = "Tentang", "About";
    RECEIVED = "Diterima", "Received";
    LINKS = "Tautan", "Links";
    DECISION = "Keputusan", "Decision";
    WHY = "Penjelasan", "Explanation";
    CAME_OF_IT = "Hasilnya", "What came of it";
    ANSWER = "Jawaban kepada pengirim", "Answer to the sender";
    NEXT_PAGE = "Halaman berikutnya", "Next page";
    WRITTEN_BY_SERVICE = "Halaman ini ditulis oleh layanan dari catatan program.", "The service wrote this page from the programme's record.";
}

/// The words for a name that the API has for something: a kind, a state, a method.
pub fn of_name(name: &str, lang: Lang) -> String {
    let found = NAMES.iter().find(|(known, ..)| *known == name);
    found.map_or_else(|| name.replace('_', " "), |(_, id, en)| Label { id, en }.of(lang).to_owned())
}

/// Names of the API; the same name means the same wherever it stands.
const NAMES: &[(&str, &str, &str)] = &[
    ("working_session", "sesi kerja", "working session"),
    ("workshop", "lokakarya", "workshop"),
    ("forum", "forum", "forum"),
    ("focus_group", "FGD", "focus group"),
    ("public_consultation", "konsultasi publik", "public consultation"),
    ("seminar", "seminar", "seminar"),
    ("meeting", "rapat", "meeting"),
    ("monitoring_meeting", "rapat pemantauan", "monitoring meeting"),
    ("milestone", "tonggak", "milestone"),
    ("planned", "direncanakan", "planned"),
    ("confirmed", "pasti", "confirmed"),
    ("held", "terlaksana", "held"),
    ("minutes_draft", "notulen dalam rancangan", "minutes in draft"),
    ("minutes_approved", "notulen disetujui", "minutes approved"),
    ("closed", "ditutup", "closed"),
    ("postponed", "ditunda", "postponed"),
    ("cancelled", "dibatalkan", "cancelled"),
    ("inform", "memberi tahu", "inform"),
    ("consult", "meminta pendapat", "consult"),
    ("involve", "melibatkan", "involve"),
    ("collaborate", "bekerja bersama", "collaborate"),
    ("empower", "memberi wewenang", "empower"),
    ("invited", "diundang", "invited"),
    ("represented", "diwakili", "represented"),
    ("attended", "hadir", "attended"),
    ("apologies", "berhalangan", "apologies"),
    ("chair", "pimpinan", "chair"),
    ("secretariat", "sekretariat", "secretariat"),
    ("member", "anggota", "member"),
    ("strategy_partner", "mitra strategi", "strategy partner"),
    ("expert", "ahli", "expert"),
    ("observer", "pengamat", "observer"),
    ("central_government", "pemerintah pusat", "central government"),
    ("provincial_government", "organisasi perangkat daerah", "provincial agency"),
    ("municipal_government", "pemerintah kota atau kabupaten", "municipal government"),
    ("neighbouring_government", "pemerintah daerah tetangga", "neighbouring government"),
    ("state_owned_enterprise", "BUMN", "state-owned enterprise"),
    ("region_owned_enterprise", "BUMD", "region-owned enterprise"),
    ("private_sector", "pihak swasta", "private sector"),
    ("ngo_local", "organisasi non-pemerintah setempat", "local NGO"),
    ("ngo_national", "organisasi non-pemerintah nasional", "national NGO"),
    ("ngo_international", "organisasi non-pemerintah internasional", "international NGO"),
    ("community_group", "komunitas", "community group"),
    ("academia", "akademisi", "academia"),
    ("research_institute", "lembaga penelitian", "research institute"),
    ("professional_association", "asosiasi profesi", "professional association"),
    ("media", "media", "media"),
    ("development_partner", "mitra pembangunan", "development partner"),
    ("city_network", "jejaring kota", "city network"),
    ("intergovernmental", "organisasi antarpemerintah", "intergovernmental organisation"),
    ("programme_secretariat", "sekretariat program", "programme secretariat"),
    ("other", "lainnya", "other"),
    ("consensus", "mufakat", "consensus"),
    ("agreement", "skala persetujuan", "agreement on a scale"),
    ("dots", "pilihan titik", "dot voting"),
    ("agree", "setuju", "agree"),
    ("agree_with_reservation", "setuju dengan catatan", "agree with reservation"),
    ("object", "keberatan", "object"),
    ("abstain", "abstain", "abstain"),
    ("agreed", "disepakati", "agreed"),
    ("agreed_with_reservations", "disepakati dengan catatan", "agreed with reservations"),
    ("not_agreed", "tidak disepakati", "not agreed"),
    ("none", "tanpa hasil", "none"),
    ("keep", "tetap", "keep"),
    ("revise", "diubah", "revise"),
    ("move", "dipindahkan", "move"),
    ("merge", "digabungkan", "merge"),
    ("split", "dipecah", "split"),
    ("retire", "tidak dipakai lagi", "retire"),
    ("defer", "ditunda", "defer"),
    ("open", "terbuka", "open"),
    ("in_progress", "berjalan", "in progress"),
    ("done", "selesai", "done"),
    ("dropped", "tidak dilanjutkan", "dropped"),
    ("draft", "rancangan", "draft"),
    ("decided", "diputuskan", "decided"),
    ("void", "batal", "void"),
    ("endorse", "mendukung", "endorse"),
    ("endorse_with_reservation", "mendukung dengan catatan", "endorse with reservation"),
    ("question", "pertanyaan analisis", "analysis question"),
    ("mapping", "pemetaan", "mapping"),
    ("criterion", "kriteria dasar", "base criterion"),
    ("ballot", "pemungutan suara", "ballot"),
    ("standing", "berlaku", "standing"),
    ("answered", "terjawab", "answered"),
    ("text", "rumusan", "wording"),
    ("code", "kode", "code"),
    ("state", "status", "state"),
    ("emphases", "penekanan", "emphases"),
    ("validated", "tervalidasi", "validated"),
    ("proposed", "diusulkan", "proposed"),
    ("in_review", "sedang dibahas", "in review"),
    ("not_fitting", "tidak cocok", "not fitting"),
    ("merged", "digabungkan", "merged"),
    ("retired", "tidak dipakai lagi", "retired"),
    ("comment", "tanggapan", "comment"),
    ("evidence", "bukti", "evidence"),
    ("proposal", "usulan", "proposal"),
    ("objection", "keberatan", "objection"),
    ("received", "diterima", "received"),
    ("acknowledged", "dikonfirmasi", "acknowledged"),
    ("more_information_needed", "menunggu keterangan pengirim", "more information needed"),
    ("withdrawn", "ditarik", "withdrawn"),
    ("quarantined", "disisihkan", "set aside"),
    ("accepted", "diterima", "accepted"),
    ("accepted_in_part", "diterima sebagian", "accepted in part"),
    ("deferred", "ditunda", "deferred"),
    ("out_of_scope", "di luar lingkup", "out of scope"),
    ("already_covered", "sudah tercakup", "already covered"),
    ("not_accepted", "tidak diterima", "not accepted"),
    ("focus_area", "area fokus", "focus area"),
    ("statement", "status ketahanan kota", "resilience statement"),
    ("phase", "tahap", "phase"),
    ("event", "acara", "event"),
    ("consultation", "konsultasi", "consultation"),
    ("id", "bahasa Indonesia", "Indonesian"),
    ("en", "bahasa Inggris", "English"),
];
