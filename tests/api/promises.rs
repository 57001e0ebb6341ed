//! `docs/security.md` says of each promise which story holds it. The page is as true as what it names is there.

use std::{collections::BTreeSet, fs, path::Path};

/// Why a name on the page is none; nothing where it is one, or is no name.
fn fault(named: &str) -> Option<String> {
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if let Some((file, story)) = named.rsplit_once("::") {
        if !named.split("::").all(plain) {
            return None;
        }
        let file = format!("tests/api/{}.rs", file.replace("::", "/"));
        return match fs::read_to_string(&file) {
            Ok(text) if text.contains(&format!("fn {story}(")) => None,
            Ok(_) => Some(format!("{file} has no story {story}")),
            Err(_) => Some(format!("there is no {file}, where {story} should be")),
        };
    }
    let ours = ["tests/", "src/", "docs/", "openapi/", "examples/", "benches/", ".ci/"];
    let missing = ours.iter().any(|folder| named.starts_with(folder)) && !Path::new(named).exists();
    missing.then(|| format!("there is no {named}"))
}

#[test]
fn every_story_and_file_that_the_page_on_security_names_is_there() {
    let page = fs::read_to_string("docs/security.md").unwrap();
    let quoted: BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links: Vec<String> = links
        .map(|link| match link.strip_prefix("../") {
            Some(file) => file.to_owned(),
            None => format!("docs/{link}"),
        })
        .collect();
    let stories = quoted.iter().filter(|named| named.contains("::")).count();
    assert!(stories > 80, "the page names {stories} stories");
    let named = quoted.into_iter().chain(links.iter().map(String::as_str));
    let faults: Vec<String> = named.filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
