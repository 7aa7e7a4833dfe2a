// A wallet of the HAIP profile: @openid4vc/openid4vci and @openid4vc/oauth2 with keys, an attestation of the wallet, DPoP, and
// jose for what the libraries leave to their callers (signing, encryption). Used by the Node peer and by the browser's.
import assert from 'node:assert/strict'
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Oauth2Client, clientAuthenticationClientAttestationJwt } from '@openid4vc/oauth2'
import { Openid4vciClient, Openid4vciWalletProvider, setGlobalConfig } from '@openid4vc/openid4vci'
import * as jose from 'jose'
import { call, holderKey, sha256, url } from './peer.mjs'

setGlobalConfig({ allowInsecureUrls: true }) // plain http, on loopback only

const CLIENT_ID = 'wallet.example'
export const REDIRECT_URI = 'https://wallet.example/back'

const folder = process.env.YUFU_ATTESTER
assert.ok(folder, 'YUFU_ATTESTER is not set; run through the test command')
const x5c = [new X509Certificate(readFileSync(join(folder, 'leaf.pem'))).raw.toString('base64')]
const attesterKey = createPrivateKey(readFileSync(join(folder, 'leaf.key')))

let registered
/** Registers the wallet product at the service, once. */
export const registerWallet = () =>
  (registered ??= call('POST', '/admin/api/v1/wallets', {
    body: { client_id: CLIENT_ID, name: 'The wallet of the tests', redirect_uris: [REDIRECT_URI] },
    status: [201, 409],
  }))

/** An installation of the wallet: its own instance key and DPoP key, an attestation, and a record of what went over the wire. */
export async function installation() {
  const instance = await holderKey('ES256')
  const dpopKey = await holderKey('ES256')
  const keys = [instance, dpopKey]
  const wire = []
  const responseKey = await jose.generateKeyPair('ECDH-ES', { crv: 'P-256' })
  const responseJwk = { ...(await jose.exportJWK(responseKey.publicKey)), alg: 'ECDH-ES', kid: 'answer-1', use: 'enc' }
  let encryption // set when requests to the credential endpoints are encrypted

  const notifications = []
  const recorded = async (input, init) => {
    let response = await fetch(input, init)
    const dpop = new Headers(init?.headers).get('dpop')
    wire.push({
      path: new URL(input.url ?? input).pathname,
      status: response.status,
      nonce: dpop && jose.decodeJwt(dpop).nonce,
      type: response.headers.get('content-type'),
      sent: new Headers(init?.headers).get('content-type'),
    })
    // With a deferred answer the library takes no notification_id, which the standard has there (section 9.2): kept aside.
    if (wire.at(-1).path === '/deferred_credential' && response.status === 200) {
      const { notification_id, ...rest } = await response.json()
      notifications.push(notification_id)
      response = Response.json(rest, { headers: Object.fromEntries([...response.headers].filter(([name]) => name !== 'content-length')) })
    }
    return response
  }

  /** Sends what the library made as a JWE, and gives the library what came back as one (OpenID4VCI 1.0, section 10). */
  const sealed = async (input, init) => {
    const path = new URL(input.url ?? input).pathname
    if (!encryption || !['/credential', '/deferred_credential'].includes(path)) return recorded(input, init)
    const { key, enc } = encryption
    // The library knows this member by the form of a draft, so it is put in here.
    const wanted = { ...JSON.parse(init.body), credential_response_encryption: { jwk: responseJwk, enc } }
    const body = await new jose.CompactEncrypt(new TextEncoder().encode(JSON.stringify(wanted)))
      .setProtectedHeader({ alg: 'ECDH-ES', enc, kid: key.kid })
      .encrypt(await jose.importJWK(key, 'ECDH-ES'))
    const headers = { ...Object.fromEntries(new Headers(init.headers)), 'content-type': 'application/jwt' }
    const response = await recorded(input, { ...init, headers, body })
    if (!response.headers.get('content-type')?.startsWith('application/jwt')) return response
    const { plaintext, protectedHeader } = await jose.compactDecrypt(await response.text(), responseKey.privateKey)
    assert.equal(protectedHeader.kid, responseJwk.kid, 'the answer names the key that it is for')
    assert.equal(protectedHeader.enc, enc)
    return new Response(plaintext, { status: response.status, headers: { ...Object.fromEntries(response.headers), 'content-type': 'application/json' } })
  }

  const callbacks = {
    fetch: sealed,
    hash: sha256,
    generateRandom: (length) => new Uint8Array(randomBytes(length)),
    signJwt: async (signer, { header, payload }) => {
      if (signer.method === 'x5c') {
        // The library still writes the type of the draft; the standard has a hyphen (OpenID4VCI 1.0, appendix D.1).
        const typ = header.typ === 'keyattestation+jwt' ? 'key-attestation+jwt' : header.typ
        return { jwt: await new jose.SignJWT(payload).setProtectedHeader({ ...header, typ }).sign(attesterKey) }
      }
      const key = keys.find((candidate) => candidate.publicJwk.x === signer.publicJwk.x)
      assert.ok(key, 'the wallet has the key')
      return { jwt: await new jose.SignJWT(payload).setProtectedHeader(header).sign(key.privateKey), signerJwk: signer.publicJwk }
    },
    verifyJwt: () => assert.fail('nothing to verify in this flow'),
    encryptJwe: () => assert.fail('the library encrypts nothing in this flow'),
    decryptJwe: () => assert.fail('the library decrypts nothing in this flow'),
  }
  const provider = new Openid4vciWalletProvider({ callbacks })
  const signer = { method: 'x5c', alg: 'ES256', x5c }
  const inAnHour = () => new Date(Date.now() + 3600_000)
  const attestation = await provider.createWalletAttestationJwt({
    clientId: CLIENT_ID,
    issuer: 'https://attester.example',
    expiresAt: inAnHour(),
    confirmation: { jwk: instance.publicJwk },
    walletName: 'The wallet of the tests',
    signer,
  })
  callbacks.clientAuthentication = clientAuthenticationClientAttestationJwt({ clientAttestationJwt: attestation, callbacks })
  return {
    client: new Openid4vciClient({ callbacks }),
    oauth2: new Oauth2Client({ callbacks }),
    wire,
    notifications,
    dpop: { signer: { method: 'jwk', alg: 'ES256', publicJwk: dpopKey.publicJwk } },

    /** From now on what goes to the credential endpoints is encrypted, and so is what comes back. */
    encrypt(issuerMetadata, enc) {
      const { jwks, enc_values_supported } = issuerMetadata.credentialIssuer.credential_request_encryption
      assert.ok(enc_values_supported.includes(enc), enc)
      encryption = { key: jwks.keys[0], enc }
    },

    /** Proofs of new keys, all in one key attestation (HAIP 1.0, section 4.5.1). */
    async proofs(issuerMetadata, credentialConfigurationId, count) {
      const fresh = await Promise.all(Array.from({ length: count }, () => holderKey('ES256')))
      keys.push(...fresh)
      const { c_nonce: nonce } = await this.client.requestNonce({ issuerMetadata })
      const keyAttestationJwt = await provider.createKeyAttestationJwt({
        attestedKeys: fresh.map((key) => key.publicJwk),
        keyStorage: ['iso_18045_high'],
        userAuthentication: ['iso_18045_high'],
        nonce,
        issuedAt: new Date(),
        expiresAt: inAnHour(),
        use: 'proof_type.jwt',
        signer,
      })
      const make = ({ alg, publicJwk }) =>
        this.client.createCredentialRequestJwtProof({
          issuerMetadata, credentialConfigurationId, nonce, keyAttestationJwt, clientId: CLIENT_ID,
          issuedAt: new Date(),
          signer: { method: 'jwk', alg, publicJwk },
        })
      const made = await Promise.all(fresh.map(make))
      return { keys: fresh, proofs: { jwt: made.map(({ jwt }) => jwt) }, keyAttestationJwt }
    },
  }
}

/** An offer by which a person signs in and agrees; and what opens the service's page for it. */
export async function begin(wallet, person_id, type, more = {}) {
  await registerWallet()
  const { credential_offer } = await call('POST', '/admin/api/v1/offers', {
    body: { person_id, credential_types: [type], grants: ['authorization_code'] },
    status: 201,
  })
  const text = `openid-credential-offer://?credential_offer=${encodeURIComponent(JSON.stringify(credential_offer))}`
  const credentialOffer = await wallet.client.resolveCredentialOffer(text)
  const issuerMetadata = await wallet.client.resolveIssuerMetadata(credentialOffer.credential_issuer)
  const { scope } = issuerMetadata.credentialIssuer.credential_configurations_supported[type]
  const started = await wallet.client.createAuthorizationRequestUrlFromOffer({
    credentialOffer, issuerMetadata, scope, clientId: CLIENT_ID, redirectUri: REDIRECT_URI, dpop: wallet.dpop, ...more,
  })
  return { credentialOffer, issuerMetadata, ...started }
}

/** From where the page sent the browser back to, to an access token. */
export async function redeem(wallet, { credentialOffer, issuerMetadata, pkce, dpop }, back) {
  const [authorizationServerMetadata] = issuerMetadata.authorizationServers
  const answer = wallet.client.parseAndVerifyAuthorizationResponseRedirectUrl({ url: back, authorizationServerMetadata })
  assert.equal(answer.error, undefined, JSON.stringify(answer))
  assert.equal(answer.iss, url)
  return wallet.client.retrieveAuthorizationCodeAccessTokenFromOffer({
    issuerMetadata, credentialOffer, dpop,
    authorizationCode: answer.code,
    pkceCodeVerifier: pkce.codeVerifier,
    redirectUri: REDIRECT_URI,
  })
}

/** A code with which this person signs in once. */
export const activationCode = async (person_id) =>
  (await call('POST', `/admin/api/v1/people/${person_id}/activation-codes`, { status: 201 })).activation_code

/** The person, without a browser: signs in, agrees, and is sent back to the wallet; gives the address. */
export async function agree(start, id_number, code) {
  const cookies = new Map()
  const visit = async (address, fields) => {
    const response = await fetch(new URL(address, url), {
      method: fields ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '), ...(fields && { origin: url }) },
      body: fields && new URLSearchParams(fields),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/)
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (!location || !location.startsWith('http') || location.startsWith(url)) return location ? visit(location) : response.text()
    return { location }
  }
  const field = (page, name) => page.match(new RegExp(`name="${name}" value="([^"]*)"`))?.[1].replaceAll('&amp;', '&')
  const signIn = await visit(start)
  assert.match(signIn, /action="\/sign-in"/, 'the person is asked to sign in')
  let page = await visit('/sign-in', { form: field(signIn, 'form'), return: field(signIn, 'return'), id_number, code })
  // Whoever has no recovery code yet is shown one before the wallet has its answer.
  for (let pages = 0; pages < 4 && typeof page === 'string'; pages += 1) {
    const action = page.match(/action="([^"]*\/agree)"/)?.[1]
    const onward = page.match(/<a[^>]* class="button primary[^"]*"[^>]* href="([^"]*)"/)?.[1]
    assert.ok(action ?? onward, `a way on: ${page}`)
    page = await (action ? visit(action, { form: field(page, 'form') }) : visit(onward))
  }
  return page.location
}
