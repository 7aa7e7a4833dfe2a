// The window in which the camera looks for a code.
import { Camera } from './camera.js'
import { h, icon, announce } from './dom.js'
import { t } from './words.js'

/** So long a remark about a code that does not belong here stays. */
const REMARK_MS = 2500

/**
 * Opens the camera until `take` is content or the officer closes it. `take(text)` gives `true` when it has what it
 * wanted, `{ progress: [bool] }` while parts are missing, `{ remark }` for a code that is not wanted, or nothing.
 * `byHand` is offered where there is another way than the camera.
 */
export function scan({ title, hint, take, byHand }) {
  const video = h('video', { class: 'finder', muted: true, playsinline: true, 'aria-hidden': 'true' })
  video.muted = true
  const parts = h('div', { class: 'parts', hidden: true })
  const remark = h('p', { class: 'remark', role: 'status' })
  const light = button('torch', 'torch', () => turnLight())
  const other = button('again', 'other-camera', () => changeCamera())
  light.hidden = other.hidden = true
  const typed = byHand && h('button', { type: 'button', class: 'button quiet on-dark', on: { click: () => { close(); byHand() } } }, icon('keyboard'), t('type-instead'))
  const dialog = h('dialog', { class: 'scanner', 'aria-labelledby': 'scanner-title' },
    h('div', { class: 'scanner-head' },
      h('h2', { id: 'scanner-title' }, title),
      button('close', 'close', () => close())),
    h('div', { class: 'finder-frame' }, video, h('span', { class: 'corners', 'aria-hidden': 'true' })),
    h('p', { class: 'hint' }, hint),
    parts, remark,
    h('div', { class: 'row centre' }, light, other, typed))

  let lit = false
  let remarkTimer
  let over = false
  const camera = new Camera(video, found, () => say(t('reader-failed'), true))

  function found(text) {
    if (over) return
    const answer = take(text)
    if (answer === true) {
      over = true
      navigator.vibrate?.(40)
      close()
    } else if (answer?.progress) {
      showParts(answer.progress)
    } else if (answer?.remark) {
      say(answer.remark)
    }
  }

  function showParts(progress) {
    const have = progress.filter(Boolean).length
    parts.hidden = false
    parts.replaceChildren(
      h('div', { class: 'segments', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': progress.length, 'aria-valuenow': have, 'aria-label': t('parts-of-code') },
        progress.map((there) => h('span', { class: there ? 'there' : '' }))),
      h('p', {}, t('parts-read', { have, count: progress.length })))
  }

  function say(text, stays = false) {
    if (remark.textContent === text) return
    remark.textContent = text
    clearTimeout(remarkTimer)
    if (!stays) remarkTimer = setTimeout(() => { remark.textContent = '' }, REMARK_MS)
  }

  async function open(deviceId) {
    say('')
    try {
      await camera.start(deviceId)
      light.hidden = !camera.hasTorch
      other.hidden = (await camera.all()).length < 2
    } catch (error) {
      dialog.classList.add('blind')
      say(t(`camera-${error.kind ?? 'busy'}`), true)
      announce(t(`camera-${error.kind ?? 'busy'}`), true)
    }
  }

  async function changeCamera() {
    const all = await camera.all()
    await open(all[(all.indexOf(camera.deviceId) + 1) % all.length])
  }

  function turnLight() {
    lit = !lit
    light.setAttribute('aria-pressed', String(lit))
    camera.light(lit)
  }

  function close() {
    clearTimeout(remarkTimer)
    camera.end()
    dialog.close()
    dialog.remove()
  }

  dialog.addEventListener('cancel', (event) => { event.preventDefault(); close() })
  document.body.append(dialog)
  dialog.showModal()
  open()
  return { close }
}

function button(picture, name, click) {
  return h('button', { type: 'button', class: 'button round on-dark', 'aria-label': t(name), title: t(name), on: { click } }, icon(picture))
}
