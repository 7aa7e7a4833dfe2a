// A wallet that no one of this project wrote (@openid4vc/openid4vp with dcql and @sd-jwt) is asked by a checkpoint and answers:
// from a QR code, on its own device, and through a browser. Run once for each client identifier prefix that can ask it
// (YUFU_INTEROP_PREFIX).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as jose from 'jose'
import { call, change, nonce, token, url } from './peer.mjs'
import { citizen, follow, jwtParts, presentations, resolve, respond, show, submit } from './openid4vp.mjs'

const PREFIX = process.env.YUFU_INTEROP_PREFIX ?? 'x509_hash'
const SIGNED = PREFIX !== 'redirect_uri'
const API = '/checkpoint/api/v1/presentations'

const checkpointToken = async (name) =>
  (await call('POST', '/admin/api/v1/tokens', { body: { name, role: 'checkpoint' }, status: [200, 201] })).token
const gate = await checkpointToken('presentation gate')
const otherGate = await checkpointToken('another gate')

const order = (body, as = gate) => call('POST', API, { body, as, status: 201 })
const look = (id, { query = '', as = gate, status = 200 } = {}) => call('GET', `${API}/${id}${query}`, { as, status })

/** The statement of an answered presentation. */
async function statement(id, options) {
  const view = await look(id, options)
  assert.equal(view.state, 'answered', JSON.stringify(view))
  assert.ok(view.statement, 'an answered presentation has its statement')
  return view.statement
}

const says = ({ decision, reason }) => (decision === 'accepted' ? decision : `${decision}: ${reason}`)
const check = ({ checks }, name) => checks.find((one) => one.name === name)?.result

// ---- From a QR code ----------------------------------------------------------------------------------------------------

test('from a QR code to green: the request says who asks, and the statement shows what was asked and no more', async () => {
  const { held, body } = await citizen()
  const { id, authorization_request, request_uri } = await order({ use_case: 'hotel-check-in', flow: 'cross_device' })
  assert.match(authorization_request, /^openid4vp:\/\/\?/)

  const { resolved, status, body: answer } = await show(authorization_request, held, SIGNED ? { nonce: nonce() } : {})
  assert.deepEqual([status, answer], [200, {}])

  const request = resolved.authorizationRequestPayload
  assert.equal(resolved.client.prefix, PREFIX)
  assert.equal(request.response_mode, 'direct_post.jwt')
  assert.equal(request.redirect_uri, undefined)
  assert.ok(request.nonce.length >= 22 && request.state.length >= 22, 'nonce and state have 128 bits')
  assert.notEqual(request.nonce, request.state)
  assert.deepEqual(request.client_metadata.encrypted_response_enc_values_supported.toSorted(), ['A128GCM', 'A256GCM'])
  if (SIGNED) {
    const { header, payload } = jwtParts(resolved.jar.jwt.compact)
    assert.equal(header.typ, 'oauth-authz-req+jwt')
    assert.equal(header.alg, 'ES256')
    assert.equal(payload.aud, 'https://self-issued.me/v2')
    assert.equal(request_uri.includes(request.state) || request_uri.includes(request.response_uri), false)
  }

  const found = await statement(id)
  assert.equal(says(found), 'accepted', JSON.stringify(found))
  assert.equal(found.credential.claims.id_number, body.id_number)
  assert.equal(found.credential.claims.ethnicity, undefined, 'what was not asked is not in the statement')
  for (const name of ['query', 'nonce', 'audience', 'holder_binding', 'status']) assert.equal(check(found, name), 'passed', name)
})

test('a wallet that fetches by GET, with the shorter cipher', { skip: !SIGNED && 'unsigned requests are not fetched' }, async () => {
  const { held } = await citizen()
  const { id, authorization_request } = await order({ use_case: 'age-over-18' })
  const link = new URL(authorization_request)
  link.searchParams.delete('request_uri_method')
  const { resolved, status } = await show(link.href, held, { enc: 'A128GCM' })
  assert.equal(status, 200)
  assert.equal(resolved.authorizationRequestPayload.wallet_nonce, undefined)
  assert.equal(says(await statement(id)), 'accepted')
})

test('a request is fetched once', { skip: !SIGNED && 'unsigned requests are not fetched' }, async () => {
  const { request_uri, authorization_request } = await order({ use_case: 'age-over-18' })
  const resolved = await follow(authorization_request, { nonce: 'the-nonce-of-this-wallet' })
  assert.equal(resolved.authorizationRequestPayload.wallet_nonce, 'the-nonce-of-this-wallet')
  for (const [method, body] of [['GET'], ['POST', new URLSearchParams({ wallet_nonce: nonce() })]]) {
    const again = await fetch(request_uri, { method, body })
    assert.equal(again.status, 410, method)
  }
  await assert.rejects(follow(authorization_request), /failed with status code '410'/)
})

// ---- On the same device ------------------------------------------------------------------------------------------------

test('on the same device the result waits for who comes back with the code', { skip: !SIGNED && 'one flow is enough unsigned' }, async () => {
  const { held } = await citizen()
  const redirect_uri = `${url}/checkpoint`
  const { id, authorization_request } = await order({ use_case: 'age-over-18', flow: 'same_device', redirect_uri })
  const { status, body } = await show(authorization_request, held)
  assert.equal(status, 200)
  const back = new URL(body.redirect_uri)
  assert.equal(`${back.origin}${back.pathname}`, redirect_uri)
  const code = back.searchParams.get('response_code')
  assert.ok(code.length >= 22, 'the code has 128 bits')

  const withheld = await look(id)
  assert.equal(withheld.statement, undefined, 'nothing without the code')
  await look(id, { query: `?response_code=${nonce()}`, status: 403 })
  await look(id, { query: `?response_code=${code}`, as: otherGate, status: 404 })
  const found = await statement(id, { query: `?response_code=${code}` })
  assert.equal(says(found), 'accepted')
})

// ---- Through a browser -------------------------------------------------------------------------------------------------

test('through a browser: signed, for this origin, answered to the page', { skip: !SIGNED && 'the library knows no unsigned form under redirect_uri' }, async () => {
  const { held } = await citizen()
  const { id, dc_api } = await order({ use_case: 'hotel-check-in', flow: 'dc_api' })
  const [{ protocol, data }] = dc_api.requests
  assert.equal(protocol, 'openid4vp-v1-signed')

  const resolved = await resolve(data, { origin: url })
  const request = resolved.authorizationRequestPayload
  assert.deepEqual([request.response_mode, request.expected_origins, request.state], ['dc_api.jwt', [url], undefined])
  await assert.rejects(resolve(data, { origin: 'https://other.example' }), /expected_origins/)

  const answer = async (options) => (await respond(resolved, await presentations(resolved, held, options), options)).jarm.responseJwt
  const response = await answer({ origin: url })
  const path = `${API}/${id}/response`
  await call('POST', path, { body: { protocol, data: { response } }, as: otherGate, status: 404 })
  const view = await call('POST', path, { body: { protocol, data: { response } }, as: gate })
  assert.equal(says(view.statement), 'accepted', JSON.stringify(view.statement))
  await call('POST', path, { body: { protocol, data: { response } }, as: gate, status: 409 })

  // Bound to the client identifier instead of the origin: good for another flow, and not for this one.
  const second = await order({ use_case: 'hotel-check-in', flow: 'dc_api' })
  const again = await resolve(second.dc_api.requests[0].data, { origin: url })
  const wrong = (await respond(again, await presentations(again, held, {}), { origin: url })).jarm.responseJwt
  const refused = await call('POST', `${API}/${second.id}/response`, { body: { protocol, data: { response: wrong } }, as: gate })
  assert.equal(says(refused.statement), 'refused: audience_mismatch')
})

// ---- Two cards ---------------------------------------------------------------------------------------------------------

test('a freight driver shows two cards, and both are theirs', async () => {
  const { held } = await citizen('resident-id', 'transport-qualification')
  const { id, authorization_request } = await order({ use_case: 'freight-driver' })
  assert.equal((await show(authorization_request, held)).status, 200)
  const found = await statement(id)
  assert.equal(says(found), 'accepted', JSON.stringify(found))
  assert.equal(check(found, 'same_person'), 'passed')
  assert.deepEqual(found.credentials.map(({ query_id }) => query_id).toSorted(), ['qualification', 'resident_id'])
  const qualification = found.credentials.find(({ query_id }) => query_id === 'qualification').credential
  assert.deepEqual(qualification.claims.vehicle_classes, ['B2', 'A2'])

  // The qualification of somebody else: each card is good, and the two are not one driver's.
  const other = await citizen('transport-qualification')
  const mixed = [held[0], other.held[0]]
  const second = await order({ use_case: 'freight-driver' })
  assert.equal((await show(second.authorization_request, mixed)).status, 200)
  const refused = await statement(second.id)
  assert.equal(says(refused), 'refused: not_same_person')
  assert.equal(check(refused, 'same_person'), 'failed')
})

// ---- A transaction -----------------------------------------------------------------------------------------------------

const NAME = {
  credentials: [{ id: 'who', format: 'dc+sd-jwt', meta: { vct_values: [`${url}/credential-types/resident-id`] }, claims: [{ path: ['name'] }] }],
}

test('what the holder confirms is bound to the card', async () => {
  const { held } = await citizen()
  const transaction_data = [{ type: 'urn:yufu:interop:freight-order', credential_ids: ['who'], order: '52-0001' }]
  const first = await order({ query: NAME, transaction_data })
  assert.equal((await show(first.authorization_request, held)).status, 200)
  const found = await statement(first.id)
  assert.equal(says(found), 'accepted', JSON.stringify(found))
  assert.equal(check(found, 'transaction_data'), 'passed')

  // Over what the text says instead of the text (NT-VP-12).
  const second = await order({ query: NAME, transaction_data })
  const tamper = { hashed: (encoded) => Buffer.from(encoded, 'base64url') }
  const { status, body } = await show(second.authorization_request, held, { tamper })
  assert.deepEqual([status, body.error], [400, 'invalid_presentation'])
  assert.equal(says(await statement(second.id)), 'refused: transaction_data_mismatch')
})

// ---- At the gate of an airport ------------------------------------------------------------------------------------------

/** A boarding pass for a flight of today from Guiyang (IATA Resolution 792, version M, one leg). */
function boardingPass(name) {
  const today = new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Shanghai' }).format(new Date())
  const day = (Date.parse(today) - Date.parse(`${today.slice(0, 4)}-01-01`)) / 86_400_000 + 1
  return `M1${name.padEnd(20)}EABC123 KWEPEKCZ 3456 ${String(day).padStart(3, '0')}Y012A0001 100`
}

test('a passenger boards with their own boarding pass and with nobody else\'s', async () => {
  const { held } = await citizen()
  const board = async (name) => {
    const { id, authorization_request } = await order({ use_case: 'boarding', boarding_pass: boardingPass(name), flight: { carrier: 'CZ', number: '3456' } })
    // The gate waits for the answer while the wallet shows the card.
    const { revision } = await look(id)
    const answered = async () => {
      for (let seen = revision; ; ) {
        const view = await look(id, { query: `?wait=20&after=${seen}` })
        if (view.state === 'answered') return view.statement
        seen = view.revision
      }
    }
    const [found, { status }] = await Promise.all([answered(), show(authorization_request, held)])
    assert.equal(status, 200)
    return found
  }
  const own = await board('LIN/XIAOYUMS')
  assert.equal(says(own), 'accepted', JSON.stringify(own))
  assert.deepEqual([check(own, 'boarding_pass'), own.boarding.match, own.credential.claims.id_number], ['passed', true, undefined])
  const other = await board('WANG/XIAOMING')
  assert.equal(says(other), 'refused: boarding_pass_mismatch')
})

// ---- In the clear, and not at all ---------------------------------------------------------------------------------------

test('in the clear where it is asked for so, and nowhere else', async () => {
  const { held } = await citizen()
  const plain = await order({ use_case: 'hotel-check-in', response_mode: 'direct_post' })
  const { resolved, status } = await show(plain.authorization_request, held)
  assert.equal(status, 200)
  assert.equal(resolved.authorizationRequestPayload.response_mode, 'direct_post')
  assert.equal(says(await statement(plain.id)), 'accepted')

  const { id, authorization_request } = await order({ use_case: 'hotel-check-in' })
  const encrypted = await follow(authorization_request)
  const vp_token = await presentations(encrypted, held)
  const { state } = encrypted.authorizationRequestPayload
  const answer = await submit(encrypted, { authorizationResponsePayload: { vp_token, state } })
  assert.deepEqual([answer.status, answer.body.error], [400, 'invalid_request'])
  assert.equal(says(await statement(id)), 'refused: response_malformed')
})

test('who declines is not refused for anything else', async () => {
  const { id, authorization_request } = await order({ use_case: 'hotel-check-in' })
  const resolved = await follow(authorization_request)
  const { state } = resolved.authorizationRequestPayload
  const { status, body } = await submit(resolved, { authorizationResponsePayload: { error: 'access_denied', state } })
  assert.deepEqual([status, body], [200, {}])
  assert.equal(says(await statement(id)), 'refused: declined_by_holder')
})

// ---- What must not pass ------------------------------------------------------------------------------------------------

test('a revoked card is refused, and the wallet learns nothing of it', async () => {
  const { held } = await citizen()
  await change(held[0].id, 'revoke', { reason: 'stolen' })
  const { id, authorization_request } = await order({ use_case: 'hotel-check-in' })
  const { status, body } = await show(authorization_request, held)
  assert.deepEqual([status, body], [200, {}])
  const found = await statement(id)
  assert.equal(says(found), 'refused: credential_revoked')
  assert.equal(found.status.value, 'invalid')
})

test('a response is taken once, whatever comes after', async () => {
  const { held } = await citizen()
  const { id, authorization_request } = await order({ use_case: 'hotel-check-in' })
  const resolved = await follow(authorization_request)
  const response = await respond(resolved, await presentations(resolved, held))
  const answers = await Promise.all(Array.from({ length: 4 }, () => submit(resolved, response)))
  assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 400, 400, 400], 'of four at one time one wins')
  for (const { body } of answers.filter(({ status }) => status === 400)) assert.equal(body.error, 'invalid_request')
  const late = await submit(resolved, response)
  assert.deepEqual([late.status, late.body.error], [400, 'invalid_request'])
  assert.equal(says(await statement(id)), 'accepted', 'the one that won stands')
})

test('a response that is not for this request is refused', async () => {
  const { held } = await citizen()
  const stranger = await jose.exportJWK((await jose.generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true })).publicKey)
  const other = await follow((await order({ use_case: 'hotel-check-in' })).authorization_request)
  const [otherKey] = other.authorizationRequestPayload.client_metadata.jwks.keys
  const { nonce: otherNonce, state: otherState } = other.authorizationRequestPayload

  const cases = {
    'encrypted to another key': [{ encryptionKey: stranger }, 'invalid_request', 'response_malformed'],
    'encrypted to the key of another request': [{ encryptionKey: otherKey, kid: otherKey.kid }, 'invalid_request', 'response_malformed'],
    'the state of another request': [{ state: otherState }, 'invalid_request', 'response_malformed'],
    'bound to the nonce of another request': [{ request: { nonce: otherNonce } }, 'invalid_presentation', 'nonce_mismatch'],
    'bound to another verifier': [{ request: { client_id: 'x509_hash:AAAA' } }, 'invalid_presentation', 'audience_mismatch'],
  }
  for (const [label, [tamper, error, reason]] of Object.entries(cases)) {
    const { id, authorization_request } = await order({ use_case: 'hotel-check-in' })
    const resolved = await follow(authorization_request)
    const vp_token = await presentations(resolved, held, { tamper })
    if (tamper.state) resolved.authorizationRequestPayload.state = tamper.state
    const { status, body } = await submit(resolved, await respond(resolved, vp_token, { tamper }))
    assert.deepEqual([label, status, body.error], [label, 400, error])
    assert.equal(says(await statement(id)), `refused: ${reason}`, label)
  }
})

test('less than was asked, and another card than was asked, are refused', async () => {
  const { held } = await citizen('resident-id', 'transport-qualification')
  const shown = async (change) => {
    const { id, authorization_request } = await order({ use_case: 'hotel-check-in' })
    const resolved = await follow(authorization_request)
    const { dcql_query } = resolved.authorizationRequestPayload
    const tamper = { unchecked: true, request: { dcql_query: change(structuredClone(dcql_query)) } }
    const vp_token = await presentations(resolved, held, { tamper })
    const { status, body } = await submit(resolved, await respond(resolved, vp_token))
    return [status, body.error, says(await statement(id))]
  }
  const fewer = (query) => ((query.credentials[0].claims = query.credentials[0].claims.slice(0, 1)), query)
  assert.deepEqual(await shown(fewer), [400, 'invalid_presentation', 'refused: claims_missing'])
  const another = (query) => {
    query.credentials[0].meta.vct_values = [`${url}/credential-types/transport-qualification`]
    query.credentials[0].claims = [{ path: ['id_number'] }]
    return query
  }
  const [status, error, said] = await shown(another)
  assert.deepEqual([status, error], [400, 'invalid_presentation'])
  assert.match(said, /^refused: /)
})

test('results are read by the checkpoint that asked, and by no one else', async () => {
  const { held } = await citizen()
  const { id, authorization_request } = await order({ use_case: 'age-over-18' })
  const { resolved } = await show(authorization_request, held)
  await look(id, { as: otherGate, status: 404 })
  await look(id, { as: token, status: 403 })
  for (const guess of [resolved.authorizationRequestPayload.state, resolved.authorizationRequestPayload.nonce]) {
    await look(guess, { status: 404 })
  }
  assert.equal(says(await statement(id)), 'accepted')
})
