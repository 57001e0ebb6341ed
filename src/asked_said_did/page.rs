use chrono_tz::Tz;

use super::told::*;
use crate::{
    pages::{Block, Line, Page, Passage, Section, Table, Writer, day, labels},
    problem::Lang,
};

/// The page of a report: nothing but what it tells. `next` is the address of the next page.
pub fn of(report: &AskedSaidDid, lang: Lang, next: Option<&str>) -> Page {
    let zone = report.program.time_zone.parse().unwrap_or(Tz::UTC);
    let writer = Writer { lang, source: &report.program.source_language };
    let mut said = Section::titled(labels::SAID_AND_DONE, lang);
    said.sections = report.items.iter().map(|item| writer.item(item, zone)).collect();
    let mut footer = vec![Line::words(labels::WRITTEN_BY_SERVICE.of(lang))];
    if let Some(next) = next {
        footer.push(Line::link(writer.label(labels::NEXT_PAGE), next));
    }
    let mut facts = vec![(writer.label(labels::PROGRAM), writer.passage(&report.program.name).into())];
    if report.about.kind != TraceKind::Program {
        let about = Line::words(format!("{}: ", report.about.code)).and(writer.passage(&report.about.text));
        facts.push((writer.label(labels::ABOUT), about));
    }
    Page {
        lang,
        title: Passage::plain(labels::ASKED_SAID_DID.of(lang)),
        facts,
        sections: vec![writer.asked(&report.asked), writer.or_nothing(said)],
        footer,
    }
}

impl Writer<'_> {
    /// What the API calls something.
    fn named<T: serde::Serialize>(&self, value: &T) -> Line {
        self.name(&name_of(value))
    }

    fn asked(&self, asked: &Asked) -> Section {
        let mut section = Section::titled(labels::ASKED, self.lang);
        if !asked.consultations.is_empty() {
            let rows = asked.consultations.iter().map(|call| {
                let until = call.closes_on.map_or_else(|| "–".to_owned(), |on| day(on, self.lang));
                vec![
                    Line::words(&call.code),
                    self.passage(&call.topic).into(),
                    self.named(&call.participation),
                    Line::words(day(call.opens_on, self.lang)),
                    Line::words(until),
                ]
            });
            section.add(Block::Table(Table {
                caption: self.label(labels::CONSULTATIONS),
                head: [labels::CODE, labels::TOPIC, labels::PARTICIPATION, labels::OPENS, labels::CLOSES]
                    .map(|label| self.label(label))
                    .to_vec(),
                rows: rows.collect(),
            }));
        }
        if !asked.questions.is_empty() {
            let rows = asked.questions.iter().map(|question| {
                let code = format!("{} ({} {})", question.code, labels::REVISION.of(self.lang), question.revision);
                vec![Line::words(code), self.passage(&question.text).into(), self.named(&question.state)]
            });
            section.add(Block::Table(Table {
                caption: self.label(labels::QUESTIONS),
                head: [labels::CODE, labels::WORDING, labels::STATE].map(|one| self.label(one)).to_vec(),
                rows: rows.collect(),
            }));
        }
        self.or_nothing(section)
    }

    fn item(&self, item: &SaidAndDone, zone: Tz) -> Section {
        let mut section =
            Section::new(Line::words(format!("{} – ", item.code)).and(self.organisation(&item.organisation)));
        let lang = (item.language != self.lang.tag()).then(|| item.language.clone());
        section.text(&Passage { words: item.text.clone(), lang });
        let received = item.received_at.with_timezone(&zone).date_naive();
        let mut facts = vec![
            (self.label(labels::KIND), self.named(&item.kind)),
            (self.label(labels::RECEIVED), Line::words(day(received, self.lang))),
            (self.label(labels::STATE), self.named(&item.state)),
        ];
        if let Some(code) = &item.consultation {
            facts.push((self.label(labels::CONSULTATION), Line::words(code)));
        }
        let about = item.about.iter().map(|one| {
            let code = one.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
            self.named(&one.kind).then(code)
        });
        let about = Line::joined(about, "; ");
        if !about.is_empty() {
            facts.push((self.label(labels::ABOUT), about));
        }
        let links = Line::joined(item.links.iter().map(|link| Line::link(Passage::plain(link), link)), " ");
        if !links.is_empty() {
            facts.push((self.label(labels::LINKS), links));
        }
        if let Some(due) = item.due_on.filter(|_| item.decision.is_none()) {
            facts.push((self.label(labels::DUE), Line::words(day(due, self.lang))));
        }
        self.done(item, &mut facts);
        section.add(Block::Facts(facts));
        section
    }

    fn done(&self, item: &SaidAndDone, facts: &mut Vec<(Passage, Line)>) {
        if let Some(decision) = &item.decision {
            facts.push((self.label(labels::DECISION), self.named(&decision.kind)));
            if decision.reason_code != decision.kind {
                facts.push((self.label(labels::REASON), self.named(&decision.reason_code)));
            }
            facts.push((self.label(labels::WHY), self.passage(&decision.text).into()));
        }
        let effects = item.effects.iter().map(|effect| {
            let code = effect.code.as_ref().map(|code| format!(" {code}")).unwrap_or_default();
            let revision = format!("{code}, {} {}", labels::REVISION.of(self.lang), effect.revision);
            self.named(&effect.kind).then(revision)
        });
        let effects = Line::joined(effects, "; ");
        if !effects.is_empty() {
            facts.push((self.label(labels::CAME_OF_IT), effects));
        }
        if let Some(answer) = &item.answer {
            facts.push((self.label(labels::ANSWER), self.passage(&answer.text).into()));
        }
    }
}
