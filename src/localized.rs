//! Text that people read, in the programme's source language and others; and which revision of the
//! source each translation renders.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, ObjectBuilder, Schema, Type},
    },
};

/// One text by language tag: `{"id": "Bagaimana …?", "en": "How …?"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Localized(pub BTreeMap<String, String>);

/// Longer than any text of a resource that people read at one go.
const TEXT_MAX: usize = 4_000;

impl PartialSchema for Localized {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(TEXT_MAX));
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("One text by language tag (RFC 5646). The programme's source language is required."))
            .property_names(Some(
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .max_length(Some(6))
                    .pattern(Some("^[a-z]{2,3}(-[A-Z]{2})?$")),
            ))
            .additional_properties(Some(AdditionalProperties::RefOr(text.build().into())))
            .examples([json!({"id": "Fokus Utama", "en": "Focus area"})])
            .into()
    }
}

impl ToSchema for Localized {
    fn name() -> std::borrow::Cow<'static, str> {
        "Localized".into()
    }
}

/// Which source revision a translation renders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Translation {
    /// JSON pointer of the localized text.
    #[schema(example = "/text")]
    pub pointer: String,
    #[schema(example = "en")]
    pub language: String,
    /// The revision whose source text it renders.
    #[schema(minimum = 1)]
    pub of_revision: i32,
    /// The source has moved on since.
    pub stale: bool,
}

/// What the translations of a resource render after a change: a translation that was written anew (or
/// whose source did not change) is up to date; one that stayed while its source changed is stale. A text
/// that only took another place in its list keeps what was known of it.
pub fn carry(
    before: &[Translation],
    old: &[(String, &Localized)],
    new: &[(String, &Localized)],
    source: &str,
    revision: i32,
) -> Vec<Translation> {
    let mut carried = Vec::new();
    for (pointer, text) in new {
        let here = old.iter().find(|(other, was)| other == pointer && was == text);
        let moved = here.or_else(|| old.iter().find(|(other, was)| was == text && alike(other, pointer)));
        let place = moved.map_or(pointer, |(other, _)| other);
        let was = old.iter().find(|(other, _)| other == place).map(|(_, text)| *text);
        let source_changed = was.is_none_or(|was| was.0.get(source) != text.0.get(source));
        for (language, words) in text.0.iter().filter(|(language, _)| *language != source) {
            let known = before.iter().find(|known| known.pointer == *place && known.language == *language);
            let same_words = was.is_some_and(|was| was.0.get(language) == Some(words));
            carried.push(match known {
                Some(known) if same_words => {
                    Translation { pointer: pointer.clone(), stale: known.stale || source_changed, ..known.clone() }
                }
                _ => Translation {
                    pointer: pointer.clone(),
                    language: language.clone(),
                    of_revision: revision,
                    stale: false,
                },
            });
        }
    }
    carried
}

/// Whether two pointers differ in list positions alone.
fn alike(one: &str, other: &str) -> bool {
    let is_position = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    one.split('/').count() == other.split('/').count()
        && one
            .split('/')
            .zip(other.split('/'))
            .all(|(one, other)| one == other || (is_position(one) && is_position(other)))
}

/// A text in the wanted language, or in the source language (the one that is no translation), with the
/// language that it is in and whether it lags behind its source.
pub fn choose(text: &Value, pointer: &str, wanted: &str, translations: &[Translation]) -> Value {
    let Some(texts) = text.as_object() else { return text.clone() };
    let is_translation =
        |language: &str| translations.iter().any(|known| known.pointer == pointer && known.language == language);
    let source = texts.iter().find(|(language, _)| !is_translation(language));
    let Some((language, words)) = texts.get_key_value(wanted).or(source).or(texts.iter().next()) else {
        return text.clone();
    };
    let stale = translations.iter().any(|known| known.stale && known.pointer == pointer && known.language == *language);
    json!({"text": words, "lang": language, "stale": stale})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pairs: &[(&str, &str)]) -> Localized {
        Localized(pairs.iter().map(|(language, words)| ((*language).into(), (*words).into())).collect())
    }

    #[test]
    fn a_translation_that_stays_while_its_source_changes_is_stale() {
        let first = text(&[("id", "satu"), ("en", "one")]);
        let known = carry(&[], &[], &[("/text".into(), &first)], "id", 1);
        assert_eq!((known[0].of_revision, known[0].stale), (1, false));
        let second = text(&[("id", "dua"), ("en", "one")]);
        let known = carry(&known, &[("/text".into(), &first)], &[("/text".into(), &second)], "id", 2);
        assert_eq!((known[0].of_revision, known[0].stale), (1, true));
        let third = text(&[("id", "dua"), ("en", "two")]);
        let known = carry(&known, &[("/text".into(), &second)], &[("/text".into(), &third)], "id", 3);
        assert_eq!((known[0].of_revision, known[0].stale), (3, false));
    }
}
