// The wallet of the tests: @openid4vc/openid4vci with keys, from the text of an offer to cards.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { clientAuthenticationAnonymous } from '@openid4vc/oauth2'
import { Openid4vciClient, setGlobalConfig } from '@openid4vc/openid4vci'
import * as jose from 'jose'
import { holderKey, offer, register, sha256, url } from './peer.mjs'

setGlobalConfig({ allowInsecureUrls: true }) // plain http, on loopback only

/** The wallet: a client of the library that holds these keys. */
export function wallet(...keys) {
  const client = new Openid4vciClient({
    callbacks: {
      fetch,
      hash: sha256,
      generateRandom: (length) => new Uint8Array(randomBytes(length)),
      clientAuthentication: clientAuthenticationAnonymous(),
      signJwt: async (signer, { header, payload }) => {
        const key = keys.find((candidate) => candidate.publicJwk.x === signer.publicJwk.x)
        return { jwt: await new jose.SignJWT(payload).setProtectedHeader(header).sign(key.privateKey), signerJwk: signer.publicJwk }
      },
      verifyJwt: () => assert.fail('nothing to verify in this flow'),
      encryptJwe: () => assert.fail('nothing to encrypt in this flow'),
      decryptJwe: () => assert.fail('nothing to decrypt in this flow'),
    },
  })
  return { client, keys }
}

/** From the text of an offer to an access token. */
export async function authorised({ client }, text, txCode) {
  const credentialOffer = await client.resolveCredentialOffer(text)
  assert.equal(credentialOffer.credential_issuer, url)
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
  assert.equal(issuerMetadata.originalDraftVersion, 'V1', 'the metadata reads as OpenID4VCI 1.0')
  const { accessTokenResponse } = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({ credentialOffer, issuerMetadata, txCode })
  return { credentialOffer, issuerMetadata, accessToken: accessTokenResponse.access_token }
}

/** Proofs of the wallet's keys over a fresh nonce of the service. */
export async function proofs({ client, keys }, issuerMetadata, credentialConfigurationId, c_nonce) {
  c_nonce ??= (await client.requestNonce({ issuerMetadata })).c_nonce
  const made = keys.map(({ alg, publicJwk }) =>
    client.createCredentialRequestJwtProof({
      issuerMetadata,
      credentialConfigurationId,
      signer: { method: 'jwk', alg, publicJwk },
      nonce: c_nonce,
      issuedAt: new Date(),
    }),
  )
  return { jwt: (await Promise.all(made)).map(({ jwt }) => jwt) }
}

/** The whole way from an offer to cards. */
export async function cards(holder, text, txCode) {
  const { client } = holder
  const { credentialOffer, issuerMetadata, accessToken } = await authorised(holder, text, txCode)
  const [credentialConfigurationId] = credentialOffer.credential_configuration_ids
  const { credentialResponse } = await client.retrieveCredentials({
    issuerMetadata,
    credentialConfigurationId,
    accessToken,
    proofs: await proofs(holder, issuerMetadata, credentialConfigurationId),
  })
  return credentialResponse.credentials.map(({ credential }) => credential)
}

/** A new person's card, bound to a new ES256 key. */
export async function issueOne() {
  const key = await holderKey('ES256')
  const person_id = await register()
  const [card] = await cards(wallet(key), (await offer(person_id)).by_value)
  return { card, key, person_id }
}
