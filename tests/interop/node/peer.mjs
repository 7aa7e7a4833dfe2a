// What the Node peers share: the server they were given, a synthetic person, holder keys, and the libraries set up the way their
// own documentation says. Nothing here knows how yufu works inside; it speaks the published interfaces only.
import assert from 'node:assert/strict'
import { createHash, createPublicKey, randomBytes, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { digest, generateSalt } from '@sd-jwt/crypto-nodejs'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import * as jose from 'jose'

const env = (name) => {
  assert.ok(process.env[name], `${name} is not set; run through tests/interop/with-server`)
  return process.env[name]
}

export const url = env('YUFU_URL')
export const token = env('YUFU_TOKEN').trim()
export const bin = env('YUFU_BIN')
export const work = env('YUFU_WORK')
const keys = env('YUFU_KEYS')

// ---- The administrator -------------------------------------------------------------------------------------------------

/** Calls the service as whoever holds `as`; the answer is the body as JSON, its status checked. */
export async function call(method, path, { body, as = token, status = 200 } = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${as}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  const expected = Array.isArray(status) ? status : [status]
  assert.ok(expected.includes(response.status), `${method} ${path} answered ${response.status}: ${text}`)
  return text ? JSON.parse(text) : undefined
}

const admin = (method, path, options) => call(method, `/admin/api/v1${path}`, options)

/** The 18th character of a resident ID number, from the 17 before it (GB 11643-1999: weights 2^(18-i) mod 11). */
export function checkCharacter(seventeen) {
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
  const sum = weights.reduce((total, weight, at) => total + weight * Number(seventeen[at]), 0)
  return '10X98765432'[sum % 11]
}

let people = 0
/** Nobody's data: a made-up woman of Guiyang whose number is well-formed. */
export function person() {
  people += 1
  const order = String((people * 2) % 1000).padStart(3, '0') // an even order number belongs to a woman
  const start = `52010219900307${order}`
  return {
    id_number: start + checkCharacter(start),
    family_name: '林',
    given_name: '晓雨',
    latin_family_name: 'LIN',
    latin_given_name: 'XIAOYU',
    sex: 'female',
    ethnicity: '汉',
    birth_date: '1990-03-07',
    address: { region: '贵州省', locality: '贵阳市南明区', street_address: '测试路1号' },
  }
}

export const register = async (body = person()) =>
  (await admin('POST', '/people', { body, status: [200, 201] })).person_id

/** An offer; `by_value` and `by_reference` are the two texts by which it reaches a wallet (OpenID4VCI 1.0, section 4.1). */
export async function offer(person_id, options = {}) {
  const made = await admin('POST', '/offers', { body: { person_id, credential_types: ['resident-id'], tx_code: false, ...options }, status: 201 })
  const link = (name, value) => `openid-credential-offer://?${name}=${encodeURIComponent(value)}`
  return {
    ...made,
    by_value: link('credential_offer', JSON.stringify(made.credential_offer)),
    by_reference: link('credential_offer_uri', made.credential_offer_uri),
  }
}

export const credentialsOf = async (person_id) => {
  const answer = await admin('GET', `/credentials?person_id=${person_id}`)
  return answer.credentials ?? answer.items ?? answer
}

export const change = (id, what, body = { reason: 'lost' }) => admin('POST', `/credentials/${id}/${what}`, { body })

let checkpoint
/** Asks the checkpoint API about a presentation already in hand; the answer is the statement. */
export async function verifyAtCheckpoint(presentation, nonce, audience) {
  checkpoint ??= (await admin('POST', '/tokens', { body: { name: 'interop gate', role: 'checkpoint' }, status: [200, 201] })).token
  return call('POST', '/checkpoint/api/v1/verifications', { body: { presentation, nonce, audience }, as: checkpoint })
}

// ---- Keys and certificates ---------------------------------------------------------------------------------------------

/** A holder's key pair as JWKs; `alg` is ES256, EdDSA or Ed25519. */
export async function holderKey(alg) {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true, ...(alg === 'EdDSA' && { crv: 'Ed25519' }) })
  return { alg, publicJwk: await jose.exportJWK(publicKey), privateKey }
}

/** Signs a JWS signing input with a JWK or key object; what @sd-jwt wants for a signer. */
export const signer = (alg, key) => async (data) => {
  const [header, payload] = data.split('.')
  const jws = await new jose.FlattenedSign(jose.base64url.decode(payload))
    .setProtectedHeader(JSON.parse(new TextDecoder().decode(jose.base64url.decode(header))))
    .sign(key, { crit: { x: true } })
  // The library re-encodes the header; what was signed has to be what it will send.
  assert.equal(`${jws.protected}.${jws.payload}`, data, 'the header survived re-encoding')
  return jws.signature
}

const verifySignature = async (data, signature, key) => {
  const [protectedHeader, payload] = data.split('.')
  try {
    await jose.flattenedVerify({ protected: protectedHeader, payload, signature }, key, { algorithms: ['ES256', 'EdDSA', 'Ed25519'] })
    return true
  } catch (error) {
    if (error.code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') return false
    throw error
  }
}

/** Every self-signed certificate below the service's key folder: its development root, and what the test put into trust/. */
export function roots() {
  const found = []
  const walk = (folder) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      if (statSync(path).isDirectory()) walk(path)
      else if (/\.(pem|crt)$/.test(name)) {
        for (const [pem] of readFileSync(path, 'utf8').matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)) {
          const certificate = new X509Certificate(pem)
          if (certificate.verify(certificate.publicKey)) found.push(certificate)
        }
      }
    }
  }
  walk(keys)
  return found
}

/** Checks an `x5c` header with Node's own X.509 code, and gives its leaf. The root must not be among the certificates (HAIP). */
export function checkedLeaf(x5c) {
  assert.ok(Array.isArray(x5c) && x5c.length >= 1, 'x5c is there')
  const chain = x5c.map((der) => {
    assert.match(der, /^[A-Za-z0-9+/]+={0,2}$/, 'x5c is standard base64')
    return new X509Certificate(Buffer.from(der, 'base64'))
  })
  const anchors = roots()
  assert.ok(anchors.length >= 1, 'the key folder holds a root certificate')
  chain.forEach((certificate, at) => {
    const issuers = at + 1 < chain.length ? [chain[at + 1]] : anchors
    const issuer = issuers.find((candidate) => certificate.checkIssued(candidate))
    assert.ok(issuer, `certificate ${at} of x5c was issued by the next one or by a root`)
    assert.ok(certificate.verify(issuer.publicKey), `certificate ${at} of x5c is signed by its issuer`)
    assert.ok(!certificate.verify(certificate.publicKey), `certificate ${at} of x5c is not self-signed`)
    assert.ok(new Date(certificate.validFrom) <= new Date() && new Date() <= new Date(certificate.validTo), 'in its validity')
  })
  assert.equal(chain[0].ca, false, 'the leaf is no authority')
  return chain[0]
}

export const jwtParts = (jwt) => {
  const [header, payload] = jwt.split('.')
  return { header: jose.decodeProtectedHeader(jwt), payload: jose.decodeJwt(`${header}.${payload}.AA`) }
}

/** The key that a JWT's own `x5c` vouches for, its chain checked. */
const keyOf = (header) => createPublicKey(checkedLeaf(header.x5c).publicKey.export({ type: 'spki', format: 'pem' }))

// ---- @sd-jwt -----------------------------------------------------------------------------------------------------------

/** @sd-jwt set up to verify a card that the service issued, status list and type metadata included. */
export function sdJwtVerifier(card, options = {}) {
  const { header } = jwtParts(card.split('~')[0])
  let listToken
  return new SDJwtVcInstance({
    hasher: digest,
    hashAlg: 'sha-256',
    verifier: (data, signature) => verifySignature(data, signature, keyOf(header)),
    kbVerifier: async (data, signature, payload) => verifySignature(data, signature, await jose.importJWK(payload.cnf.jwk, jwtParts(`${data}.AA`).header.alg)),
    statusListFetcher: async (uri) => (listToken = (await statusList(uri)).token),
    statusVerifier: (data, signature) => verifySignature(data, signature, keyOf(jwtParts(listToken).header)),
    ...options,
  })
}

/** @sd-jwt set up as a holder. */
export const sdJwtHolder = (key) =>
  new SDJwtVcInstance({ hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt, kbSigner: signer(key.alg, key.privateKey), kbSignAlg: key.alg })

/** Presents the card with the disclosures that the frame names, bound to the holder's key. */
export const present = (card, frame, key, nonce, audience, iat = Math.floor(Date.now() / 1000)) =>
  sdJwtHolder(key).present(card, frame, { kb: { payload: { iat, nonce, aud: audience } } })

/** Fetches a status list as a relying party would: when it is told to come back in a second, it does, once. */
export async function statusList(uri, headers = {}) {
  const ask = () => fetch(uri, { headers: { accept: 'application/statuslist+jwt', ...headers } })
  let response = await ask()
  if (response.status === 503 && response.headers.get('retry-after') === '1') {
    await pause(1000)
    response = await ask()
  }
  return { response, token: response.status === 200 ? await response.text() : undefined }
}

export const nonce = () => randomBytes(16).toString('base64url')
export const sha256 = (data) => new Uint8Array(createHash('sha256').update(data).digest())
