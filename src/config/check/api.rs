//! `[api]`: who may use the API.

use crate::config::{Api, table::Table, value::secret_line};

/// Reads `[api]`. A token whose file is missing will do: it may come, and until then nobody is let in.
pub(super) fn api(table: &mut Table<'_>) -> Option<Api> {
    Some(table.get("token", secret_line).map_or(Api::Loopback, Api::Token))
}
