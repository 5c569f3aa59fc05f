// The routes under /testbed: what a person would do in a browser or an administrator on a page, and what only a test may do.

import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { importPKCS8, SignJWT } from 'jose';
import { certified, SCOPE } from './clients.mjs';

const now = () => Math.floor(Date.now() / 1000);

export function routes(server) {
  const { provider, store, clients, federation, accounts, settings, stats, script, holds, newGrant, granted } = server;

  async function decideDevice(user_code, decision) {
    const code = await provider.DeviceCode.findByUserCode(user_code.replaceAll('-', ''));
    Object.assign(code, await decision(code));
    await code.save();
    return {};
  }

  return {
    // The numbers of token requests by grant and outcome, and of introspections.
    '/testbed/stats': () => ({ ...stats, scripted: script.left }),

    // Changes settings while running, such as {"access_ttl": 2}.
    '/testbed/settings': (wanted) => Object.assign(settings, wanted),

    // A first refresh token of `user` for `client`, as if the user had signed in and consented.
    '/testbed/refresh-token': async ({ user, client = 'mailjob' }) => {
      const token = new provider.RefreshToken({
        accountId: user,
        authTime: now(),
        client: await provider.Client.find(client),
        grantId: await newGrant({ user, client }),
        gty: 'authorization_code',
        scope: SCOPE,
      });
      const refresh_token = await token.save();
      granted(refresh_token);
      return { refresh_token };
    },

    // The user's consent to a device's code (RFC 8628 section 3.3), as if given on the page.
    '/testbed/approve-device': ({ user, user_code }) =>
      decideDevice(user_code, async (code) => ({
        accountId: user,
        authTime: now(),
        grantId: await newGrant({ user, client: code.clientId }),
        scope: SCOPE,
      })),

    // The user's no.
    '/testbed/deny-device': ({ user_code }) =>
      decideDevice(user_code, () => ({ error: 'access_denied', errorDescription: 'the user said no' })),

    // The end of a device's code, before its time.
    '/testbed/expire-device': ({ user_code }) => decideDevice(user_code, () => ({ exp: now() - 1 })),

    // Revokes every grant and token of `user`, also those of applications that act for that mailbox.
    '/testbed/revoke': ({ user }) => ({ revoked: store.revoke(user) }),

    // An RSA key, PKCS#8 in PEM.
    '/testbed/rsa-key': async () => {
      const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
      return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
    },

    // A JWT, signed by the algorithm that its header names.
    '/testbed/sign': async ({ key, header, claims }) => ({
      jwt: await new SignJWT(claims).setProtectedHeader(header).sign(await importPKCS8(key, header.alg)),
    }),

    // An application that proves by this certificate who it is, and may act for `user`.
    '/testbed/certificate': (wanted) => {
      clients.register(certified(wanted));
      return {};
    },

    // An application that another issuer vouches for.
    '/testbed/federation': (wanted) => {
      federation.trust(wanted);
      return {};
    },

    // A service account that may act for all users of some domains.
    '/testbed/service-account': (wanted) => {
      accounts.register(wanted);
      return {};
    },

    // What the next token requests are answered.
    '/testbed/script': ({ answers }) => {
      script.add(answers);
      return {};
    },

    // Answers at a path wait from now on; tells when one does; lets them all go.
    '/testbed/hold': ({ path }) => {
      holds.hold(path);
      return {};
    },
    '/testbed/held': async ({ path }) => {
      await holds.held(path);
      return {};
    },
    '/testbed/release': ({ path }) => {
      holds.release(path);
      return {};
    },
  };
}
