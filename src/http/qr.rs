//! Links as QR codes.

use qrcode::{EcLevel, QrCode, render::svg};

/// A QR code in SVG; empty when the link is too long for one, which a link by reference is not.
pub(super) fn svg(link: &str) -> String {
    let code = QrCode::with_error_correction_level(link, EcLevel::M);
    code.map(|code| code.render::<svg::Color<'_>>().min_dimensions(240, 240).build()).unwrap_or_default()
}
