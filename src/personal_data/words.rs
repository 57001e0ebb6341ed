//! The words that name a person, and texts in which they are blanked.

use serde_json::Value;

use crate::problem::Problem;

/// What stands where somebody was named.
pub const BLANK: &str = "[dihapus]";

/// How a person is named: by an address, by their name, by other words that an admin knows of.
pub struct Words {
    email: String,
    others: Vec<String>,
}

/// By what a text names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    Address,
    Words,
}

impl Words {
    pub fn of(email: &str, name: &str, others: &[String]) -> Words {
        let others = others.iter().map(String::as_str).chain([name]).map(str::trim);
        let mut others: Vec<String> = others.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        // The longest first: a name is blanked whole.
        others.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
        Words { email: email.trim().to_owned(), others }
    }

    /// By what a JSON text names them, if it does.
    pub fn in_json(&self, text: &str) -> Option<By> {
        let named = |word: &str| !word.is_empty() && (stands(text, word) || stands(text, &escaped(word)));
        if named(&self.email) {
            return Some(By::Address);
        }
        self.others.iter().any(|word| named(word)).then_some(By::Words)
    }

    /// A JSON text in which nothing names them.
    pub fn blank_json(&self, text: &str) -> Result<String, Problem> {
        let mut value: Value = serde_json::from_str(text).map_err(Problem::internal)?;
        self.blank_value(&mut value);
        serde_json::to_string(&value).map_err(Problem::internal)
    }

    fn blank_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.blank(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.blank_value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.blank_value(member)),
            _ => {}
        }
    }

    /// A text in which nothing names them.
    pub fn blank(&self, text: &str) -> String {
        let mut blanked = text.to_owned();
        for word in [&self.email].into_iter().chain(&self.others).filter(|word| !word.is_empty()) {
            blanked = without(&blanked, word);
        }
        blanked
    }
}

/// A word as it stands in a JSON text.
fn escaped(word: &str) -> String {
    let quoted = Value::from(word).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn stands(text: &str, word: &str) -> bool {
    // Most texts name nobody, and this is quicker than looking at each of their letters.
    if !text.to_lowercase().contains(&word.to_lowercase()) {
        return false;
    }
    let (text, word): (Vec<char>, Vec<char>) = (text.chars().collect(), word.chars().collect());
    (0..text.len()).any(|at| begins(&text, at, &word))
}

/// The text with something else where the word stands.
fn without(text: &str, word: &str) -> String {
    let (text, word): (Vec<char>, Vec<char>) = (text.chars().collect(), word.chars().collect());
    let (mut left, mut at) = (String::new(), 0);
    while at < text.len() {
        if begins(&text, at, &word) {
            left.push_str(BLANK);
            at += word.len();
        } else {
            left.push(text[at]);
            at += 1;
        }
    }
    left
}

/// Whether the whole word stands there, in any case: neither "Ana" in "rencana", nor an address in a longer one.
fn begins(text: &[char], at: usize, word: &[char]) -> bool {
    let Some(found) = text.get(at..at + word.len()) else { return false };
    let inside = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|letter| letter.is_alphanumeric());
    let same = found.iter().zip(word).all(|(one, other)| one.to_lowercase().eq(other.to_lowercase()));
    same && !inside(at.checked_sub(1)) && !inside(Some(at + word.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_blanked_in_any_case() {
        let words = Words::of("Rani@Dinas.example", "Rani Wulandari", &["Bu Rani".into()]);
        let text = "RANI WULANDARI (rani@dinas.example) dan Bu Rani, bukan Maharani Wulandari atau Rani lain.";
        assert_eq!(words.blank(text), "[dihapus] ([dihapus]) dan [dihapus], bukan Maharani Wulandari atau Rani lain.");
        assert_eq!(words.blank("xrani@dinas.example"), "xrani@dinas.example");
    }

    #[test]
    fn a_json_text_is_blanked_in_its_strings_alone() {
        let words = Words::of("a@b.example", "Jo \"J\" É", &[]);
        let body = r#"{"name":"jo \"j\" é","n":[1,{"to":"A@B.example."}]}"#;
        assert_eq!(words.in_json(body), Some(By::Address));
        assert_eq!(words.in_json(r#"{"x":"jo \"j\" é"}"#), Some(By::Words));
        assert_eq!(words.in_json(r#"{"x":"nobody"}"#), None);
        assert_eq!(words.blank_json(body).unwrap(), r#"{"name":"[dihapus]","n":[1,{"to":"[dihapus]."}]}"#);
        // Nobody is named by nothing.
        assert_eq!(Words::of("", " ", &[]).in_json(body), None);
    }
}
