//! How long a page may be: somebody reads it at 3 a.m. over a bad line.

use maud::Markup;

/// Rows as far as they fit in so many bytes, and how many do not.
///
/// The first is always among them: rows come from capped texts.
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
        let row = render(item);
        match left.checked_sub(row.0.len()) {
            Some(rest) => left = rest,
            None if rows.is_empty() => left = 0,
            None => {
                out += 1;
                continue;
            }
        }
        rows.push(row);
    }
    (rows, out)
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
        assert_eq!((rows.len(), out), (1, 9));
        assert_eq!(fitting(0..0, 3, row).1, 0);
    }
}
