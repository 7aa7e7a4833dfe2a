// The wallet of the presentation tests: @openid4vc/openid4vp reads and answers requests, `dcql` chooses the cards, @sd-jwt shows
// them. What it does with a request is what those libraries do; nothing here makes up for them.
import assert from 'node:assert/strict'
import { randomBytes, X509Certificate } from 'node:crypto'
import { Openid4vpClient, parseAuthorizationRequestVersion } from '@openid4vc/openid4vp'
import { setGlobalConfig } from '@openid4vc/utils'
import { digest } from '@sd-jwt/crypto-nodejs'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { DcqlPresentationResult, DcqlQuery } from 'dcql'
import * as jose from 'jose'
import { cards, wallet as issuanceWallet } from './issue.mjs'
import { checkedLeaf, credentialsOf, holderKey, jwtParts, offer, person, register, sdJwtHolder, sha256 } from './peer.mjs'

setGlobalConfig({ allowInsecureUrls: true }) // plain http, on loopback only

// ---- What the wallet holds ---------------------------------------------------------------------------------------------

/** The smallest picture the register takes: the first bytes of a JPEG. Nobody's face. */
const PORTRAIT = `data:image/jpeg;base64,${Buffer.from([0xff, 0xd8, 0xff, 0xd9]).toString('base64')}`

const QUALIFICATION = {
  type: 'transport-qualification',
  number: '520100123456',
  valid_from: '2024-01-01',
  valid_until: '2036-01-01',
  data: { vehicle_classes: ['B2', 'A2'], category: '经营性道路货物运输驾驶员' },
}

/** A synthetic driver with a picture, and their cards by type, each bound to a key of its own. */
export async function citizen(...types) {
  const body = { ...person(), portrait: PORTRAIT, qualifications: [QUALIFICATION] }
  const person_id = await register(body)
  const held = []
  for (const type of types.length ? types : ['resident-id']) {
    const key = await holderKey('ES256')
    const [card] = await cards(issuanceWallet(key), (await offer(person_id, { credential_types: [type] })).by_value)
    const [{ credential_id, id = credential_id }] = (await credentialsOf(person_id)).filter((one) => JSON.stringify(one).includes(type))
    held.push({ type, card, key, id })
  }
  return { body, person_id, held }
}

/** A card as `dcql` wants to see it. */
async function described({ card }) {
  const reader = new SDJwtVcInstance({ hasher: digest, hashAlg: 'sha-256' })
  const claims = await reader.getClaims(card)
  return { credential_format: 'dc+sd-jwt', vct: claims.vct, claims, cryptographic_holder_binding: claims.cnf !== undefined }
}

// ---- How it reads a request --------------------------------------------------------------------------------------------

const x509 = (base64) => new X509Certificate(Buffer.from(base64, 'base64'))

/** What the library asks of the wallet: transport, hashes, signatures and encryption. `tamper` changes a step. */
const callbacks = (tamper = {}) => ({
  fetch,
  hash: sha256,
  generateRandom: (length) => new Uint8Array(randomBytes(length)),
  clientAuthentication: () => assert.fail('a wallet is no client of the checkpoint'),
  signJwt: () => assert.fail('responses are encrypted and not signed'),
  decryptJwe: () => assert.fail('requests are not encrypted'),
  // The request's signature by its leaf, whose chain has to lead to the service's root and must not hold it.
  verifyJwt: async (signer, { compact }) => {
    assert.equal(signer.method, 'x5c')
    checkedLeaf(signer.x5c)
    const key = await jose.importX509(x509(signer.x5c[0]).toString(), signer.alg)
    await jose.compactVerify(compact, key, { algorithms: ['ES256'] })
    return { verified: true, signerJwk: await jose.exportJWK(key) }
  },
  getX509CertificateMetadata: (base64) => {
    const names = (x509(base64).subjectAltName ?? '').split(', ')
    const of = (kind) => names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length))
    return { sanDnsNames: of('DNS:'), sanUriNames: of('URI:') }
  },
  encryptJwe: async ({ publicJwk, alg, enc, apu, apv }, data) => {
    const jwk = tamper.encryptionKey ?? publicJwk
    const jwe = await new jose.CompactEncrypt(new TextEncoder().encode(data))
      .setProtectedHeader({ alg, enc: tamper.enc ?? enc, kid: tamper.kid ?? publicJwk.kid })
      .setKeyManagementParameters({ apu: apu && jose.base64url.decode(apu), apv: apv && jose.base64url.decode(apv) })
      .encrypt(await jose.importJWK(jwk, alg))
    return { jwe, encryptionJwk: jwk }
  },
})

/** Follows a link as a wallet does: reads it, fetches the request object, checks who asks, reads the query. */
export async function follow(link, options = {}) {
  const client = new Openid4vpClient({ callbacks: callbacks() })
  const parsed = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: link })
  return resolve(parsed.params, options)
}

/** As `follow`, from the members that a link or a browser gave. */
export async function resolve(authorizationRequestPayload, { nonce, origin } = {}) {
  const client = new Openid4vpClient({ callbacks: callbacks() })
  // The library sends the members of `metadata` as the form of its POST, and holds the answer to `expectedNonce`.
  const wallet = nonce && { metadata: { wallet_nonce: nonce, wallet_metadata: { vp_formats_supported: {} } }, expectedNonce: nonce }
  const resolved = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload, wallet, origin })
  assert.ok(parseAuthorizationRequestVersion(resolved.authorizationRequestPayload) >= 25, 'the request reads as OpenID4VP 1.0')
  return resolved
}

// ---- How it answers ----------------------------------------------------------------------------------------------------

/** Of what is asked, the frame that shows it and no more. */
const frame = (value) =>
  value !== null && typeof value === 'object'
    ? Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null).map(([key, inner]) => [key, frame(inner)]))
    : true

/** Chooses cards by the query, and gives the query's ids with the cards and what is shown of each. */
export async function choose(query, held) {
  const parsed = DcqlQuery.parse(query)
  DcqlQuery.validate(parsed)
  const result = DcqlQuery.query(parsed, await Promise.all(held.map(described)))
  assert.ok(result.can_be_satisfied, `the wallet has what is asked: ${JSON.stringify(result.credential_matches)}`)
  return Object.entries(result.credential_matches).map(([id, match]) => {
    const [found] = match.valid_credentials
    return { id, held: held[found.input_credential_index], shown: found.claims.valid_claim_sets[0].output }
  })
}

/** The presentations that answer a resolved request, by the id of the credential query. */
export async function presentations(resolved, held, { origin, tamper = {} } = {}) {
  const { nonce, client_id, dcql_query, transaction_data = [] } = { ...resolved.authorizationRequestPayload, ...tamper.request }
  const vp_token = {}
  for (const { id, held: one, shown } of await choose(dcql_query, held)) {
    const confirmed = (resolved.transactionData ?? []).filter(({ transactionData }) => transactionData.credential_ids.includes(id))
    const hashes = confirmed.length && {
      transaction_data_hashes: confirmed.map(({ encoded }) => Buffer.from(sha256(tamper.hashed?.(encoded) ?? encoded)).toString('base64url')),
      transaction_data_hashes_alg: 'sha-256',
    }
    const payload = { iat: Math.floor(Date.now() / 1000), nonce, aud: origin ? `origin:${origin}` : client_id, ...(hashes || {}) }
    vp_token[id] = [await sdJwtHolder(tamper.key ?? one.key).present(one.card, frame(shown), { kb: { payload } })]
  }
  assert.equal(transaction_data.length, (resolved.transactionData ?? []).length)
  if (!tamper.unchecked) await checkAgainst(dcql_query, vp_token)
  return vp_token
}

/** `dcql` agrees that the presentations answer the query, from nothing but what they disclose. */
async function checkAgainst(query, vp_token) {
  const read = Object.entries(vp_token).map(async ([id, shown]) => [id, await Promise.all(shown.map((card) => described({ card })))])
  const result = DcqlPresentationResult.fromDcqlPresentation(Object.fromEntries(await Promise.all(read)), { dcqlQuery: DcqlQuery.parse(query) })
  assert.ok(result.can_be_satisfied, JSON.stringify(result))
}

/** The response to a resolved request, encrypted as the request asks. */
export async function respond(resolved, vp_token, { origin, tamper = {}, enc = 'A256GCM' } = {}) {
  const client = new Openid4vpClient({ callbacks: callbacks(tamper) })
  const { authorizationRequestPayload } = resolved
  const encrypted = authorizationRequestPayload.response_mode.endsWith('.jwt')
  return client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload,
    authorizationResponsePayload: { vp_token },
    origin,
    jarm: encrypted
      ? {
          encryption: { nonce: randomBytes(16).toString('base64url') },
          serverMetadata: { authorization_encryption_alg_values_supported: ['ECDH-ES'], authorization_encryption_enc_values_supported: [enc] },
        }
      : undefined,
  })
}

/** Posts a response to `response_uri`; gives the status and the body. */
export async function submit(resolved, response) {
  const client = new Openid4vpClient({ callbacks: callbacks() })
  const { response: answer } = await client.submitOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: resolved.authorizationRequestPayload,
    authorizationResponsePayload: response.authorizationResponsePayload,
    jarm: response.jarm && { responseJwt: response.jarm.responseJwt },
  })
  assert.match(answer.headers.get('content-type'), /^application\/json/)
  assert.match(answer.headers.get('cache-control') ?? '', /no-store/)
  return { status: answer.status, body: await answer.json() }
}

/** The whole way of a wallet that conforms: from the link to the answer of the service. */
export async function show(link, held, options = {}) {
  const resolved = await follow(link, options)
  return { resolved, ...(await submit(resolved, await respond(resolved, await presentations(resolved, held, options), options))) }
}

export { jwtParts }
