//! The tenant of Microsoft's addresses.

use super::provider::Preset;
use crate::config::{sheet::PlacedValue, table::Table, value::text};

/// Tenants that stand for many. Client credentials need one tenant (Microsoft, "OAuth 2.0 client credentials flow").
const MANY_TENANTS: [&str; 3] = ["common", "organizations", "consumers"];

/// The tenant of Microsoft's addresses, `one` where it can't stand for many; nothing when it is wrong or of no use.
pub(super) fn tenant(table: &mut Table<'_>, one: bool, preset: Option<&Preset>, has_url: bool) -> Option<String> {
    let microsoft = matches!(preset, Some(Preset::Microsoft { .. }));
    match table.value("tenant") {
        Some(tenant) if has_url => tenant.wrong("has no use beside the addresses in oauth", "remove one of the two"),
        Some(tenant) if microsoft => tenant_name(&tenant, one),
        Some(_) if table.value("provider").is_some() && preset.is_none() => None,
        Some(tenant) => tenant.wrong("is for Microsoft only", "remove it, or write provider = \"microsoft\""),
        None if one && microsoft && !has_url => {
            table.lacks_key(
                "tenant",
                "write the tenant's id or domain, e.g. tenant = \"contoso.example\"",
            );
            None
        }
        None => Some("common".to_owned()),
    }
}

/// A tenant's id or domain, or a word for many tenants unless it must be `one`.
fn tenant_name(value: &PlacedValue<'_>, one: bool) -> Option<String> {
    let tenant = text(value.clone())?;
    if !tenant
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    {
        return value.wrong(
            format!("is \"{tenant}\", not a tenant"),
            "write the tenant's id or domain",
        );
    }
    if one && MANY_TENANTS.contains(&tenant.as_str()) {
        let cause = format!("is \"{tenant}\", but client_credentials needs one tenant");
        return value.wrong(cause, "write the tenant's id or domain");
    }
    Some(tenant)
}
