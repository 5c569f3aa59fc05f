// A real OAuth 2.0 authorization server (oidc-provider) on loopback, for tests.
//
// Accounts are mail addresses; every address exists. Access tokens are opaque and carry `email`, so that Dovecot
// verifies them by introspection (RFC 7662) and revocation counts at once. Refresh tokens rotate; using one twice
// revokes its whole grant. Routes under /testbed are for tests only and let them do without a browser.
//
// Environment: PORT, ACCESS_TTL (seconds), GRANTED (a file that gets each token that was granted, one a line).

import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parse } from 'node:querystring';
import Provider from 'oidc-provider';
import { checkThumbprint, Federation, jwtBearer, ServiceAccounts } from './assertions.mjs';
import { Clients, fixed, JWT_BEARER, SCOPE } from './clients.mjs';
import { Devices } from './device.mjs';
import { routes } from './routes.mjs';
import { Store } from './store.mjs';
import { Holds, Script } from './trouble.mjs';

const port = Number(process.env.PORT);
const settings = {
  access_ttl: Number(process.env.ACCESS_TTL ?? 3600),
  device_ttl: 600,
  device_interval: 1,
  slow_down_by: 5,
};
const stats = { success: {}, error: {}, introspections: 0 };
const clients = new Clients();
const store = new Store((id) => clients.find(id));

const provider = new Provider(`http://127.0.0.1:${port}`, {
  adapter: (model) => store.of(model),
  clients: fixed,
  extraClientMetadata: { properties: ['email', 'thumbprint'] },
  scopes: SCOPE.split(' '),
  cookies: { keys: ['testbed'] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: id }) }),
  extraTokenClaims: (ctx, token) => ({ email: token.accountId ?? ctx.oidc.client.email }),
  assertJwtClientAuthClaimsAndHeader: checkThumbprint,
  clockTolerance: 0,
  ttl: {
    AccessToken: () => settings.access_ttl,
    ClientCredentials: () => settings.access_ttl,
    RefreshToken: 86400,
    Grant: 86400,
    Interaction: 600,
    Session: 600,
    DeviceCode: () => settings.device_ttl,
    AuthorizationCode: 60,
    IdToken: 3600,
  },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === 'dovecot' },
  },
});

// A program on somebody's own machine listens wherever it can: any port and path (RFC 8252 section 7.3).
const allowed = provider.Client.prototype.redirectUriAllowed;
provider.Client.prototype.redirectUriAllowed = function redirectUriAllowed(uri) {
  const { protocol, hostname } = new URL(uri);
  const loopback = protocol === 'http:' && ['127.0.0.1', 'localhost'].includes(hostname);
  return loopback ? this.redirectUris.length > 0 : allowed.call(this, uri);
};

const count = (outcome, grant = 'none') => {
  stats[outcome][grant] = (stats[outcome][grant] ?? 0) + 1;
};
const granted = (token) => appendFileSync(process.env.GRANTED, `${token}\n`);
provider.on('grant.success', ({ oidc, body }) => {
  count('success', oidc.params.grant_type);
  [body.access_token, body.refresh_token].filter(Boolean).forEach(granted);
});
provider.on('grant.error', ({ oidc }) => count('error', oidc?.params?.grant_type));
provider.on('server_error', (_ctx, error) => console.error(error));

async function newGrant({ user, client = 'mailjob' }) {
  const grant = new provider.Grant({ accountId: user, clientId: client });
  grant.addOIDCScope(SCOPE);
  return grant.save();
}

async function text(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

// oidc-provider takes `req.body` where somebody read it already.
async function readForm(ctx, next) {
  if (ctx.path === '/token' && ctx.method === 'POST') {
    ctx.req.body = await text(ctx.req);
    ctx.state.form = parse(ctx.req.body);
  }
  if (ctx.path === '/token/introspection') stats.introspections += 1;
  return next();
}

const accounts = new ServiceAccounts();
const federation = new Federation(clients, (grant) => count('error', grant));
const [script, holds] = [new Script(), new Holds()];
const layers = [readForm, holds.wait, script.play, new Devices(settings).pace, federation.exchange, accounts.identify];
layers.forEach((layer) => provider.use(layer));
provider.registerGrantType(JWT_BEARER, jwtBearer(provider, accounts, newGrant), ['assertion', 'scope']);

const shared = { provider, store, clients, federation, accounts, settings, stats, script, holds, newGrant, granted };
const testbed = routes(shared);
const pages = provider.callback();
createServer(async (request, response) => {
  const route = testbed[request.url];
  if (!route) return pages(request, response);
  try {
    const answer = JSON.stringify(await route(JSON.parse((await text(request)) || '{}')));
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  } catch (error) {
    response.writeHead(500).end(String(error.stack));
  }
}).listen(port, '127.0.0.1');
