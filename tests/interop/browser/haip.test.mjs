// A wallet that no one of this project wrote, and the person in front of it in a real browser: the wallet opens the service's
// page, the person signs in with an activation code, sees who asks for what, agrees, and the wallet has ten copies.
// Leaves a picture of each page in tests/screenshots/haip/.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { activationCode, begin, installation, redeem, REDIRECT_URI } from '../node/haip.mjs'
import { credentialsOf, person, register } from '../node/peer.mjs'
import { DESKTOP, look, newcomer, open, PHONE, url } from './page.mjs'

let browser
before(async () => {
  browser = await open()
})
after(() => browser?.close())

/** The wallet's app: what the browser is sent back to, and nothing that answers it on the network. */
async function waitFor(page) {
  await page.route(`${REDIRECT_URI}**`, (route) => route.fulfill({ contentType: 'text/plain', body: 'the wallet' }))
  return page.waitForRequest((request) => request.url().startsWith(REDIRECT_URI), { timeout: 30_000 }).then((request) => request.url())
}

for (const [locale, viewport, name] of [['zh-CN', PHONE, 'phone'], ['en', DESKTOP, 'desktop']]) {
  test(`a citizen lets the wallet have the card, ${locale}, ${name}`, async () => {
    const wallet = await installation()
    const body = person()
    const person_id = await register(body)
    const started = await begin(wallet, person_id, 'resident-id')
    const code = await activationCode(person_id)
    const { context, page, faults } = await newcomer(browser, { locale, viewport, expects: [/wallet\.example/] })
    const picture = (what) => look(page, `${what}-${locale}-${name}`, { folder: 'haip', fullPage: true })
    const back = waitFor(page)

    await page.goto(started.authorizationRequestUrl)
    await page.waitForURL(/\/sign-in/)
    await picture('sign-in')
    await page.fill('#id-number', body.id_number)
    await page.fill('#code', code)
    await page.click('#sign-in')
    await page.waitForURL(/\/authorize\//)
    assert.match(await page.locator('main').innerText(), /The wallet of the tests/, 'who asks')
    await picture('agree')
    await page.click('#agree')
    // Who has no recovery code yet is shown one first, and goes on from there.
    const onward = page.locator('form[action$="/agree"] button')
    await Promise.race([back, onward.waitFor()])
    if (!page.url().startsWith(REDIRECT_URI) && (await onward.count()) > 0) {
      await picture('recovery-code')
      await onward.click()
    }
    const address = await back
    const given = await redeem(wallet, started, address)
    assert.equal(new URL(address).searchParams.get('iss'), url)
    const { keys, proofs } = await wallet.proofs(started.issuerMetadata, 'resident-id', 10)
    const { credentialResponse } = await wallet.client.retrieveCredentials({
      issuerMetadata: started.issuerMetadata,
      credentialConfigurationId: 'resident-id',
      accessToken: given.accessTokenResponse.access_token,
      dpop: { ...wallet.dpop, ...given.dpop },
      proofs,
    })
    assert.equal(credentialResponse.credentials.length, keys.length)
    assert.equal((await credentialsOf(person_id)).length, 1)
    assert.deepEqual(faults, [])
    await context.close()
  })

  test(`a citizen does not agree, and the wallet is told, ${locale}, ${name}`, async () => {
    const wallet = await installation()
    const started = await begin(wallet, await register(), 'resident-id')
    const { context, page, faults } = await newcomer(browser, { locale, viewport, expects: [/wallet\.example/] })
    const back = waitFor(page)
    await page.goto(started.authorizationRequestUrl)
    await page.click('#refuse')
    const answer = new URL(await back).searchParams
    assert.deepEqual([answer.get('error'), answer.get('iss'), answer.get('code')], ['access_denied', url, null])
    assert.deepEqual(faults, [])
    await context.close()
  })
}
