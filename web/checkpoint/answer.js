// The answer: colour, sign, word and sound; who it is; why; and what to do now.
import { admission } from './admission.js'
import { announce, h, hush, icon, sign } from './dom.js'
import * as claims from './claims.js'
import { isTyping } from './hand-scanner.js'
import * as recent from './recent.js'
import * as sound from './sound.js'
import { has, inOther, otherLanguage, said, span, t } from './words.js'

/** Personal data leave the screen when nobody did anything for so long. */
const IDLE_MS = 60_000
/** A key pressed for what was on the screen before is not meant for the answer. */
const DEAF_MS = 700

/** `id` names the decision; `isHeld` says that the service holds the result until it is told to forget it. */
export function answer(app, statement, { id, isHeld }) {
  const { decision } = statement
  const entry = recent.remember(statement, app.useCase)
  const shownAt = performance.now()
  let data = statement
  let arriving = true
  let idle
  const admitting = decision === 'undetermined' ? admission(app, { id, reason: statement.reason, entry, paint }) : null

  function paint() { if (app.view === view) app.paint() }

  function next() { app.begin(app.useCase) }

  /** Takes everything personal off the screen and out of the page's memory. What was decided stays. */
  function wipe() {
    data = { ...statement, credential: null, credentials: [], boarding: null, wiped: true }
    statement = data
    hush()
    announce(t('wiped'))
    paint()
  }

  function rest() {
    clearTimeout(idle)
    if (!data.wiped) idle = setTimeout(wipe, IDLE_MS)
  }

  function keys(event) {
    rest()
    if (!['n', 'N', ' ', 'Enter'].includes(event.key) || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key.length === 1 && isTyping()) return
    if (performance.now() - shownAt < DEAF_MS) return event.preventDefault()
    if (event.target.closest?.('dialog, input, textarea, select')) return
    if (event.key.toLowerCase() !== 'n' && event.target.closest?.('button, a, summary')) return
    event.preventDefault()
    next()
  }

  function press() {
    if (performance.now() - shownAt >= DEAF_MS) next()
  }

  const view = {
    name: 'answer',
    decision,
    render: () => h('article', { class: `answer ${decision}${arriving ? ' arriving' : ''}`, 'aria-labelledby': 'verdict' },
      h('div', { class: 'told' },
        h('div', { class: 'lead' }, verdict(data), admitting?.steps()),
        h('div', { class: 'facts' },
          data.wiped ? h('div', { class: 'card wiped' }, icon('person'), h('p', {}, t('wiped-words'))) : person(data, app.useCase),
          data.boarding && boarding(data.boarding)),
        details(data)),
      h('div', { class: 'next-bar' },
        admitting?.button(),
        h('button', { type: 'button', id: 'next', class: 'button next', on: { click: press } }, h('span', {}, t('next')), h('kbd', { 'aria-hidden': 'true' }, 'N'), icon('next')))),
    start() {
      arriving = false
      sound.play(decision)
      announce([t(`decision-${decision}`), said(data.message), spokenBoarding(data.boarding)].filter(Boolean).join(' '), true)
      addEventListener('keydown', keys)
      addEventListener('pointerdown', rest)
      addEventListener('scroll', rest, { passive: true, capture: true })
      rest()
      learnTypes()
    },
    stop() {
      clearTimeout(idle)
      removeEventListener('keydown', keys)
      removeEventListener('pointerdown', rest)
      removeEventListener('scroll', rest, { capture: true })
      admitting?.close()
      // The service forgets it by itself too, but why should it know longer than the screen does.
      if (isHeld) app.api?.forget(id)
      hush()
      data = statement = { decision }
    },
  }

  async function learnTypes() {
    await Promise.all(credentialsOf(data, app.useCase).map((credential) => claims.learn(credential.type)))
    paint()
  }

  return view
}

/** What was presented, each with what the use case says of it. */
function credentialsOf({ credentials, credential }, useCase) {
  const asked = (id) => useCase.credentials?.find((one) => one.id === id)
  const all = (credentials ?? []).filter((one) => one.credential).map((one) => ({ ...one.credential, asked: asked(one.query_id) }))
  return all.length > 0 ? all : [credential].filter(Boolean)
}

/** What an officer reads from two metres away. */
function verdict({ decision, message, who_can_fix: who, status }) {
  return h('header', { class: 'verdict' },
    sign(decision),
    h('div', { class: 'verdict-words' },
      h('h1', { id: 'verdict', tabindex: -1, 'data-focus': true },
        h('span', {}, t(`decision-${decision}`)),
        h('span', { class: 'second', lang: otherLanguage() }, inOther(`decision-${decision}`))),
      h('p', { class: 'reason' }, said(message)),
      decision !== 'accepted' && who && h('p', { class: 'who' }, h('span', {}, t('who-can-fix')), ' ', t(`who-${who}`)),
      statusAge(status) && h('p', { class: 'age' }, icon('clock'), statusAge(status))))
}

/** What is known of the status, and how fresh that is. */
function statusAge(status) {
  if (!status || typeof status.age_seconds !== 'number') return status?.value === 'unknown' ? t('status-unknown') : null
  const value = t(`status-${status.value}`)
  return status.age_seconds < 1 ? t('status-now', { value }) : t('status-age', { value, age: span(status.age_seconds) })
}

/** Who it is. Where no portrait is asked for, none is missing. */
function person(data, useCase) {
  const credentials = credentialsOf(data, useCase)
  if (credentials.length === 0) return null
  const picture = asksPortrait(useCase) && claims.portrait(credentials)
  return h('div', { class: `card person${picture ? '' : ' faceless'}` },
    picture,
    h('div', { class: 'who-it-is' },
      claims.names(credentials),
      credentials.map((credential) => [
        credentials.length > 1 && h('h2', {}, claims.titleOf(credential)),
        claims.list(credential)])))
}

const asksPortrait = ({ credentials }) => (credentials ?? []).some((credential) => (credential.claims ?? []).some(({ path }) => path?.[0] === 'portrait'))

const flightLine = (part) => [part.flight, part.date, part.from && `${part.from} → ${part.to}`].filter(Boolean)

function boarding(part) {
  const result = part.result ?? (part.match ? 'match' : 'mismatch')
  return h('div', { class: `card boarding ${result}` },
    h('h2', {}, icon('ticket'), t('boarding-pass'), h('span', { class: `tag ${result}` }, t(`boarding-${result}`))),
    h('p', { class: 'pass-name' }, part.passenger),
    h('p', { class: 'pass-flight' }, flightLine(part).map((text) => h('span', {}, text)), part.seat && h('span', { class: 'seat' }, t('seat-n', { seat: part.seat }))),
    (part.reasons ?? []).length > 0 && h('ul', { class: 'differences' }, part.reasons.map((name) => h('li', {}, difference(name)))))
}

const difference = (name) => (has(`difference-${name}`) ? t(`difference-${name}`) : name)

const spokenBoarding = (part) => part && `${t('boarding-pass')}: ${t(`boarding-${part.result ?? (part.match ? 'match' : 'mismatch')}`)}.`

/** Every check by name, for whoever has to look into it. */
function details(data) {
  const checks = data.checks ?? []
  if (checks.length === 0) return null
  const result = { passed: '✓', failed: '✕', not_checked: '–' }
  return h('details', { class: 'card checks' },
    h('summary', { id: 'checks' }, t('checks')),
    h('ul', {}, checks.map((check) => h('li', { class: check.result },
      h('span', { 'aria-hidden': 'true' }, result[check.result]),
      h('span', {}, has(`check-${check.name}`) ? t(`check-${check.name}`) : check.name),
      h('span', { class: 'soft' }, t(`check-result-${check.result}`))))),
    h('p', { class: 'soft small' }, `${data.reason} · ${data.checked_at}`))
}
