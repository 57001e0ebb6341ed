//! What mails say, in the language of whom they go to. A token is made here, for the mail that is about to be sent.

use chrono::{DateTime, TimeDelta, Utc};

use super::queue::{Claimed, MailKind};
use crate::{
    accounts::Account,
    config::Settings,
    db::AnyConnection,
    digests,
    invitations::Invitation,
    one_time::Purpose,
    personal_data::{self, DataRequest, DataRequestKind, DataRequestState},
    problem::{Lang, Problem, Text},
    service::Service,
};

/// How long a token holds that was asked for by somebody who forgot the password, and one that proves an address.
const RESET_LIFE: TimeDelta = TimeDelta::hours(1);
const CHANGE_LIFE: TimeDelta = TimeDelta::hours(24);

/// A mail as it is sent.
pub struct Letter {
    pub subject: String,
    pub text: String,
}

/// How late a digest may be: the next one says more.
const DIGEST_LATEST: TimeDelta = TimeDelta::hours(12);

/// Writes a mail. Nothing where nobody is to get it: the address is nobody's, or is taken, or the invitation is over, or
/// nothing waits for anybody.
pub(super) fn write(conn: &mut AnyConnection, service: &Service, mail: &Claimed) -> Result<Option<Letter>, Problem> {
    let (now, settings) = (service.clock.now(), &service.settings);
    let (lang, text) = match mail.kind {
        MailKind::PasswordReset => {
            let Some((account, language)) = Account::with_password(conn, &mail.recipient, now)? else {
                return Ok(None);
            };
            let ends = now + RESET_LIFE;
            let token = Purpose::PasswordReset.issue(conn, account, None, ends)?;
            (language.into(), reset(settings, &token, ends))
        }
        MailKind::EmailChange => {
            let Some(account) = mail.account else { return Ok(None) };
            if Account::by_email(conn, &mail.recipient)?.is_some() {
                return Ok(None);
            }
            let ends = now + CHANGE_LIFE;
            let token = Purpose::EmailChange.issue(conn, account, Some(&mail.recipient), ends)?;
            (mail.language.into(), change(settings, &token, ends))
        }
        MailKind::Invitation => {
            let Some(invitation) = mail.subject else { return Ok(None) };
            let Some(invitation) = Invitation::waiting(conn, invitation, now)? else { return Ok(None) };
            let ends = invitation.expires_at;
            let token = Purpose::Invitation.issue(conn, invitation.meta.id, Some(&mail.recipient), ends)?;
            let program = invitation.membership.as_ref().map(|membership| membership.program.as_str());
            (mail.language.into(), invite(settings, program, &token, ends))
        }
        MailKind::Account => {
            let Some(account) = mail.account else { return Ok(None) };
            let Some((token, ends)) = Account::mailed_token(conn, account, &mail.recipient, now)? else {
                return Ok(None);
            };
            (mail.language.into(), welcome(settings, &token, ends))
        }
        MailKind::Digest => {
            let Some(account) = mail.account.filter(|_| now - mail.made_at < DIGEST_LATEST) else { return Ok(None) };
            let Some(written) = digests::write(conn, settings, account, &mail.recipient, now)? else {
                return Ok(None);
            };
            written
        }
        MailKind::PasswordChanged => (mail.language.into(), password_changed(settings)),
        MailKind::EmailChanged => (mail.language.into(), email_changed(settings)),
        MailKind::SecondFactorSet => (mail.language.into(), second_factor_set(settings)),
        MailKind::SecondFactorRemoved => (mail.language.into(), second_factor_removed(settings)),
        MailKind::PersonalData => {
            let Some(request) = mail.subject else { return Ok(None) };
            let Some((request, answer)) = personal_data::told_of(conn, request)? else { return Ok(None) };
            (mail.language.into(), data_request(settings, &request, answer.as_deref()))
        }
    };
    Ok(Some(letter(settings, lang, &text)))
}

/// Subject and body in both languages.
pub struct Written {
    pub subject: Text,
    pub body: Text,
}

fn letter(settings: &Settings, lang: Lang, written: &Written) -> Letter {
    let signed = match lang {
        Lang::Id => "Surel ini dikirim secara otomatis oleh",
        Lang::En => "This mail was sent automatically by",
    };
    let text = format!("{}\n\n-- \n{signed} {}\n", written.body.of(lang), settings.public_url);
    Letter { subject: written.subject.of(lang).to_owned(), text }
}

/// What to do with a token: a link into the application that people use, or where there is none, the token and where it
/// is taken. It stands behind a `#`, so that no server is told of it.
fn with_token(settings: &Settings, page: &str, operation: &str, token: &str) -> Text {
    match &settings.mail.app_url {
        Some(app) => {
            let link = format!("{app}/{page}#token={token}");
            Text::new(format!("Buka tautan ini:\n\n{link}"), format!("Open this link:\n\n{link}"))
        }
        None => {
            let place = format!("{}/api/v1/auth/{operation}", settings.public_url);
            Text::new(
                format!("Pakai token ini di aplikasi Anda, atau kirim ke\n{place}\n\n{token}"),
                format!("Use this token in your application, or send it to\n{place}\n\n{token}"),
            )
        }
    }
}

fn until(at: DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%Y-%m-%d %H:%M UTC")
}

fn reset(settings: &Settings, token: &str, ends: DateTime<Utc>) -> Written {
    let how = with_token(settings, "password-reset", "password-resets", token);
    Written {
        subject: Text::new("Kata sandi baru untuk Tangguh", "A new password for Tangguh"),
        body: Text::new(
            format!(
                "Seseorang, mungkin Anda, meminta kata sandi baru untuk akun Anda.\n\n{}\n\nBerlaku sampai {}, \
                 sekali saja. Bila bukan Anda, abaikan surel ini: kata sandi Anda tidak berubah.",
                how.id,
                until(ends)
            ),
            format!(
                "Somebody, perhaps you, asked for a new password of your account.\n\n{}\n\nIt is good until {}, and \
                 once. If it was not you, ignore this mail: your password has not changed.",
                how.en,
                until(ends)
            ),
        ),
    }
}

fn change(settings: &Settings, token: &str, ends: DateTime<Utc>) -> Written {
    let how = with_token(settings, "email-change", "email-changes", token);
    Written {
        subject: Text::new("Alamat baru untuk akun Tangguh", "A new address for a Tangguh account"),
        body: Text::new(
            format!(
                "Seseorang, mungkin Anda, ingin memakai alamat ini untuk akunnya.\n\n{}\n\nBerlaku sampai {}, sekali \
                 saja. Bila bukan Anda, abaikan surel ini: tidak ada yang berubah.",
                how.id,
                until(ends)
            ),
            format!(
                "Somebody, perhaps you, wants to use this address for their account.\n\n{}\n\nIt is good until {}, and \
                 once. If it was not you, ignore this mail: nothing has changed.",
                how.en,
                until(ends)
            ),
        ),
    }
}

fn invite(settings: &Settings, program: Option<&str>, token: &str, ends: DateTime<Utc>) -> Written {
    let how = with_token(settings, "invitation", "invitations", token);
    let (program_id, program_en) = match program {
        Some(program) => (format!("program {program} di Tangguh"), format!("the programme {program} on Tangguh")),
        None => ("Tangguh".to_owned(), "Tangguh".to_owned()),
    };
    Written {
        subject: Text::new("Undangan ke Tangguh", "An invitation to Tangguh"),
        body: Text::new(
            format!(
                "Anda diundang ke {program_id}. Terima undangan ini dengan nama Anda dan sebuah kata sandi (12 \
                 karakter atau lebih).\n\n{}\n\nBerlaku sampai {}, sekali saja.",
                how.id,
                until(ends)
            ),
            format!(
                "You are invited to {program_en}. Accept with your name and a password (12 characters or \
                 more).\n\n{}\n\nIt is good until {}, and once.",
                how.en,
                until(ends)
            ),
        ),
    }
}

fn welcome(settings: &Settings, token: &str, ends: DateTime<Utc>) -> Written {
    let how = with_token(settings, "password", "password", token);
    Written {
        subject: Text::new("Akun Tangguh Anda", "Your Tangguh account"),
        body: Text::new(
            format!(
                "Seorang pengelola membuat akun untuk Anda di {}. Tetapkan kata sandi (12 karakter atau lebih), lalu \
                 masuk dengan alamat surel ini.\n\n{}\n\nBerlaku sampai {}, sekali saja.",
                settings.public_url,
                how.id,
                until(ends)
            ),
            format!(
                "An admin made an account for you at {}. Set a password (12 characters or more), then sign in with \
                 this address.\n\n{}\n\nIt is good until {}, and once.",
                settings.public_url,
                how.en,
                until(ends)
            ),
        ),
    }
}

fn password_changed(settings: &Settings) -> Written {
    Written {
        subject: Text::new("Kata sandi Tangguh Anda telah diganti", "Your Tangguh password has changed"),
        body: Text::new(
            format!(
                "Kata sandi akun Anda di {} baru saja diganti. Bila bukan Anda, minta kata sandi baru sekarang juga dan \
                 beri tahu pengelola.",
                settings.public_url
            ),
            format!(
                "The password of your account at {} was changed just now. If it was not you, ask for a new one at once \
                 and tell an admin.",
                settings.public_url
            ),
        ),
    }
}

fn email_changed(settings: &Settings) -> Written {
    Written {
        subject: Text::new("Alamat akun Tangguh Anda telah diganti", "The address of your Tangguh account has changed"),
        body: Text::new(
            format!(
                "Akun Anda di {} baru saja mendapat alamat lain, dan alamat ini tidak dipakai lagi. Bila bukan Anda, \
                 beri tahu pengelola sekarang juga.",
                settings.public_url
            ),
            format!(
                "Your account at {} got another address just now, and this one is not used any more. If it was not you, \
                 tell an admin at once.",
                settings.public_url
            ),
        ),
    }
}

fn second_factor_set(settings: &Settings) -> Written {
    Written {
        subject: Text::new("Akun Tangguh Anda memakai faktor kedua", "Your Tangguh account has a second factor"),
        body: Text::new(
            format!(
                "Untuk masuk dengan akun Anda di {} sekarang diperlukan kode dari aplikasi autentikator yang baru saja \
                 dipasang. Bila bukan Anda, beri tahu pengelola sekarang juga.",
                settings.public_url
            ),
            format!(
                "Signing in with your account at {} now takes a code of the authenticator app that was set up just now. \
                 If it was not you, tell an admin at once.",
                settings.public_url
            ),
        ),
    }
}

fn second_factor_removed(settings: &Settings) -> Written {
    Written {
        subject: Text::new(
            "Akun Tangguh Anda tanpa faktor kedua",
            "Your Tangguh account has no second factor any more",
        ),
        body: Text::new(
            format!(
                "Faktor kedua akun Anda di {} baru saja dihapus: untuk masuk cukup kata sandi. Pasang yang baru bila \
                 peran Anda memerlukannya. Bila Anda tidak memintanya, beri tahu pengelola sekarang juga.",
                settings.public_url
            ),
            format!(
                "The second factor of your account at {} was taken away just now: the password alone signs in. Set up a \
                 new one if your role needs it. If you did not ask for this, tell an admin at once.",
                settings.public_url
            ),
        ),
    }
}

fn data_request(settings: &Settings, request: &DataRequest, answer: Option<&str>) -> Written {
    let (kind_id, kind_en) = match request.kind {
        DataRequestKind::Access => ("melihat data Anda", "to see your data"),
        DataRequestKind::Correction => ("membetulkan data Anda", "to have your data corrected"),
        DataRequestKind::Restriction => ("membatasi pemakaian data Anda", "to have the use of your data restricted"),
        DataRequestKind::Lifting => ("mengakhiri pembatasan data Anda", "to have the restriction of your data lifted"),
        DataRequestKind::Withdrawal => ("berhenti ikut serta", "to take part no longer"),
        DataRequestKind::Erasure => ("menghapus data Anda", "to have your data erased"),
        DataRequestKind::Objection => ("menolak keputusan oleh mesin", "that no machine decide about you"),
    };
    let (came_id, came_en) = match request.state {
        DataRequestState::Refused => ("ditolak", "was refused"),
        DataRequestState::Done | DataRequestState::Received => ("telah dipenuhi", "has been fulfilled"),
    };
    let said = answer.map(|answer| format!("\n\n{answer}")).unwrap_or_default();
    let place = &settings.public_url;
    Written {
        subject: Text::new("Permintaan Anda tentang data pribadi", "Your request about personal data"),
        body: Text::new(
            format!("Permintaan Anda di {place} untuk {kind_id} {came_id}.{said}"),
            format!("Your request at {place} {kind_en} {came_en}.{said}"),
        ),
    }
}
