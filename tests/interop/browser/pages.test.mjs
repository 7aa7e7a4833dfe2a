// The service's pages in a real browser: both languages, a phone and a desk, nothing fetched from elsewhere, no error on the
// console, no fault that axe-core calls serious. Leaves a picture of each in tests/screenshots/.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const url = process.env.YUFU_URL
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

const pictures = fileURLToPath(new URL('../../screenshots/', import.meta.url))
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } }
const LANGUAGES = { 'zh-CN': /[一-鿿]/, en: /[A-Za-z]{4}/ }

let browser
before(async () => {
  mkdirSync(pictures, { recursive: true })
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
})
after(() => browser?.close())

/** Opens a page as a newcomer of that language at that width; what went wrong on it is in the lists. */
async function visit(path, locale, viewport) {
  const context = await browser.newContext({ locale, viewport, bypassCSP: false })
  const page = await context.newPage()
  const faults = []
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && faults.push(`console ${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => faults.push(`script: ${error}`))
  page.on('requestfailed', (request) => faults.push(`failed: ${request.url()} ${request.failure()?.errorText}`))
  page.on('response', (response) => response.status() >= 400 && faults.push(`${response.status()}: ${response.url()}`))
  page.on('request', (request) => {
    const target = new URL(request.url())
    if (!['data:', 'blob:'].includes(target.protocol) && target.origin !== url) faults.push(`leaves the host: ${request.url()}`)
  })
  const response = await page.goto(url + path, { waitUntil: 'networkidle' })
  assert.equal(response.status(), 200)
  return { context, page, faults, response }
}

/** The faults that axe-core calls serious or critical. */
async function seriousFaults(context, page) {
  // A fresh page without the policy: axe has to be injected, and what it looks at is the same.
  const open = await context.browser().newContext({ locale: await page.evaluate(() => navigator.language), viewport: page.viewportSize(), bypassCSP: true })
  const copy = await open.newPage()
  await copy.goto(page.url(), { waitUntil: 'networkidle' })
  await copy.addScriptTag({ path: axe })
  const { violations } = await copy.evaluate(() => globalThis.axe.run())
  await open.close()
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0].html.slice(0, 120)})`)
}

for (const [locale, letters] of Object.entries(LANGUAGES)) {
  for (const [name, viewport] of Object.entries(WIDTHS)) {
    test(`the start page, ${locale}, ${name}`, async () => {
      const { context, page, faults, response } = await visit('/', locale, viewport)
      await page.screenshot({ path: join(pictures, `start-${locale}-${name}.png`), fullPage: true })
      assert.match(await page.locator('h1').first().innerText(), letters)
      assert.ok((await page.locator('html').getAttribute('lang')).startsWith(locale.slice(0, 2)), 'the page says its language')
      const policy = response.headers()['content-security-policy'] ?? ''
      assert.match(policy, /default-src/)
      assert.doesNotMatch(policy, /script-src[^;]*'unsafe-inline'/)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.ok(overflow <= 0, `the page is ${overflow} px wider than the window`)
      const targets = await page.locator('a[href^="/"]').evaluateAll((links) => links.map((link) => link.getAttribute('href')))
      assert.ok(targets.some((target) => /^\/docs\/?$/.test(target)), 'a link to the API documentation')
      for (const target of new Set(targets)) {
        const answer = await context.request.get(url + target)
        assert.ok(answer.ok(), `${target} answers ${answer.status()}`)
      }
      assert.deepEqual(await seriousFaults(context, page), [])
      assert.deepEqual(faults, [])
      await context.close()
    })

    test(`the API documentation, ${locale}, ${name}`, async () => {
      const { context, page, faults } = await visit('/docs', locale, viewport)
      await page.locator('.opblock').first().waitFor({ timeout: 15000 })
      await page.screenshot({ path: join(pictures, `docs-${locale}-${name}.png`) })
      const paths = await page.locator('.opblock-summary-path').allInnerTexts()
      for (const path of ['/credential', '/nonce', '/token']) {
        assert.ok(paths.some((text) => text.replaceAll('​', '') === path), `${path} is documented`)
      }
      assert.deepEqual(faults, [])
      await context.close()
    })
  }
}

test('the other language is one step away and remembered by its address', async () => {
  const { context, page } = await visit('/', 'en', WIDTHS.desktop)
  const link = page.locator('a[hreflang], a[lang]').first()
  await link.click()
  await page.waitForLoadState('networkidle')
  assert.ok((await page.locator('html').getAttribute('lang')).startsWith('zh'), 'the page changed its language')
  await context.close()
})
