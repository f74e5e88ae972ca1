// Throws bytes at the extractor: it never panics, and what it finds is a whole document. Shared by the fuzz target and the tests of the host.

use wtaf_plugin_extract::Extractor;
use wtaf_plugin_sdk::{
    Context, Order,
    extract::{Extract, Found},
};

pub fn extract(data: &[u8]) {
    let Some((&how, answer)) = data.split_first() else { return };
    let Ok(answer) = std::str::from_utf8(answer) else { return };
    let kind = ["page", "data-app", "edit", "chat"][usize::from(how >> 2) % 4];
    let Found::Pages(pages) = found(answer, kind, how & 1 == 1, how & 2 == 2) else { return };
    for page in pages {
        let lower = page.html.to_ascii_lowercase();
        assert!(lower.contains("<html") && lower.contains("</html"), "no document: {:?}", page.html);
    }
}

fn found(answer: &str, kind: &str, finished: bool, last: bool) -> Found {
    let ctx = Context {
        job: String::new(),
        attempt: 1,
        now: 0,
        seed: 0,
        config: String::new(),
        extra: if last { vec![("last".to_owned(), "true".to_owned())] } else { Vec::new() },
    };
    let order = Order {
        kind: kind.to_owned(),
        text: "a page".to_owned(),
        coach: None,
        page: None,
        why: String::new(),
        extra: Vec::new(),
    };
    match Extractor::extract(ctx, order, answer.to_owned(), finished) {
        Ok(found) => found,
        Err(why) => panic!("{why:?}"),
    }
}
