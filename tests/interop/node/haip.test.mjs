// The whole way of HAIP 1.0 with a wallet that no one of this project wrote: PAR with an attestation of the wallet, PKCE, DPoP with
// the server's nonces, a batch of ten under one key attestation, encrypted both ways, an officer's approval, notification, renewal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as jose from 'jose'
import { activationCode, agree, begin, installation, redeem } from './haip.mjs'
import { call, credentialsOf, holderKey, person, register, sdJwtVerifier, url } from './peer.mjs'

/** A new person whom the wallet gets a token for. */
async function authorised(wallet, type, more) {
  const body = person()
  const person_id = await register(body)
  const started = await begin(wallet, person_id, type, more)
  const back = await agree(started.authorizationRequestUrl, body.id_number, await activationCode(person_id))
  const given = await redeem(wallet, started, back)
  return { ...started, ...given, person_id, type, accessToken: given.accessTokenResponse.access_token }
}

const fetched = (wallet, { issuerMetadata, type, accessToken, dpop }, proofs) =>
  wallet.client.retrieveCredentials({
    issuerMetadata, accessToken, proofs, credentialConfigurationId: type,
    dpop: { ...wallet.dpop, ...dpop },
  })

async function check(cards, keys) {
  assert.equal(cards.length, keys.length)
  for (const [at, card] of cards.entries()) {
    const { payload } = await sdJwtVerifier(card, { loadTypeMetadataFormat: true }).verify(card)
    assert.equal(payload.iss, url)
    assert.equal(payload.family_name, '林')
    assert.equal(payload.cnf.jwk.x, keys[at].publicJwk.x, 'each copy has its own key')
  }
  const references = cards.map((card) => JSON.stringify(jose.decodeJwt(card.split('~')[0]).status))
  assert.equal(new Set(references).size, cards.length, 'no two copies share a status index')
}

const textsOf = (response) => response.credentials.map(({ credential }) => credential)

test('a batch of ten, attested and encrypted both ways, is noticed and renewed', async () => {
  const wallet = await installation()
  const got = await authorised(wallet, 'resident-id')
  assert.equal(got.accessTokenResponse.token_type, 'DPoP')
  const par = wallet.wire.filter(({ path }) => path === '/par')
  assert.deepEqual(par.map(({ status, nonce }) => [status, Boolean(nonce)]), [[400, false], [201, true]], 'the server asked for its nonce')

  const { issuerMetadata } = got
  const { keys, proofs } = await wallet.proofs(issuerMetadata, 'resident-id', 10)
  wallet.encrypt(issuerMetadata, 'A256GCM')
  const { credentialResponse } = await fetched(wallet, got, proofs)
  await check(textsOf(credentialResponse), keys)
  const last = wallet.wire.filter(({ path }) => path === '/credential').at(-1)
  assert.deepEqual([last.status, last.sent, last.type], [200, 'application/jwt', 'application/jwt'])

  const notified = await wallet.client.sendNotification({
    issuerMetadata, accessToken: got.accessToken, dpop: wallet.dpop,
    notification: { event: 'credential_accepted', notificationId: credentialResponse.notification_id },
  })
  assert.equal(notified.response.status, 204)
  const [{ id }] = await credentialsOf(got.person_id)

  // The batch is used up: a new one for the same card, with the refresh token, which is replaced.
  const [authorizationServerMetadata] = issuerMetadata.authorizationServers
  const renewed = await wallet.oauth2.retrieveRefreshTokenAccessToken({
    authorizationServerMetadata, refreshToken: got.accessTokenResponse.refresh_token, dpop: got.dpop,
  })
  assert.notEqual(renewed.accessTokenResponse.refresh_token, got.accessTokenResponse.refresh_token)
  const again = { ...got, accessToken: renewed.accessTokenResponse.access_token }
  const second = await wallet.proofs(issuerMetadata, 'resident-id', 10)
  wallet.encrypt(issuerMetadata, 'A128GCM')
  const { credentialResponse: more } = await fetched(wallet, again, second.proofs)
  await check(textsOf(more), second.keys)
  const cards = await credentialsOf(got.person_id)
  assert.deepEqual(cards.map((card) => card.id), [id], 'two batches are one card')
})

test('a card that an officer approves is waited for', async () => {
  const wallet = await installation()
  const got = await authorised(wallet, 'counter-id')
  const { issuerMetadata, accessToken } = got
  const { keys, proofs } = await wallet.proofs(issuerMetadata, 'counter-id', 2)
  const { credentialResponse } = await fetched(wallet, got, proofs)
  assert.equal(credentialResponse.credentials, undefined)
  const transactionId = credentialResponse.transaction_id
  assert.ok(transactionId && credentialResponse.interval > 0)
  const poll = () => wallet.client.retrieveDeferredCredentials({ issuerMetadata, accessToken, transactionId, dpop: wallet.dpop })
  assert.equal((await poll()).deferredCredentialResponse.transaction_id, transactionId, 'nobody decided yet')

  const { approvals } = await call('GET', '/admin/api/v1/approvals')
  const mine = approvals.filter((approval) => approval.person_id === got.person_id)
  assert.equal(mine.length, 1)
  await call('POST', `/admin/api/v1/approvals/${mine[0].id}/approve`, { body: {}, status: [200, 204] })
  await check(textsOf((await poll()).deferredCredentialResponse), keys)
  await assert.rejects(poll(), ({ response }) => response.response.status === 400, 'the id dies with its delivery')
  const notified = await wallet.client.sendNotification({
    issuerMetadata, accessToken, dpop: wallet.dpop,
    notification: { event: 'credential_accepted', notificationId: wallet.notifications[0] },
  })
  assert.equal(notified.response.status, 204)
})

test('what the profile asks for is not left out', async () => {
  const wallet = await installation()
  const status = (promise) => promise.then(() => 'taken', (error) => error.errorResponse?.error ?? error.response?.credentialErrorResponseResult?.data?.error)

  const unbound = await authorised(wallet, 'resident-id', { dpop: undefined }).catch((error) => error)
  assert.equal(unbound.errorResponse?.error, 'invalid_dpop_proof', unbound.stack)

  const got = await authorised(wallet, 'resident-id')
  const { proofs } = await wallet.proofs(got.issuerMetadata, 'resident-id', 1)
  const bare = { jwt: [await withoutAttestation(wallet, got)] }
  assert.equal(await status(fetched(wallet, got, bare)), 'invalid_proof')

  const other = await installation()
  const stolen = fetched(other, { ...got, dpop: other.dpop }, proofs)
  assert.equal(await status(stolen.catch((error) => Promise.reject(Object.assign(error, { errorResponse: { error: error.response.response.status } })))), 401)
})

/** A proof that the library would not make: the metadata says that keys have to be attested. */
async function withoutAttestation(wallet, { issuerMetadata }) {
  const { privateKey, publicJwk } = await holderKey('ES256')
  const { c_nonce: nonce } = await wallet.client.requestNonce({ issuerMetadata })
  return new jose.SignJWT({ nonce, aud: url, iss: 'wallet.example' })
    .setIssuedAt()
    .setProtectedHeader({ alg: 'ES256', typ: 'openid4vci-proof+jwt', jwk: publicJwk })
    .sign(privateKey)
}
