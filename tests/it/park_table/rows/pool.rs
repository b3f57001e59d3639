//! Rows: being written.

use super::super::Row;

pub(super) const ROWS: &[Row] = &[];
