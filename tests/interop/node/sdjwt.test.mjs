// @sd-jwt/sd-jwt-vc and @sd-jwt/jwt-status-list read what the service publishes, and `yufu verify` judges what they issue and
// present under a certificate authority made by openssl.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { createHeaderAndPayload, getListFromStatusListJWT, StatusList } from '@sd-jwt/jwt-status-list'
import { digest, generateSalt } from '@sd-jwt/crypto-nodejs'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import * as jose from 'jose'
import { bin, change, checkedLeaf, credentialsOf, holderKey, jwtParts, nonce, present, sdJwtVerifier, signer, statusList, url, verifyAtCheckpoint, work } from './peer.mjs'
import { issueOne } from './issue.mjs'

const AUDIENCE = 'https://gate.example/guiyang/7'
const LIST_SIZE = 2 ** 20

// ---- What the service issues and publishes -----------------------------------------------------------------------------

test('the card verifies with @sd-jwt: certificates, digests, key binding, status list, type metadata', async () => {
  const { card, key } = await issueOne()
  const { header } = jwtParts(card.split('~')[0])
  const leaf = checkedLeaf(header.x5c)
  assert.match(leaf.subjectAltName, new RegExp(`URI:${url}`), 'the leaf names the issuer by its URI')

  const challenge = nonce()
  const shown = await present(card, { family_name: true, birth_date: true }, key, challenge, AUDIENCE)
  const result = await sdJwtVerifier(shown, { loadTypeMetadataFormat: true }).verify(shown, { keyBindingNonce: challenge })
  assert.equal(result.kb.payload.aud, AUDIENCE)
  assert.equal(result.payload.family_name, '林')
  assert.equal(result.payload.id_number, undefined)
  assert.equal(result.typeMetadata.mergedTypeMetadata.vct, result.payload.vct)
  assert.ok(result.typeMetadata.mergedTypeMetadata.claims.length > 5)
  const locales = result.typeMetadata.mergedTypeMetadata.display.map(({ locale }) => locale)
  assert.ok(locales.includes('zh-CN') && locales.some((locale) => locale.startsWith('en')), `both languages, not ${locales}`)
})

test('one altered character of signature, payload or disclosure is refused by @sd-jwt', async () => {
  const { card } = await issueOne()
  const flip = (text, at) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
  const jwt = card.split('~')[0]
  const positions = [jwt.lastIndexOf('.') + 10, jwt.indexOf('.') + 10, jwt.length + 10]
  for (const at of positions) {
    const altered = flip(card, at)
    await assert.rejects(async () => {
      const { payload } = await sdJwtVerifier(card).verify(altered)
      // The library ignores a disclosure that no digest names; then its claim must be missing.
      assert.ok(Object.keys(payload).length >= Object.keys((await sdJwtVerifier(card).verify(card)).payload).length, 'a claim is missing')
    })
  }
})

test('the status list is served as the standard says and read by @sd-jwt/jwt-status-list', async () => {
  const { card } = await issueOne()
  const { idx, uri } = jwtParts(card.split('~')[0]).payload.status.status_list
  assert.ok(Number.isInteger(idx) && idx >= 0 && idx < LIST_SIZE)
  assert.ok(uri.startsWith(`${url}/status-lists/`))

  const { response, token } = await statusList(uri, { 'accept-encoding': 'identity' })
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/statuslist+jwt')
  assert.equal(response.headers.get('access-control-allow-origin'), '*')
  assert.match(response.headers.get('cache-control') ?? '', /max-age=\d+/)
  const etag = response.headers.get('etag')
  assert.match(etag ?? '', /^(W\/)?"[^"]+"$/)

  const { header, payload } = jwtParts(token)
  assert.equal(header.typ, 'statuslist+jwt')
  checkedLeaf(header.x5c)
  assert.equal(payload.sub, uri)
  assert.equal(payload.exp - payload.iat, 24 * 3600)
  assert.equal(payload.ttl, 300)
  assert.equal(payload.status_list.bits, 2)
  const list = getListFromStatusListJWT(token)
  assert.equal(list.statusList.length, LIST_SIZE)
  assert.equal(list.getStatus(idx), 0)

  const again = await statusList(uri, { 'if-none-match': etag })
  assert.equal(again.response.status, 304)

  // `fetch` undoes gzip by itself; Node's http module shows the bytes that were sent.
  const { get } = await import('node:http')
  const zipped = await new Promise((resolve, reject) =>
    get(uri, { headers: { accept: 'application/statuslist+jwt', 'accept-encoding': 'gzip' } }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part)).on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(parts) }))
    }).on('error', reject),
  )
  assert.equal(zipped.headers['content-encoding'], 'gzip')
  assert.match(zipped.headers.vary ?? '', /accept-encoding/i)
  assert.equal(jwtParts(gunzipSync(zipped.body).toString()).payload.sub, uri)

  const aggregation = await (await fetch(`${url}/status-lists`)).json()
  assert.ok(aggregation.status_lists.includes(uri))
})

test('a suspension and a revocation reach the published list and @sd-jwt within two seconds', async () => {
  const { card, person_id } = await issueOne()
  const { idx, uri } = jwtParts(card.split('~')[0]).payload.status.status_list
  const [{ credential_id, id = credential_id }] = await credentialsOf(person_id)
  const becomes = async (value) => {
    const deadline = Date.now() + 2000
    for (;;) {
      const read = getListFromStatusListJWT((await statusList(uri)).token).getStatus(idx)
      if (read === value) return
      assert.ok(Date.now() < deadline, `the list still says ${read} after two seconds, not ${value}`)
      await pause(50)
    }
  }
  await sdJwtVerifier(card).verify(card)
  await change(id, 'suspend')
  await becomes(2)
  await assert.rejects(() => sdJwtVerifier(card).verify(card), /Status is not valid/)
  await change(id, 'reinstate', { reason: 'found' })
  await becomes(0)
  await sdJwtVerifier(card).verify(card)
  await change(id, 'revoke', { reason: 'lost' })
  await becomes(1)
  await assert.rejects(() => sdJwtVerifier(card).verify(card), /Status is not valid/)
})

// ---- What others issue, judged by `yufu verify` ------------------------------------------------------------------------

const ISSUER = 'https://issuer.example'
const TYPE = 'https://issuer.example/credential-types/harbour-pass'
const LIST = 'https://issuer.example/status-lists/1'
const openssl = (...args) => execFileSync('openssl', args, { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] })
const authorities = {}

before(() => {
  // A certificate authority made by openssl for each algorithm, and a stranger's that nobody trusts.
  for (const [name, alg] of [['es256', 'ES256'], ['ed25519', 'EdDSA'], ['stranger', 'ES256']]) {
    const key = alg === 'ES256' ? ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['-algorithm', 'ED25519']
    openssl('genpkey', ...key, '-out', `${name}-root.key`)
    openssl('req', '-x509', '-new', '-key', `${name}-root.key`, '-subj', '/CN=Peer root', '-days', '30', '-out', `${name}-root.pem`,
      '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
    openssl('genpkey', ...key, '-out', `${name}.key`)
    openssl('req', '-new', '-key', `${name}.key`, '-subj', '/CN=Peer issuer', '-out', `${name}.csr`)
    writeFileSync(join(work, `${name}.ext`), [
      'basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature', `subjectAltName=URI:${ISSUER}`,
      'subjectKeyIdentifier=hash', 'authorityKeyIdentifier=keyid', ''].join('\n'))
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${name}-root.pem`, '-CAkey', `${name}-root.key`, '-days', '29',
      '-extfile', `${name}.ext`, '-out', `${name}.pem`)
    const pem = readFileSync(join(work, `${name}.pem`), 'utf8')
    authorities[name] = {
      alg,
      key: readFileSync(join(work, `${name}.key`), 'utf8'),
      x5c: [pem.replace(/-----[^-]+-----|\s/g, '')],
      root: join(work, `${name}-root.pem`),
    }
  }
})

const seconds = () => Math.floor(Date.now() / 1000)

/** A card by @sd-jwt under one of the authorities. */
async function foreignCard(authority, holder, { claims = {}, header = {} } = {}) {
  const { alg, key, x5c } = authority
  const issuer = new SDJwtVcInstance({
    hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt, signAlg: alg, signer: signer(alg, await jose.importPKCS8(key, alg)),
  })
  return issuer.issue(
    {
      iss: ISSUER, vct: TYPE, iat: seconds() - 60, nbf: seconds() - 60, exp: seconds() + 3600, cnf: { jwk: holder.publicJwk },
      family_name: 'Łódź', given_name: '晓雨', address: { locality: '贵阳', street_address: 'Quay 4' }, berths: ['A', 'B', 'C'], ...claims,
    },
    { _sd: ['family_name', 'given_name', 'address'], _sd_decoy: 2, address: { _sd: ['locality', 'street_address'] }, berths: { _sd: [0, 1, 2] } },
    { header: { x5c, ...header } },
  )
}

/** Runs `yufu verify` on a presentation: its exit status and statement. */
function yufuVerify(shown, args) {
  const run = spawnSync(bin, ['verify', '-', '--json', ...args], { input: shown, encoding: 'utf8', cwd: work })
  let statement
  try { statement = JSON.parse(run.stdout) } catch { /* a usage error prints no statement */ }
  return { status: run.status, statement, text: run.stdout + run.stderr }
}

function expectVerdict(shown, args, decision, reason) {
  const run = yufuVerify(shown, args)
  assert.equal(run.statement?.decision, decision, run.text)
  assert.equal(run.status, { accepted: 0, refused: 1, undetermined: 2 }[decision])
  if (reason) assert.match(run.statement.reason, reason, run.text)
  return run.statement
}

for (const name of ['es256', 'ed25519']) {
  for (const holderAlg of ['ES256', 'EdDSA', 'Ed25519']) {
    test(`yufu verify accepts what @sd-jwt issued with ${name} and presented with an ${holderAlg} holder key`, async () => {
      const authority = authorities[name]
      const holder = await holderKey(holderAlg)
      const card = await foreignCard(authority, holder)
      const challenge = nonce()
      const shown = await present(card, { family_name: true, address: { locality: true }, berths: { 1: true } }, holder, challenge, AUDIENCE)
      const bound = ['--nonce', challenge, '--audience', AUDIENCE]
      const { credential, checks } = expectVerdict(shown, [...bound, '--anchor', authority.root], 'accepted')
      assert.equal(credential.issuer, ISSUER)
      assert.equal(credential.claims.family_name, 'Łódź')
      assert.deepEqual(credential.claims.address, { locality: '贵阳' })
      assert.deepEqual(credential.claims.berths, ['B'])
      assert.equal(credential.claims.given_name, undefined)
      assert.ok(checks.every(({ result }) => result !== 'failed'))

      expectVerdict(shown, ['--nonce', nonce(), '--audience', AUDIENCE, '--anchor', authority.root], 'refused')
      expectVerdict(shown, ['--nonce', challenge, '--audience', 'https://elsewhere.example', '--anchor', authority.root], 'refused')
      expectVerdict(shown, [...bound, '--anchor', authorities.stranger.root], 'refused')
      const unbound = shown.slice(0, shown.lastIndexOf('~') + 1)
      expectVerdict(unbound, [...bound, '--anchor', authority.root], 'refused')
      expectVerdict(unbound, ['--without-holder-binding', '--anchor', authority.root], 'accepted')
      const stolen = await present(card, { family_name: true }, await holderKey(holderAlg), challenge, AUDIENCE)
      expectVerdict(stolen, [...bound, '--anchor', authority.root], 'refused')

      // One character of each part, the last one of each included.
      const dots = [...unbound.matchAll(/[.~]/g)].map(({ index }) => index)
      for (const at of dots.flatMap((dot) => [dot - 3, dot + 3]).filter((at) => at > 0 && at < unbound.length)) {
        const other = unbound[at] === 'Q' ? 'R' : 'Q'
        expectVerdict(unbound.slice(0, at) + other + unbound.slice(at + 1), ['--without-holder-binding', '--anchor', authority.root], 'refused')
      }
    })
  }
}

test('yufu verify keeps to the times and the type of the header', async () => {
  const authority = authorities.es256
  const holder = await holderKey('ES256')
  const verdict = async (options, decision, reason) =>
    expectVerdict(await foreignCard(authority, holder, options), ['--without-holder-binding', '--anchor', authority.root], decision, reason)
  await verdict({}, 'accepted')
  await verdict({ claims: { exp: seconds() - 3600 } }, 'refused', /expired/)
  await verdict({ claims: { nbf: seconds() + 3600 } }, 'refused', /not_yet_valid/)
  await verdict({ header: { typ: 'vc+sd-jwt' } }, 'refused')
  await verdict({ header: { crit: ['x'], x: 1 } }, 'refused')
  await verdict({ header: { x5c: undefined } }, 'refused')
  await verdict({ header: { x5c: authorities.stranger.x5c } }, 'refused')
})

test('yufu verify reads a status list made by @sd-jwt/jwt-status-list', async () => {
  const authority = authorities.es256
  const holder = await holderKey('ES256')
  const values = new Array(4096).fill(0)
  values[7] = 1
  values[8] = 2
  const made = createHeaderAndPayload(
    new StatusList(values, 2),
    { iss: ISSUER, sub: LIST, iat: seconds() - 5, exp: seconds() + 3600, ttl: 300 },
    { alg: authority.alg, typ: 'statuslist+jwt', x5c: authority.x5c },
  )
  const list = await new jose.SignJWT(made.payload).setProtectedHeader(made.header).sign(await jose.importPKCS8(authority.key, authority.alg))
  const file = join(work, 'list.jwt')
  writeFileSync(file, list)
  const verdict = async (idx, args, decision, reason) => {
    const card = await foreignCard(authority, holder, { claims: { status: { status_list: { idx, uri: LIST } } } })
    return expectVerdict(card, ['--without-holder-binding', '--anchor', authority.root, ...args], decision, reason)
  }
  await verdict(6, [], 'undetermined')
  assert.equal((await verdict(6, ['--status', file], 'accepted')).status.value, 'valid')
  assert.equal((await verdict(7, ['--status', file], 'refused', /revoked/)).status.value, 'invalid')
  assert.equal((await verdict(8, ['--status', file], 'refused', /suspended/)).status.value, 'suspended')
  const outside = yufuVerify(
    await foreignCard(authority, holder, { claims: { status: { status_list: { idx: 4096, uri: LIST } } } }),
    ['--without-holder-binding', '--anchor', authority.root, '--status', file],
  )
  assert.notEqual(outside.statement.decision, 'accepted')
})

test('the service does not accept a card of an authority that it does not trust', async () => {
  const holder = await holderKey('ES256')
  const challenge = nonce()
  const card = await foreignCard(authorities.es256, holder)
  const statement = await verifyAtCheckpoint(await present(card, { family_name: true }, holder, challenge, AUDIENCE), challenge, AUDIENCE)
  assert.equal(statement.decision, 'refused')
})

test('openssl and the service agree on the public key of the leaf', async () => {
  const { card } = await issueOne()
  const { header } = jwtParts(card.split('~')[0])
  const keys = (await (await fetch(`${url}/.well-known/jwks.json`)).json()).keys
  const leaf = createPublicKey(checkedLeaf(header.x5c).publicKey.export({ type: 'spki', format: 'pem' })).export({ format: 'jwk' })
  assert.ok(keys.some(({ x }) => x === leaf.x), 'the key of the leaf is published')
})
