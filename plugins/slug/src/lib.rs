//! Slug.
use wtaf_plugin_sdk::{Context, Order, StageError, slug::Slug};
struct P;
impl Slug for P {
    fn propose(ctx: Context, _o: Order, _t: Option<String>, _x: Vec<String>) -> Result<Vec<String>, StageError> {
        Ok(vec![format!("page-{}", ctx.seed)])
    }
}
wtaf_plugin_sdk::export_slug!(P);
