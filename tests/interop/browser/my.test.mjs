// One's own cards in a real browser against a real service: signed in by showing a card, on the same phone and by a code that
// another phone scans; every page in both languages, on a phone and at a desk, without scripts, under the eyes of axe-core.
// Leaves a picture of each in tests/screenshots/my/.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { citizen, show } from '../node/openid4vp.mjs'
import { call, change, credentialsOf } from '../node/peer.mjs'
import { read } from './codes.mjs'
import { DESKTOP, look as lookAt, newcomer, open, PHONE, url } from './page.mjs'

const WIDTHS = { phone: PHONE, desktop: DESKTOP }
const LANGUAGES = ['zh-CN', 'en']

let browser
before(async () => {
  browser = await open()
})
after(() => browser?.close())

/** A picture of the whole page, no serious fault, nothing too wide or too small, and no script on it. */
async function look(page, name) {
  assert.equal(await page.evaluate(() => document.scripts.length), 0, `${name} has no script`)
  await lookAt(page, name, { folder: 'my', fullPage: true })
}

const done = async ({ context, faults }) => {
  assert.deepEqual(faults, [])
  await context.close()
}

/** Signs in with a wallet on the same phone: what the link opens is answered, and the wallet sends the browser back. */
async function signIn(page, held, locale, back = '/my') {
  await page.goto(`${url}/sign-in/card?lang=${locale}&return=${encodeURIComponent(back)}`)
  await page.locator('button[value="here"]').click()
  await page.waitForURL(/\/sign-in\/card\/wait/)
  const link = await page.locator('a.button.primary').getAttribute('href')
  const { status, body } = await show(link, held)
  assert.equal(status, 200)
  await page.goto(body.redirect_uri)
  await page.waitForURL(`${url}${back}`)
}

/** The text of the code on the page, read from its picture as a phone would. */
async function scanned(page) {
  for (let turn = 0; turn < 10; turn += 1) {
    const [text] = await read(await page.locator('.qr').screenshot())
    if (text) return text
    await page.waitForTimeout(100)
  }
  assert.fail('no QR code can be read on the page')
}

/** Looks at the page that waits, in a tab that does not go on by itself. */
async function stay(page, name) {
  const tab = await page.context().newPage()
  await tab.route(/\/sign-in\/card\/wait/, async (route) => {
    const answer = await route.fetch()
    const { refresh, ...headers } = answer.headers()
    assert.match(refresh, /^1; url=\/sign-in\/card\/next\?/)
    await route.fulfill({ response: answer, headers })
  })
  await tab.goto(page.url())
  await look(tab, name)
  await tab.close()
}

for (const [width, viewport] of Object.entries(WIDTHS)) {
  for (const locale of LANGUAGES) {
    test(`one's own cards, from signing in to their end: ${width}, ${locale}`, async () => {
      const dark = (width === 'phone') === (locale === 'en')
      const state = (what) => `${width}-${locale}-${what}`
      const { person_id, held } = await citizen('resident-id', 'transport-qualification')
      const [card, licence] = held
      await change(licence.id, 'suspend', { reason: 'damaged' })
      await change(licence.id, 'reinstate', { reason: 'found' })
      const opened = await newcomer(browser, { locale, viewport, dark })
      const { page } = opened

      await page.goto(`${url}/sign-in/card?lang=${locale}`)
      await look(page, state('01-choose'))
      await page.locator('button[value="here"]').click()
      await page.waitForURL(/\/sign-in\/card\/wait/)
      await stay(page, state('02-open-wallet'))
      await signIn(page, [card], locale)
      await look(page, state('03-home'))
      assert.equal(await page.locator('.face').count(), 2)

      await page.locator(`a[href="/my/cards/${licence.id}"]`).click()
      await look(page, state('04-card'))
      assert.equal(await page.locator('.history li').count(), 3)
      await page.locator(`a[href="/my/cards/${licence.id}/log"]`).click()
      await page.locator('details summary').first().click()
      await look(page, state('05-log'))
      const [file] = await Promise.all([page.waitForEvent('download'), page.locator('a[download]').click()])
      const { log_key, entries } = JSON.parse(readFileSync(await file.path(), 'utf8'))
      assert.match(log_key, /\/log\+[0-9a-f]{8}\+/)
      assert.deepEqual(entries.map(({ event }) => event.what.type), ['issued', 'state_changed', 'state_changed'])

      await page.goto(`${url}/my/cards/${licence.id}`)
      await page.locator('input[value="stolen"]').check()
      await page.locator('.button.stop').click()
      await page.waitForURL(`${url}/my/cards/${licence.id}`)
      await page.locator('.face.suspended').waitFor()
      await look(page, state('06-suspended'))
      assert.equal((await credentialsOf(person_id)).find(({ id }) => id === licence.id).state, 'suspended')

      await page.locator('form[action="/my/sign-in-again"] button').click()
      await page.waitForURL(/\/sign-in/)
      await page.waitForTimeout(1100) // signed in at a later second than the card was suspended
      await signIn(page, [card], locale, '/my/undo')
      await look(page, state('07-undo'))
      await page.locator('form[action="/my/undo"] button').click()
      await page.waitForURL(/done=undone/)
      await look(page, state('08-undone'))
      assert.equal((await credentialsOf(person_id)).find(({ id }) => id === licence.id).state, 'active')

      await page.locator('a[href="/my/data"]').click()
      await look(page, state('09-data'))
      const [copy] = await Promise.all([page.waitForEvent('download'), page.locator('form[action="/my/data/export"] button').click()])
      const everything = JSON.parse(readFileSync(await copy.path(), 'utf8'))
      assert.equal(everything.person.id, person_id)
      assert.equal(everything.cards.length, 2)
      assert.equal(everything.log.entries.length, 6)

      await page.goto(`${url}/my/recovery-code`)
      await look(page, state('10-recovery'))
      await page.locator('form[action="/my/recovery-code"] button').click()
      await page.locator('#recovery-code').waitFor()
      await look(page, state('11-recovery-code'))

      await page.goto(`${url}/my/phone-lost`)
      await look(page, state('12-phone-lost'))
      await page.locator('form[action="/my/phone-lost"] button').click()
      await page.waitForURL(/done=suspended/)
      await look(page, state('13-lost'))
      for (const { state } of await credentialsOf(person_id)) assert.equal(state, 'suspended')

      await page.goto(`${url}/my/erase`)
      await look(page, state('14-erase'))
      await page.locator('input[name="sure"]').check()
      await page.locator('.button.stop').click()
      await page.locator('h1').waitFor()
      await look(page, state('15-erased'))
      await call('GET', `/admin/api/v1/people/${person_id}`, { status: 404 })
      await page.goto(`${url}/my`)
      await page.waitForURL(/\/sign-in/)
      await done(opened)
    })
  }
}

test('a code on the screen is scanned by another phone, and the page goes on by itself', async (t) => {
  const { held } = await citizen('resident-id')
  const opened = await newcomer(browser, { locale: 'zh-CN', viewport: DESKTOP })
  const { page } = opened
  await page.goto(`${url}/sign-in/card?lang=zh-CN`)
  await page.locator('button[value="elsewhere"]').click()
  await page.waitForURL(/\/sign-in\/card\/wait/)
  const link = await scanned(page)
  await stay(page, 'desktop-zh-CN-20-code')
  const { status, body } = await show(link, held)
  assert.deepEqual({ status, body }, { status: 200, body: {} })
  const answered = Date.now()
  await page.waitForURL(`${url}/my`)
  t.diagnostic(`signed in within ${Date.now() - answered} ms of the wallet's answer`)
  await done(opened)
})

test('a card that was suspended signs nobody in, and the page says what does', async () => {
  const { held } = await citizen('resident-id')
  await change(held[0].id, 'suspend', { reason: 'lost' })
  const opened = await newcomer(browser, { locale: 'zh-CN', viewport: PHONE })
  const { page } = opened
  await page.goto(`${url}/sign-in/card?lang=zh-CN`)
  await page.locator('button[value="elsewhere"]').click()
  await page.waitForURL(/\/sign-in\/card\/wait/)
  assert.equal((await show(await scanned(page), held)).status, 200)
  await page.locator('[role="alert"]').waitFor()
  await look(page, 'phone-zh-CN-21-refused')
  await page.goto(`${url}/my`)
  await page.waitForURL(/\/sign-in/)
  await done(opened)
})
