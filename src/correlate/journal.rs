//! Rows that are changed now and written later, or as they were before.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

/// Ordered rows, with what those that were changed were before.
#[derive(Debug, Clone)]
pub struct Journal<K, V> {
    rows: BTreeMap<K, V>,
    before: BTreeMap<K, Option<V>>,
}

impl<K, V> Default for Journal<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), before: BTreeMap::new() }
    }
}

impl<K: Ord + Copy, V: Clone + Default> Journal<K, V> {
    /// Rows as they are written down.
    pub fn of(rows: BTreeMap<K, V>) -> Self {
        Self { rows, before: BTreeMap::new() }
    }

    /// A row.
    pub fn get(&self, key: K) -> Option<&V> {
        self.rows.get(&key)
    }

    /// Rows in order.
    pub fn range(&self, keys: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = (K, &V)> {
        self.rows.range(keys).map(|(key, row)| (*key, row))
    }

    /// A row that is to be changed; made where there is none.
    pub fn change(&mut self, key: K) -> &mut V {
        let rows = &self.rows;
        self.before.entry(key).or_insert_with(|| rows.get(&key).cloned());
        self.rows.entry(key).or_default()
    }

    /// Forgets the rows before this one; it forgets no change that waits to be written.
    pub fn forget_before(&mut self, key: K) {
        self.rows = self.rows.split_off(&key);
        self.before = self.before.split_off(&key);
    }

    /// What was changed.
    pub fn changed(&self) -> impl Iterator<Item = (K, &V)> {
        self.before.keys().filter_map(|key| Some((*key, self.rows.get(key)?)))
    }

    /// Every row is to be written again.
    pub fn rewrite(&mut self) {
        for (key, row) in &self.rows {
            self.before.entry(*key).or_insert_with(|| Some(row.clone()));
        }
    }

    /// The changes are written down.
    pub fn settle(&mut self) {
        self.before.clear();
    }

    /// They are not, and never were.
    pub fn undo(&mut self) {
        for (key, row) in std::mem::take(&mut self.before) {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undone_never_was() {
        let mut journal = Journal::of(BTreeMap::from([(1, 10), (2, 20), (9, 90)]));
        *journal.change(2) += 1;
        *journal.change(2) += 1;
        *journal.change(3) += 7;
        assert_eq!(journal.changed().collect::<Vec<_>>(), [(2, &22), (3, &7)]);
        journal.undo();
        assert_eq!(journal.range(..).collect::<Vec<_>>(), [(1, &10), (2, &20), (9, &90)]);
        assert_eq!(journal.changed().count(), 0);
        *journal.change(2) += 1;
        journal.settle();
        journal.undo();
        assert_eq!(journal.get(2), Some(&21));
        journal.rewrite();
        assert_eq!(journal.changed().count(), 3);
        journal.settle();
        journal.forget_before(2);
        assert_eq!(journal.get(1), None);
    }
}
