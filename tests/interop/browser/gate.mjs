// An officer's hands at the checkpoint page, and what the officer sees.
import assert from 'node:assert/strict'
import { call } from '../node/peer.mjs'
import { read } from './codes.mjs'
import { url } from './page.mjs'

/** A checkpoint of its own, with its token. */
export const checkpoint = (name = 'gate 12', limits = {}) => call('POST', '/admin/api/v1/tokens', { body: { name, role: 'checkpoint', ...limits }, status: [200, 201] })

/** Signs in with a token, and chooses the use case. */
export async function signIn(page, token, useCase, language) {
  await page.goto(`${url}/checkpoint${language ? `?lang=${language}` : ''}`)
  await page.locator('#token').fill(token)
  await page.locator('button#sign-in').click()
  await page.locator(`#case-${useCase}`).click()
}

/** The bar code text of a boarding pass of today (IATA Resolution 792, version 6, mandatory items only). */
export function boardingPass({ name = 'LIN/XIAOYU', carrier = 'CZ', number = '3456', seat = '012A', day = new Date() } = {}) {
  const local = new Date(day.getTime() + 8 * 3600_000) // Guiyang's day
  const ordinal = Math.floor((Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()) - Date.UTC(local.getUTCFullYear(), 0, 1)) / 86400_000) + 1
  const text = `M1${name.slice(0, 20).padEnd(20)}EABC123 KWEPEK${carrier.padEnd(3)}${number.padStart(4, '0')} ${String(ordinal).padStart(3, '0')}Y${seat}0045 100`
  assert.equal(text.length, 60)
  return text
}

/** Types a boarding pass. */
export async function typePass(page, text) {
  await page.locator('#type-pass').click()
  await page.locator('#pass-text').fill(text)
  await page.locator('#use-pass').click()
}

/** The link of the code that the page shows, read from its picture as a phone would. */
export async function scanned(page) {
  await page.locator('.phase-waiting .qr[src]').waitFor()
  for (let turn = 0; turn < 10; turn += 1) {
    const [text] = await read(await page.locator('.tile').screenshot())
    if (text) return text
    await page.waitForTimeout(100)
  }
  assert.fail('no QR code can be read on the page')
}

const COLOURS = { accepted: 'rgb(15, 95, 57)', refused: 'rgb(156, 26, 26)', undetermined: 'rgb(242, 178, 51)' }
const WORDS = {
  'zh-CN': { accepted: '放行', refused: '拒绝', undetermined: '核对' },
  en: { accepted: 'Pass', refused: 'Stop', undetermined: 'Check' },
}
const TONES = { accepted: ['sine 660', 'sine 990'], refused: ['square 196', 'square 147'], undetermined: ['triangle 440', 'triangle 440', 'triangle 440'] }
const SHAKES = { accepted: '60', refused: '350,80,350', undetermined: '90,90,90,90,90' }

/** Passes when the whole screen says this decision: by colour, sign, word, sound, and to a screen reader. */
export async function expectAnswer(page, decision, language) {
  await page.locator('.answer').waitFor({ timeout: 15_000 })
  const seen = await page.evaluate(() => ({
    colour: getComputedStyle(document.body).backgroundColor,
    word: document.querySelector('#verdict span').textContent,
    signs: document.querySelectorAll('.verdict .sign').length,
    outline: document.querySelector('.sign .plate').tagName + (document.querySelector('.sign .plate').getAttribute('d') ?? ''),
    focused: document.activeElement.id,
    tones: globalThis.heard.tones.splice(0),
    shaken: globalThis.heard.shaken.splice(0).at(-1),
  }))
  assert.equal(seen.word, WORDS[language][decision], await page.locator('.verdict').innerText())
  assert.equal(seen.colour, COLOURS[decision])
  assert.equal(seen.signs, 1)
  assert.match(seen.outline, { accepted: /^circle/, refused: /^path.*H/, undetermined: /^path.*z/ }[decision])
  assert.equal(seen.focused, 'verdict', 'who moves by keys or ears is at the answer')
  assert.deepEqual(seen.tones, TONES[decision])
  assert.equal(seen.shaken, SHAKES[decision])
  const spoken = page.locator('#assertive')
  await page.waitForFunction(() => document.getElementById('assertive').textContent !== '')
  assert.ok((await spoken.textContent()).startsWith(WORDS[language][decision]), 'it is said at once')
}

/** The next passenger, by the one key. A key within the first moment is for what was there before. */
export async function next(page, key = 'n') {
  await page.waitForTimeout(750)
  await page.keyboard.press(key)
  await page.locator('.gate').waitFor()
}
