// What oidc-provider 9.13 takes from newer Nodes and Debian 12's own Node 18 lacks (2026-11).

import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);
