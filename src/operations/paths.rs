//! The document's paths as a tree of words. Every request is looked up in it, more than once: actix-web's own look-up
//! (`match_pattern`) tries the patterns of all resources one after the other, as regular expressions.

use std::collections::HashMap;

/// A path of the document.
pub struct KnownPath {
    /// With its parameters in braces.
    pub pattern: String,
    /// What it answers, HEAD and OPTIONS included.
    pub methods: Vec<String>,
    /// Its operations: the method of each, and its place in the list of all.
    pub operations: Vec<(String, usize)>,
}

#[derive(Default)]
pub struct Paths {
    words: HashMap<String, Paths>,
    parameter: Option<Box<Paths>>,
    here: Option<KnownPath>,
}

impl Paths {
    pub fn insert(&mut self, known: KnownPath) {
        let mut node = self;
        for word in known.pattern.split('/') {
            node = match word.starts_with('{') {
                true => node.parameter.get_or_insert_default(),
                false => node.words.entry(word.to_owned()).or_default(),
            };
        }
        node.here = Some(known);
    }

    /// The path that a request's path is one of. A word that is named comes before a parameter, as in the routes.
    pub fn find(&self, path: &str) -> Option<&KnownPath> {
        let (word, rest) = match path.split_once('/') {
            Some((word, rest)) => (word, Some(rest)),
            None => (path, None),
        };
        let named = self.words.get(word).and_then(|node| node.after(rest));
        named.or_else(|| self.parameter.as_ref().filter(|_| !word.is_empty()).and_then(|node| node.after(rest)))
    }

    fn after(&self, rest: Option<&str>) -> Option<&KnownPath> {
        match rest {
            Some(rest) => self.find(rest),
            None => self.here.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_word_comes_before_a_parameter_and_no_parameter_is_empty() {
        let mut paths = Paths::default();
        for pattern in ["/things", "/things/{id}", "/things/{id}/acts", "/things/batch", "/{any}/batch/acts"] {
            paths.insert(KnownPath { pattern: pattern.into(), methods: Vec::new(), operations: Vec::new() });
        }
        let found = |path| paths.find(path).map(|known| known.pattern.as_str());
        assert_eq!(found("/things"), Some("/things"));
        assert_eq!(found("/things/batch"), Some("/things/batch"));
        assert_eq!(found("/things/7"), Some("/things/{id}"));
        assert_eq!(found("/things/batch/acts"), Some("/things/{id}/acts"));
        assert_eq!(found("/others/batch/acts"), Some("/{any}/batch/acts"));
        for none in ["", "/", "things", "/things/", "/things//acts", "/things/7/acts/8", "/others"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
