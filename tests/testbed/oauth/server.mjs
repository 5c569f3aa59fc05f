// A real OAuth 2.0 authorization server (oidc-provider) on loopback, for tests.
//
// Accounts are mail addresses; every address exists. Access tokens are opaque and carry `email`, so that Dovecot
// verifies them by introspection (RFC 7662) and revocation counts at once. Refresh tokens rotate; using one twice
// revokes its whole grant. Routes under /testbed are for tests only and let them do without a browser.
//
// Environment: PORT, ACCESS_TTL (seconds).

import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { Store } from './store.mjs';

const port = Number(process.env.PORT);
const issuer = `http://127.0.0.1:${port}`;
const scope = 'openid offline_access email mail';
const settings = { access_ttl: Number(process.env.ACCESS_TTL ?? 3600) };
const stats = { success: {}, error: {}, introspections: 0 };

// What a person's client may do; the three differ only in how they prove who they are (RFC 6749 section 2.3).
const personal = (client_id, token_endpoint_auth_method) => ({
  client_id,
  client_secret: token_endpoint_auth_method === 'none' ? undefined : 'mailjob-secret',
  token_endpoint_auth_method,
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/callback'],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  scope,
});

// `app.<address>` is an application that may act for that one mailbox, as an app with mailbox permission does.
const application = (client_id) => client_id.startsWith('app.') && {
  client_id,
  client_secret: 'app-secret',
  token_endpoint_auth_method: 'client_secret_post',
  redirect_uris: [],
  response_types: [],
  grant_types: ['client_credentials'],
  scope: 'mail',
  email: client_id.slice('app.'.length),
};

const store = new Store(application);
const provider = new Provider(issuer, {
  adapter: (model) => store.of(model),
  clients: [
    personal('mailjob', 'client_secret_post'),
    personal('mailjob-basic', 'client_secret_basic'),
    personal('mailjob-public', 'none'),
    {
      client_id: 'dovecot',
      client_secret: 'dovecot-secret',
      token_endpoint_auth_method: 'client_secret_basic',
      redirect_uris: [],
      response_types: [],
      grant_types: [],
    },
  ],
  extraClientMetadata: { properties: ['email'] },
  scopes: scope.split(' '),
  cookies: { keys: ['testbed'] },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, email: id }) }),
  extraTokenClaims: (ctx, token) => ({ email: token.accountId ?? ctx.oidc.client.email }),
  ttl: {
    AccessToken: () => settings.access_ttl,
    ClientCredentials: () => settings.access_ttl,
    RefreshToken: 86400,
    Grant: 86400,
    Interaction: 600,
    Session: 600,
    DeviceCode: 600,
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

const count = (outcome) => (ctx) => {
  const grant = ctx.oidc?.params?.grant_type ?? 'none';
  stats[outcome][grant] = (stats[outcome][grant] ?? 0) + 1;
};
provider.on('grant.success', count('success'));
provider.on('grant.error', count('error'));
provider.on('server_error', (_ctx, error) => console.error(error));

async function newGrant({ user, client = 'mailjob' }) {
  const grant = new provider.Grant({ accountId: user, clientId: client });
  grant.addOIDCScope(scope);
  return grant.save();
}

const testbed = {
  // The numbers of token requests by grant and outcome, and of introspections.
  '/testbed/stats': () => stats,

  // Changes settings while running, such as {"access_ttl": 2}.
  '/testbed/settings': (wanted) => Object.assign(settings, wanted),

  // A first refresh token of `user` for `client`, as if the user had signed in and consented.
  '/testbed/refresh-token': async ({ user, client = 'mailjob' }) => {
    const token = new provider.RefreshToken({
      accountId: user,
      authTime: Math.floor(Date.now() / 1000),
      client: await provider.Client.find(client),
      grantId: await newGrant({ user, client }),
      gty: 'authorization_code',
      scope,
    });
    return { refresh_token: await token.save() };
  },

  // The user's consent to a device's code (RFC 8628 section 3.3), as if given on the page.
  '/testbed/approve-device': async ({ user, user_code }) => {
    const code = await provider.DeviceCode.findByUserCode(user_code.replaceAll('-', ''));
    Object.assign(code, {
      accountId: user,
      authTime: Math.floor(Date.now() / 1000),
      grantId: await newGrant({ user, client: code.clientId }),
      scope,
    });
    await code.save();
    return {};
  },

  // Revokes every grant and token of `user`, also those of applications that act for that mailbox.
  '/testbed/revoke': ({ user }) => ({ revoked: store.revoke(user) }),
};

async function body(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return pieces.length ? JSON.parse(Buffer.concat(pieces)) : {};
}

const pages = provider.callback();
createServer(async (request, response) => {
  if (request.url === '/token/introspection') stats.introspections += 1;
  const route = testbed[request.url];
  if (!route) return pages(request, response);
  try {
    const answer = JSON.stringify(await route(await body(request)));
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
  } catch (error) {
    response.writeHead(500).end(String(error.stack));
  }
}).listen(port, '127.0.0.1');
