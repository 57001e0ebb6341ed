//! The pages that the `type` of a problem leads to: what it means and what to do about it.

use super::Lang;

/// One text in Indonesian and English.
type Both = (&'static str, &'static str);

pub struct Page {
    /// The last segment of `type`.
    pub name: &'static str,
    pub status: u16,
    pub(super) title: Both,
    pub(super) meaning: Both,
    pub(super) remedy: Both,
}

impl Page {
    pub fn title(&self, lang: Lang) -> &'static str {
        choose(self.title, lang)
    }

    pub fn meaning(&self, lang: Lang) -> &'static str {
        choose(self.meaning, lang)
    }

    /// What a client can do about it.
    pub fn remedy(&self, lang: Lang) -> &'static str {
        choose(self.remedy, lang)
    }
}

fn choose((id, en): Both, lang: Lang) -> &'static str {
    match lang {
        Lang::Id => id,
        Lang::En => en,
    }
}

pub fn pages() -> &'static [Page] {
    PAGES
}

pub fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.name == name)
}

/// The page of one kind of problem as HTML; `None` for a name that no problem has.
pub fn html(name: &str, lang: Lang) -> Option<String> {
    let page = page(name)?;
    let (tag, title) = (lang.tag(), page.title(lang));
    let (meaning, remedy) = (page.meaning(lang), page.remedy(lang));
    let (about, to_do) = match lang {
        Lang::Id => ("Artinya", "Yang dapat dilakukan"),
        Lang::En => ("What it means", "What to do"),
    };
    let (name, status) = (page.name, page.status);
    Some(format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} – Tangguh</title>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
         <p>HTTP {status}, <code>/problems/{name}</code></p>\n\
         <h2>{about}</h2>\n<p>{meaning}</p>\n<h2>{to_do}</h2>\n<p>{remedy}</p>\n\
         </main>\n</body>\n</html>\n"
    ))
}

/// The texts stand in HTML as they are: none has `<` or `&`.
#[rustfmt::skip]
static PAGES: &[Page] = &[
    Page {
        name: "unauthenticated", status: 401,
        title: ("Belum masuk", "Not signed in"),
        meaning: ("Permintaan ini memerlukan token akses, dan tidak ada yang dikirim.", "This request needs an access token, and none was sent."),
        remedy: ("Masuk dengan POST /api/v1/auth/login, lalu sertakan token aksesnya pada header Authorization: Bearer.", "Sign in with POST /api/v1/auth/login, and send the access token as Authorization: Bearer."),
    },
    Page {
        name: "invalid-token", status: 401,
        title: ("Token tidak berlaku", "The token is not valid"),
        meaning: ("Token yang dikirim sudah kedaluwarsa, telah dicabut, atau tidak dibuat oleh layanan ini.", "The token that was sent has expired, was revoked, or was not made by this service."),
        remedy: ("Perbarui token dengan POST /api/v1/auth/refresh atau masuk kembali.", "Refresh the token with POST /api/v1/auth/refresh or sign in again."),
    },
    Page {
        name: "invalid-credentials", status: 401,
        title: ("Gagal masuk", "Sign-in failed"),
        meaning: ("Alamat surel, kata sandi, atau kode tidak cocok, atau akun tidak aktif. Mana yang salah sengaja tidak disebutkan.", "The address, password or code is not right, or the account is not active. Which of them is deliberately not said."),
        remedy: ("Periksa isian dan coba lagi. Percobaan yang terlalu sering akan ditolak untuk sementara.", "Check what you entered and try again. Trying too often is refused for a while."),
    },
    Page {
        name: "code-required", status: 401,
        title: ("Kode diperlukan", "A code is needed"),
        meaning: ("Kata sandinya benar, dan akun ini memakai faktor kedua, tetapi kodenya tidak dikirim.", "The password is right, and the account has a second factor, but its code was not sent."),
        remedy: ("Masuk lagi dengan code: kode enam angka dari aplikasi autentikator, atau satu kode pemulihan.", "Sign in again with code: the six digits of the authenticator app, or a recovery code."),
    },
    Page {
        name: "second-factor-required", status: 403,
        title: ("Faktor kedua diperlukan", "A second factor is needed"),
        meaning: ("Peran yang mengizinkan ini hanya berlaku bila sesi masuk telah menunjukkan faktor kedua. Sampai saat itu peran tersebut dianggap tidak ada.", "The role that allows this counts only where the sign-in has shown a second factor. Until then it is as if you did not have it."),
        remedy: ("Minta rahasia dengan POST /api/v1/me/totp, masukkan ke aplikasi autentikator, lalu kirim kodenya ke POST /api/v1/me/totp/confirmation. Sesudah itu sesi masuk ini langsung berlaku penuh.", "Ask for a secret with POST /api/v1/me/totp, put it into an authenticator app, and send its code to POST /api/v1/me/totp/confirmation. From then on this sign-in counts in full."),
    },
    Page {
        name: "step-up-required", status: 401,
        title: ("Buktikan lagi bahwa ini Anda", "Prove again that it is you"),
        meaning: ("Tindakan ini berbahaya bila dilakukan orang lain, jadi hanya dapat dilakukan dalam 15 menit sesudah masuk atau membuktikan diri.", "This would do harm in somebody else's hands, so it is done only within 15 minutes of signing in or of another proof."),
        remedy: ("Kirim kode dari faktor kedua (atau kata sandi, bila tidak ada faktor kedua) ke POST /api/v1/auth/step-up dengan token yang sama, lalu ulangi permintaan ini.", "Send a code of the second factor (or the password, where there is none) to POST /api/v1/auth/step-up with the same token, and send this request again."),
    },
    Page {
        name: "forbidden", status: 403,
        title: ("Tidak diizinkan", "Not allowed"),
        meaning: ("Anda anggota di sini, tetapi peran atau cakupan Anda tidak mencakup tindakan ini.", "You are a member here, but your role or scope does not include this action."),
        remedy: ("Ikuti tautan pada explain untuk melihat aturan yang berlaku dan peran yang diperlukan, lalu hubungi sekretariat program.", "Follow the link in explain to see which rule applies and which role would do, then ask the programme's secretariat."),
    },
    Page {
        name: "cannot-grant", status: 403,
        title: ("Hak ini tidak dapat Anda berikan", "You cannot give this right"),
        meaning: ("Tidak seorang pun dapat memberi hak yang tidak dimilikinya sendiri, dan peran atau cakupan ini memuat hak semacam itu.", "Nobody can give a right that they do not have themselves, and this role or scope has such rights in it."),
        remedy: ("Berikan peran atau cakupan yang lebih sempit, atau minta seseorang yang memiliki hak tersebut.", "Give a narrower role or scope, or ask somebody who has those rights."),
    },
    Page {
        name: "not-found", status: 404,
        title: ("Tidak ditemukan", "Not found"),
        meaning: ("Tidak ada apa pun pada alamat ini, atau tidak ada yang boleh Anda lihat; keduanya dijawab sama.", "There is nothing at this address, or nothing that you may see; the answer is the same for both."),
        remedy: ("Periksa alamat dan pengenalnya, serta apakah Anda anggota program tersebut.", "Check the address and the ids in it, and whether you are a member of the programme."),
    },
    Page {
        name: "malformed", status: 400,
        title: ("Permintaan tidak terbaca", "The request cannot be read"),
        meaning: ("Isi atau header permintaan tidak mengikuti formatnya, misalnya JSON yang terputus.", "The body or a header of the request does not follow its format: JSON that breaks off, for example."),
        remedy: ("Perbaiki tempat yang disebut pada detail, lalu kirim kembali.", "Mend the place that detail names and send it again."),
    },
    Page {
        name: "invalid-query", status: 400,
        title: ("Parameter kueri tidak sah", "Query parameters are not valid"),
        meaning: ("Ada parameter yang tidak dikenal di sini, atau nilainya di luar batas. Parameter yang tidak dikenal tidak diabaikan, supaya salah ketik tidak mengubah hasil.", "A parameter is not known here, or its value is outside the limits. Unknown parameters are not passed over, so that a typing mistake cannot change a result."),
        remedy: ("Lihat errors: pointer menyebut nama parameter, detail menyebut apa yang diterima.", "See errors: pointer names the parameter, detail says what is accepted."),
    },
    Page {
        name: "bad-cursor", status: 400,
        title: ("Kursor tidak dapat dipakai", "The cursor cannot be used"),
        meaning: ("Kursor terikat pada filter dan urutan daftar tempat ia berasal, dan tidak dapat dibuat sendiri.", "A cursor is bound to the filters and the order of the list that it came from, and cannot be made up."),
        remedy: ("Gunakan next_cursor apa adanya dengan parameter yang sama, atau mulai dari halaman pertama tanpa cursor.", "Use next_cursor as it is with the same parameters, or begin at the first page without cursor."),
    },
    Page {
        name: "bad-as-of", status: 400,
        title: ("as_of tidak sah", "as_of is not valid"),
        meaning: ("as_of menerima waktu RFC 3339, hari, atau seq:N, dan titik itu harus sudah terjadi.", "as_of takes an RFC 3339 instant, a day or seq:N, and that point must have been reached."),
        remedy: ("Kirim misalnya as_of=2018-08-23T10:00:00Z atau as_of=seq:120.", "Send for example as_of=2018-08-23T10:00:00Z or as_of=seq:120."),
    },
    Page {
        name: "view-changed", status: 410,
        title: ("Pandangan telah berubah", "The view has changed"),
        meaning: ("Peran, organisasi, atau aturan tentang apa yang boleh dilihat berubah sejak kursor umpan perubahan ini dibuat, atau layanan dipulihkan dari cadangan yang lebih lama daripada kursor itu, jadi salinan yang ada tidak dapat lagi dimutakhirkan dengan perubahan saja.", "Your roles, your organisation or the rules of what may be seen have changed since this cursor of a change feed was made, or the service was restored from a backup that is older than the cursor, so what you have cannot be brought up to date by changes alone."),
        remedy: ("Ambil snapshot baru (tautannya ada di snapshot) dan lanjutkan dari kursornya; umpan tanpa snapshot dibaca lagi dari after=0.", "Take a new snapshot (its link is in snapshot) and go on from its cursor; a feed without a snapshot is read again from after=0."),
    },
    Page {
        name: "method-not-allowed", status: 405,
        title: ("Metode tidak tersedia", "The method does not exist here"),
        meaning: ("Alamat ini ada, tetapi tidak dengan metode HTTP tersebut.", "There is such an address, but not with this HTTP method."),
        remedy: ("Gunakan salah satu metode pada header Allow.", "Use one of the methods in the Allow header."),
    },
    Page {
        name: "not-acceptable", status: 406,
        title: ("Format tidak tersedia", "There is no such format"),
        meaning: ("Jenis media pada header Accept tidak tersedia untuk alamat ini.", "The media types in the Accept header are not to be had at this address."),
        remedy: ("Minta salah satu jenis media yang disebut pada detail, atau jangan kirim Accept.", "Ask for one of the media types that detail names, or send no Accept."),
    },
    Page {
        name: "unsupported-media-type", status: 415,
        title: ("Jenis isi tidak diterima", "The body's type is not accepted"),
        meaning: ("Content-Type atau Content-Encoding isi permintaan tidak diterima di sini.", "The Content-Type or Content-Encoding of the request body is not accepted here."),
        remedy: ("Kirim isi dengan jenis yang disebut pada detail.", "Send the body as the type that detail names."),
    },
    Page {
        name: "too-large", status: 413,
        title: ("Isi terlalu besar", "The body is too large"),
        meaning: ("Isi permintaan melampaui batas ukuran.", "The request body is past the limit of size."),
        remedy: ("Bagi menjadi beberapa permintaan yang lebih kecil.", "Divide it into smaller requests."),
    },
    Page {
        name: "invalid", status: 422,
        title: ("Isian tidak sah", "The content is not valid"),
        meaning: ("Isi permintaan terbaca, tetapi ada isian yang tidak dapat diterima. Semua yang salah disebut sekaligus.", "The body could be read, but some of its members are not acceptable. All that is wrong is named at once."),
        remedy: ("Lihat errors: pointer menunjuk isiannya, code dan detail menyebut sebab dan batasnya.", "See errors: pointer leads to the member, code and detail say why, with the limit."),
    },
    Page {
        name: "idempotency-key-reused", status: 422,
        title: ("Idempotency-Key sudah dipakai", "The Idempotency-Key was used before"),
        meaning: ("Kunci yang sama sudah dikirim dengan permintaan yang lain, sehingga ini bukan pengulangan.", "The same key was sent with another request, so this is not a repeat of it."),
        remedy: ("Buat kunci baru untuk setiap permintaan baru; pakai kunci yang sama hanya untuk mengulang permintaan yang persis sama.", "Make a new key for each new request; use the same one only to repeat exactly the same request."),
    },
    Page {
        name: "taken", status: 409,
        title: ("Sudah dipakai", "Already taken"),
        meaning: ("Nilai ini harus unik dan sudah dimiliki oleh yang lain.", "This value must be unique, and something else has it."),
        remedy: ("Pilih nilai lain, atau gunakan yang sudah ada.", "Choose another value, or use what is there already."),
    },
    Page {
        name: "wrong-state", status: 409,
        title: ("Keadaannya tidak sesuai", "Not in this state"),
        meaning: ("Tindakan ini tidak mungkin selama sumber daya berada dalam keadaannya sekarang.", "The action is not possible while the resource is in the state it is in."),
        remedy: ("Baca kembali sumber daya itu: allowed_actions menyebut apa yang dapat dilakukan sekarang.", "Read the resource again: allowed_actions says what can be done now."),
    },
    Page {
        name: "last-holder", status: 409,
        title: ("Pemegang peran terakhir", "The last holder of the role"),
        meaning: ("Program yang aktif selalu memiliki pemimpin, dan layanan selalu memiliki admin. Ini akan menghilangkan yang terakhir.", "An active programme always has a lead, and the service always has an admin. This would remove the last one."),
        remedy: ("Berikan peran itu kepada orang lain terlebih dahulu.", "Give the role to somebody else first."),
    },
    Page {
        name: "conflict", status: 409,
        title: ("Bertentangan dengan data lain", "In conflict with other data"),
        meaning: ("Permintaan ini sah, tetapi bertentangan dengan sesuatu yang sudah tercatat.", "The request is valid, but it conflicts with something that is on record."),
        remedy: ("Lihat errors untuk aturan dan isiannya, baca kembali data yang bersangkutan, lalu sesuaikan.", "See errors for the rule and the member, read the data concerned again, and adjust the request."),
    },
    Page {
        name: "stale", status: 412,
        title: ("Sudah diubah pihak lain", "Changed meanwhile"),
        meaning: ("Revisi pada If-Match bukan lagi revisi yang berlaku. Tidak ada yang ditimpa.", "The revision in If-Match is not the one that stands now. Nothing was overwritten."),
        remedy: ("Baca kembali sumber daya itu, gabungkan perubahan Anda, dan kirim dengan ETag yang baru (current_etag).", "Read the resource again, bring your change into it, and send it with the new ETag (current_etag)."),
    },
    Page {
        name: "precondition-required", status: 428,
        title: ("If-Match diperlukan", "If-Match is needed"),
        meaning: ("Perubahan harus menyebut revisi yang dilihat pengirimnya, supaya tidak ada perubahan orang lain yang hilang.", "A change must name the revision that its sender saw, so that nobody's change is lost."),
        remedy: ("Baca sumber daya itu dan kirim ETag-nya pada header If-Match.", "Read the resource and send its ETag in the If-Match header."),
    },
    Page {
        name: "too-many-requests", status: 429,
        title: ("Terlalu banyak permintaan", "Too many requests"),
        meaning: ("Akun, klien, atau alamat ini melampaui jatah permintaannya.", "This account, client or address is past its share of requests."),
        remedy: ("Tunggu selama Retry-After, lalu lanjutkan lebih lambat. Header RateLimit menyebut sisa jatah.", "Wait for Retry-After, then go on more slowly. The RateLimit header says what is left."),
    },
    Page {
        name: "not-own-organization", status: 403,
        title: ("Bukan organisasi Anda", "Not your organisation"),
        meaning: ("Peran Anda boleh melakukan ini, tetapi hanya untuk organisasi yang Anda wakili dalam program ini.", "Your role may do this, but only for the organisation that you act for in this programme."),
        remedy: ("Kirim dengan id organisasi Anda sendiri, atau minta fasilitator melakukannya atas nama organisasi itu.", "Send the id of your own organisation, or ask a facilitator to do it on behalf of the other."),
    },
    Page {
        name: "for-people", status: 403,
        title: ("Hanya untuk orang", "For people only"),
        meaning: ("Yang diminta hanya dimiliki akun orang: data akun sendiri, sesi masuk, atau yang berlaku di seluruh platform. Klien bekerja dalam satu program.", "What was asked for belongs to people's accounts: one's own account, one's sign-ins, or what concerns the whole platform. A client works in one programme."),
        remedy: ("Masuklah sebagai orang untuk ini. Klien melihat peran dan organisasinya di /api/v1/me/memberships.", "Sign in as a person for this. A client finds its role and organisation at /api/v1/me/memberships."),
    },
    Page {
        name: "not-in-electorate", status: 409,
        title: ("Bukan pemilih pada tahap ini", "Not in the electorate"),
        meaning: ("Hanya organisasi yang tercantum pada daftar pemilih tahap itu yang memberikan suara.", "Only the organisations that the stage names as its electorate vote in its ballots."),
        remedy: ("Bila organisasi itu seharusnya ikut memutuskan, minta sekretariat menambahkannya ke tahap sebelum pemungutan suara dibuka.", "If the organisation should decide too, ask the secretariat to add it to the stage before the ballot is opened."),
    },
    Page {
        name: "ballot-not-open", status: 409,
        title: ("Pemungutan suara tidak terbuka", "The ballot is not open"),
        meaning: ("Suara diberikan, diubah, dan ditarik hanya selama pemungutan suara terbuka.", "Votes are cast, changed and rescinded only while the ballot is open."),
        remedy: ("Lihat keadaan pemungutan suara; bila hasilnya keliru, batalkan dengan alasan dan buka yang baru.", "Look at the ballot's state; if its result is wrong, void it with a reason and open a new one."),
    },
    Page {
        name: "rule-frozen", status: 409,
        title: ("Aturan sudah tetap", "The rule is fixed"),
        meaning: ("Cara, skala, aturan, kuorum, dan daftar pemilih tidak berubah setelah suara pertama masuk.", "Method, scale, rule, quorum and electorate do not change once the first vote is in."),
        remedy: ("Batalkan pemungutan suara ini dengan alasan, lalu buka yang baru dengan aturan yang benar.", "Void this ballot with a reason, then open a new one with the right rule."),
    },
    Page {
        name: "no-quorum", status: 409,
        title: ("Kuorum tidak tercapai", "No quorum"),
        meaning: ("Jumlah suara kurang dari kuorum yang ditetapkan sebelum pemungutan suara dibuka.", "Fewer votes were cast than the quorum that was set before the ballot opened."),
        remedy: ("Tunggu atau catat suara yang kurang; bila sudah ditutup, batalkan dan adakan lagi.", "Wait for or record the votes that are missing; if it is closed, void it and hold it again."),
    },
    Page {
        name: "outcome-conflicts", status: 409,
        title: ("Hasil bertentangan", "Outcomes in conflict"),
        meaning: ("Sejak ruangan melihatnya, sesuatu telah berubah, atau sebagian hasil melanggar aturan. Setiap pertentangan tercantum pada errors, dan tidak ada yang disimpan.", "Since the room saw it something has changed, or some outcomes break a rule. Each conflict stands in errors, and nothing was kept."),
        remedy: ("Baca kembali yang disebut pada errors, sesuaikan on_revision atau isinya, lalu kirim seluruhnya lagi; dry_run=true memeriksa lebih dahulu.", "Read again what errors names, mend on_revision or the content, and send the whole again; dry_run=true checks first."),
    },
    Page {
        name: "other-edition", status: 422,
        title: ("Edisi kerangka lain", "Another edition"),
        meaning: ("Simpul atau kualitas yang disebut bukan bagian dari edisi kerangka yang dipilih. Satu pemetaan selalu merujuk satu edisi.", "The node or quality is not part of the edition that was named. A mapping is always to one edition."),
        remedy: ("Cari kodenya pada GET /api/v1/frameworks/{framework}/nodes dari edisi itu.", "Look the code up in GET /api/v1/frameworks/{framework}/nodes of that edition."),
    },
    Page {
        name: "foreign-basis", status: 422,
        title: ("Dasar di luar program", "A basis outside the programme"),
        meaning: ("Pernyataan hanya dapat bertumpu pada revisi yang ada di programnya sendiri.", "A statement can rest only on revisions that are in its own programme."),
        remedy: ("Periksa id dan revisi yang disebut pada errors.", "Check the ids and revisions that errors names."),
    },
    Page {
        name: "gate-not-clear", status: 409,
        title: ("Gerbang belum terbuka", "The gate is not clear"),
        meaning: ("Masih ada yang belum selesai sebelum langkah ini; setiap hal tercantum pada obstacles dengan tautannya.", "Some things must be settled before this step; each stands in obstacles with its link."),
        remedy: ("Selesaikan satu per satu (GET …/gate menunjukkan sisanya), atau mintalah pimpinan melewatinya dengan alasan yang tercatat selamanya.", "Settle them one by one (GET …/gate shows what is left), or have the lead override with a reason that stays on record."),
    },
    Page {
        name: "already-published", status: 409,
        title: ("Sudah diterbitkan", "Published already"),
        meaning: ("Pernyataan yang telah diterbitkan tidak pernah berubah.", "A published statement never changes."),
        remedy: ("Susun pernyataan baru dengan supersedes_id yang menunjuk kepadanya.", "Draft a new statement whose supersedes_id names it."),
    },
    Page {
        name: "external-ref-taken", status: 409,
        title: ("Acuan sudah dipakai", "The reference is in use"),
        meaning: ("external_ref berlaku sekali untuk satu organisasi dalam satu program. Isi yang sama dengan acuan yang sama dijawab dengan masukan yang sudah ada; isi lain ditolak, supaya tidak ada yang tertimpa.", "An external_ref stands once for one organisation in one programme. The same content under it is answered with the input that there is; other content is refused, so that nothing is overwritten."),
        remedy: ("Perbaiki masukan pada existing dengan PATCH selama belum ditinjau, atau kirim dengan acuan lain.", "Correct the input at existing with PATCH while it is not in review, or send under another reference."),
    },
    Page {
        name: "input-withdrawn", status: 409,
        title: ("Masukan sudah ditarik", "The input was withdrawn"),
        meaning: ("Masukan dengan external_ref ini pernah dikirim dan ditarik oleh organisasi Anda. Acuan itu tidak dipakai lagi.", "The input of this external_ref was sent and withdrawn by your organisation. The reference is not used again."),
        remedy: ("Lihat masukan pada existing; bila memang hendak dikirim lagi, pakai acuan lain.", "Look at the input at existing; if it is meant to be sent again, use another reference."),
    },
    Page {
        name: "busy", status: 503,
        title: ("Layanan sibuk", "The service is busy"),
        meaning: ("Antrean permintaan sedang penuh, basis data sedang tidak terjangkau, atau tidak ada ruang lagi di diskanya. Permintaan ini belum dikerjakan; bila sambungan ke basis data putus tepat di akhirnya, mungkin sudah.", "The queue is full at the moment, the database cannot be reached, or there is no room left on its disk. This request was not done; where the connection to the database broke at its very end, it may have been."),
        remedy: ("Coba lagi setelah Retry-After, dengan Idempotency-Key yang sama bila ada.", "Try again after Retry-After, with the same Idempotency-Key if there is one."),
    },
    Page {
        name: "stopping", status: 503,
        title: ("Layanan sedang dihentikan", "The service is stopping"),
        meaning: ("Proses ini sedang dihentikan dan tidak menerima pekerjaan baru.", "This process is being shut down and takes no new work."),
        remedy: ("Coba lagi sebentar lagi; proses lain akan menjawab.", "Try again shortly; another process will answer."),
    },
    Page {
        name: "internal", status: 500,
        title: ("Kesalahan di pihak kami", "An error on our side"),
        meaning: ("Ada yang salah di dalam layanan. Sebabnya dicatat bersama request_id.", "Something went wrong inside the service. The cause is logged with the request_id."),
        remedy: ("Coba lagi nanti; bila terulang, sampaikan request_id kepada operator.", "Try again later; if it happens again, give the request_id to the operator."),
    },
];
