// The province's login of the tests: oidc-provider with its own pages, on a port of this machine, that knows people by name and
// tells the number of their identity card.
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import Provider from 'oidc-provider'

export const CLIENT = { id: 'yufu', secret: 'a secret that only the two of them know' }

/**
 * Starts it. `people` leads from the name that is typed at its page to an ID number; `inIdToken` says whether the number stands in
 * the ID token or is told at userinfo only; `alg` signs ID tokens.
 */
export async function startProvider({ port, redirectUri, people, inIdToken = false, alg = 'RS256', auth = 'client_secret_basic' }) {
  const pair = alg.startsWith('ES') ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = { ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `key-${alg}` }
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [redirectUri],
        response_types: ['code'],
        grant_types: ['authorization_code'],
        token_endpoint_auth_method: auth,
        id_token_signed_response_alg: alg,
      },
    ],
    jwks: { keys: [key] },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    clientAuthMethods: [auth],
    pkce: { required: () => true },
    conformIdTokenClaims: !inIdToken,
    scopes: ['openid', 'identity'],
    claims: { openid: ['sub'], identity: ['id_number'] },
    cookies: { keys: ['a key of the cookies of the tests'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...(people.has(id) && { id_number: people.get(id) }) }) }),
  })
  const faults = []
  for (const name of ['server_error', 'grant.error', 'userinfo.error', 'authorization.error']) {
    provider.on(name, (_, error) => faults.push(`${name}: ${error.error} ${error.error_detail ?? error.error_description ?? error.message}`))
  }
  const server = provider.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return { provider, faults, stop }
}
