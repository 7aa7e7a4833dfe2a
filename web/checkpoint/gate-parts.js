// What the gate shows, piece by piece.
import { flightOf, summary } from './boarding-pass.js'
import * as digital from './digital.js'
import { h, icon } from './dom.js'
import * as recent from './recent.js'
import { inOther, otherLanguage, said, t } from './words.js'

const button = (id, picture, words, click, kind = '') => h('button', { type: 'button', id, class: `button ${kind}`, on: { click } }, picture && icon(picture), h('span', {}, words))

/** A line that the passenger reads too, in both languages. */
const both = (name) => h('h1', { class: 'for-passenger', tabindex: -1, 'data-focus': true }, h('span', {}, t(name)), h('span', { lang: otherLanguage() }, inOther(name)))

/** The middle of the gate: what the passenger looks at. */
export function stage(app, state, acts, code) {
  const parts = {
    pass: () => passFirst(state, acts),
    starting: () => [tile(h('span', { class: 'spinner', 'aria-hidden': 'true' })), status(t('starting'))],
    waiting: () => (state.way === 'show' ? showing(acts, code) : waiting(state, acts)),
    fetched: () => [emblem('phone'), h('h1', {}, t('fetched')), h('p', { class: 'soft' }, t('fetched-words')), h('div', { class: 'row centre' }, button('again', 'again', t('start-over'), acts.again))],
    device: () => [emblem('phone'), h('h1', {}, t('device-waiting')), h('p', { class: 'soft' }, t('device-waiting-words')), h('div', { class: 'row centre' }, button('again', 'close', t('cancel'), acts.again))],
    deciding: () => [emblem('clock'), h('h1', {}, t('deciding'))],
    paused: () => [emblem('clock'), h('h1', {}, t('paused')), h('p', { class: 'soft' }, t('paused-words')), h('div', { class: 'row centre' }, button('again', 'again', t('show-code'), acts.again, 'primary'))],
    problem: () => [emblem(state.line ? 'offline' : 'close'), h('h1', {}, t(state.line ? 'line-title' : 'problem')), h('p', { class: 'soft' }, state.line ? t(`trouble-${state.line}`) : said(state.problem)), h('div', { class: 'row centre' }, button('again', 'again', t('try-again'), acts.again, 'primary'))],
  }
  return h('section', { class: `stage phase-${state.phase}${state.way === 'show' ? ' showing-code' : ''}`, 'aria-label': said(app.useCase.title) },
    state.showsQr && ['waiting', 'starting'].includes(state.phase) && ways(state, acts),
    strip(state),
    parts[state.phase]())
}

/** Whose turn it is, where the panel with the pass is below the fold. */
function strip(state) {
  if (!state.pass || state.phase === 'pass') return null
  const { passenger, flight, seat } = summary(state.pass)
  return h('p', { class: 'strip phone-only' }, icon('ticket'), h('span', {}, [!state.masked && passenger, flight, seat].filter(Boolean).join(' · ')))
}

const emblem = (name) => h('div', { class: 'emblem' }, icon(name))
const tile = (...inside) => h('div', { class: 'tile' }, inside)
const status = (text) => h('p', { class: 'phase' }, h('span', { class: 'pulse', 'aria-hidden': 'true' }), text)

function ways(state, acts) {
  const way = (name) => h('button', { type: 'button', id: `way-${name}`, class: 'button', 'aria-pressed': String(state.way === name), on: { click: () => state.way !== name && acts.way(name) } }, t(`way-${name}`))
  return h('div', { class: 'ways', role: 'group', 'aria-label': t('ways') }, way('scan'), way('show'))
}

function passFirst(state, acts) {
  return [
    emblem('ticket'),
    h('h1', { tabindex: -1, 'data-focus': true }, t('pass-first')),
    h('p', { class: 'soft' }, t('pass-first-words')),
    h('div', { class: 'row centre' },
      button('scan', 'camera', t('scan-pass'), acts.scan, 'primary big'),
      button('type-pass', 'keyboard', t('type-pass'), acts.type, 'big')),
    passForm(state, acts),
  ]
}

function waiting(state, acts) {
  state.qr.alt = t('qr-alt')
  return [
    tile(state.qr, state.line && h('div', { class: 'covered' }, icon('offline'), t('code-hidden'))),
    h('div', { class: 'life-line', 'aria-hidden': 'true' }, state.bar),
    both('passenger-scans'),
    status(t('waiting')),
    (state.takesPass || state.showsQr) && h('div', { class: 'row centre phone-only' }, button('scan', 'camera', t('scan-code'), acts.scan, 'primary big')),
  ]
}

function showing(acts, code) {
  return [
    code.svg ? tile(code.picture) : tile(h('span', { class: 'spinner', 'aria-hidden': 'true' })),
    h('div', { class: 'life-line', 'aria-hidden': 'true' }, code.bar),
    both('passenger-shows'),
    h('div', { class: 'row centre' }, button('scan', 'camera', t('scan-shown'), acts.scan, 'primary big')),
    h('p', { class: 'soft small' }, t('way-show-words')),
  ]
}

/** The boarding pass of this passenger: which one, or how to give it. */
export function passPanel(state, acts) {
  const facts = state.pass && summary(state.pass)
  return h('section', { class: 'panel', 'aria-labelledby': 'pass-title' },
    h('h2', { id: 'pass-title' }, icon('ticket'), t('boarding-pass'), !state.needsPass && h('span', { class: 'optional' }, t('optional'))),
    facts
      ? h('div', { class: 'pass' },
        h('p', { class: 'pass-name' }, state.masked ? t('name-hidden') : facts.passenger),
        h('p', { class: 'pass-flight' }, h('span', {}, facts.flight), h('span', {}, `${facts.from} → ${facts.to}`), facts.seat && h('span', {}, t('seat-n', { seat: facts.seat }))),
        button('remove-pass', 'close', t('remove-pass'), acts.removePass, 'quiet'))
      : h('div', { class: 'row' },
        button('scan-pass', 'camera', t('scan-pass'), acts.scan),
        button('type-pass', 'keyboard', t('type-pass'), acts.type)),
    !facts && passForm(state, acts))
}

function passForm(state, acts) {
  if (!state.typing) return state.passRemark && h('p', { class: 'remark', role: 'alert' }, t(state.passRemark))
  const input = h('textarea', { id: 'pass-text', name: 'pass', rows: 3, maxlength: 1024, autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', 'aria-describedby': 'pass-help', 'aria-invalid': state.passRemark ? 'true' : null })
  const submit = (event) => {
    event.preventDefault()
    acts.setPass(input.value.replace(/[\r\n]+/g, '').toUpperCase().trimStart())
  }
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey) submit(event)
  })
  return h('form', { class: 'stack', on: { submit } },
    h('label', { for: 'pass-text' }, t('pass-text')),
    input,
    h('p', { id: 'pass-help', class: 'soft small' }, t('pass-help')),
    state.passRemark && h('p', { class: 'remark', role: 'alert' }, t(state.passRemark)),
    h('button', { type: 'submit', id: 'use-pass', class: 'button primary' }, t('use-pass')))
}

/** The flight that is boarded here: passes for another are refused. */
export function flightPanel(state, acts) {
  const input = h('input', { id: 'flight', name: 'flight', type: 'text', value: state.flight, maxlength: 8, autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', placeholder: 'CZ3456', 'aria-describedby': 'flight-help' })
  const help = h('p', { id: 'flight-help', class: 'soft small' }, t('flight-help'))
  const take = () => {
    const text = input.value.trim().toUpperCase()
    const good = text === '' || flightOf(text) !== null
    input.toggleAttribute('aria-invalid', !good)
    help.textContent = t(good ? 'flight-help' : 'flight-wrong')
    if (good) acts.setFlight(text)
  }
  input.addEventListener('change', take)
  return h('section', { class: 'panel', 'aria-label': t('flight-here') },
    h('label', { for: 'flight' }, t('flight-here'), h('span', { class: 'optional' }, t('optional'))), input, help)
}

/** For a wallet on this very device. */
export function devicePanel(state, acts) {
  if (!['waiting', 'pass'].includes(state.phase) || (state.needsPass && !state.pass)) return null
  return h('section', { class: 'panel', 'aria-labelledby': 'device-title' },
    h('h2', { id: 'device-title' }, icon('phone'), t('this-device')),
    h('div', { class: 'row' },
      button('same-device', null, t('same-device'), acts.sameDevice),
      digital.isThere() && button('browser', null, t('browser-wallet'), acts.browser)))
}

/** The last decisions; folded on a phone. */
export function recentPanel() {
  return h('details', { class: 'panel recent', open: matchMedia('(min-width: 60rem)').matches },
    h('summary', {}, h('h2', {}, t('recent'))),
    recent.list(),
    h('p', { class: 'soft small' }, t('recent-words')))
}
