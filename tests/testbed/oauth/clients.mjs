// Who may ask for tokens, and how each proves who it is.

import { createHash, X509Certificate } from 'node:crypto';

export const NATIVE_REDIRECT = 'https://login.example.test/common/oauth2/nativeclient';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const SERVICE_ACCOUNTS = 'service-accounts';

// `mail` is our own; the others are what clients of Microsoft and Google ask for.
export const SCOPE = [
  'openid offline_access email mail https://mail.google.com/ https://www.googleapis.com/auth/gmail.imap_admin',
  'https://outlook.office365.com/.default https://outlook.office.com/IMAP.AccessAsUser.All',
  'https://outlook.office.com/POP.AccessAsUser.All https://outlook.office.com/SMTP.Send',
].join(' ');

const PERSON = {
  application_type: 'native',
  redirect_uris: ['http://127.0.0.1/', 'http://localhost/', NATIVE_REDIRECT],
  response_types: ['code'],
  scope: SCOPE,
};
const PERSONS_GRANTS = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
const MACHINE = { redirect_uris: [], response_types: [], scope: SCOPE };

// What a person's client may do; the three differ only in how they prove who they are (RFC 6749 section 2.3).
const personal = (client_id, token_endpoint_auth_method) => ({
  ...PERSON,
  client_id,
  client_secret: token_endpoint_auth_method === 'none' ? undefined : 'mailjob-secret',
  token_endpoint_auth_method,
  grant_types: PERSONS_GRANTS,
});

export const fixed = [
  personal('mailjob', 'client_secret_post'),
  personal('mailjob-basic', 'client_secret_basic'),
  personal('mailjob-public', 'none'),
  {
    ...MACHINE,
    client_id: 'dovecot',
    client_secret: 'dovecot-secret',
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: [],
  },
  // All that Google's service accounts do: their assertion alone says who they are.
  { ...MACHINE, client_id: SERVICE_ACCOUNTS, token_endpoint_auth_method: 'none', grant_types: [JWT_BEARER] },
];

// An application that may act for one mailbox, as an app with mailbox permission does.
const application = (client_id, client_secret, email) => ({
  ...MACHINE,
  client_id,
  client_secret,
  token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['client_credentials'],
  email,
});

// An application with a certificate, as Microsoft wants it: PS256, for itself or for a person who signs in.
export function certified({ client, user, certificate }) {
  const x509 = new X509Certificate(certificate);
  return {
    ...PERSON,
    client_id: client,
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'PS256',
    jwks: { keys: [{ ...x509.publicKey.export({ format: 'jwk' }), use: 'sig' }] },
    grant_types: [...PERSONS_GRANTS, 'client_credentials'],
    email: user,
    thumbprint: createHash('sha256').update(x509.raw).digest('base64url'),
  };
}

// The clients that are registered while running, and `app.<address>`, which needs no registration.
export class Clients {
  #registered = new Map();

  find(id) {
    return this.#registered.get(id) ?? (id.startsWith('app.') && application(id, 'app-secret', id.slice(4)));
  }

  register(metadata) {
    this.#registered.set(metadata.client_id, metadata);
  }

  // An application whose secret nobody knows: somebody else has to vouch for it, and gets the secret.
  registerVouched(client, user, secret) {
    this.register(application(client, secret, user));
  }
}
