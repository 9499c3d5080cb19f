//! Where objects are, for servers that have them elsewhere.

use super::Reader;
use crate::config::field::Field;
use crate::config::values::Line;
use crate::genesys::paths::Paths;

/// The paths of channels and of webhooks.
pub(super) fn read(given: [Field<Line>; 2], reader: &mut Reader<'_>) -> Paths {
    let mut paths = Paths::default();
    let [channels, webhooks] = given;
    path("channels-path", channels, &mut paths.channels, reader);
    path("webhooks-path", webhooks, &mut paths.webhooks, reader);
    paths
}

fn path(name: &str, field: Field<Line>, to: &mut String, reader: &mut Reader<'_>) {
    let Some((span, text)) = field.take_spanned(format!("genesys.{name}"), reader.faults) else {
        return;
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let text = text.0;
    if !text.starts_with('/') || text.ends_with('/') || !text.bytes().all(plain) {
        let fix = "write it as \"/api/v2/webhooks\": a slash in front, none at the end";
        reader.fault(&span, name, "not a path", fix);
        return;
    }
    *to = text;
}
