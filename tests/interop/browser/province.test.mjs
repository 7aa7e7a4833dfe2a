// The province's login in front of a wallet's request, in a real browser: from the wallet to our page, on to a login that no one
// of this project wrote (oidc-provider), and back to the wallet with a code. And the page for makers of wallets, with the people of
// the test issuer on it. Leaves a picture of each state in tests/screenshots/province/.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { setTimeout as pause } from 'node:timers/promises'
import { call, person, register } from '../node/peer.mjs'
import { startProvider } from '../province/provider.mjs'
import { DESKTOP, PHONE, look as lookAt, newcomer, open, url } from './page.mjs'

const CLIENT = 'https://wallet.qianzheng.example'
const port = Number(process.env.YUFU_LOGIN_PORT)
const people = new Map()

let browser, wallet, back, login
before(async () => {
  mkdirSync(fileURLToPath(new URL('../../screenshots/province/', import.meta.url)), { recursive: true })
  browser = await open()
  login = await startProvider({ port, redirectUri: `${url}/sign-in/province/callback`, people })
  wallet = createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><html lang="en"><title>wallet</title><h1>wallet</h1></html>')
  })
  await new Promise((resolve) => wallet.listen(0, '127.0.0.1', resolve))
  back = `http://127.0.0.1:${wallet.address().port}/back`
  await call('POST', '/admin/api/v1/wallets', { body: { client_id: CLIENT, name: '黔证钱包', redirect_uris: [back] }, status: [200, 201] })
})
after(async () => {
  await browser?.close()
  await login?.stop()
  wallet?.close()
})

const look = (page, name, options) => lookAt(page, name, { folder: 'province', ...options })
const ours = /leaves the host: http:\/\/127\.0\.0\.1:/

/** What a wallet pushes; gives the address that it opens in the browser, and how the code is redeemed. */
async function ask() {
  const verifier = randomBytes(32).toString('base64url')
  const post = (path, fields) => fetch(url + path, { method: 'POST', body: new URLSearchParams(fields) })
  const code_challenge = createHash('sha256').update(verifier).digest('base64url')
  const wanted = { client_id: CLIENT, response_type: 'code', redirect_uri: back, scope: 'resident-id', state: 'x', code_challenge, code_challenge_method: 'S256' }
  const pushed = await post('/par', wanted)
  assert.equal(pushed.status, 201, await pushed.clone().text())
  const { request_uri } = await pushed.json()
  const redeem = (code) => post('/token', { grant_type: 'authorization_code', client_id: CLIENT, code, redirect_uri: back, code_verifier: verifier })
  return { address: `${url}/authorize?${new URLSearchParams({ client_id: CLIENT, request_uri })}`, redeem }
}

for (const [viewport, locale, name] of [[PHONE, 'zh-CN', 'phone'], [DESKTOP, 'en', 'desktop']]) {
  test(`from the wallet by the province's login back to the wallet: ${name}, ${locale}`, async () => {
    const made = person()
    await register(made)
    people.set(`citizen-${name}`, made.id_number)
    const asked = await ask()
    const { page, context } = await newcomer(browser, { locale, viewport, expects: [ours, /./] })
    await page.goto(asked.address)
    await page.locator('#province').waitFor()
    await look(page, `${name}-${locale}-1-sign-in`)
    await page.locator('#province').click()
    await page.locator('input[name="login"]').fill(`citizen-${name}`)
    await page.locator('input[name="password"]').fill('x')
    await page.locator('button[type="submit"]').click()
    await page.locator('button[type="submit"]').click()
    await page.locator('#agree').waitFor()
    assert.match(await page.locator('main').innerText(), /黔证钱包/)
    await look(page, `${name}-${locale}-2-consent`)
    await page.locator('#agree').click()
    // A first pick-up shows the recovery code before it goes on.
    await page.locator('#kept').click()
    await page.waitForURL((at) => at.href.startsWith(back))
    const brought = new URL(page.url()).searchParams
    assert.equal(brought.get('iss'), url)
    const token = await asked.redeem(brought.get('code'))
    assert.equal(token.status, 200, await token.clone().text())
    assert.deepEqual(login.faults, [])
    await context.close()
  })

  test(`who is not in the register is told so and led back: ${name}, ${locale}`, async () => {
    people.set('stranger', person().id_number)
    const { page, context } = await newcomer(browser, { locale, viewport, expects: [ours, /./] })
    await page.goto(`${url}/sign-in/province?return=/my`)
    await page.locator('input[name="login"]').fill('stranger')
    await page.locator('input[name="password"]').fill('x')
    await page.locator('button[type="submit"]').click()
    await page.locator('button[type="submit"]').click()
    await page.waitForURL((at) => at.pathname === '/sign-in/province/callback')
    assert.match(await page.locator('h1').innerText(), locale === 'en' ? /not in the register/ : /登记册中没有您/)
    await look(page, `${name}-${locale}-3-stranger`)
    await page.locator('main a.button').click()
    await page.locator('#province').waitFor()
    await context.close()
  })

  test(`makers of wallets find people, offers and errors: ${name}, ${locale}`, async () => {
    const { page, context, faults } = await newcomer(browser, { locale, viewport })
    await page.goto(`${url}/wallet-vendors`)
    await look(page, `${name}-${locale}-4-vendors`, { fullPage: true })
    assert.equal(await page.locator('[id^="person-"]').count(), 8)
    assert.ok((await page.locator('[id^="error-"]').count()) > 20)
    const link = await page.locator('#person-lin .offers a').first().getAttribute('href')
    const uri = new URL(link).searchParams.get('credential_offer_uri')
    const offer = await (await fetch(uri)).json()
    assert.equal(offer.credential_issuer, url)
    await page.goto(`${url}/wallet-vendors#error-invalid_grant`)
    await page.locator('#error-invalid_grant').waitFor()
    assert.deepEqual(faults, [])

    // The number and code of the page are good, and good again a moment later.
    for (let times = 0; times < 2; times += 1) {
      const codes = await page.locator('#person-chen dd code').allInnerTexts()
      const other = await newcomer(browser, { locale, viewport })
      await other.page.goto(`${url}/sign-in?return=/credential-types`)
      await other.page.locator('#id-number').fill(codes[0])
      await other.page.locator('#code').fill(codes[1])
      await other.page.locator('#sign-in').click()
      await other.page.waitForURL((at) => at.pathname === '/credential-types')
      await other.context.close()
      await pause(2500)
    }
    await context.close()
  })
}
