// Clients that prove who they are by something signed: a certificate, another issuer's token, a service account's key.

import { createPublicKey, randomUUID } from 'node:crypto';
import { stringify } from 'node:querystring';
import { jwtVerify } from 'jose';
import { errors } from 'oidc-provider';
import { JWT_BEARER, SERVICE_ACCOUNTS, SCOPE } from './clients.mjs';

// Microsoft finds the certificate by its thumbprint in the header; a kid or nothing at all is refused.
export function checkThumbprint(_ctx, _claims, header, client) {
  if (client.thumbprint && header['x5t#S256'] !== client.thumbprint) {
    throw new errors.InvalidClientAuth('x5t#S256 is not the thumbprint of the registered certificate');
  }
}

// Workload identity: the assertion is a token of another issuer, such as a Kubernetes API server.
export class Federation {
  #clients;

  #trusted = new Map();

  #refused;

  constructor(clients, refused) {
    this.#clients = clients;
    this.#refused = refused;
  }

  trust({ client, user, issuer, subject, audience, key }) {
    const secret = randomUUID();
    this.#trusted.set(client, { issuer, subject, audience, secret, key: createPublicKey(key) });
    this.#clients.registerVouched(client, user, secret);
  }

  // oidc-provider knows only assertions that a client signs itself, so this checks the other kind in front of it.
  exchange = async (ctx, next) => {
    const form = ctx.state.form;
    const trusted = form?.client_assertion && this.#trusted.get(form.client_id);
    if (!trusted) return next();
    try {
      const { issuer, subject, audience, key } = trusted;
      await jwtVerify(form.client_assertion, key, {
        algorithms: ['RS256'], issuer, subject, audience, requiredClaims: ['exp'],
      });
    } catch (error) {
      this.#refused(form.grant_type);
      ctx.status = 401;
      ctx.body = { error: 'invalid_client', error_description: error.message };
      return undefined;
    }
    const { client_assertion, client_assertion_type, ...rest } = form;
    ctx.req.body = stringify({ ...rest, client_secret: trusted.secret });
    return next();
  };
}

// Seconds that an assertion may live.
const LONGEST = 3600;

// Google's service accounts with domain-wide delegation (RFC 7523 section 2.1): they speak for users of some domains.
export class ServiceAccounts {
  #accounts = new Map();

  register({ email, key, key_id, domains }) {
    this.#accounts.set(email, { key: createPublicKey(key), key_id, domains });
  }

  // Google asks for no client id.
  identify = (ctx, next) => {
    const form = ctx.state.form;
    if (form?.grant_type === JWT_BEARER) ctx.req.body = stringify({ ...form, client_id: SERVICE_ACCOUNTS });
    return next();
  };

  // The user whose mailbox it is and the scope; throws what Google answers.
  async check(assertion, audience) {
    const { account, claims } = await this.#verify(assertion, audience);
    const life = claims.exp - claims.iat;
    if (!(life > 0 && life <= LONGEST)) throw new errors.InvalidGrant('exp is more than 3600 s after iat');
    const scopes = String(claims.scope ?? '').split(' ');
    if (!scopes.every((scope) => SCOPE.split(' ').includes(scope))) throw new errors.InvalidScope('no such scope', claims.scope);
    const domain = String(claims.sub ?? '').split('@').at(1);
    if (!account.domains.includes(domain)) {
      const error = new errors.UnauthorizedClient('Client is unauthorized to retrieve access tokens using this method');
      throw Object.assign(error, { status: 401, statusCode: 401 });
    }
    return { user: claims.sub, scope: claims.scope };
  }

  async #verify(assertion, audience) {
    let account;
    const key = (header) => {
      if (header.kid !== undefined && header.kid !== account?.key_id) throw new Error('no such key');
      return account.key;
    };
    try {
      const { iss } = JSON.parse(Buffer.from(assertion.split('.')[1], 'base64url'));
      account = this.#accounts.get(iss);
      if (!account) throw new Error('account not found');
      const requiredClaims = ['iat', 'exp'];
      const { payload } = await jwtVerify(assertion, key, { algorithms: ['RS256'], audience, requiredClaims });
      return { account, claims: payload };
    } catch (error) {
      throw new errors.InvalidGrant(error.message);
    }
  }
}

// The grant itself: an access token that is the user's, and no refresh token.
export const jwtBearer = (provider, accounts, newGrant) => async (ctx) => {
  const audience = ctx.oidc.urlFor('token');
  const { user, scope } = await accounts.check(String(ctx.oidc.params.assertion), audience);
  const { client } = ctx.oidc;
  const token = new provider.AccessToken({
    accountId: user,
    client,
    grantId: await newGrant({ user, client: client.clientId }),
    gty: 'jwt_bearer',
    scope,
  });
  ctx.body = { access_token: await token.save(), expires_in: token.expiration, scope, token_type: token.tokenType };
};
