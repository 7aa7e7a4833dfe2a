// One passenger at the gate: the boarding pass, the code that the wallet scans or shows, and the wait for the answer.
import { answer } from './answer.js'
import { Trouble, serviceNow } from './api.js'
import { flightOf, isBoardingPass } from './boarding-pass.js'
import * as device from './device.js'
import { announce, h, svgAddress } from './dom.js'
import { follow } from './follow.js'
import { devicePanel, flightPanel, passPanel, recentPanel, stage } from './gate-parts.js'
import { HandScanner } from './hand-scanner.js'
import { scan } from './scanner.js'
import { session } from './session.js'
import { notice } from './shell.js'
import { shownCode } from './shown.js'
import { t } from './words.js'

/** An officer who did nothing for so long is not there: no more codes are made until somebody is. */
const ABANDONED_MS = 10 * 60_000
/** After so long without anybody the name on the boarding pass leaves the screen; it is still matched. */
const IDLE_MS = 60_000
/** A line that is back within this time was never away, as far as people are concerned. */
const GRACE_MS = 2500

const isAboutPass = (error) => error instanceof Trouble && (error.problem?.errors ?? []).some(({ pointer }) => pointer === '/boarding_pass')

export function gate(app) {
  const { api, useCase } = app
  const takesPass = ['optional', 'required'].includes(useCase.boarding_pass)

  const state = {
    /** `pass`, `starting`, `waiting`, `fetched`, `device`, `deciding`, `paused`, `problem` */
    phase: 'starting',
    /** Whether the wallet scans the gate's code, or shows one of its own. */
    way: 'scan',
    takesPass,
    needsPass: useCase.boarding_pass === 'required',
    showsQr: Boolean(useCase.shown_qr),
    pass: null,
    masked: false,
    passRemark: null,
    typing: false,
    presentation: null,
    line: null,
    problem: null,
    flight: takesPass ? session.flight : '',
    qr: h('img', { class: 'qr', alt: t('qr-alt'), width: 512, height: 512 }),
    bar: h('span', { class: 'life' }),
  }
  let stop = new AbortController()
  let touched = Date.now()
  let lineTimer
  let idle
  const touch = () => {
    touched = Date.now()
    clearTimeout(idle)
    if (state.pass && !state.masked) idle = setTimeout(mask, IDLE_MS)
  }
  const hand = new HandScanner((text) => (takesPass && isBoardingPass(text) ? setPass(text) : undefined))
  const code = shownCode(app, { paint, failed: (error) => failed(error) })

  const isOn = () => app.view === view
  function paint() { if (isOn()) app.paint() }

  function mask() {
    state.masked = true
    paint()
  }

  /** Moves on, and says so to those who do not see it. */
  function enter(phase, spoken) {
    state.phase = phase
    if (spoken) announce(t(spoken))
    paint()
  }

  function failed(error) {
    if (!isOn() || stop.signal.aborted || app.isOver(error)) return
    const kind = error instanceof Trouble ? error.kind : 'away'
    state.problem = error.problem?.message ?? null
    state.line = ['offline', 'away'].includes(kind) ? kind : null
    enter('problem', state.line ? `trouble-${kind}` : 'problem')
  }

  /** What is asked for, in every way of asking. */
  const order = () => ({
    use_case: useCase.name,
    ...(state.pass && { boarding_pass: state.pass }),
    ...(flightOf(state.flight) && { flight: flightOf(state.flight) }),
  })

  /** Ends what is under way with this passenger's wallet. */
  function drop() {
    stop.abort()
    stop = new AbortController()
    clearTimeout(lineTimer)
    code.stop()
    if (state.presentation) api.forget(state.presentation.id)
    Object.assign(state, { presentation: null, line: null, problem: null })
    state.qr.removeAttribute('src')
  }

  /** Makes a code for the wallet to scan; with a required pass, once there is one. */
  async function begin() {
    drop()
    if (state.needsPass && !state.pass) return enter('pass')
    if (state.way === 'show') {
      enter('waiting')
      return code.start()
    }
    const { signal } = stop
    enter('starting')
    try {
      const made = await api.begin({ ...order(), flow: 'cross_device' }, signal)
      if (signal.aborted) return api.forget(made.id)
      state.presentation = made
      seen(made)
      await follow(api, made.id, { signal, seen, trouble })
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Trouble && error.kind === 'gone') return renew()
      if (isAboutPass(error)) return dropPass()
      failed(error)
    }
  }

  function seen(view) {
    if (!isOn()) return
    if (view.state === 'waiting') showRequest(view)
    else if (view.state === 'fetched' && state.phase !== 'fetched') enter('fetched', 'fetched')
    else if (view.state === 'answered' && view.statement) decided(view.statement)
    else if (view.state === 'expired') renew()
  }

  function showRequest(view) {
    if (view.qr_svg) {
      const address = svgAddress(view.qr_svg)
      if (state.qr.getAttribute('src') !== address) state.qr.src = address
    }
    if (view.authorization_request) state.qr.dataset.request = view.authorization_request
    state.presentation = { ...state.presentation, ...view }
    runBar(view.rotates_at)
    if (state.phase !== 'waiting') enter('waiting', 'waiting')
  }

  function runBar(until) {
    state.bar.getAnimations?.().forEach((animation) => animation.cancel())
    const left = Date.parse(until) - serviceNow()
    if (!(left > 0) || matchMedia('(prefers-reduced-motion: reduce)').matches) return
    state.bar.animate([{ transform: 'scaleX(1)' }, { transform: 'scaleX(0)' }], { duration: left, fill: 'forwards' })
  }

  /** The line went, or came back (null). */
  function trouble(kind) {
    clearTimeout(lineTimer)
    const show = () => {
      if (state.line === kind || !isOn()) return
      state.line = kind
      announce(t(kind ? `trouble-${kind}` : 'line-back'), Boolean(kind))
      paint()
    }
    if (kind === null || state.line) show()
    else lineTimer = setTimeout(show, GRACE_MS)
  }

  function renew() {
    if (Date.now() - touched < ABANDONED_MS) return begin()
    drop()
    enter('paused')
  }

  /** Shows the answer; that of a presentation, or of what a wallet showed as codes, which the service does not hold. */
  function decided(statement, shownId) {
    const id = shownId ?? state.presentation?.id
    state.presentation = null
    stop.abort()
    app.go(answer(app, statement, { id, isHeld: shownId === undefined }))
  }

  async function setPass(text) {
    touch()
    state.passRemark = null
    state.typing = false
    if (!isBoardingPass(text)) {
      state.passRemark = 'not-a-boarding-pass'
      state.typing = true
      return paint()
    }
    Object.assign(state, { pass: text, masked: false })
    touch()
    announce(t('pass-read'))
    if (!state.presentation) {
      if (state.phase === 'pass') return begin()
      return paint()
    }
    paint()
    try {
      await api.addBoardingPass(state.presentation.id, text)
    } catch (error) {
      if (app.isOver(error)) return
      if (isAboutPass(error)) dropPass()
      else begin()
    }
  }

  /** The service reads a pass whole; what it cannot read is scanned again. */
  function dropPass() {
    Object.assign(state, { pass: null, passRemark: 'pass-unreadable' })
    announce(t('pass-unreadable'), true)
    begin()
  }

  function removePass() {
    state.pass = null
    begin()
  }

  async function decideShown(frames) {
    enter('deciding', 'deciding')
    try {
      const { id, statement } = await api.decideShown({ ...order(), frames })
      decided(statement, id)
    } catch (error) {
      failed(error)
    }
  }

  function openScanner() {
    touch()
    scan({
      title: t(state.phase === 'pass' ? 'scan-pass' : takesPass && state.showsQr ? 'scan-any' : takesPass ? 'scan-pass' : 'scan-shown'),
      hint: t(state.phase === 'pass' ? 'scan-pass-hint' : 'scan-hint'),
      byHand: takesPass ? () => { state.typing = true; paint(); document.getElementById('pass-text')?.focus() } : null,
      take: device.recognise(state, { pass: setPass, shown: decideShown }),
    })
  }

  const acts = {
    scan: openScanner,
    setPass,
    removePass,
    again: () => { touch(); begin() },
    type: () => { state.typing = !state.typing; paint(); document.getElementById('pass-text')?.focus() },
    setFlight: (text) => {
      if (text === state.flight) return
      session.flight = state.flight = text
      if (state.presentation) begin()
    },
    way: (way) => { state.way = way; touch(); begin() },
    sameDevice: () => ask('same_device'),
    browser: () => ask('dc_api'),
  }

  /** Asks a wallet on this very device. */
  async function ask(flow) {
    touch()
    drop()
    const { signal } = stop
    enter('device', 'device-waiting')
    try {
      const statement = await device.ask({ api, order: order(), flow, signal, trouble, began: (made) => { state.presentation = made } })
      if (signal.aborted) return
      if (statement) decided(statement)
      else begin()
    } catch (error) {
      if (!signal.aborted) failed(error)
    }
  }

  const view = {
    name: 'gate',
    render: () => [
      state.line && state.phase !== 'problem' && notice('calm', t(`trouble-${state.line}`)),
      h('div', { class: 'gate' },
        stage(app, state, acts, code),
        h('div', { class: 'side' },
          takesPass && state.phase !== 'pass' && passPanel(state, acts),
          takesPass && ['pass', 'waiting'].includes(state.phase) && flightPanel(state, acts),
          devicePanel(state, acts),
          recentPanel())),
    ],
    start() {
      addEventListener('pointerdown', touch)
      addEventListener('keydown', touch)
      hand.start()
      begin()
    },
    stop() {
      clearTimeout(idle)
      removeEventListener('pointerdown', touch)
      removeEventListener('keydown', touch)
      hand.stop()
      drop()
    },
  }
  return view
}
