use serde_json::Value;

use super::told::*;
use crate::{
    localized::Localized,
    pages::{
        Block, Line, Page, Passage, Section, Table, Writer, day,
        labels::{self, Label},
    },
    problem::Lang,
};

/// The page of some minutes: nothing but what they tell.
pub fn of(minutes: &Minutes, lang: Lang, programs: &str) -> Page {
    let writer = Writer { lang, source: &minutes.program.source_language };
    let event = &minutes.event;
    let mut sections = Vec::new();
    let mut status = Section::titled(labels::STATE, lang);
    status.add(Block::Paragraph(match minutes.as_of {
        Some(at) => Line::words(format!("{} {at}.", labels::MINUTES_APPROVED.of(lang))),
        None => Line::words(labels::MINUTES_DRAFT.of(lang)),
    }));
    sections.push(status);
    sections.push(writer.texts(labels::OBJECTIVES, &minutes.objectives));
    sections.push(writer.attendance(minutes));
    let mut stages = Section::titled(labels::STAGES, lang);
    stages.sections = minutes.stages.iter().map(|stage| writer.stage(stage)).collect();
    sections.push(writer.or_nothing(stages));
    sections.push(writer.texts(labels::OUTCOMES, &minutes.outcomes));
    sections.push(writer.follow_ups(minutes));
    if !minutes.annex.is_empty() {
        sections.push(writer.annex(minutes));
    }
    let mut title = writer.passage(&event.name);
    title.words = format!("{}: {}", labels::MINUTES_OF.of(lang), title.words);
    let address = format!("{programs}/{}/events/{}/minutes", minutes.program.slug, event.code);
    Page {
        lang,
        title,
        facts: writer.event(minutes),
        sections,
        footer: vec![
            Line::words(labels::WRITTEN_BY_SERVICE.of(lang)),
            Line::words(format!("{}: ", labels::ADDRESS.of(lang)))
                .and(Line::link(Passage::plain(address.clone()), address)),
        ],
    }
}

impl Writer<'_> {
    fn texts(&self, heading: Label, texts: &[Localized]) -> Section {
        let mut section = Section::titled(heading, self.lang);
        if !texts.is_empty() {
            section.add(Block::List(texts.iter().map(|text| self.passage(text).into()).collect()));
        }
        self.or_nothing(section)
    }

    fn event(&self, minutes: &Minutes) -> Vec<(Passage, Line)> {
        let event = &minutes.event;
        let mut facts = vec![
            (self.label(labels::PROGRAM), self.passage(&minutes.program.name).into()),
            (self.label(labels::CODE), Line::words(&event.code)),
            (self.label(labels::KIND), self.name(&event.kind)),
        ];
        if let Some(on) = event.on {
            facts.push((self.label(labels::DATE), Line::words(day(on, self.lang))));
        }
        if let Some(begins) = &event.begins_at {
            let ends = event.ends_at.as_ref().map(|ends| format!("–{ends}")).unwrap_or_default();
            facts.push((self.label(labels::TIME), Line::words(format!("{begins}{ends}"))));
        }
        if let Some(venue) = &event.venue {
            let parts = [&venue.room, &venue.floor, &venue.building, &venue.name, &venue.address];
            let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            let mut line = Line::words(parts.join(", "));
            if let Some(url) = &venue.url {
                line = line.then(" ").and(Line::link(Passage::plain(url), url));
            }
            facts.push((self.label(labels::VENUE), line));
        }
        let chair = event.chair_role.iter().map(|role| self.passage(role).into());
        let chair = chair.chain(event.chair.iter().map(|one| self.organisation(one)));
        let chair = Line::joined(chair, ", ");
        if !chair.is_empty() {
            facts.push((self.label(labels::CHAIR), chair));
        }
        if let Some(phase) = &event.phase {
            facts.push((self.label(labels::PHASE), self.passage(phase).into()));
        }
        if let Some(participation) = &event.participation {
            facts.push((self.label(labels::PARTICIPATION), self.name(participation)));
        }
        facts
    }

    fn attendance(&self, minutes: &Minutes) -> Section {
        let mut section = Section::titled(labels::ATTENDANCE, self.lang);
        for kind in &minutes.attendance {
            let rows = kind.organisations.iter().map(|one| {
                let presence = match &one.represented_by {
                    Some(other) => {
                        Line::words(format!("{} ", labels::REPRESENTED_BY.of(self.lang))).and(self.organisation(other))
                    }
                    None => self.name(&one.status),
                };
                let count = one.head_count.map_or_else(|| "–".to_owned(), |count| count.to_string());
                vec![self.organisation(&one.organisation), self.name(&one.capacity), presence, Line::words(count)]
            });
            section.add(Block::Table(Table {
                caption: Passage::plain(labels::of_name(&kind.kind, self.lang)),
                head: [labels::ORGANISATION, labels::CAPACITY, labels::PRESENT, labels::HEAD_COUNT]
                    .map(|label| self.label(label))
                    .to_vec(),
                rows: rows.collect(),
            }));
        }
        if let Some(count) = minutes.head_count {
            section.add(Block::Facts(vec![(self.label(labels::HEAD_COUNT), Line::words(count.to_string()))]));
        }
        self.or_nothing(section)
    }

    fn stage(&self, stage: &MinutesStage) -> Section {
        let mut section = Section::new(Line::words(format!("{}. ", stage.number)).and(self.passage(&stage.name)));
        if let Some(purpose) = &stage.purpose {
            section.text(&self.passage(purpose));
        }
        let electorate = Line::joined(stage.electorate.iter().map(|one| self.organisation(one)), "; ");
        if !electorate.is_empty() {
            section.add(Block::Facts(vec![(self.label(labels::ELECTORATE), electorate)]));
        }
        if !stage.groups.is_empty() {
            let mut groups = Section::titled(labels::GROUPS, self.lang);
            groups.add(Block::List(stage.groups.iter().map(|group| self.group(group)).collect()));
            section.sections.push(groups);
        }
        if !stage.ballots.is_empty() {
            let mut ballots = Section::titled(labels::BALLOTS, self.lang);
            ballots.sections = stage.ballots.iter().map(|ballot| self.ballot(ballot)).collect();
            section.sections.push(ballots);
        }
        if !stage.decisions.is_empty() {
            let mut decisions = Section::titled(labels::DECISIONS, self.lang);
            decisions.sections = stage.decisions.iter().map(|decision| self.decision(decision)).collect();
            section.sections.push(decisions);
        }
        self.or_nothing(section)
    }

    fn group(&self, group: &MinutesGroup) -> Line {
        let organisations = Line::joined(group.organisations.iter().map(|one| self.organisation(one)), "; ");
        let areas = group.focus_areas.iter().map(|area| self.area(area));
        let inside =
            Line::joined([organisations, Line::joined(areas, "; ")].into_iter().filter(|line| !line.is_empty()), " – ");
        let name = Line::strong(self.passage(&group.name));
        if inside.is_empty() { name } else { name.then(": ").and(inside) }
    }

    fn area(&self, area: &MinutesFocusArea) -> Line {
        Line::words(format!("{} ", area.code)).and(self.passage(&area.name))
    }

    fn ballot(&self, ballot: &MinutesBallot) -> Section {
        let mut heading = Line::words(&ballot.code);
        if let Some(title) = &ballot.title {
            heading = heading.then(" – ").and(self.passage(title));
        }
        let mut section = Section::new(heading);
        let mut facts = Vec::new();
        if let Some(question) = &ballot.question {
            facts.push((self.label(labels::QUESTION), self.question(question)));
        }
        facts.push((self.label(labels::METHOD), self.name(&ballot.method)));
        facts.push((self.label(labels::STATE), self.name(&ballot.state)));
        if ballot.anonymous {
            facts.push((self.label(labels::ANONYMOUS), Line::words(labels::YES.of(self.lang))));
        }
        let Some(result) = &ballot.result else {
            section.add(Block::Facts(facts));
            return section;
        };
        let yes = |is: bool| if is { labels::YES } else { labels::NO };
        facts.push((
            self.label(labels::CAST),
            Line::words(format!("{} / {}", result.votes_count, result.electorate_count)),
        ));
        facts.push((self.label(labels::ABSTAINED), Line::words(result.abstentions_count.to_string())));
        facts.push((self.label(labels::QUORUM_MET), Line::words(yes(result.quorum_met).of(self.lang))));
        let numbers = [(labels::AGREEMENT, result.percent_agreement, "%"), (labels::MEDIAN, result.median, "")];
        for (label, number, unit) in numbers {
            if let Some(number) = number {
                facts.push((self.label(label), Line::words(format!("{}{unit}", self.number(number)))));
            }
        }
        if let Some(spread) = &result.interquartile_range {
            let words = format!("{} – {}", self.number(spread.lower), self.number(spread.upper));
            facts.push((self.label(labels::SPREAD), Line::words(words)));
        }
        facts.push((self.label(labels::RESULT), self.name(&result.outcome)));
        section.add(Block::Facts(facts));
        if !result.distribution.is_empty() {
            section.add(self.distribution(&ballot.code, result));
        }
        section
    }

    /// One column for all votes, and one for each kind of organisation.
    fn distribution(&self, code: &str, result: &MinutesResult) -> Block {
        let mut head = vec![self.label(labels::VALUE), self.label(labels::COUNT)];
        head.extend(result.by_kind.iter().map(|one| Passage::plain(labels::of_name(&one.kind, self.lang))));
        let rows = result.distribution.iter().map(|one| {
            let mut row = vec![self.value(&one.value), Line::words(one.count.to_string())];
            row.extend(result.by_kind.iter().map(|kind| {
                let count = kind.distribution.iter().find(|other| other.value == one.value);
                Line::words(count.map_or(0, |count| count.count).to_string())
            }));
            row
        });
        Block::Table(Table {
            caption: Passage::plain(format!("{} {code}", labels::DISTRIBUTION.of(self.lang))),
            head,
            rows: rows.collect(),
        })
    }

    fn value(&self, value: &Value) -> Line {
        match value {
            Value::String(name) => self.name(name),
            other => Line::words(other.to_string()),
        }
    }

    /// A number with the decimal sign of the language.
    fn number(&self, number: f64) -> String {
        let text = format!("{:.1}", number);
        let text = text.strip_suffix(".0").map(str::to_owned).unwrap_or(text);
        if self.lang == Lang::Id { text.replace('.', ",") } else { text }
    }

    fn question(&self, question: &MinutesQuestion) -> Line {
        let revision = format!("{} ({} {}): ", question.code, labels::REVISION.of(self.lang), question.revision);
        Line::words(revision).and(self.passage(&question.text))
    }

    fn decision(&self, decision: &MinutesDecision) -> Section {
        let mut heading =
            Line::words(format!("{} – {}", decision.before.code, labels::of_name(&decision.kind, self.lang)));
        if decision.rescinded {
            heading = heading.then(format!(" ({})", labels::RESCINDED.of(self.lang)));
        }
        let mut section = Section::new(heading);
        let mut facts = vec![(self.label(labels::BEFORE), self.question(&decision.before))];
        if decision.after.text != decision.before.text || decision.after.code != decision.before.code {
            facts.push((self.label(labels::AFTER), self.question(&decision.after)));
        }
        // Whoever decided wrote the reason in the programme's language.
        let lang = (self.source != self.lang.tag()).then(|| self.source.to_owned());
        facts.push((self.label(labels::REASON), Passage { words: decision.reason.clone(), lang }.into()));
        if let Some(code) = &decision.ballot {
            facts.push((self.label(labels::BALLOT), Line::words(code)));
        }
        section.add(Block::Facts(facts));
        section
    }

    fn follow_ups(&self, minutes: &Minutes) -> Section {
        let mut section = Section::titled(labels::FOLLOW_UPS, self.lang);
        if !minutes.follow_ups.is_empty() {
            let rows = minutes.follow_ups.iter().map(|one| {
                let due = one.due_on.map_or_else(|| "–".to_owned(), |on| day(on, self.lang));
                let owner = one.owner.as_ref().map_or_else(|| Line::words("–"), |owner| self.organisation(owner));
                vec![self.passage(&one.text).into(), owner, Line::words(due), self.name(&one.state)]
            });
            section.add(Block::Table(Table {
                caption: self.label(labels::FOLLOW_UPS),
                head: [labels::FOLLOW_UP, labels::OWNER, labels::DUE, labels::STATE]
                    .map(|label| self.label(label))
                    .to_vec(),
                rows: rows.collect(),
            }));
        }
        self.or_nothing(section)
    }

    /// What a pointer into a question leads to, in words.
    fn field(&self, pointer: &str) -> Line {
        match pointer.strip_prefix("/text/") {
            Some(language) => {
                Line::words(format!("{} ({})", labels::WORDING.of(self.lang), labels::of_name(language, self.lang)))
            }
            None => self.name(pointer.trim_start_matches('/')),
        }
    }

    fn annex(&self, minutes: &Minutes) -> Section {
        let mut section = Section::titled(labels::ANNEX, self.lang);
        for change in &minutes.annex {
            // Ids say nothing to people; where a question went, its code tells.
            let told = change.changes.iter().filter(|field| !field.pointer.contains("_id"));
            let rows = told.map(|field| {
                // A text's pointer ends with its language.
                let lang = field.pointer.strip_prefix("/text/").filter(|lang| *lang != self.lang.tag());
                let cell = |value: &Value| match value {
                    Value::Null => Line::words("–"),
                    Value::String(words) if field.pointer.starts_with("/text/") => {
                        Passage { words: words.clone(), lang: lang.map(str::to_owned) }.into()
                    }
                    Value::String(words) => self.name(words),
                    other => Line::words(other.to_string()),
                };
                vec![self.field(&field.pointer), cell(&field.before), cell(&field.after)]
            });
            section.add(Block::Table(Table {
                caption: Passage::plain(format!(
                    "{}: {} {} → {}",
                    change.code,
                    labels::REVISION.of(self.lang),
                    change.from,
                    change.to
                )),
                head: [labels::FIELD, labels::BEFORE, labels::AFTER].map(|label| self.label(label)).to_vec(),
                rows: rows.collect(),
            }));
        }
        section
    }
}
