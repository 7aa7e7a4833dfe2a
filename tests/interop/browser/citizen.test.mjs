// The pages of citizens in a real browser against a real service: a wallet asks for a card, a person signs in, sees who asks for
// what, agrees, keeps a recovery code and is back in the wallet. Leaves a picture of each state in tests/screenshots/citizen/.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { call, person, register } from '../node/peer.mjs'
import { DESKTOP, PHONE, look as lookAt, newcomer, open, url } from './page.mjs'

const WIDTHS = { phone: PHONE, desktop: DESKTOP }
const LANGUAGES = ['zh-CN', 'en']
const CLIENT = 'https://wallet.qianzheng.example'

let browser, wallet, back
before(async () => {
  mkdirSync(fileURLToPath(new URL('../../screenshots/citizen/', import.meta.url)), { recursive: true })
  browser = await open()
  // Where the wallet waits: a page of its own on this machine.
  const arrivals = []
  wallet = createServer((request, response) => {
    arrivals.push(new URL(request.url, back))
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><html lang="en"><title>wallet</title><h1>wallet</h1></html>')
  })
  await new Promise((resolve) => wallet.listen(0, '127.0.0.1', resolve))
  back = `http://127.0.0.1:${wallet.address().port}/back`
  await call('POST', '/admin/api/v1/wallets', {
    body: { client_id: CLIENT, name: '黔证钱包', redirect_uris: [back] },
    status: [200, 201],
  })
})
after(async () => {
  await browser?.close()
  wallet?.close()
})

const look = (page, name) => lookAt(page, `../citizen/${name}`)

/** A person of the register with an activation code. */
async function citizen(changes = {}) {
  const fields = { ...person(), ...changes }
  const id = await register(fields)
  const { activation_code: code } = await call('POST', `/admin/api/v1/people/${id}/activation-codes`, { status: 201 })
  return { id, code, number: fields.id_number }
}

/** What a wallet pushes; gives the address that it opens in the browser, and how the code is redeemed. */
async function ask({ scope = 'resident-id', issuer_state, state = randomBytes(8).toString('hex') } = {}) {
  const verifier = randomBytes(32).toString('base64url')
  const post = (path, fields) => fetch(url + path, { method: 'POST', body: new URLSearchParams(fields) })
  const pushed = await post('/par', {
    client_id: CLIENT,
    response_type: 'code',
    redirect_uri: back,
    scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(issuer_state && { issuer_state }),
  })
  assert.equal(pushed.status, 201, await pushed.clone().text())
  const { request_uri } = await pushed.json()
  const redeem = (code) => post('/token', { grant_type: 'authorization_code', client_id: CLIENT, code, redirect_uri: back, code_verifier: verifier })
  return { address: `${url}/authorize?${new URLSearchParams({ client_id: CLIENT, request_uri })}`, state, redeem }
}

/** A browser of somebody; that it goes to the wallet is no fault. */
const somebody = (options = {}) => newcomer(browser, { ...options, expects: [new RegExp(`leaves the host: ${back}`), ...(options.expects ?? [])] })

const done = async ({ context, faults }) => {
  assert.deepEqual(faults, [])
  await context.close()
}

const typeIn = async (page, number, code) => {
  await page.locator('#id-number').fill(number)
  await page.locator('#code').fill(code)
  await page.locator('#sign-in').click()
}

/** Waits until the browser is with the wallet; what it brought. */
async function arrived(page) {
  await page.waitForURL((at) => at.href.startsWith(back))
  return new URL(page.url()).searchParams
}

for (const [name, viewport] of Object.entries(WIDTHS)) {
  for (const locale of LANGUAGES) {
    test(`what is mistyped, wrong or tried too often is told: ${name}, ${locale}`, async () => {
      const { code, number } = await citizen()
      const asked = await ask()
      const dark = locale === 'en' && name === 'phone'
      // A mistake is answered with 200 and one try too many with 429, which browsers write on the console.
      const opened = await somebody({ locale, viewport, dark, expects: [/status of 429/] })
      const { page } = opened
      const state = (what) => `${name}-${locale}-${what}`
      await page.goto(asked.address)
      await page.locator('#sign-in').waitFor()
      assert.equal(new URL(page.url()).pathname, '/sign-in')
      assert.match(await page.locator('main').innerText(), /黔证钱包/)
      await look(page, state('1-sign-in'))

      await typeIn(page, number.slice(0, 17) + (number[17] === '1' ? '2' : '1'), '12')
      await page.locator('#id-number-wrong').waitFor()
      await look(page, state('2-mistyped'))
      await typeIn(page, number, '12')
      await page.locator('#code-wrong').waitFor()
      assert.equal(await page.locator('#id-number').inputValue(), number, 'nobody types it twice')
      for (let tries = 0; tries < 3; tries += 1) {
        await typeIn(page, number, '000000000000')
        await page.locator('#told').waitFor()
        if (tries === 0) await look(page, state('3-wrong'))
      }
      await typeIn(page, number, code)
      await look(page, state('4-wait'))
      assert.match(await page.locator('#told').innerText(), /1[0-5]/)
      await done(opened)
    })

    test(`who asks for what, the recovery code, and back with a code: ${name}, ${locale}`, async () => {
      const { code, number } = await citizen()
      const asked = await ask({ state: 'a b&c=%' })
      const opened = await somebody({ locale, viewport, dark: locale === 'en' && name === 'phone' })
      const { page } = opened
      const state = (what) => `${name}-${locale}-${what}`
      await page.goto(asked.address)
      await typeIn(page, number, code)
      await page.locator('#agree').waitFor()
      await look(page, state('5-consent'))
      const words = await page.locator('main').innerText()
      for (const text of ['黔证钱包', '127.0.0.1', '林晓雨', locale === 'en' ? 'Date of birth' : '出生日期']) assert.ok(words.includes(text), text)
      assert.ok(!words.includes(number), 'the whole number stands on no screen')
      assert.ok(!page.url().includes('request_uri'))

      await page.locator('#agree').click()
      await page.locator('#recovery-code').waitFor()
      assert.match(await page.locator('#recovery-code').innerText(), /^\d{4}(-\d{4}){4}$/)
      await look(page, state('6-recovery'))
      await page.locator('#kept').click()
      const brought = await arrived(page)
      assert.deepEqual([...brought.keys()].sort(), ['code', 'iss', 'state'])
      assert.equal(brought.get('state'), 'a b&c=%')
      assert.equal(brought.get('iss'), url)
      const token = await asked.redeem(brought.get('code'))
      assert.equal(token.status, 200, await token.clone().text())

      // The next card of the same person, still signed in: no code to keep any more.
      const again = await ask()
      await page.goto(again.address)
      await page.locator('#agree').click()
      assert.ok((await arrived(page)).get('code'))
      await done(opened)
    })
  }
}
