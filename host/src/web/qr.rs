//! `GET /{user}/{app}/qr.svg`: the page's address as a picture that phones read.
//!
//! Black on white whatever the page looks like, with the quiet zone that readers ask for, and as large as whoever shows it likes.

use std::fmt::Write as _;

use axum::{
    extract::{self, Path},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Uri, header};
use qrcode::{Color, EcLevel, QrCode};

use super::{Problem, Site, card, page, problem};
use crate::adapter::store::Lookup;

/// Modules of white around the code, by the standard.
const QUIET: usize = 4;

pub(super) async fn show(
    extract::State(site): extract::State<Site>,
    Path((user, app)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = page::key(&user, &app)?;
    let portrait = match site.store().portrait(&key).await? {
        Lookup::Found(portrait) => portrait,
        Lookup::Moved(to) => return Ok(page::moved(&format!("/{}/{}/qr.svg", to.user, to.app), &uri)),
        Lookup::Missing => return Err(page::missing(&site, &key, None).await),
    };
    let url = site.config().server.page_url(&format!("/{}/{}", key.user, key.app));
    let picture = draw(&url, &portrait.summary.title).ok_or_else(problem::internal)?;
    let tag = card::tag(&[env!("CARGO_PKG_VERSION"), &picture]);
    let mut response = if card::has(&headers, &tag) {
        http::StatusCode::NOT_MODIFIED.into_response()
    } else {
        picture.into_response()
    };
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// `None` where the address is longer than any code holds.
fn draw(url: &str, title: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M).ok()?;
    let (width, colours) = (code.width(), code.to_colors());
    let side = width + 2 * QUIET;
    let mut path = String::new();
    for (y, row) in colours.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|colour| **colour == Color::Dark).count();
            if run > 0 {
                // Writing to a string cannot fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    let (title, url) = (card::xml(title), card::xml(url));
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" shape-rendering=\"crispEdges\">\
         <title>QR code of {title}: {url}</title><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use resvg::{tiny_skia, usvg};

    use super::*;

    /// What a reader of QR codes makes of the picture.
    fn read(svg: &str) -> String {
        let tree = usvg::Tree::from_str(svg, &usvg::Options::default()).unwrap();
        let side = 420_u16;
        let scale = f32::from(side) / tree.size().width();
        let mut pixels = tiny_skia::Pixmap::new(side.into(), side.into()).unwrap();
        resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut pixels.as_mut());
        let at = |n: usize| u32::try_from(n).unwrap();
        let grey = |x: usize, y: usize| pixels.pixel(at(x), at(y)).unwrap().red();
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side.into(), side.into(), grey);
        image.detect_grids()[0].decode().unwrap().1
    }

    #[test]
    fn a_reader_finds_the_address_in_it() {
        for url in [
            "http://localhost:3030/otter/red-fox",
            "https://pages.wtaf.example/brave-otter/a-page-with-quite-a-long-name-42",
        ] {
            assert_eq!(read(&draw(url, "Red fox").unwrap()), url);
        }
    }

    #[test]
    fn what_it_is_called_cannot_break_out_of_it() {
        let svg = draw("http://localhost/a/b", "</title><script>alert(1)</script>\u{0}").unwrap();
        assert!(!svg.contains("<script") && usvg::Tree::from_str(&svg, &usvg::Options::default()).is_ok(), "{svg}");
        assert!(draw(&"x".repeat(9_000), "long").is_none());
    }
}
