// The gate's short-lived code that a wallet takes as nonce before it shows a presentation as QR codes.
import { serviceNow } from './api.js'
import { h, svgAddress } from './dom.js'
import { t } from './words.js'

/** Replaced a little before its time, so that nobody scans a code that is just ending. */
const EARLY_MS = 1000
const LEAST_MS = 2000

export function shownCode(app, { paint, failed }) {
  let timer
  let on = false
  const code = {
    svg: null,
    picture: h('img', { class: 'qr', alt: '', width: 512, height: 512 }),
    bar: h('span', { class: 'life' }),

    start() {
      on = true
      renew()
    },

    stop() {
      on = false
      clearTimeout(timer)
      code.svg = null
      code.picture.removeAttribute('src')
    },
  }

  async function renew() {
    let made
    try {
      made = await app.api.newCode(app.useCase.name)
    } catch (error) {
      return on && failed(error)
    }
    if (!on) return
    const first = code.svg === null
    code.svg = made.qr_svg
    code.picture.src = svgAddress(made.qr_svg)
    code.picture.alt = t('code-alt')
    code.picture.dataset.code = made.code
    const left = Math.max(LEAST_MS, Date.parse(made.expires_at) - serviceNow() - EARLY_MS)
    timer = setTimeout(renew, left)
    if (first) paint()
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) {
      code.bar.getAnimations?.().forEach((animation) => animation.cancel())
      code.bar.animate([{ transform: 'scaleX(1)' }, { transform: 'scaleX(0)' }], { duration: left, fill: 'forwards' })
    }
  }

  return code
}
