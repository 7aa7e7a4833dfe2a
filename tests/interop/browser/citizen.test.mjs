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
  // The next page looks much like this one: it is there when it was loaded.
  await Promise.all([page.waitForEvent('load'), page.locator('#sign-in').click()])
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

test('the whole way without scripts', async () => {
  const { code, number } = await citizen()
  const asked = await ask()
  const context = await browser.newContext({ locale: 'zh-CN', viewport: PHONE, javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(asked.address)
  await page.locator('nav.languages a[lang=en]').click()
  assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  assert.match(await page.locator('main').innerText(), /黔证钱包/, 'another language, the same request')
  await typeIn(page, number, code)
  await page.locator('#agree').click()
  await page.locator('#kept').click()
  assert.ok((await arrived(page)).get('code'))
  await context.close()
})

test('the whole way by the keyboard, with the focus to be seen at every step', async () => {
  const { code, number } = await citizen()
  const asked = await ask()
  const opened = await somebody({ locale: 'en' })
  const { page } = opened
  const focused = () =>
    page.evaluate(() => {
      const at = document.activeElement
      const { outlineStyle, outlineWidth } = getComputedStyle(at)
      return { name: at.id || at.innerText, seen: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2 }
    })
  const tab = async () => {
    await page.keyboard.press('Tab')
    const { name, seen } = await focused()
    assert.ok(seen, `the focus is to be seen on ${name}`)
    return name
  }
  await page.goto(asked.address)
  const order = []
  for (let at = 0; at < 8; at += 1) order.push(await tab())
  assert.deepEqual(order, ['Skip to the content', '中文', 'English', 'id-number', 'code', 'sign-in', 'show-card', 'refuse'])
  await page.locator('#id-number').focus()
  await page.keyboard.type(number)
  await tab()
  await page.keyboard.type(code.replaceAll('-', ''))
  await page.keyboard.press('Enter')
  await page.locator('#agree').waitFor()
  await page.keyboard.press('Tab')
  assert.equal((await focused()).name, 'Skip to the content')
  await page.keyboard.press('Enter')
  assert.equal(await tab(), 'agree')
  assert.equal(await tab(), 'refuse')
  assert.equal(await tab(), 'other')
  await page.locator('#agree').focus()
  await page.keyboard.press('Enter')
  await page.locator('#kept').focus()
  await page.keyboard.press('Enter')
  assert.ok((await arrived(page)).get('code'))
  await done(opened)
})

test('who does not agree is back in the wallet, signed in or not, and the request is over', async () => {
  const { code, number } = await citizen()
  const opened = await somebody({ expects: [/status of 404/] })
  const { page } = opened
  const first = await ask()
  await page.goto(first.address)
  await page.locator('#refuse').click()
  assert.equal((await arrived(page)).get('error'), 'access_denied')
  const second = await ask()
  await page.goto(second.address)
  await typeIn(page, number, code)
  await page.locator('#refuse').click()
  const brought = await arrived(page)
  assert.equal(brought.get('error'), 'access_denied')
  assert.equal(brought.get('state'), second.state)
  assert.equal(brought.get('code'), null)
  for (const locale of LANGUAGES) {
    await page.setViewportSize(locale === 'en' ? DESKTOP : PHONE)
    const over = await page.goto(`${second.address}&lang=${locale}`)
    assert.equal(over.status(), 404)
    await look(page, `over-${locale}`)
  }
  await done(opened)
})

test('who can have no card, or is not the one it was offered to, is told so and goes back', async () => {
  const { id, code, number } = await citizen()
  const other = await citizen()
  const offered = await call('POST', '/admin/api/v1/offers', {
    body: { person_id: other.id, credential_types: ['resident-id'], grants: ['authorization_code'] },
    status: 201,
  })
  const { issuer_state } = offered.credential_offer.grants.authorization_code
  const opened = await somebody()
  const { page } = opened
  for (const [locale, viewport] of [['zh-CN', PHONE], ['en', DESKTOP]]) {
    await page.setViewportSize(viewport)
    await page.goto((await ask({ scope: 'transport-qualification' })).address)
    if (await page.locator('#id-number').count()) await typeIn(page, number, code)
    await page.goto(`${page.url()}?lang=${locale}`)
    await look(page, `none-${locale}`)
    assert.equal(await page.locator('#agree').count(), 0)
    await page.locator('#refuse').click()
    assert.equal((await arrived(page)).get('error'), 'access_denied')
    await page.goto((await ask({ scope: 'resident-id transport-qualification' })).address)
    await look(page, `one-of-two-${locale}`)
    await page.goto((await ask({ issuer_state })).address)
    await look(page, `for-another-${locale}`)
    assert.equal(await page.locator('#agree').count(), 0)
  }
  // The one it was offered to takes over in the same browser.
  await page.locator('#other').click()
  await typeIn(page, other.number, other.code)
  await page.locator('#agree').click()
  await page.locator('#kept').click()
  assert.ok((await arrived(page)).get('code'))
  assert.ok(id)
  await done(opened)
})

test('a page of another site neither frames these pages nor sends their forms', async () => {
  const { code, number } = await citizen()
  const opened = await somebody({ expects: [/frame-ancestors/, /status of 403/, /X-Frame-Options/i] })
  const { page } = opened
  await page.goto((await ask()).address)
  await typeIn(page, number, code)
  await page.locator('#agree').waitFor()
  const consent = page.url()
  // Another port of this machine is another origin and the same site, so its requests bring the cookies along.
  await page.goto(back)
  await page.evaluate((src) => {
    const frame = document.createElement('iframe')
    frame.src = src
    document.body.append(frame)
    return new Promise((resolve) => (frame.onload = resolve))
  }, consent)
  assert.equal(await page.frameLocator('iframe').locator('#agree').count(), 0, 'nothing to be clicked through')
  for (const path of [`${new URL(consent).pathname}/agree`, '/sign-out']) {
    await page.goto(back)
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url() === url + path),
      page.evaluate((action) => {
        const form = Object.assign(document.createElement('form'), { method: 'post', action })
        form.innerHTML = '<input name="form" value="x">'
        document.body.append(form)
        form.submit()
      }, url + path),
    ])
    assert.equal(answer.status(), 403)
    await page.locator('main').waitFor()
    assert.match(await page.locator('main').innerText(), /form_not_ours/)
  }
  await page.goto(consent)
  assert.equal(await page.locator('#agree').count(), 1, 'nothing happened')
  await done(opened)
})

test('small screens, large letters and paper', async () => {
  const { code, number } = await citizen()
  const opened = await somebody({ viewport: { width: 320, height: 640 }, locale: 'en' })
  const { page } = opened
  await page.goto((await ask()).address)
  await look(page, 'small-1-sign-in')
  await typeIn(page, number, code)
  await page.locator('#agree').waitFor()
  await look(page, 'small-2-consent')
  await page.locator('#agree').click()
  await page.locator('#recovery-code').waitFor()
  await look(page, 'small-3-recovery')
  await page.setViewportSize({ width: 794, height: 1123 })
  await page.emulateMedia({ media: 'print' })
  await page.screenshot({ path: fileURLToPath(new URL('../../screenshots/citizen/paper.png', import.meta.url)) })
  assert.ok(await page.locator('#recovery-code').isVisible())
  assert.ok(!(await page.locator('#kept').isVisible()), 'a button is of no use on paper')
  await done(opened)
})
