/**
 * A programme at a glance. Reads Tangguh's API from another origin, follows the programme's feed and draws anew what a
 * change concerns. Tokens are in memory alone: a reload signs out.
 */
const WORDS = {
  en: {
    sign_in: "Sign in", sign_out: "Sign out", api: "Address of the API", email: "E-mail", password: "Password",
    memory: "The sign-in is kept in this page alone, and ends when it is closed or reloaded.",
    program: "Programme", language: "Language", framework: "Framework",
    questions: "Questions by focus area", changes: "Last changes", coverage: "Coverage of the framework",
    coverage_note: "What the focus areas and questions are mapped to. Nothing here is a score: an empty node may be right.",
    inputs: "Inputs that wait for a decision", input: "Input", said: "What it says", state: "State", age: "Age", due: "Due",
    none: "None.", no_inputs: "Nothing waits.", overdue: "overdue", no_due: "none owed", no_programs: "You take part in no programme.",
    inputs_note: (shown, late) => `${shown} wait, the most urgent first; ${late} overdue.`,
        days: (count) => (count === 0 ? "today" : count === 1 ? "1 day" : `${count} days`),
    live: "Up to date, and following", lost: "The connection is lost; trying again", drawing: "Reading …",
    ended: "The sign-in has ended.", refused: "Address or password is wrong.", unreachable: "The service cannot be reached from this page.",
    validated_node: "validated", proposed_node: "proposed", untouched: "untouched", gap: "not named by any source",
    states: { draft: "draft", proposed: "proposed", in_review: "in review", validated: "validated", not_fitting: "not fitting",
      merged: "merged", split: "split", retired: "retired", received: "received", acknowledged: "acknowledged",
      more_information_needed: "asked back" },
    kinds: { comment: "comment", evidence: "evidence", proposal: "proposal", objection: "objection" },
  },
  id: {
    sign_in: "Masuk", sign_out: "Keluar", api: "Alamat API", email: "Surel", password: "Kata sandi",
    memory: "Sesi masuk hanya disimpan di halaman ini, dan berakhir bila halaman ditutup atau dimuat ulang.",
    program: "Program", language: "Bahasa", framework: "Kerangka",
    questions: "Pertanyaan menurut fokus area", changes: "Perubahan terakhir", coverage: "Cakupan kerangka",
    coverage_note: "Apa yang dipetakan dari fokus area dan pertanyaan. Ini bukan nilai: simpul kosong bisa saja benar.",
    inputs: "Masukan yang menunggu keputusan", input: "Masukan", said: "Isinya", state: "Keadaan", age: "Usia", due: "Tenggat",
    none: "Tidak ada.", no_inputs: "Tidak ada yang menunggu.", overdue: "terlambat", no_due: "tidak ada", no_programs: "Anda tidak ikut dalam program mana pun.",
    inputs_note: (shown, late) => `${shown} menunggu, yang paling mendesak dahulu; ${late} terlambat.`,
        days: (count) => (count === 0 ? "hari ini" : `${count} hari`),
    live: "Mutakhir, dan terus mengikuti", lost: "Sambungan terputus; mencoba lagi", drawing: "Membaca …",
    ended: "Sesi masuk telah berakhir.", refused: "Alamat atau kata sandi salah.", unreachable: "Layanan tidak terjangkau dari halaman ini.",
    validated_node: "disahkan", proposed_node: "diusulkan", untouched: "belum tersentuh", gap: "tidak disebut sumber mana pun",
    states: { draft: "rancangan", proposed: "diusulkan", in_review: "ditinjau", validated: "disahkan", not_fitting: "tidak cocok",
      merged: "digabung", split: "dipecah", retired: "diakhiri", received: "diterima", acknowledged: "dicatat",
      more_information_needed: "ditanya balik" },
    kinds: { comment: "komentar", evidence: "bukti", proposal: "usulan", objection: "keberatan" },
  },
};
const QUESTION_STATES = ["validated", "in_review", "proposed", "draft", "not_fitting", "merged", "split", "retired"];
const COLOURS = { merged: "ended", split: "ended", retired: "ended" };
const WAITING = "received,acknowledged,in_review,more_information_needed";
const SHOWN_INPUTS = 50;
const SHOWN_CHANGES = 6;

const at = (id) => document.getElementById(id);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
let language = navigator.language.startsWith("id") ? "id" : "en";
let session;
let board;

/** An element with what is in it: text is always text, never markup. */
function make(name, given = {}, ...inside) {
  const { style = {}, dataset = {}, ...attributes } = given;
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  for (const [key, value] of Object.entries(style)) element.style.setProperty(key, value);
  Object.assign(element.dataset, dataset);
  element.append(...inside.filter((one) => one !== null && one !== undefined));
  return element;
}

function say(name, ...given) {
  const word = WORDS[language][name];
  return typeof word === "function" ? word(...given) : word;
}

/** A localized text in the language of the page, or in whichever it has; what its sender wrote in one is a string. */
function text(localized) {
  if (typeof localized === "string") return localized;
  return localized?.[language] ?? Object.values(localized ?? {})[0] ?? "";
}

/** The name that holds today: the last that has begun and has not ended. */
function nameToday(names) {
  const today = new Date().toISOString().slice(0, 10);
  const held = names.filter((one) => (one.from_on ?? "") <= today && (one.until_on ?? "9999") > today);
  return text((held.at(-1) ?? names.at(-1)).name);
}

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail);
    this.status = status;
    this.name = problem.type?.replace("/problems/", "");
  }
}

/** A sign-in: its tokens, and requests with them. */
class Session {
  constructor(api, tokens) {
    this.api = api;
    this.ending = new AbortController();
    this.keep(tokens);
  }

  static async begin(api, email, password) {
    const answer = await Session.send(`${api}/api/v1/auth/login`, { email, password });
    return new Session(api, answer);
  }

  static async send(address, body) {
    const headers = { "Content-Type": "application/json" };
    return read(await fetch(address, { method: "POST", headers, body: JSON.stringify(body) }));
  }

  keep(tokens) {
    this.tokens = tokens;
    this.until = performance.now() + (tokens.expires_in - 60) * 1000;
  }

  /** All requests at once wait for one renewal: a refresh token is good once. */
  async renew() {
    this.renewing ??= Session.send(`${this.api}/api/v1/auth/refresh`, { refresh_token: this.tokens.refresh_token })
      .then((tokens) => this.keep(tokens))
      .finally(() => { this.renewing = undefined; });
    await this.renewing;
  }

  async get(path) {
    if (performance.now() > this.until) await this.renew();
    const headers = { Authorization: `Bearer ${this.tokens.access_token}` };
    // The browser keeps answers and asks with their ETag by itself.
    return read(await fetch(this.api + path, { headers, signal: this.ending.signal }));
  }

  async end() {
    this.ending.abort();
    await Session.send(`${this.api}/api/v1/auth/logout`, { refresh_token: this.tokens.refresh_token }).catch(() => {});
  }
}

async function read(answer) {
  const body = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

/** What is drawn of one programme, and the loop that keeps it so. */
class Board {
  constructor(session, program) {
    this.session = session;
    this.program = program;
    this.base = `/api/v1/programs/${encodeURIComponent(program.slug)}`;
    this.changes = [];
    this.over = false;
  }

  async open() {
    const [types, frameworks] = await Promise.all([
      this.session.get("/api/v1/event-types"), this.session.get("/api/v1/frameworks"),
    ]);
    this.types = new Map(types.items.map((type) => [type.type, type.description]));
    at("framework").replaceChildren(...frameworks.items.map((one) => make("option", { value: one.code }, one.code)));
    const mapped = await this.session.get(`${this.base}/mappings?limit=1`);
    at("framework").value = mapped.items[0]?.framework ?? frameworks.items[0].code;
    await this.follow();
  }

  /** Where it stands with the feed first, then what is there: so nothing falls between the two. */
  async begin() {
    // Only the service makes cursors: so from the first change to the last, of which the newest are shown.
    this.changes = [];
    this.after = "0";
    let before;
    do {
      before = this.after;
      this.take(await this.page(0), false);
    } while (this.after !== before);
    await this.read();
  }

  page(wait) {
    return this.session.get(`${this.base}/changes?after=${encodeURIComponent(this.after)}&wait=${wait}&limit=1000`);
  }

  take(page, isNew) {
    this.after = page.after;
    const told = page.items.map((change) => ({ ...change, isNew }));
    this.changes = [...told.reverse(), ...this.changes.map((change) => ({ ...change, isNew: false }))].slice(0, SHOWN_CHANGES);
  }

  async follow() {
    let failures = 0;
    let current = false;
    while (!this.over) {
      try {
        if (!current) await this.begin();
        current = true;
        this.tell("live");
        const page = await this.page(25);
        failures = 0;
        if (this.over || page.items.length === 0) { this.after = page.after; continue; }
        this.take(page, true);
        await this.read();
      } catch (error) {
        if (this.over) return;
        if (error.status === 401) return signOut(say("ended"));
        // After view-changed we see other things; after anything else something may have been missed.
        current = false;
        if (error.name === "view-changed") continue;
        failures += 1;
        this.tell("lost");
        await sleep((0.5 + Math.random() / 2) * Math.min(30000, 500 * 2 ** failures));
      }
    }
  }

  async read() {
    const framework = encodeURIComponent(at("framework").value);
    const inputs = `${this.base}/inputs?state=${WAITING}&sort=due_on&limit=${SHOWN_INPUTS}`;
    [this.summary, this.areas, this.coverage, this.nodes, this.inputs] = await Promise.all([
      this.session.get(`${this.base}/summary`),
      this.session.get(`${this.base}/focus-areas?state=active&limit=200`),
      this.session.get(`${this.base}/coverage?framework=${framework}`),
      this.session.get(`/api/v1/frameworks/${framework}/nodes`),
      this.session.get(inputs),
    ]);
    this.draw();
  }

  close() {
    this.over = true;
  }

  tell(how) {
    this.how = how;
    at("standing").textContent = say(how);
    at("standing").className = how;
  }

  draw() {
    at("name").textContent = text(this.program.name);
    document.title = `${text(this.program.name)} · Tangguh`;
    if (this.how) this.tell(this.how);
    if (!this.summary) return;
    this.drawQuestions();
    this.drawCoverage();
    this.drawInputs();
    this.drawChanges();
    at("board").dataset.head = this.summary.head_sequence;
  }

  drawQuestions() {
    const counts = new Map(this.summary.focus_areas.map((area) => [area.focus_area_id, area.questions]));
    const colour = (state) => ({ "--state": `var(--${COLOURS[state] ?? state})` });
    const there = new Set(this.summary.questions.map((one) => one.state));
    const states = QUESTION_STATES.filter((state) => there.has(state));
    at("legend").replaceChildren(...states.map((state) => make("li", { style: colour(state) }, say("states")[state])));
    const total = (area) => (counts.get(area.id) ?? []).reduce((sum, one) => sum + one.count, 0);
    const most = Math.max(1, ...this.areas.items.map(total));
    at("areas").replaceChildren(...this.areas.items.map((area) => {
      const found = new Map((counts.get(area.id) ?? []).map((one) => [one.state, one.count]));
      const here = states.filter((state) => found.has(state));
      const told = here.map((state) => `${found.get(state)} ${say("states")[state]}`).join(" · ");
      const parts = here.map((state) => make("i", { style: { ...colour(state), "--count": found.get(state) } }));
      return make("li", {},
        make("p", {}, make("span", { class: "code" }, area.code), nameToday(area.names)),
        make("div", { class: "bar", "aria-hidden": "true", style: { "--share": total(area) / most } }, ...parts),
        make("p", { class: "counts" }, told || say("none")));
    }));
  }

  drawCoverage() {
    const byCode = new Map(this.coverage.nodes.map((node) => [node.code, node]));
    const parents = new Set(this.nodes.items.map((node) => node.parent));
    const groups = new Map();
    for (const node of this.nodes.items.filter((node) => !parents.has(node.code))) {
      groups.set(node.parent, [...(groups.get(node.parent) ?? []), node]);
    }
    const named = new Map(this.nodes.items.map((node) => [node.code, node]));
    at("coverage").replaceChildren(...[...groups].map(([parent, nodes]) => make("div", {},
      make("h3", {}, nodeName(named.get(parent)) || parent || ""),
      make("ul", { class: "nodes" }, ...nodes.map((node) => drawNode(node, byCode.get(node.code)))))));
  }

  drawInputs() {
    const today = new Intl.DateTimeFormat("en-CA", { timeZone: this.program.time_zone }).format(new Date());
    const late = this.inputs.items.filter((input) => input.due_on && input.due_on < today).length;
    const count = this.inputs.next_cursor ? `${SHOWN_INPUTS}+` : this.inputs.items.length;
    at("inputs-note").textContent = this.inputs.items.length ? say("inputs_note", count, late) : say("no_inputs");
    document.querySelector("table").hidden = this.inputs.items.length === 0;
    at("inputs").replaceChildren(...this.inputs.items.map((input) => drawInput(input, today)));
  }

  drawChanges() {
    const clock = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone: this.program.time_zone });
    at("changes").replaceChildren(...this.changes.map((change) => {
      const { content } = change;
      const what = content && [content.code, text(content.text) || text(content.topic) || text(content.name) || text(content.title)]
        .filter(Boolean).join(" · ");
      return make("li", { class: change.isNew ? "new" : "" },
        make("time", { datetime: change.at }, clock.format(new Date(change.at))),
        text(this.types.get(change.type)) || change.type,
        what ? make("span", { class: "of" }, what) : null);
    }));
  }
}

function nodeName(node) {
  return text(Object.fromEntries(Object.entries(node?.names ?? {}).map(([tongue, name]) => [tongue, name.text])));
}

function drawNode(node, covered) {
  const how = covered?.validated_count ? "validated" : covered?.proposed_count ? "proposed" : node.gap ? "gap" : "untouched";
  const count = covered?.validated_count || covered?.proposed_count;
  const told = count ? `${count} ${say(how === "validated" ? "validated_node" : "proposed_node")}` : say("untouched");
  const name = nodeName(node) || say("gap");
  return make("li", { class: how }, make("b", {}, `${node.code} `, name), make("span", {}, told));
}

function drawInput(input, today) {
  const received = Math.floor((Date.now() - new Date(input.received.at)) / 86_400_000);
  const isLate = input.due_on && input.due_on < today;
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  const due = input.due_on ? day.format(new Date(input.due_on)) : say("no_due");
  const cell = (name, given, ...inside) => make("td", { ...given, dataset: { name: say(name) } }, ...inside);
  const short = input.text.length > 220 ? `${input.text.slice(0, 220)}…` : input.text;
  return make("tr", { class: isLate ? "late" : "" },
    cell("input", {}, input.code, make("small", {}, say("kinds")[input.kind] ?? input.kind)),
    cell("said", { class: "said" }, make("span", { lang: input.language }, short), input.external_ref ? make("small", {}, input.external_ref) : null),
    cell("state", {}, say("states")[input.state] ?? input.state),
    cell("age", {}, say("days", received)),
    cell("due", {}, `${due} `, isLate ? make("span", { class: "mark" }, say("overdue")) : null));
}

/** Puts the words of the page's language in. */
function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of document.querySelectorAll("[data-say-label]")) element.setAttribute("aria-label", say(element.dataset.sayLabel));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
  }
  for (const option of at("program").options) option.textContent = text(JSON.parse(option.dataset.name));
  board?.draw();
}

async function signIn() {
  at("refusal").textContent = "";
  try {
    session = await Session.begin(at("api").value.replace(/\/+$/, ""), at("email").value, at("password").value);
    const programs = (await session.get("/api/v1/programs?limit=200")).items;
    if (programs.length === 0) throw new Refused(404, { detail: say("no_programs") });
    at("program").replaceChildren(...programs.map((program) =>
      make("option", { value: program.slug, dataset: { name: JSON.stringify(program.name) } }, text(program.name))));
    at("password").value = "";
    at("program").onchange = () => show(programs.find((program) => program.slug === at("program").value));
    showSigned(true);
    show(programs[0]);
  } catch (error) {
    session = undefined;
    at("refusal").textContent = error instanceof TypeError ? say("unreachable") : error.status === 401 ? say("refused") : error.message;
  }
}

function show(program) {
  board?.close();
  board = new Board(session, program);
  board.tell("drawing");
  board.draw();
  board.open().catch((error) => session && signOut(error.message));
}

function showSigned(signed) {
  at("sign-in").hidden = signed;
  at("board").hidden = at("sign-out").hidden = document.querySelector(".program").hidden = !signed;
}

async function signOut(why = "") {
  board?.close();
  const ended = session;
  board = session = undefined;
  document.title = "Tangguh";
  showSigned(false);
  at("refusal").textContent = why;
  await ended?.end();
}

at("api").value = new URLSearchParams(location.search).get("api") ?? location.origin;
at("sign-in").addEventListener("submit", (event) => { event.preventDefault(); signIn(); });
at("sign-out").addEventListener("click", () => signOut());
at("framework").addEventListener("change", () => board?.read().catch(() => board?.tell("lost")));
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => speak(button.dataset.language));
}
speak(language);
