//! Extract.
use wtaf_plugin_sdk::{Context, Order, PageDraft, StageError, extract::{Extract, Found}};
struct P;
impl Extract for P {
    fn extract(_c: Context, _o: Order, a: String, _f: bool) -> Result<Found, StageError> {
        Ok(Found::Pages(vec![PageDraft { audience: "everyone".into(), title: None, html: a, assets: vec![], extra: vec![] }]))
    }
}
wtaf_plugin_sdk::export_extract!(P);
