// A wallet that no one of this project wrote (@openid4vc/openid4vci) takes an offer to a card over HTTP; @sd-jwt presents the
// card at the checkpoint; the administrator suspends, reinstates and revokes it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as jose from 'jose'
import { authorised, cards, proofs, wallet } from './issue.mjs'
import { call, change, checkedLeaf, credentialsOf, holderKey, nonce, offer, present, register, sdJwtVerifier, url, verifyAtCheckpoint } from './peer.mjs'

const AUDIENCE = 'https://gate.example/guiyang/7'

/** The failure of an OAuth or OpenID4VCI call: HTTP status and `error` code. */
async function refusal(promise) {
  const error = await promise.then(() => assert.fail('it should have been refused'), (thrown) => thrown)
  const response = error.response?.response ?? error.response
  assert.ok(response, `an answer with a status, not: ${error.stack}`)
  const body = error.errorResponse ?? error.response.credentialErrorResponseResult?.data ?? (await response.clone().json())
  return [response.status, body.error]
}

async function checkCard(card, key) {
  const { payload, header } = await sdJwtVerifier(card, { loadTypeMetadataFormat: true }).verify(card)
  assert.equal(header.typ, 'dc+sd-jwt')
  assert.equal(payload.iss, url)
  assert.equal(payload.vct, `${url}/credential-types/resident-id`)
  assert.deepEqual({ ...payload.cnf.jwk, alg: undefined, kid: undefined }, { ...key.publicJwk, alg: undefined, kid: undefined })
  assert.equal(payload.family_name, '林')
  assert.equal(payload.given_name, '晓雨')
  return payload
}

for (const alg of ['ES256', 'EdDSA']) {
  test(`an offer by value becomes a card bound to an ${alg} key`, async () => {
    const key = await holderKey(alg)
    const { by_value } = await offer(await register())
    const [card, ...more] = await cards(wallet(key), by_value)
    assert.equal(more.length, 0)
    await checkCard(card, key)
  })
}

test('an offer by reference with a transaction code becomes three copies, each with its own key and index', async () => {
  const keys = [await holderKey('ES256'), await holderKey('EdDSA'), await holderKey('ES256')]
  const person_id = await register()
  const { by_reference, tx_code } = await offer(person_id, { tx_code: true })
  const copies = await cards(wallet(...keys), by_reference, tx_code)
  assert.equal(copies.length, 3)
  const payloads = []
  for (const [at, copy] of copies.entries()) payloads.push(await checkCard(copy, keys[at]))
  const references = payloads.map(({ status }) => `${status.status_list.uri} ${status.status_list.idx}`)
  assert.equal(new Set(references).size, 3, 'no two copies share a status index')
  const digests = copies.flatMap((copy) => jose.decodeJwt(copy.split('~')[0])._sd)
  assert.equal(new Set(digests).size, digests.length, 'no two copies share a digest')
  assert.equal((await credentialsOf(person_id)).length, 1, 'three copies are one card')
})

test('the library reads the refusals: a wrong transaction code, a code used twice, a nonce of nobody', async () => {
  const key = await holderKey('ES256')
  const holder = wallet(key)

  const guarded = await offer(await register(), { tx_code: true })
  const wrong = guarded.tx_code === '0000' ? '1111' : '0'.repeat(guarded.tx_code.length)
  assert.deepEqual(await refusal(authorised(holder, guarded.by_value, wrong)), [400, 'invalid_grant'])

  const once = await offer(await register())
  const { credentialOffer, issuerMetadata, accessToken } = await authorised(holder, once.by_value)
  assert.deepEqual(await refusal(authorised(holder, once.by_value)), [400, 'invalid_grant'])

  const [credentialConfigurationId] = credentialOffer.credential_configuration_ids
  const stale = holder.client.retrieveCredentials({
    issuerMetadata,
    credentialConfigurationId,
    accessToken,
    proofs: await proofs(holder, issuerMetadata, credentialConfigurationId, nonce()),
  })
  assert.deepEqual(await refusal(stale), [400, 'invalid_nonce'])

  const stranger = holder.client.retrieveCredentials({
    issuerMetadata,
    credentialConfigurationId,
    accessToken: `${accessToken}x`,
    proofs: await proofs(holder, issuerMetadata, credentialConfigurationId),
  })
  assert.equal((await refusal(stranger))[0], 401)
})

test('the life of a card at a gate: accepted, suspended, reinstated, revoked', async () => {
  const key = await holderKey('EdDSA')
  const person_id = await register()
  const [card] = await cards(wallet(key), (await offer(person_id)).by_value)
  const [{ credential_id, id = credential_id }] = await credentialsOf(person_id)

  const atTheGate = async () => {
    const challenge = nonce()
    const shown = await present(card, { family_name: true, given_name: true }, key, challenge, AUDIENCE)
    return verifyAtCheckpoint(shown, challenge, AUDIENCE)
  }
  const says = ({ decision, reason }) => (decision === 'accepted' ? decision : `${decision}: ${reason}`)

  const first = await atTheGate()
  assert.equal(says(first), 'accepted', JSON.stringify(first))
  assert.equal(first.status.value, 'valid')
  assert.equal(first.credential.claims.family_name, '林')
  assert.equal(first.credential.claims.id_number, undefined, 'what the holder did not show is not in the statement')
  assert.ok(first.message['zh-CN'] && first.message.en)

  await change(id, 'suspend')
  assert.equal(says(await atTheGate()), 'refused: credential_suspended')
  await change(id, 'reinstate', { reason: 'found' })
  assert.equal(says(await atTheGate()), 'accepted')
  await change(id, 'revoke', { reason: 'stolen' })
  const last = await atTheGate()
  assert.equal(says(last), 'refused: credential_revoked')
  assert.equal(last.status.value, 'invalid')

  // Revoked is final, and to revoke again changes nothing.
  await call('POST', `/admin/api/v1/credentials/${id}/reinstate`, { body: { reason: 'found' }, status: 409 })
  await change(id, 'revoke', { reason: 'stolen' })
  assert.equal(says(await atTheGate()), 'refused: credential_revoked')
})

test('a presentation for another gate or of an older moment is refused', async () => {
  const key = await holderKey('ES256')
  const [card] = await cards(wallet(key), (await offer(await register())).by_value)
  const challenge = nonce()
  const shown = await present(card, { family_name: true }, key, challenge, AUDIENCE)
  assert.equal((await verifyAtCheckpoint(shown, challenge, AUDIENCE)).decision, 'accepted')
  for (const [label, statement] of [
    ['another nonce', await verifyAtCheckpoint(shown, nonce(), AUDIENCE)],
    ['another audience', await verifyAtCheckpoint(shown, challenge, 'https://gate.example/guiyang/8')],
    ['no key binding', await verifyAtCheckpoint(shown.slice(0, shown.lastIndexOf('~') + 1), challenge, AUDIENCE)],
    ['another holder', await verifyAtCheckpoint(await present(card, { family_name: true }, await holderKey('ES256'), challenge, AUDIENCE), challenge, AUDIENCE)],
  ]) {
    assert.equal(statement.decision, 'refused', label)
    assert.equal(statement.checks.find(({ result }) => result === 'failed') !== undefined, true, label)
  }
})

test('metadata are signed for who asks for it, by the key that a certificate vouches for', async () => {
  const ask = (accept) => fetch(`${url}/.well-known/openid-credential-issuer`, { headers: { accept } })
  const jwt = await (await ask('application/jwt')).text()
  const { x5c } = jose.decodeProtectedHeader(jwt)
  const { payload } = await jose.jwtVerify(jwt, checkedLeaf(x5c).publicKey, { typ: 'openidvci-issuer-metadata+jwt', subject: url, algorithms: ['ES256'], maxTokenAge: '2h' })
  const { sub, iat, exp, ...metadata } = payload
  assert.deepEqual(metadata, await (await ask('application/json')).json())
})
