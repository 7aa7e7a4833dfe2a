// What the browser tests share: one browser, pages whose faults are collected, the eyes of axe-core, and pictures.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

export const url = process.env.YUFU_URL
export const PHONE = { width: 390, height: 844 }
export const TABLET = { width: 820, height: 1180 }
export const DESKTOP = { width: 1440, height: 900 }

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const pictures = fileURLToPath(new URL('../../screenshots/', import.meta.url))

/** A browser; its camera, if it is to have one, shows the film at `camera`, which may be changed between two openings. */
export const open = (camera) => {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      ...(camera ? ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${camera}`] : []),
    ],
  })
}

/** Before the page's own scripts: what it sounds and how it shakes is written down, since nobody hears it here. */
function listen() {
  globalThis.heard = { tones: [], shaken: [] }
  const { start } = OscillatorNode.prototype
  OscillatorNode.prototype.start = function (...at) {
    globalThis.heard.tones.push(`${this.type} ${this.frequency.value}`)
    return start.apply(this, at)
  }
  navigator.vibrate = (pattern) => globalThis.heard.shaken.push(String(pattern))
}

/**
 * A page of a newcomer. What goes wrong on it is collected; `expects` are patterns of faults that belong to the test, such
 * as a lost connection.
 */
export async function newcomer(browser, { locale = 'zh-CN', viewport = DESKTOP, dark = false, expects = [], script } = {}) {
  const context = await browser.newContext({ locale, viewport, colorScheme: dark ? 'dark' : 'light', hasTouch: viewport.width < 1000 })
  const faults = []
  const fault = (text) => expects.some((pattern) => pattern.test(text)) || faults.push(text)
  const watch = (page) => {
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && fault(`console ${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => fault(`script: ${error}`))
    page.on('request', (request) => {
      const target = new URL(request.url())
      if (['http:', 'https:'].includes(target.protocol) && target.origin !== url) fault(`leaves the host: ${request.url()}`)
    })
  }
  context.on('page', watch)
  await context.addInitScript(listen)
  if (script) await context.addInitScript(script)
  const page = await context.newPage()
  return { context, page, faults }
}

/** The faults that axe-core calls serious or critical, once nothing moves any more. */
export async function seriousFaults(page) {
  await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < 1000).map((one) => one.finished)))
  await page.evaluate(`${axe};0`)
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  return violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0].html.slice(0, 120)})`)
}

/** Looks at a state of the page: a picture, nothing wider than the window, no serious fault, every target large enough. */
export async function look(page, name, { folder = 'checkpoint', fullPage = false } = {}) {
  mkdirSync(join(pictures, folder), { recursive: true })
  await page.screenshot({ path: join(pictures, folder, `${name}.png`), fullPage })
  assert.deepEqual(await seriousFaults(page), [], `axe-core on ${name}`)
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.ok(wide <= 0, `${name} is ${wide} px wider than the window`)
  const small = await page.locator('button:visible, summary:visible, input:visible, textarea:visible, select:visible').evaluateAll((targets) =>
    targets
      .map((target) => ({ target, box: (target.closest('label') ?? target).getBoundingClientRect() }))
      .filter(({ box }) => box.width < 44 || box.height < 44)
      .map(({ target, box }) => `${target.outerHTML.slice(0, 80)} is ${Math.round(box.width)} x ${Math.round(box.height)}`))
  assert.deepEqual(small, [], `targets of at least 44 px on ${name}`)
}

/** A synthetic face, as a JPEG: drawn, of nobody. */
export async function face(browser) {
  const page = await browser.newPage()
  const jpeg = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 240, height: 320 })
    const paint = canvas.getContext('2d')
    const shape = (colour, ...ellipse) => {
      paint.fillStyle = colour
      paint.beginPath()
      paint.ellipse(...ellipse)
      paint.fill()
    }
    paint.fillStyle = '#cfe0ea'
    paint.fillRect(0, 0, 240, 320)
    shape('#2b3a55', 120, 330, 110, 90, 0, 0, 7)
    shape('#231d1a', 120, 130, 78, 96, 0, 0, 7)
    paint.fillStyle = '#eac3a0'
    paint.fillRect(98, 200, 44, 50)
    shape('#eac3a0', 120, 145, 58, 76, 0, 0, 7)
    shape('#231d1a', 120, 82, 62, 30, 0, Math.PI, 7)
    shape('#231d1a', 97, 145, 5, 5, 0, 0, 7)
    shape('#231d1a', 143, 145, 5, 5, 0, 0, 7)
    paint.strokeStyle = '#a5584b'
    paint.lineWidth = 4
    paint.beginPath()
    paint.arc(120, 175, 18, 0.3, 2.8)
    paint.stroke()
    return canvas.toDataURL('image/jpeg', 0.8)
  })
  await page.close()
  return jpeg
}
