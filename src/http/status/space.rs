//! How long a page may be: somebody reads it at 3 a.m. over a bad line.

use maud::{Markup, PreEscaped};

/// Rows as far as they fit in so many bytes, and how many do not.
///
/// The first is always among them, cut where it does not fit by itself.
pub fn fitting<T>(
    items: impl IntoIterator<Item = T>,
    bytes: usize,
    mut render: impl FnMut(T) -> Markup,
) -> (Vec<Markup>, usize) {
    let (mut rows, mut left, mut out) = (Vec::new(), bytes, 0);
    for item in items {
        if out > 0 {
            out += 1;
            continue;
        }
        let mut row = render(item);
        match left.checked_sub(row.0.len()) {
            Some(rest) => left = rest,
            None if rows.is_empty() => {
                row = cut(&row.0, left);
                left = 0;
            }
            None => {
                out += 1;
                continue;
            }
        }
        rows.push(row);
    }
    (rows, out)
}

/// Elements that have no end.
const VOID: [&str; 2] = ["br", "meta"];

/// Stands where the rest is left out.
const CUT: &str = "…";

/// As much of a row as fits: whole tags and characters, and the end of each element that is open.
fn cut(row: &str, bytes: usize) -> Markup {
    let mut room = bytes.saturating_sub(CUT.len());
    let (mut kept, mut open) = (String::new(), Vec::new());
    let mut rest = row;
    while !rest.is_empty() {
        let (piece, behind) = piece(rest);
        let name = piece.strip_prefix('<').map(|tag| {
            let end = tag.find([' ', '>']).unwrap_or(tag.len());
            tag.get(..end).unwrap_or(tag)
        });
        // What an element takes at its begin is kept free for its end.
        let takes = match name {
            Some(name) if name.starts_with('/') => 0,
            Some(name) if !VOID.contains(&name) => piece.len() + name.len() + "</>".len(),
            _ => piece.len(),
        };
        let Some(left) = room.checked_sub(takes) else { break };
        match name {
            Some(name) if name.starts_with('/') => drop(open.pop()),
            Some(name) if !VOID.contains(&name) => open.push(name),
            _ => {}
        }
        room = left;
        kept.push_str(piece);
        rest = behind;
    }
    if !rest.is_empty() {
        kept.push_str(CUT);
    }
    for name in open.iter().rev() {
        kept.push_str(&format!("</{name}>"));
    }
    PreEscaped(kept)
}

/// A tag, an escaped character or a plain one; and what stands behind it.
fn piece(rest: &str) -> (&str, &str) {
    let whole = match rest.chars().next() {
        Some('<') => rest.find('>').map(|end| end + 1),
        Some('&') => rest.find(';').map(|end| end + 1),
        Some(one) => Some(one.len_utf8()),
        None => None,
    };
    rest.split_at_checked(whole.unwrap_or(rest.len())).unwrap_or((rest, ""))
}

#[cfg(test)]
mod tests {
    use maud::html;

    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let row = |n: usize| html! { (format!("{n:10}")) };
        let (rows, out) = fitting(0..10, 35, row);
        assert_eq!((rows.len(), out), (3, 7));
        let (rows, out) = fitting(0..10, 3, row);
        assert_eq!((rows.len(), out, rows[0].0.len()), (1, 9, 3), "cut");
        assert_eq!(fitting(0..0, 3, row).1, 0);
    }

    #[test]
    fn a_row_that_is_too_long_by_itself_is_cut_between_its_tags() {
        let text = "<ä>&\"".repeat(3);
        let row = html! { tr { td class="a" { b { (text) } br; "x" } td { (text) } } };
        for bytes in 0..row.0.len() + 20 {
            let cut = cut(&row.0, bytes).0;
            assert!(cut.len() <= bytes.max(CUT.len()), "{bytes}: {cut}");
            assert_eq!(cut.contains(CUT), cut != row.0, "{bytes}: {cut}");
            let (mut open, mut rest) = (Vec::new(), cut.as_str());
            while let (before, Some((tag, behind))) = (
                rest.split('<').next().unwrap(),
                rest.split_once('<').and_then(|at| at.1.split_once('>')),
            ) {
                let entities = ["&lt;", "&gt;", "&amp;", "&quot;"];
                let plain =
                    entities.iter().fold(before.to_owned(), |text, one| text.replace(one, ""));
                assert!(!plain.contains('&'), "{bytes}: {cut}");
                match tag.strip_prefix('/') {
                    Some(name) => assert_eq!(open.pop(), Some(name), "{bytes}: {cut}"),
                    None if tag == "br" => {}
                    None => open.push(tag.split(' ').next().unwrap()),
                }
                rest = behind;
            }
            assert!(open.is_empty(), "{bytes}: {cut}");
        }
        assert_eq!(cut(&row.0, row.0.len() + 3).0, row.0);
    }
}
