// The checkpoint page in a real browser against a real service, with a wallet that others wrote: from the code on the screen to
// the answer on it. Leaves a picture of each state in tests/screenshots/checkpoint/.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { harbour } from '../node/harbour.mjs'
import { cards, wallet } from '../node/issue.mjs'
import { resolve, presentations, respond, show } from '../node/openid4vp.mjs'
import { call, change, credentialsOf, holderKey, offer, person, present, register, work } from '../node/peer.mjs'
import { blankFilm, film } from './codes.mjs'
import { boardingPass, checkpoint, expectAnswer, next, scanned, signIn, typePass } from './gate.mjs'
import { DESKTOP, face, look, newcomer, open, PHONE, TABLET, url } from './page.mjs'
import { frames } from './presentation-qr.mjs'

const camera = join(work, 'camera.y4m')
const WIDTHS = { phone: PHONE, tablet: TABLET, desktop: DESKTOP }
const LANGUAGES = ['zh-CN', 'en']

let browser, portrait, gate
before(async () => {
  blankFilm(camera)
  browser = await open(camera)
  portrait = await face(browser)
  gate = await checkpoint()
})
after(() => browser?.close())

/** A passenger with a card in a wallet. */
async function passenger(changes = {}) {
  const key = await holderKey('ES256')
  const person_id = await register({ ...person(), portrait, ...changes })
  const [card] = await cards(wallet(key), (await offer(person_id)).by_value)
  const [{ credential_id, id = credential_id }] = await credentialsOf(person_id)
  return { key, card, id, held: [{ card, key }] }
}

/** Opens a page, signed in at a use case. */
async function at(useCase, { token = gate.token, ...options } = {}) {
  const opened = await newcomer(browser, options)
  await signIn(opened.page, token, useCase, options.locale ?? 'zh-CN')
  return opened
}

const done = async ({ context, faults }) => {
  assert.deepEqual(faults, [])
  await context.close()
}

// ---- The whole journey -------------------------------------------------------------------------------------------------

const SYMBOLS = { 'zh-CN': 'Aztec', en: 'PDF417' }

for (const [name, viewport] of Object.entries(WIDTHS)) {
  for (const locale of name === 'tablet' ? ['en'] : LANGUAGES) {
    test(`from the code on the screen to green and, once revoked, to red: ${name}, ${locale}`, async (t) => {
      const dark = locale === 'en'
      const state = (what) => `${name}-${locale}-${what}`
      const { held, id } = await passenger()
      const opened = await newcomer(browser, { locale, viewport, dark })
      const { page } = opened
      await page.goto(`${url}/checkpoint?lang=${locale}`)
      await page.locator('#token').waitFor()
      await look(page, state('1-sign-in'))
      await page.locator('#token').fill(gate.token)
      await page.locator('button#sign-in').click()
      await page.locator('#case-boarding').waitFor()
      await look(page, state('2-use-cases'))
      await page.locator('#case-boarding').click()
      await page.locator('.phase-pass').waitFor()
      await look(page, state('3-pass-first'))

      await film(camera, [{ text: boardingPass(), format: SYMBOLS[locale] }])
      await page.locator('#scan').click()
      const link = await scanned(page)
      await look(page, state('4-code'))
      assert.match(link, /^openid4vp:\/\/\?/)

      assert.equal((await show(link, held)).status, 200)
      const answered = Date.now()
      await expectAnswer(page, 'accepted', locale)
      t.diagnostic(`seen within ${Date.now() - answered} ms of the wallet's answer`)
      await look(page, state('5-green'))
      assert.equal(await page.locator('.name').innerText(), '林晓雨')
      assert.ok(await page.locator('img.portrait').evaluate((image) => image.naturalWidth > 0 && image.clientWidth > 100), 'the portrait is large')
      const claims = await page.locator('.claims').innerText()
      for (const text of ['LIN', 'XIAOYU', '姓（拉丁字母）', 'Family name in Latin letters']) assert.ok(claims.includes(text), text)
      assert.match(await page.locator('.boarding').innerText(), /LIN\/XIAOYU[\s\S]*CZ3456[\s\S]*KWE → PEK[\s\S]*12A/)
      assert.ok(await page.locator('.boarding .tag.match').isVisible())
      assert.equal(await page.locator('#admit').count(), 0, 'who is accepted needs no hand')

      await change(id, 'revoke')
      await next(page)
      await typePass(page, boardingPass())
      assert.equal((await show(await scanned(page), held)).status, 200)
      await expectAnswer(page, 'refused', locale)
      await look(page, state('6-red'))
      assert.equal(await page.locator('#admit').count(), 0, 'a refusal cannot be admitted')
      await page.locator('#checks').click()
      assert.equal(await page.locator('.checks .failed').count(), 1)

      await page.locator('#verdict').focus()
      await next(page, name === 'desktop' ? 'Enter' : ' ')
      const recent = page.locator('.recent')
      if (!(await recent.evaluate((details) => details.open))) await recent.locator('summary').click()
      assert.deepEqual(await page.locator('.entry').evaluateAll((entries) => entries.map((entry) => entry.className)), ['entry refused', 'entry accepted'])
      assert.doesNotMatch(await recent.innerText(), /林|LIN/)
      await look(page, state('7-recent'))
      await page.reload()
      await page.locator('.phase-pass').waitFor()
      assert.equal(await page.locator('.entry').count(), 0, 'the list is gone on reload')
      await done(opened)
    })
  }
}

// ---- Amber -------------------------------------------------------------------------------------------------------------

test('amber for a name that agrees in part; admitted by hand with a reason, counted, nobody named', async () => {
  for (const [locale, viewport] of [['zh-CN', PHONE], ['en', DESKTOP]]) {
    const { held } = await passenger()
    const opened = await at('boarding', { locale, viewport })
    const { page } = opened
    await typePass(page, boardingPass({ name: 'LIN/X' }))
    await show(await scanned(page), held)
    await expectAnswer(page, 'undetermined', locale)
    const name = viewport === PHONE ? 'phone' : 'desktop'
    await look(page, `${name}-${locale}-8-amber`)
    assert.ok(await page.locator('.boarding .tag.partial').isVisible())
    assert.equal(await page.locator('.differences li').count(), 1)
    assert.ok((await page.locator('.what-to-do li').count()) >= 3)
    await page.locator('#admit').click()
    await look(page, `${name}-${locale}-9-admit`)
    await page.locator('#confirm-admission').click()
    assert.notEqual(await page.locator('dialog .remark').innerText(), '', 'without a reason nobody is admitted')
    await page.locator('dialog input[value="document_checked"]').check()
    await page.locator('#confirm-admission').click()
    await page.locator('.admitted').waitFor()
    await look(page, `${name}-${locale}-9-admitted`)
    assert.equal(await page.locator('#admit').count(), 0, 'once is enough')
    await done(opened)
  }
  const events = JSON.stringify(await call('GET', '/admin/api/v1/events'))
  assert.ok(events.includes('document_checked') && events.includes('boarding_pass_partial_match'), 'the admission is in the log')
  assert.doesNotMatch(events, /林晓雨|LIN\/X|XIAOYU/)
})

test('amber for a status that is too old: another issuer\'s list was made three hours ago', async () => {
  const other = await harbour()
  const held = [await other.pass()]
  const opened = await at('harbour', { locale: 'en' })
  const { page } = opened
  other.age = 3 * 3600
  await show(await scanned(page), held)
  await expectAnswer(page, 'undetermined', 'en')
  await look(page, 'desktop-en-10-stale')
  assert.match(await page.locator('.age').innerText(), /known as of 3 h ago/)
  assert.match(await page.locator('.claims').innerText(), /Berth[\s\S]*泊位[\s\S]*B 14/)
  assert.equal(other.asked, 1)
  other.close()
  await done(opened)
})

// ---- What the wallet shows ---------------------------------------------------------------------------------------------

test('a presentation shown as QR codes: green with the code of this gate, amber without, and not twice', async () => {
  const { card, key } = await passenger()
  const opened = await at('age-over-18', { locale: 'en', viewport: PHONE })
  const { page } = opened
  await page.locator('#way-show').click()
  const code = await scanned(page)
  await look(page, 'phone-en-11-gate-code')
  const [, nonce, , audience] = /^YG1:([^:]+):([^:]+):(.+)$/.exec(code)
  const shown = (challenge, to) => present(card, { age_equal_or_over: { 18: true } }, key, challenge, to)

  const first = frames(await shown(nonce, audience))
  assert.ok(first.length > 1, 'more than one code')
  await film(camera, first.map((text) => ({ text })))
  await page.locator('#scan').click()
  await page.locator('.segments').waitFor({ timeout: 15_000 })
  await expectAnswer(page, 'accepted', 'en')
  await look(page, 'phone-en-12-shown')
  assert.match(await page.locator('.claims').innerText(), /Yes/)

  await next(page)
  await page.locator('#way-show').click()
  await page.locator('.qr[src]').waitFor()
  await page.locator('#scan').click()
  await expectAnswer(page, 'refused', 'en')

  await next(page)
  await film(camera, frames(await shown('made-up-by-the-wallet', 'urn:yufu:shown')).map((text) => ({ text })))
  await page.locator('#scan').click()
  await expectAnswer(page, 'undetermined', 'en')
  assert.ok(await page.locator('#admit').isVisible())
  await done(opened)
})

// ---- The camera, and doing without -------------------------------------------------------------------------------------

test('the camera reads boarding passes as QR, and says what it makes of other codes', async () => {
  const opened = await at('boarding', { locale: 'en', viewport: PHONE })
  const { page } = opened
  await film(camera, [{ text: 'https://elsewhere.example/' }])
  await page.locator('#scan').click()
  await page.getByText('neither a boarding pass nor a presentation').waitFor({ timeout: 15_000 })
  await look(page, 'phone-en-13-camera')
  await page.keyboard.press('Escape')
  assert.equal(await page.locator('.scanner').count(), 0)
  await film(camera, [{ text: boardingPass({ seat: '031F' }) }])
  await page.locator('#scan').click()
  await page.locator('.strip').waitFor({ timeout: 15_000 })
  assert.match(await page.locator('.strip').innerText(), /LIN \/ XIAOYU · CZ3456 · 31F/)
  await done(opened)
})

test('without a camera the pass is typed, or read by a hand-held scanner', async () => {
  // A page of nothing, which comes before the real one, has neither camera nor wallet.
  const blind = () => { if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')) }
  const opened = await at('boarding', { locale: 'en', script: blind, expects: [/400/] })
  const { page } = opened
  await page.locator('#scan').click()
  await page.getByText('The camera is not allowed').first().waitFor()
  await look(page, 'desktop-en-14-no-camera')
  await page.getByRole('button', { name: 'Type it instead' }).click()
  await page.locator('#pass-text').fill('not a pass')
  await page.keyboard.press('Enter')
  await page.getByText('not the text of a boarding pass').waitFor()
  await page.locator('#pass-text').fill(boardingPass().replace(/100$/, '1FF'))
  await page.keyboard.press('Enter')
  await page.getByText('cannot be read. Please scan it again').first().waitFor()
  assert.equal(await page.locator('.phase-pass').isVisible(), true, 'the service could not read it')
  await page.locator('h1').click()
  await page.keyboard.type(boardingPass(), { delay: 2 })
  await page.keyboard.press('Enter')
  await page.locator('.phase-waiting').waitFor()
  assert.match(await page.locator('.pass').innerText(), /LIN \/ XIAOYU/)
  await done(opened)
})

// ---- Other ways to a wallet --------------------------------------------------------------------------------------------

test('a wallet on the same device sends the person back in a new tab, and the first tab has the answer', async () => {
  const { held } = await passenger()
  const opened = await at('age-over-18', { locale: 'en', viewport: PHONE, expects: [/openid4vp/] })
  const { page, context } = opened
  await page.locator('.phase-waiting').waitFor()
  const ordered = page.waitForResponse((answer) => answer.request().method() === 'POST' && answer.url().endsWith('/presentations'))
  await page.locator('#same-device').click()
  const { authorization_request } = await (await ordered).json()
  await page.locator('.phase-device').waitFor()
  await look(page, 'phone-en-15-device')
  const { body } = await show(authorization_request, held)
  const back = await context.newPage()
  await back.goto(body.redirect_uri)
  await back.getByText('this one can be closed').waitFor()
  assert.equal(new URL(back.url()).search, '', 'the code is gone from the address')
  await page.bringToFront()
  await expectAnswer(page, 'accepted', 'en')
  await done(opened)
})

test('a browser that has the Digital Credentials API asks the wallet by itself', async () => {
  const { held } = await passenger()
  const api = () => {
    if (!navigator.credentials) return
    globalThis.DigitalCredential = class {}
    navigator.credentials.get = ({ digital }) => globalThis.askWallet(digital)
  }
  const opened = await newcomer(browser, { locale: 'en', script: api })
  const { page } = opened
  await page.exposeFunction('askWallet', async ({ requests: [{ protocol, data }] }) => {
    const resolved = await resolve(data, { origin: url })
    const { jarm } = await respond(resolved, await presentations(resolved, held, { origin: url }), { origin: url })
    return { protocol, data: { response: jarm.responseJwt } }
  })
  await signIn(page, gate.token, 'age-over-18', 'en')
  await page.locator('#browser').click()
  await expectAnswer(page, 'accepted', 'en')
  await done(opened)
})

// ---- Signing in and out ------------------------------------------------------------------------------------------------

test('a pairing link signs in, once, and leaves the address', async () => {
  const pairing = await call('POST', '/admin/api/v1/pairings', { body: { name: 'gate 14', use_cases: ['boarding'] }, status: [200, 201] })
  const opened = await newcomer(browser, { locale: 'en', viewport: PHONE, expects: [/404/] })
  const { page, context } = opened
  await page.goto(pairing.link)
  await page.locator('.case').waitFor()
  assert.equal(new URL(page.url()).hash, '')
  assert.equal(await page.locator('.case').count(), 1, 'limited to its use case')
  assert.equal(await page.evaluate(() => Object.values(localStorage).some((value) => value.startsWith('yufu_'))), false)
  const again = await context.newPage()
  await again.goto(pairing.link)
  await again.getByText('unknown, used or past its time').waitFor()
  await page.locator('#sign-out').click()
  await page.getByText('You are signed out').waitFor()
  assert.equal(await page.evaluate(() => sessionStorage.length), 0)
  await done(opened)
})

test('a token that is not good, not a checkpoint\'s, or switched off, is told calmly', async () => {
  const opened = await newcomer(browser, { locale: 'en', expects: [/401/, /403/] })
  const { page } = opened
  const enter = async (token) => {
    await page.locator('#token').fill(token)
    await page.locator('button#sign-in').click()
  }
  await page.goto(`${url}/checkpoint?lang=en`)
  await enter('yufu_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
  await page.getByText('not known, or was switched off').waitFor()
  await look(page, 'desktop-en-16-wrong-token')
  await enter((await call('POST', '/admin/api/v1/tokens', { body: { name: 'audit', role: 'auditor' }, status: [200, 201] })).token)
  await page.getByText('not the token of a checkpoint').waitFor()
  const stolen = await checkpoint('stolen')
  await enter(stolen.token)
  await page.locator('#case-age-over-18').click()
  await page.locator('.phase-waiting').waitFor()
  await call('DELETE', `/admin/api/v1/tokens/${stolen.id}`, { status: 204 })
  await page.getByText('The session has ended').waitFor({ timeout: 10_000 })
  await look(page, 'desktop-en-17-session-over')
  await done(opened)
})

// ---- When things do not go well ----------------------------------------------------------------------------------------

test('a lost connection is said, the code is covered, and all goes on by itself', async () => {
  const { held } = await passenger()
  const opened = await at('age-over-18', { locale: 'en', expects: [/ERR_INTERNET_DISCONNECTED|ERR_NETWORK|ERR_FAILED/] })
  const { page, context } = opened
  const link = await scanned(page)
  await context.setOffline(true)
  await page.route('**/checkpoint/api/**', (route) => route.abort('internetdisconnected'))
  await page.locator('.covered').waitFor({ timeout: 15_000 })
  await look(page, 'desktop-en-18-offline')
  await context.setOffline(false)
  await page.unroute('**/checkpoint/api/**')
  await page.locator('.covered').waitFor({ state: 'detached', timeout: 20_000 })
  assert.ok(link)
  await show(await scanned(page), held)
  await expectAnswer(page, 'accepted', 'en')
  await done(opened)
})

test('a minute without anybody takes personal details off the screen, and the answer stays', async () => {
  const { held } = await passenger()
  const opened = await newcomer(browser, { locale: 'en' })
  const { page } = opened
  await page.clock.install()
  await signIn(page, gate.token, 'security-check', 'en')
  await page.locator('.phase-waiting').waitFor()
  await typePass(page, boardingPass())
  assert.match(await page.locator('.gate').innerText(), /LIN \/ XIAOYU/)
  await page.clock.fastForward(61_000)
  await page.getByText('Name hidden').waitFor()
  assert.doesNotMatch(await page.locator('.gate').innerText(), /XIAOYU/)
  await show(await scanned(page), held)
  await expectAnswer(page, 'accepted', 'en')
  assert.match(await page.locator('.answer').innerText(), /林晓雨/)
  await page.clock.fastForward(59_000)
  assert.match(await page.locator('.answer').innerText(), /林晓雨/)
  await page.clock.fastForward(2_000)
  await page.getByText('taken off the screen').first().waitFor()
  await look(page, 'desktop-en-19-wiped')
  const left = await page.evaluate(() => document.documentElement.outerHTML)
  assert.doesNotMatch(left, /林晓雨|XIAOYU|data:image\/jpeg/)
  assert.equal(await page.locator('#verdict').isVisible(), true)
  await done(opened)
})

// ---- Language, and what is vendored ------------------------------------------------------------------------------------

test('the language changes on the page, keeps its state, and is kept for the next visit', async () => {
  const opened = await at('age-over-18', { locale: 'zh-CN' })
  const { page } = opened
  await page.locator('.phase-waiting').waitFor()
  const before = await page.locator('.qr').getAttribute('data-request')
  await page.locator('#language-en').click()
  await page.getByText('Waiting for the passenger').first().waitFor()
  assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  assert.equal(await page.locator('.qr').getAttribute('data-request'), before, 'the same code')
  assert.match(page.url(), /lang=en/)
  await page.goto(`${url}/checkpoint`)
  await page.locator('.phase-waiting').waitFor()
  assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  await done(opened)
})

test('the bar code reader that is served is the one of the package', async () => {
  const folder = join(createRequire(import.meta.url).resolve('zxing-wasm/full/zxing_full.wasm'), '../../')
  for (const [served, packed] of [['reader/index.js', 'es/reader/index.js'], ['share.js', 'es/share.js'], ['reader/zxing_reader.wasm', 'reader/zxing_reader.wasm']]) {
    const response = await fetch(`${url}/assets/checkpoint/zxing-wasm-3.1.4/${served}`)
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(readFileSync(join(folder, packed))), served)
  }
})
