//! What makes rows of ledgers, told in words: the types of the events that feeds and ledgers tell of.

use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::{Feed, Kind};
use crate::{accounts::Account, versioned::Resource};

/// A type of event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventType {
    /// The action's name.
    #[serde(rename = "type")]
    #[schema(example = "question.revise")]
    pub name: &'static str,
    /// The kinds of things that it changes.
    #[schema(example = json!(["question"]))]
    pub subject_kinds: &'static [&'static str],
    /// The feeds that tell of it: a programme's, the platform's; none where only the ledger does.
    pub feeds: Vec<FeedName>,
    /// What happened, in one sentence.
    pub description: Sentence,
}

/// Where changes are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedName {
    Program,
    Platform,
}

/// A sentence in both languages of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sentence {
    pub id: &'static str,
    pub en: &'static str,
}

/// What erases accounts.
const ERASURE: &str = "personal_data.complete";

type Line = (&'static str, &'static [&'static str], &'static str, &'static str);

#[rustfmt::skip]
const LINES: &[Line] = &[
    ("me.edit", &["account"], "Seseorang mengubah nama, bahasa, atau ringkasannya sendiri.", "Somebody changed their own name, language or digest."),
    ("me.change_password", &["account"], "Seseorang mengganti kata sandinya.", "Somebody changed their password."),
    ("me.change_second_factor", &["account"], "Seseorang memasang, mengganti, atau menghapus faktor keduanya, atau meminta kode pemulihan baru.", "Somebody set up, changed or removed their second factor, or asked for new recovery codes."),
    ("account.create", &["account"], "Sebuah akun dibuat.", "An account was made."),
    ("account.import", &["account", "membership"], "Sebuah akun dibuat dari berkas, mungkin dengan keanggotaannya.", "An account was made from a file, perhaps with its membership."),
    ("account.edit", &["account"], "Sebuah akun diubah.", "An account was edited."),
    ("account.lock", &["account"], "Sebuah akun dikunci.", "An account was locked."),
    ("account.unlock", &["account"], "Sebuah akun dibuka kembali.", "An account was unlocked."),
    ("account.renew_token", &["account"], "Token sekali pakai baru dibuat untuk menetapkan kata sandi.", "A new one-time token was made for setting a password."),
    ("account.set_password", &["account"], "Kata sandi ditetapkan dengan token sekali pakai.", "A password was set with a one-time token."),
    ("account.reset_password", &["account"], "Kata sandi diganti dengan token dari surel.", "A password was set anew with a token from a mail."),
    ("account.change_email", &["account"], "Sebuah akun mendapat alamat surel lain.", "An account got another e-mail address."),
    ("account.reset_second_factor", &["account"], "Faktor kedua sebuah akun dihapus pengelola karena hilang.", "The second factor of an account was taken away by an admin, since it was lost."),
    ("account.end_sign_ins", &["account"], "Semua sesi masuk sebuah akun diakhiri pengelola.", "All sign-ins of an account were ended by an admin."),

    ("personal_data.ask", &["personal_data_request"], "Seseorang meminta sesuatu tentang data pribadinya.", "Somebody asked something about their personal data."),
    ("personal_data.complete", &["personal_data_request", "account", "membership"], "Permintaan tentang data pribadi dijawab; mungkin sebuah akun dikunci atau dihapus dan keanggotaannya berakhir.", "A request about personal data was answered; an account may have been locked or erased, and its memberships ended."),

    ("invitation.send", &["invitation"], "Seseorang diundang.", "Somebody was invited."),
    ("invitation.revoke", &["invitation"], "Sebuah undangan dicabut.", "An invitation was revoked."),
    ("invitation.accept", &["account", "membership", "invitation"], "Sebuah undangan diterima: akun dan keanggotaannya dibuat.", "An invitation was accepted: its account and membership were made."),
    ("invitation.expire", &["invitation"], "Sebuah undangan tidak diterima pada waktunya.", "An invitation was not accepted in time."),

    ("stakeholder.create", &["stakeholder"], "Sebuah organisasi dimasukkan.", "An organisation was entered."),
    ("stakeholder.import", &["stakeholder"], "Sebuah organisasi dimasukkan dari berkas.", "An organisation was entered from a file."),
    ("stakeholder.edit", &["stakeholder"], "Data sebuah organisasi diubah.", "An organisation was edited."),
    ("stakeholder.confirm", &["stakeholder"], "Sebuah organisasi dikonfirmasi.", "An organisation was confirmed."),
    ("stakeholder.reorganise", &["stakeholder", "membership", "client", "webhook", "participant", "follow_up", "focus_area"], "Organisasi digabung atau dipecah, dan apa yang masih berjalan berpindah bersamanya.", "Organisations were merged or split, and what was under way moved with them."),
    ("framework.load", &["framework"], "Sebuah edisi kerangka dimuat.", "An edition of a framework was loaded."),

    ("program.create", &["program"], "Program dimulai.", "The programme was begun."),
    ("program.edit", &["program"], "Program diubah.", "The programme was edited."),
    ("program.archive", &["program"], "Program diarsipkan.", "The programme was archived."),
    ("participant.add", &["participant", "stakeholder"], "Sebuah organisasi menjadi peserta, mungkin yang baru dimasukkan untuk itu.", "An organisation became a participant, perhaps one that was entered for that."),
    ("participant.edit", &["participant"], "Keikutsertaan sebuah organisasi diubah.", "How an organisation takes part was edited."),
    ("participant.remove", &["participant"], "Sebuah organisasi tidak lagi menjadi peserta.", "An organisation is no participant any more."),
    ("membership.grant", &["membership"], "Sebuah peran diberikan.", "A role was granted."),
    ("membership.edit", &["membership"], "Sebuah keanggotaan diubah.", "A membership was edited."),
    ("membership.end", &["membership"], "Sebuah keanggotaan diakhiri.", "A membership was ended."),
    ("membership.confirm", &["membership"], "Sebuah keanggotaan dikonfirmasi masih benar.", "A membership was confirmed to be right still."),
    ("membership.due", &["membership"], "Sebuah keanggotaan sudah dua belas bulan tidak dikonfirmasi, dan berakhir sebulan lagi.", "A membership was not confirmed for twelve months, and ends in a month."),
    ("membership.lapse", &["membership"], "Sebuah keanggotaan berakhir karena tiga belas bulan tidak dikonfirmasi.", "A membership ended, since nobody confirmed it for thirteen months."),

    ("client.make", &["client"], "Sebuah klien dibuat.", "A client was made."),
    ("client.edit", &["client"], "Sebuah klien diubah.", "A client was edited."),
    ("client.revoke", &["client"], "Sebuah klien dicabut.", "A client was revoked."),
    ("client.make_key", &["client"], "Sebuah kunci klien dibuat.", "A key of a client was made."),
    ("client.end_key", &["client"], "Sebuah kunci klien diakhiri.", "A key of a client was ended."),
    ("client.expiring", &["client"], "Masa sebuah klien akan habis dalam 30 hari, 7 hari, atau besok.", "A client is about to end: in 30 days, in 7 days, tomorrow."),

    ("phase.plan", &["phase"], "Sebuah fase direncanakan.", "A phase was planned."),
    ("phase.edit", &["phase"], "Sebuah fase diubah.", "A phase was edited."),
    ("phase.activate", &["phase"], "Sebuah fase dimulai.", "A phase was begun."),
    ("phase.complete", &["phase"], "Sebuah fase diselesaikan.", "A phase was completed."),
    ("focus_area.name", &["focus_area"], "Sebuah area fokus ditetapkan.", "A focus area was named."),
    ("focus_area.edit", &["focus_area"], "Sebuah area fokus diubah.", "A focus area was edited."),
    ("focus_area.retire", &["focus_area"], "Sebuah area fokus tidak dipakai lagi.", "A focus area was retired."),
    ("shock_or_stress.name", &["shock_or_stress"], "Sebuah guncangan atau tekanan ditetapkan.", "A shock or stress was named."),
    ("shock_or_stress.edit", &["shock_or_stress"], "Sebuah guncangan atau tekanan diubah.", "A shock or stress was edited."),

    ("question.ask", &["question"], "Sebuah pertanyaan diajukan.", "A question was asked."),
    ("question.revise", &["question"], "Rumusan sebuah pertanyaan diperbaiki.", "The wording of a question was revised."),
    ("question.review", &["question"], "Sebuah pertanyaan melangkah dalam pembahasannya.", "A question took a step in its review."),
    ("question.validate", &["question"], "Sebuah pertanyaan disahkan.", "A question was validated."),
    ("question.reorganise", &["question"], "Pertanyaan dipindahkan, digabung, dipecah, atau tidak dipakai lagi.", "Questions were moved, merged, split or retired."),
    ("document.add", &["document"], "Sebuah dokumen didaftarkan.", "A document was added."),
    ("document.edit", &["document"], "Keterangan sebuah dokumen diubah.", "A document was edited."),

    ("event.plan", &["event"], "Sebuah acara direncanakan.", "An event was planned."),
    ("event.edit", &["event", "stage"], "Sebuah acara diubah, atau tahapnya ditambahkan atau diubah.", "An event was edited, or a stage of it was added or edited."),
    ("event.advance", &["event"], "Sebuah acara melangkah: ditetapkan, diadakan, dicatat, ditutup, ditunda, atau dibatalkan.", "An event took a step: it was confirmed, held, minuted, closed, postponed or cancelled."),
    ("event.run", &["attendance", "follow_up", "ballot", "vote", "decision", "question"], "Sesuatu dalam sebuah acara dicatat: kehadiran, tindak lanjut, pemungutan suara, atau keputusan dan akibatnya pada pertanyaan.", "Something in an event was recorded: attendance, a follow-up, a ballot, or a decision and what it did to questions."),
    ("follow_up.report", &["follow_up"], "Kemajuan sebuah tindak lanjut dilaporkan.", "The progress of a follow-up was reported."),
    ("ballot.vote", &["vote"], "Suara sebuah organisasi diberikan, diubah, atau ditarik.", "The vote of an organisation was cast, changed or rescinded."),

    ("mapping.propose", &["mapping"], "Sebuah pemetaan ke kerangka diusulkan.", "A mapping to a framework was proposed."),
    ("mapping.validate", &["mapping"], "Sebuah pemetaan disahkan atau ditolak.", "A mapping was validated or rejected."),
    ("mapping.withdraw", &["mapping"], "Sebuah pemetaan ditarik.", "A mapping was withdrawn."),
    ("criterion.propose", &["criterion"], "Sebuah kriteria dasar diusulkan.", "A base criterion was proposed."),
    ("criterion.edit", &["criterion"], "Sebuah kriteria dasar diubah.", "A base criterion was edited."),
    ("criterion.validate", &["criterion"], "Sebuah kriteria dasar disahkan atau ditolak.", "A base criterion was validated or rejected."),
    ("criterion.withdraw", &["criterion"], "Sebuah kriteria dasar ditarik.", "A base criterion was withdrawn."),

    ("statement.draft", &["statement"], "Sebuah pernyataan ketahanan disusun.", "A resilience statement was drafted."),
    ("statement.revise", &["statement"], "Sebuah pernyataan ketahanan diperbaiki.", "A resilience statement was revised."),
    ("statement.advance", &["statement"], "Sebuah pernyataan melangkah menuju penetapannya.", "A statement took a step towards its adoption."),
    ("statement.position", &["position"], "Sebuah organisasi menyatakan sikapnya terhadap sebuah pernyataan.", "An organisation took a position on a statement."),
    ("statement.answer", &["position"], "Sebuah keberatan dijawab.", "An objection was answered."),
    ("statement.adopt", &["statement"], "Sebuah pernyataan ditetapkan.", "A statement was adopted."),
    ("statement.publish", &["statement"], "Sebuah pernyataan diterbitkan; yang digantikannya ditandai.", "A statement was published; the one that it supersedes says so."),

    ("consultation.create", &["consultation"], "Sebuah konsultasi dibuka untuk masukan.", "A consultation was made: a call for input."),
    ("consultation.edit", &["consultation"], "Sebuah konsultasi diubah.", "A consultation was edited."),
    ("input.send", &["input"], "Sebuah masukan dikirim.", "An input was sent."),
    ("input.correct", &["input"], "Sebuah masukan diperbaiki atau dilengkapi pengirimnya.", "An input was corrected or completed by its sender."),
    ("input.withdraw", &["input"], "Sebuah masukan ditarik pengirimnya.", "An input was withdrawn by its sender."),
    ("input.decide", &["input"], "Sebuah masukan melangkah: diterima, ditinjau, diputuskan, atau dijawab.", "An input took a step: it was acknowledged, reviewed, decided or answered."),

    ("webhook.create", &["webhook"], "Sebuah webhook dibuat.", "A webhook was made."),
    ("webhook.edit", &["webhook"], "Sebuah webhook diubah, diaktifkan, atau dinonaktifkan.", "A webhook was edited, or switched on or off."),
    ("webhook.delete", &["webhook"], "Sebuah webhook dihapus.", "A webhook was deleted."),
    ("webhook.renew_secret", &["webhook"], "Rahasia baru dibuat untuk sebuah webhook.", "A new secret was made for a webhook."),
    ("webhook.skip", &["webhook"], "Pesan yang gagal terkirim ke sebuah webhook dilewati.", "A message that did not go through to a webhook was skipped."),
    ("webhook.replay", &["webhook"], "Pesan-pesan sebuah webhook dikirim lagi.", "Messages of a webhook were sent again."),
    ("webhook.disable", &["webhook"], "Layanan menonaktifkan sebuah webhook: pesannya tidak sampai, atau organisasinya tidak lagi menjadi anggota.", "The service disabled a webhook: its messages did not go through, or its organisation is no member any more."),
];

impl EventType {
    fn of((name, subject_kinds, id, en): Line) -> EventType {
        // Of accounts, a feed tells of an erasure alone.
        let told = subject_kinds.iter().filter(|kind| **kind != Account::KIND || name == ERASURE);
        let feeds = told.filter_map(|kind| Kind::feed_of(kind)).map(|feed| match feed {
            Feed::Program => FeedName::Program,
            Feed::Platform => FeedName::Platform,
        });
        let feeds = feeds.collect::<BTreeSet<_>>().into_iter().collect();
        EventType { name, subject_kinds, feeds, description: Sentence { id, en } }
    }

    pub fn all() -> Vec<EventType> {
        LINES.iter().copied().map(EventType::of).collect()
    }

    pub fn named(name: &str) -> Option<EventType> {
        LINES.iter().copied().find(|(known, ..)| *known == name).map(EventType::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Action;

    /// What only reads makes no row.
    fn writes(action: &&Action) -> bool {
        let reads =
            ["program.list", "program.summarize", "program.follow", "access.explain", "access.review", "webhook.test"];
        // What they change is on no ledger: the address changes when it is confirmed.
        let reads = [&reads[..], &["me.change_email", "me.end_sign_in", "me.step_up", "personal_data.review"]].concat();
        !action.name().ends_with(".read") && !reads.contains(&action.name())
    }

    #[test]
    fn every_action_that_writes_is_a_type_once() {
        let types: BTreeSet<&str> = EventType::all().iter().map(|known| known.name).collect();
        assert_eq!(types.len(), LINES.len());
        // What the service does itself stands in no policy.
        let own = ["account.set_password", "account.reset_password", "account.change_email", "invitation.accept"];
        let own = own.into_iter().chain(["invitation.expire", "client.expiring", "framework.load", "webhook.disable"]);
        let own = own.chain(["membership.due", "membership.lapse"]);
        let actions = Action::ALL.iter().filter(writes).map(|action| action.name()).chain(own);
        assert_eq!(types, actions.collect());
    }

    #[test]
    fn each_is_told_in_both_languages_and_where_it_is_followed() {
        for known in EventType::all() {
            let Sentence { id, en } = known.description;
            assert!(id != en && [id, en].iter().all(|text| text.ends_with('.')), "{}", known.name);
            let of_people = known
                .subject_kinds
                .iter()
                .all(|kind| ["account", "invitation", "personal_data_request"].contains(kind));
            assert_eq!(known.feeds.is_empty(), of_people, "{}", known.name);
        }
        let feeds = |name| EventType::named(name).unwrap().feeds;
        assert_eq!(feeds("stakeholder.edit"), [FeedName::Platform]);
        assert_eq!(feeds("event.run"), [FeedName::Program]);
        // A new organisation may be entered by adding it.
        assert_eq!(feeds("participant.add"), [FeedName::Program, FeedName::Platform]);
        assert!(EventType::named("question.read").is_none());
    }
}
